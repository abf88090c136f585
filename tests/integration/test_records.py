"""What a task leaves on record is there, or the task has failed: nothing is lost without a word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from data_ops import runs
from data_ops.delta import ledger, table_manager
from data_ops.delta.ledger import Entry
from data_ops.utils.errors import DataOpsError
from tests.integration.lakehouse import SAMPLE, Lakehouse


def test_two_feeds_that_end_at_once_in_a_new_lakehouse_are_both_on_record(spark):
    name = Lakehouse(spark, SAMPLE, name="record").settings.table("ops", "row_ledger")

    def record(feed: str) -> None:
        entries = [Entry(feed, "file", "landed", 1)]
        stamp = {"run_id": "r", "recorded_at": datetime.now(UTC)}
        ledger.record(spark, ledger.ROW_LEDGER, name, entries, **stamp)

    with ThreadPoolExecutor(2) as pool:
        written = [pool.submit(record, feed) for feed in ("beneficiary", "beneficiary_history")]
    assert [future.exception() for future in written] == [None, None]
    assert spark.table(name).count() == 2


def test_a_task_whose_record_cannot_be_written_fails(spark, monkeypatch):
    def full(*arguments, **stamps):
        raise OSError("no space left on device")

    monkeypatch.setattr(ledger, "record", full)
    run = Lakehouse(spark, SAMPLE, name="record").context()
    with pytest.raises(Exception, match="OSError|no space left"):
        runs.recorded(run, {"silver_demographics": lambda outcome: None})


def test_what_needs_a_table_that_failed_is_not_begun_and_all_else_is_on_record_at_once(spark):
    run, begun = Lakehouse(spark, SAMPLE, name="record").context(), []

    def work(outcome):
        begun.append(outcome.table)
        outcome.entries = [Entry(outcome.table, "bronze_beneficiary", "contributed", 1)]
        if outcome.table == "silver_enrollment":
            raise RuntimeError("1950-02-03 is no month")  # a value, which no record may show

    needs = {
        "silver_eligibility": ["silver_enrollment"],
        "gold_member_months": ["silver_eligibility"],
    }
    names = ["silver_demographics", "silver_enrollment", *needs]
    with pytest.raises(DataOpsError, match="silver_enrollment"):
        runs.recorded(run, dict.fromkeys(names, work), needs)
    assert set(begun) == {"silver_demographics", "silver_enrollment"}
    logged = spark.table(run.ops(ledger.RUN_LOG)).collect()
    assert {row.table_name: row.state for row in logged} == {
        "silver_demographics": "written",
        "silver_enrollment": "failed",
    }
    assert all(row.started_at <= row.finished_at for row in logged)
    assert not any("1950" in row.message for row in logged)
    for table in (ledger.RUN_LOG, ledger.ROW_LEDGER):
        assert table_manager.version(spark, run.ops(table)) == 1  # created, and one append


def test_a_table_is_begun_when_those_it_needs_have_ended(spark):
    run, ended = Lakehouse(spark, SAMPLE, name="record").context(), []
    needs = {"c": ["b"], "b": ["a"], "a": ["not of this task"]}
    runs.recorded(run, dict.fromkeys("abc", lambda outcome: ended.append(outcome.table)), needs)
    assert ended == ["a", "b", "c"]
