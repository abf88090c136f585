"""What changed since a version is told by rows, or not at all."""

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from data_ops.config import load_settings
from data_ops.delta.changes import changes_since
from data_ops.delta.table_manager import version
from data_ops.runs import Run, get_domain
from data_ops.tasks import _table


@pytest.fixture
def letters(spark, new_table):
    """A table of letters with its changes kept, whose log is summed up every other version."""
    name = new_table()
    kept = "'delta.enableChangeDataFeed' = 'true', 'delta.checkpointInterval' = '2'"
    spark.sql(f"CREATE TABLE {name} (letter STRING) USING delta TBLPROPERTIES ({kept})")
    return name


def add(spark, name: str, *letters: str) -> None:
    spark.createDataFrame([(one,) for one in letters], "letter STRING").write.mode(
        "append"
    ).saveAsTable(name)


def told(spark, name: str, since: int, **options) -> list[tuple] | None:
    changes = changes_since(spark, name, since, **options)
    return changes and sorted((row._change_type, row.letter) for row in changes.collect())


def commit_of(spark, name: str, version: int) -> Path:
    place = spark.sql(f"DESCRIBE DETAIL {name}").first().location
    return Path(urlsplit(place).path) / "_delta_log" / f"{version:020}.json"


def test_rows_of_several_commits_are_told_and_of_those_before_none(spark, letters):
    for letter in "abc":
        add(spark, letters, letter)
    assert told(spark, letters, 1) == [("insert", "b"), ("insert", "c")]
    assert told(spark, letters, 3) == []


def test_of_a_table_that_grows_it_is_not_told_by_rows_what_was_taken_out(spark, letters):
    add(spark, letters, "a", "b")
    assert told(spark, letters, 0, grows=True) == [("insert", "a"), ("insert", "b")]
    spark.sql(f"DELETE FROM {letters} WHERE letter = 'a'")
    assert told(spark, letters, 1) == [("delete", "a")]
    assert told(spark, letters, 0, grows=True) is None
    assert told(spark, letters, 2, grows=True) == []


def test_where_the_log_has_forgotten_a_commit_it_is_not_told_by_rows(spark, letters):
    for letter in "abcde":
        add(spark, letters, letter)
    for commit in (0, 1, 2):
        commit_of(spark, letters, commit).unlink()
    assert told(spark, letters, 3) == [("insert", "d"), ("insert", "e")]
    assert told(spark, letters, 2) == [("insert", "c"), ("insert", "d"), ("insert", "e")]
    assert told(spark, letters, 1) is None


@pytest.mark.parametrize(("days", "known"), [(6, True), (8, False)])
def test_what_was_written_more_than_a_week_ago_may_be_vacuumed_and_is_not_told(
    spark, letters, days, known
):
    add(spark, letters, "a")
    add(spark, letters, "b")
    now = time.time()
    for commit, age in ((0, 30), (1, 20), (2, days)):
        when = now - age * 86_400
        os.utime(commit_of(spark, letters, commit), (when, when))
    assert told(spark, letters, 1) == ([("insert", "b")] if known else None)
    assert told(spark, letters, 2) == []  # nothing came since, however long ago


def test_of_a_table_that_took_anothers_place_it_is_not_told_by_rows(spark, letters):
    assert told(spark, letters, version(spark, letters) + 3) is None


def test_where_frames_cannot_be_kept_claims_are_built_by_the_person(monkeypatch):
    run = Run(None, load_settings(environment="local"), "run", get_domain("claims"))
    here = _table(run, "silver_medical")
    assert here is run.domain.table("silver_medical") and here.local.thing == "claim_id"
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    there = _table(run, "silver_medical")
    assert there.local.thing == "" and there.local.key == here.local.key
    assert _table(run, "gold_pmpm").local is None
