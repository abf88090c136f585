"""A run is undone as far as it can be, and what could not be is said."""

import shutil
import time
from datetime import UTC, datetime
from itertools import count

import pytest
from pyspark.errors import PySparkException

from data_ops.config import load_settings
from data_ops.delta import ledger, table_manager
from data_ops.operations.contracts import contract
from data_ops.plan import runs_of
from data_ops.undo import undo
from data_ops.utils.errors import ParameterError, TaskError
from data_ops.utils.logging import new_run_id

_numbers = count(1)
NAMES = ("silver_demographics", "gold_member_current")


@pytest.fixture
def ran(spark):
    """A lakehouse with two tables that a run named good and then one named bad wrote."""
    made = f"test_undo_{next(_numbers)}"
    settings = load_settings(environment="local", member_schema=made, ops_schema=f"{made}_ops")
    names = [settings.table("member", name) for name in NAMES]
    spark.sql(f"CREATE SCHEMA {made}")
    for name in names:
        spark.sql(f"CREATE TABLE {name} (word STRING) USING delta")
    log = settings.table("ops", ledger.RUN_LOG.name)
    for run in ("good", "bad"):
        began = datetime.now(UTC)
        for name in names:
            spark.sql(f"INSERT INTO {name} VALUES ('{run}')")
        lines = [{"table_name": name, "state": "written", "started_at": began} for name in NAMES]
        ledger.record(spark, ledger.RUN_LOG, log, lines, run_id=run)
    return settings, names, log


def words(spark, names) -> list[list[str]]:
    return [sorted(row.word for row in spark.table(name).collect()) for name in names]


def test_an_undo_can_be_undone(spark, ran):
    settings, names, _ = ran
    undo(spark, settings, "bad", names, "mend")
    assert words(spark, names) == [["good"]] * 2
    undo(spark, settings, "mend", names, "mind changed")
    assert words(spark, names) == [["bad", "good"]] * 2


def test_what_a_run_did_is_undone_in_a_copy_whose_files_are_all_of_today(spark, tmp_path):
    made = f"test_undo_{next(_numbers)}"
    settings = load_settings(environment="local", member_schema=made, ops_schema=f"{made}_ops")
    words_of = contract(
        "silver_words", grain="one row per word", key="word", columns="word STRING w", audit=False
    )
    name = settings.table("member", "silver_words")
    table_manager.create(spark, words_of, name)
    for run in ("good", "bad"):
        line = {"table_name": "silver_words", "state": "written", "started_at": datetime.now(UTC)}
        spark.sql(f"INSERT INTO {name} VALUES ('{run}')")
        ledger.record(spark, ledger.RUN_LOG, settings.table("ops", "run_log"), [line], run_id=run)
    where = spark.sql(f"DESCRIBE DETAIL {name}").select("location").first().location
    copy = shutil.copytree(where.removeprefix("file:"), tmp_path / "silver_words")
    for path in copy.rglob("*"):
        path.touch()
    spark.sql(f"DROP TABLE {name}")
    spark.sql(f"CREATE TABLE {name} USING delta LOCATION '{copy}'")
    undo(spark, settings, "bad", [name], "mend")
    assert words(spark, [name]) == [["good"]]


def test_a_table_that_cannot_be_taken_back_is_named_and_the_others_are_on_record(
    spark, ran, monkeypatch
):
    settings, names, log = ran
    restore = table_manager.restore

    def some(spark, name, to):
        if name == names[0]:
            raise PySparkException("a file with Ada in it is gone")
        restore(spark, name, to)

    monkeypatch.setattr(table_manager, "restore", some)
    with pytest.raises(TaskError, match="1 of 2 tables.*silver_demographics") as told:
        undo(spark, settings, "bad", names, "mend")
    assert "Ada" not in str(told.value) and "gold_member_current" not in str(told.value)
    assert words(spark, names) == [["bad", "good"], ["good"]]
    restored = spark.table(log).where("run_id = 'mend'").collect()
    found = [(row.table_name, row.state, row.rows_out) for row in restored]
    assert found == [(NAMES[1], "restored", 1)]


def test_a_run_that_was_killed_before_it_was_on_record_is_undone_by_when_it_began(
    spark, ran, tmp_path
):
    settings, names, _ = ran
    time.sleep(1.1)  # an id tells the second, which must not be the run's before
    killed = new_run_id()
    (tmp_path / "runs" / killed).mkdir(parents=True)
    spark.sql(f"INSERT INTO {names[0]} VALUES ('half')")
    with pytest.raises(ParameterError, match=killed):
        undo(spark, settings, killed, names, "mend")
    undo(spark, settings, killed, names, "mend", runs_of(tmp_path))
    assert words(spark, names) == [["bad", "good"]] * 2


def test_a_runs_folder_tells_when_it_began(tmp_path):
    (tmp_path / "runs/20260131T235959-0a1b2c").mkdir(parents=True)
    for other in ("notes", "about-T-mobile", "20260131-x", "20261331T235959-0a1b2c"):
        (tmp_path / "runs" / other).mkdir()
    assert runs_of(tmp_path) == {
        "20260131T235959-0a1b2c": datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    }
    assert runs_of(tmp_path / "nowhere") == {}
    (tmp_path / "runs" / new_run_id()).mkdir()
    assert len(runs_of(tmp_path)) == 2
