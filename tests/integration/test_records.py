"""What a task leaves on record is there, or the task has failed: nothing is lost without a word."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from data_ops import runs
from data_ops.delta import ledger
from data_ops.delta.ledger import Entry
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
