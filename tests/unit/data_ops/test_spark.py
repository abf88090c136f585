"""The one way to a session."""

import os

import pytest
from pyspark.errors.exceptions.connect import SparkConnectException

from data_ops.utils import spark as module
from data_ops.utils.local_server import default_root
from data_ops.utils.spark import (
    _is_free,
    get_session,
    kept,
    locked,
    named,
    on_databricks,
    register_tables,
    sent_if_few,
)
from tests.plans import physical_plan

CLASSIC = os.environ.get("DATA_OPS_SPARK_MODE") == "classic"


def test_a_databricks_runtime_is_known_by_its_version(monkeypatch):
    assert not on_databricks()
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert on_databricks()


@pytest.mark.classic
def test_there_is_one_session_however_often_one_asks(spark):
    assert get_session() is get_session() is spark


@pytest.mark.classic
def test_the_session_speaks_utc_and_keeps_its_tables_under_the_root(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:") == str(
        default_root() / "warehouse"
    )


@pytest.mark.skipif(CLASSIC, reason="speaks of Connect")
def test_the_session_is_spark_connect_where_there_is_no_spark_context(spark):
    assert type(spark).__module__ == "pyspark.sql.connect.session"
    assert os.environ["SPARK_REMOTE"].startswith("sc://localhost:")


@pytest.mark.classic
@pytest.mark.skipif(not CLASSIC, reason="speaks of classic Spark")
def test_asking_for_the_session_again_leaves_tables_alone(spark):
    spark.sql("CREATE SCHEMA IF NOT EXISTS demo_again")
    spark.range(3).write.mode("overwrite").saveAsTable("demo_again.kept")
    get_session()
    assert spark.table("demo_again.kept").count() == 3


@pytest.mark.classic
def test_a_file_is_one_file_wherever_the_folder_lies(spark, tmp_path):
    """No checksum beside it, and a link to a folder is as good as the folder."""
    spark.sql("CREATE SCHEMA IF NOT EXISTS demo_files")
    spark.range(3).write.mode("overwrite").saveAsTable("demo_files.written")
    folder = default_root() / "warehouse" / "demo_files.db" / "written"
    assert [path for path in folder.rglob("*.crc") if path.name.startswith(".")] == []
    (tmp_path / "linked").symlink_to(folder)
    assert spark.read.format("delta").load(str(tmp_path / "linked")).count() == 3


@pytest.mark.classic
def test_a_kept_frame_is_computed_once_for_all_its_uses(spark):
    with kept(spark.sql("SELECT uuid() AS drawn")) as held:
        assert held.first().drawn == held.first().drawn


@pytest.mark.classic
@pytest.mark.skipif(not CLASSIC, reason="asks Spark's context")
def test_kept_rows_are_bytes_which_leave_memory_to_those_who_work_on_them(spark):
    with kept(spark.range(3)):
        rdds = spark.sparkContext._jsc.getPersistentRDDs().values()
        levels = [rdd.getStorageLevel() for rdd in rdds]
    assert levels and all(level.useDisk() and not level.deserialized() for level in levels)


@pytest.mark.skipif(CLASSIC, reason="speaks of Spark Connect")
def test_a_kept_frame_is_let_go_with_its_block_and_never_by_the_garbage_collector(spark):
    with pytest.raises(ZeroDivisionError), kept(spark.range(3)) as held:
        1 / 0  # noqa: B018
    assert held._plan._spark_session is None
    with pytest.raises(SparkConnectException, match="No DataFrame with id"):
        held.select("id").collect()


@pytest.mark.classic
def test_a_named_frame_has_its_name_inside_the_block_only(spark):
    def views() -> set[str]:
        return {row.viewName for row in spark.sql("SHOW VIEWS").collect() if row.isTemporary}

    before = views()
    with pytest.raises(ZeroDivisionError), named(spark.range(5)) as df:
        assert df.count() == 5 and len(views() - before) == 1
        1 / 0  # noqa: B018
    assert views() == before


@pytest.mark.parametrize(("rows", "sent"), [(3, True), (1_000_000, False)])
def test_few_kept_rows_are_sent_to_where_others_lie(spark, rows, sent):
    """Left alone, Spark exchanges and sorts both sides: it takes what is kept for large."""
    with kept(spark.range(10_000_000).where("id < 3")) as ids:
        joined = spark.range(10).join(sent_if_few(ids, rows), "id", "left_semi")
        assert ("BroadcastHashJoin" in physical_plan(joined)) == sent
        assert joined.count() == 3


def test_where_frames_cannot_be_kept_it_is_the_frame_itself(monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    frame = object()
    with kept(frame) as df:
        assert df is frame


def test_on_databricks_the_workspaces_own_session_is_taken(monkeypatch):
    class Builder:
        getOrCreate = staticmethod(lambda: "the workspace's")

    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.setattr(module, "SparkSession", type("Fake", (), {"builder": Builder}))
    assert get_session() == "the workspace's"


# Tables of earlier runs


@pytest.fixture
def lakehouse(spark, tmp_path):
    """What an earlier run leaves: a table, one without a commit, a notebook's scratch paper."""
    warehouse = tmp_path / "warehouse"
    spark.range(2).write.format("delta").save(str(warehouse / "test_earlier.db" / "silver_x"))
    spark.range(1).write.format("delta").save(str(warehouse / "demo_paper.db" / "x"))
    (warehouse / "test_earlier.db" / "half_made" / "_delta_log").mkdir(parents=True)
    written = warehouse / "test_earlier.db" / "half_written" / "_delta_log"
    written.mkdir(parents=True)  # killed when the first commit was about to get its name
    (written / f".{0:020}.json.7c0c9eb5.tmp").write_text('{"commitInfo": {}}')
    yield tmp_path
    spark.sql("DROP SCHEMA IF EXISTS test_earlier CASCADE")


def test_tables_of_an_earlier_run_are_there_again_and_what_is_none_is_cleared(spark, lakehouse):
    assert register_tables(spark, lakehouse) == 1
    assert spark.table("test_earlier.silver_x").count() == 2
    left = {path.name for path in (lakehouse / "warehouse").glob("*/*")}
    assert left == {"silver_x"} and not spark.catalog.databaseExists("demo_paper")


def test_what_another_process_may_be_making_is_left_while_it_holds_the_lakehouse(spark, lakehouse):
    there = {path.name for path in (lakehouse / "warehouse").glob("*/*")}
    with locked(lakehouse):
        assert not _is_free(lakehouse)
    assert _is_free(lakehouse)
    assert register_tables(spark, lakehouse, tidy=False) == 1
    assert {path.name for path in (lakehouse / "warehouse").glob("*/*")} == there > {"silver_x"}


def test_registering_again_changes_nothing(spark, lakehouse):
    assert [register_tables(spark, lakehouse) for _ in range(2)] == [1, 1]
    assert spark.table("test_earlier.silver_x").count() == 2


def test_a_root_without_a_warehouse_has_no_tables(spark, tmp_path):
    assert register_tables(spark, tmp_path) == 0


def test_a_root_may_have_an_apostrophe_in_its_name(spark, lakehouse):
    moved = lakehouse.rename(lakehouse.with_name("o'brien"))
    assert register_tables(spark, moved) == 1


def test_data_that_is_no_delta_table_is_not_thrown_away(spark, tmp_path):
    mine = tmp_path / "warehouse" / "mine.db" / "export" / "part-0.parquet"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"PAR1")
    register_tables(spark, tmp_path)
    assert mine.exists()
