"""Each format as a frame that knows where its rows came from, and a word where there are none."""

from hashlib import sha256
from unittest.mock import MagicMock

import pytest

from data_ops.operations import readers
from data_ops.operations.readers import (
    read_csv,
    read_delta,
    read_json,
    read_parquet,
    read_table,
    row_hash,
    stream_files,
)
from data_ops.operations.writers import write_delta
from data_ops.utils.errors import SourceError

FILES = (read_csv, read_json, read_parquet)


def hash_of(text: str) -> str:
    """What `row_hash` is said to be."""
    return sha256(text.encode()).hexdigest()[:32]


@pytest.fixture(scope="module")
def folder(spark, tmp_path_factory):
    """The same three rows as csv (twice), json, parquet and Delta."""
    folder = tmp_path_factory.mktemp("raw")
    for name in ("one.csv", "two.csv"):
        (folder / "csv").mkdir(exist_ok=True)
        (folder / "csv" / name).write_text("id,name\n1,Zoë\n2,\n,\n", encoding="utf-8")
    (folder / "pipes.csv").write_text("id|name\n1|a,b\n")
    (folder / "header_only.csv").write_text("id,name\n")
    (folder / "rows.json").write_text('{"id":"1","name":"Zoë"}\n{"id":"2"}\n', encoding="utf-8")
    rows = spark.createDataFrame([("1", "Zoë"), ("2", None)], "id STRING, name STRING")
    rows.coalesce(1).write.parquet(str(folder / "parquet"))
    rows.write.format("delta").save(str(folder / "delta"))
    rows.limit(1).write.format("delta").mode("append").save(str(folder / "delta"))
    return folder


def test_csv_rows_carry_their_file_and_a_hash_of_their_content(folder):
    content = [
        ("1", "Zoë", hash_of('{"id":"1","name":"Zoë"}')),
        ("2", None, hash_of('{"id":"2"}')),
        (None, None, hash_of("{}")),
    ]
    rows = read_csv(str(folder / "csv")).collect()
    found = {(*row[:3], row._source_file.removeprefix(f"file:{folder}")) for row in rows}
    assert found == {(*row, f"/csv/{name}.csv") for row in content for name in ("one", "two")}
    assert len(rows) == 6


@pytest.mark.parametrize(("read", "name"), [(read_json, "rows.json"), (read_parquet, "parquet")])
def test_the_same_row_has_the_same_hash_in_every_format(folder, read, name):
    rows = read(str(folder / name)).orderBy("id").collect()
    assert [row._row_hash for row in rows] == [
        hash_of('{"id":"1","name":"Zoë"}'),
        hash_of('{"id":"2"}'),
    ]
    assert all(f"/{name}" in row._source_file for row in rows)


def test_a_hash_can_be_taken_of_any_text(spark):
    (row,) = spark.sql(f"SELECT {row_hash('line')} AS h FROM VALUES ('a|b') AS t(line)").collect()
    assert row.h == hash_of("a|b")


def test_the_separator_is_the_callers(folder):
    (row,) = read_csv(str(folder / "pipes.csv"), separator="|").collect()
    assert (row.id, row.name) == ("1", "a,b")


def test_a_schema_and_options_go_to_spark(folder):
    df = read_csv(str(folder / "csv" / "one.csv"), schema="n INT, t STRING", nullValue="2")
    assert [row.n for row in df.where("n IS NOT NULL OR t IS NOT NULL").collect()] == [1]


def test_a_file_with_only_a_header_has_columns_and_no_row(folder):
    df = read_csv(str(folder / "header_only.csv"))
    assert df.columns[:2] == ["id", "name"] and df.count() == 0


@pytest.mark.parametrize("read", [*FILES, read_delta])
def test_a_path_that_is_not_there_is_named_at_once(spark, read):
    with pytest.raises(SourceError, match=r"\(nowhere/at_all\).*check the path") as caught:
        read("nowhere/at_all")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", FILES)
def test_an_empty_folder_is_named_at_once(spark, tmp_path, read):
    with pytest.raises(SourceError, match=str(tmp_path)):
        read(str(tmp_path))


@pytest.mark.parametrize("read", FILES)
def test_an_empty_folder_is_named_with_a_schema_too(spark, tmp_path, read):
    with pytest.raises(SourceError, match=str(tmp_path)):
        read(str(tmp_path), schema="id STRING").count()


def test_a_delta_folder_is_read_as_of_a_version(folder):
    path = str(folder / "delta")
    assert [read_delta(path, version).count() for version in (None, 0)] == [3, 2]


@pytest.mark.parametrize("name", ["parquet", "csv"])
def test_a_folder_that_is_no_delta_table_is_named(folder, name):
    with pytest.raises(SourceError, match=f"not a Delta table .*/{name}"):
        read_delta(str(folder / name))


def test_a_version_that_never_was_is_refused(folder):
    with pytest.raises(SourceError, match="check the path and the version"):
        read_delta(str(folder / "delta"), version=9)


def test_a_table_is_read_by_name_and_as_of_a_version(spark, new_table):
    name = new_table()
    write_delta(spark.range(2), name)
    write_delta(spark.range(1), name)
    assert [read_table(name, version).count() for version in (None, 0)] == [3, 2]


def test_a_table_that_is_not_there_is_named(spark):
    with pytest.raises(SourceError, match=r"no such table \(test_unit.nothing\): run the job"):
        read_table("test_unit.nothing")


def test_a_stream_brings_each_line_of_each_file_once(spark, new_table, tmp_path):
    source, name = tmp_path / "in", new_table()
    source.mkdir()

    def land(file: str, text: str):
        (source / file).write_text(text)
        lines = stream_files(str(source)).writeStream.trigger(availableNow=True)
        lines.option("checkpointLocation", str(tmp_path / "at")).toTable(name).awaitTermination()

    land("1.txt", "a\nb\n")
    land("2.txt", "c\n")
    assert sorted(row.value for row in spark.table(name).collect()) == ["a", "b", "c"]


def test_on_databricks_a_stream_is_auto_loader_with_rescued_data(monkeypatch):
    session = MagicMock()
    stream = session.readStream.options.return_value
    stream.format.return_value = stream.option.return_value = stream.schema.return_value = stream
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.setattr(readers, "get_session", lambda: session)
    stream_files("/Volumes/x", "csv", "id STRING", header="true")
    session.readStream.options.assert_called_once_with(header="true")
    stream.format.assert_called_once_with("cloudFiles")
    options = dict(call.args for call in stream.option.call_args_list)
    assert options == {"cloudFiles.format": "csv", "rescuedDataColumn": "_rescued_data"}
    stream.load.assert_called_once_with("/Volumes/x")
