"""The account balances or the run stops; verdicts follow from counts; all goes on record."""

from datetime import UTC, datetime

import pytest
from chispa import assert_df_equality

from data_ops.delta.ledger import (
    OPS_TABLES,
    QUALITY_METRICS,
    ROW_LEDGER,
    RUN_LOG,
    Entry,
    Metric,
    check_balance,
    check_metrics,
    metric,
    record,
)
from data_ops.delta.table_manager import exists, version
from data_ops.operations.quality import Rule
from data_ops.utils.errors import LedgerError, QualityError

STAMP = {"run_id": "r-1", "recorded_at": datetime(2025, 1, 15, tzinfo=UTC)}


def entries(*counts: int) -> list[Entry]:
    """One entry a count."""
    return [Entry("silver_x", "bronze_x", f"end {n}", count) for n, count in enumerate(counts)]


# Balance


@pytest.mark.parametrize(("counts", "rows_in"), [((), 0), ((7,), 7), ((90, 10, 0), 100)])
def test_ends_that_add_up_to_the_rows_that_came_in_pass(counts, rows_in):
    check_balance(iter(entries(*counts)), rows_in, "silver_x")


@pytest.mark.parametrize(("counts", "rows_in"), [((), 1), ((1000, 1), 1000), ((90, 10), 101)])
def test_a_row_too_few_or_too_many_stops_the_run_in_one_line_with_both_counts(counts, rows_in):
    with pytest.raises(LedgerError, match=r"\(silver_x\)") as caught:
        check_balance(entries(*counts), rows_in, "silver_x")
    assert f"{rows_in:,} rows in, {sum(counts):,} accounted for" in str(caught.value)
    assert "\n" not in str(caught.value)


# Verdicts


@pytest.mark.parametrize(
    ("severity", "failed", "tolerance", "verdict"),
    [
        ("warn", 0, 0, "passed"),
        ("warn", 1, 0, "warned"),
        ("warn", 5, 0.05, "passed"),
        ("warn", 6, 0.05, "warned"),
        ("warn", 99, 0.999, "passed"),
        ("warn", 1, 1, "passed"),
        ("warn", 2, 1, "warned"),
        ("warn", 7, 7, "passed"),
        ("warn", 8, 7, "warned"),
        ("quarantine", 0, 0, "passed"),
        ("quarantine", 1, 0, "quarantined"),
        ("quarantine", 1, 0.5, "quarantined"),
        ("fail", 0, 0, "passed"),
        ("fail", 1, 0, "failed"),
        ("fail", 1, 50, "failed"),
    ],
)
def test_of_100_rows_some_fail_and_severity_and_tolerance_decide(
    severity, failed, tolerance, verdict
):
    assert Metric("t", "r", severity, 100, failed, tolerance).verdict == verdict


def test_a_share_is_of_the_rows_judged_and_none_where_nothing_was():
    assert Metric("t", "r", "warn", 8, 2, 0).share == 0.25
    assert Metric("t", "r", "warn", 0, 0, 0).share == 0


def test_keys_that_fail_over_an_empty_table_are_not_tolerated_as_a_share():
    assert Metric("t", "r", "warn", 0, 3, 0.05).verdict == "warned"


def test_a_metric_takes_table_severity_and_tolerance_from_its_rule():
    rule = Rule(table="t", name="r", severity="warn", sql="true", why="", tolerance=0.1)
    assert metric(rule, 10, 1) == Metric("t", "r", "warn", 10, 1, 0.1)


def test_every_fail_rule_that_was_broken_is_named_with_its_count_and_no_other():
    metrics = [
        Metric("t", "one", "fail", 9000, 1200, 0),
        Metric("t", "two", "fail", 9, 2, 0),
        Metric("t", "kept", "fail", 9, 0, 0),
        Metric("t", "warned", "warn", 9, 9, 0),
        Metric("t", "aside", "quarantine", 9, 9, 0),
    ]
    with pytest.raises(QualityError, match=r"rule one \(1,200\), two \(2\) failed \(t\)") as caught:
        check_metrics(metrics, "t")
    assert "\n" not in str(caught.value)
    check_metrics(metrics[2:], "t")


# On record


def frame(spark, table, *rows: dict):
    """Rows of an operations table; what is not given is NULL."""
    schema = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    return spark.createDataFrame([tuple(map(row.get, table.names)) for row in rows], schema)


def recorded(spark, table, name: str, *rows: dict) -> None:
    """The table holds exactly these rows."""
    wanted = frame(spark, table, *rows)
    assert_df_equality(spark.table(name), wanted, ignore_row_order=True, ignore_nullable=True,
                       ignore_metadata=True)  # fmt: skip


def test_entries_are_appended_with_the_runs_stamp(spark, new_table):
    name = new_table()
    file = Entry("bronze_x", "a/é.csv", "refused", 3, "no header", "h")
    record(spark, ROW_LEDGER, name, entries(90), **STAMP)
    record(spark, ROW_LEDGER, name, iter([file]), **STAMP | {"run_id": "r-2"})
    first = {
        "table_name": "silver_x",
        "input_name": "bronze_x",
        "disposition": "end 0",
        "row_count": 90,
        "reason": "",
        "file_hash": "",
    }
    second = {
        "table_name": "bronze_x",
        "input_name": "a/é.csv",
        "disposition": "refused",
        "row_count": 3,
        "reason": "no header",
        "file_hash": "h",
    }
    recorded(spark, ROW_LEDGER, name, first | STAMP, second | STAMP | {"run_id": "r-2"})


def test_metrics_are_recorded_with_share_and_verdict(spark, new_table):
    name = new_table()
    record(spark, QUALITY_METRICS, name, [Metric("t", "r", "warn", 8, 2, 0.1)], **STAMP)
    told = {"table_name": "t", "rule": "r", "severity": "warn", "checked": 8, "failed": 2}
    judged = {"share": 0.25, "tolerance": 0.1, "verdict": "warned"}
    recorded(spark, QUALITY_METRICS, name, told | judged | STAMP)


def test_a_runs_own_line_is_recorded_and_what_it_does_not_say_is_null(spark, new_table):
    name = new_table()
    line = {"domain": "member", "table_name": "t", "state": "failed", "rows_in": 7}
    record(spark, RUN_LOG, name, [line], run_id="r-1")
    recorded(spark, RUN_LOG, name, line | {"run_id": "r-1"})


def test_where_there_is_nothing_to_record_nothing_is_written(spark, new_table):
    name = new_table()
    record(spark, ROW_LEDGER, name, [], **STAMP)
    assert not exists(spark, name)
    record(spark, ROW_LEDGER, name, entries(1), **STAMP)
    before = version(spark, name)
    record(spark, ROW_LEDGER, name, [], **STAMP)
    assert version(spark, name) == before


@pytest.mark.parametrize("table", OPS_TABLES, ids=lambda table: table.name)
def test_what_is_on_record_says_which_run_it_was(table):
    assert table.names[0] == table.key[0] == "run_id"
