"""What a report takes from the operations tables: the run's own, what is older, what changed."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row

from data_ops.config import load_settings
from data_ops.operations.accounts import DISPOSITIONS
from data_ops.operations.contracts import Domain, Feed, Table, contract
from data_ops.operations.quality import on, row_rule
from data_ops.plan import Plan
from data_ops.report import (
    Records,
    closing_report,
    drawn,
    figures_of,
    last,
    rules_of,
    tables_of,
)
from data_ops.report_facts import Facts, FigureFact, find_run, keep_facts, kept_facts, tasks_of
from data_ops.runs import code_fingerprint
from data_ops.utils.errors import ParameterError

from .reports import facts, failing

START = datetime(2025, 1, 15)
SETTINGS = load_settings(environment="local")
_COLUMNS = "id STRING the thing"


def made(name: str) -> object:
    return contract(name, grain="one row per thing", key="id", columns=_COLUMNS, audit=False)


DOMAIN = Domain(
    "claims",
    (Feed("a", r"a.*\.csv", ("ID",)),),
    (
        Table(made("silver_a"), lambda rows: rows, rows=lambda bronze_a: bronze_a),
        Table(made("gold_a"), lambda silver_a: silver_a),
    ),
    on("silver_a", row_rule("known", "warn", "id IS NOT NULL", "orders name it")),
)  # fmt: skip


def logged(day: int, table: str, state: str, rows: int, version: int, **more: int) -> Row:
    counts = {"inserted": 0, "updated": 0, "deleted": 0, "rows_out": rows, "table_version": version}
    good, when = state != "failed", START + timedelta(days=day)
    same = {"run_id": f"run-{day}", "finished_at": when, "good": good}
    return Row(table_name=table, state=state, **(same | counts | more))


def entry(day: int, table: str, source: str, end: str, rows: int, reason: str = "") -> Row:
    same = {"run_id": f"run-{day}", "recorded_at": START + timedelta(days=day), "reason": reason}
    told = {"disposition": end, "account": end in DISPOSITIONS, "row_count": rows}
    return Row(table_name=table, input_name=source, **told, **same)


def judged(day: int, failed: int, verdict: str) -> Row:
    same = {"run_id": f"run-{day}", "recorded_at": START + timedelta(days=day), "tolerance": 0.0}
    rule = {"table_name": "silver_a", "rule": "known", "severity": "warn", "checked": 100}
    return Row(failed=failed, share=failed / 100, verdict=verdict, **rule, **same)


def table(name: str, run: int, **records: list[Row]):
    return {one.name: one for one in tables_of(DOMAIN, Records(**records), f"run-{run}")}[name]


# Tables


def test_a_table_is_told_as_the_run_left_it_and_as_it_was():
    log = [
        logged(1, "silver_a", "written", 90, 1),
        logged(2, "silver_a", "written", 95, 3, inserted=5),
    ]
    found = table("silver_a", 2, log=log)
    assert (found.state, found.rows, found.rows_before) == ("written", 95, 90)
    assert (found.version, found.version_before, found.inserted) == (3, 1, 5)


def test_a_table_that_failed_is_what_it_was():
    log = [logged(1, "silver_a", "written", 90, 1), logged(2, "silver_a", "failed", 0, -1)]
    found = table("silver_a", 2, log=log)
    assert (found.state, found.rows, found.rows_before, found.version) == ("failed", 90, 90, 1)


def test_a_table_that_is_new_was_not_there_before():
    found = table("silver_a", 1, log=[logged(1, "silver_a", "written", 90, 1)])
    assert (found.rows_before, found.version_before) == (None, -1)


def test_a_table_that_the_run_did_not_come_to_has_no_state():
    found = table("gold_a", 2, log=[logged(1, "gold_a", "written", 9, 1)])
    assert (found.state, found.rows, found.version) == ("", 9, 1)


def test_a_table_knows_what_it_is_made_from_and_what_it_accounts_for():
    assert table("silver_a", 1).accounts_for == table("silver_a", 1).inputs == ("bronze_a",)
    assert (table("gold_a", 1).inputs, table("gold_a", 1).accounts_for) == (("silver_a",), ())


def test_the_account_of_a_table_that_was_up_to_date_is_that_of_its_last_build():
    accounts = [entry(1, "silver_a", "bronze_a", "contributed", 90)]
    found = table("silver_a", 2, entries=accounts)
    assert (found.met("contributed"), found.counted_here) == (90, False)
    assert found.account == found.account_before


def test_the_account_of_a_table_that_was_built_stands_beside_the_one_before():
    accounts = [
        entry(1, "silver_a", "bronze_a", "contributed", 90),
        entry(2, "silver_a", "bronze_a", "contributed", 80),
        entry(2, "silver_a", "bronze_a", "quarantined", 20),
    ]
    found = table("silver_a", 2, entries=accounts)
    assert (found.met("contributed"), found.met("quarantined"), found.counted_here) == (
        80,
        20,
        True,
    )
    assert [ending.rows for ending in found.account_before] == [90]


def test_files_are_counted_by_what_became_of_them_and_refused_ones_say_why():
    arrivals = [
        entry(2, "bronze_a", "a_1.csv", "landed", 5),
        entry(2, "bronze_a", "a_2.csv", "landed", 7),
        entry(2, "bronze_a", "a_3.csv", "refused", 2, "the file is empty"),
    ]
    found = table("bronze_a", 2, entries=arrivals)
    told = {
        ending.disposition: (ending.rows, ending.files, ending.reasons) for ending in found.account
    }
    assert told == {"landed": (12, 2, ()), "refused": (2, 1, ("a_3.csv: the file is empty",))}


# Rules


def test_a_rule_has_a_trend_and_the_verdict_before():
    (found,) = rules_of(
        DOMAIN, [judged(3, 0, "passed"), judged(1, 4, "warned"), judged(2, 2, "warned")], "run-3"
    )
    assert (found.verdict, found.verdict_before, found.here) == ("passed", "warned", True)
    assert found.shares == (0.04, 0.02, 0.0)
    assert found.why == "orders name it"


def test_a_rule_that_the_run_did_not_judge_keeps_its_verdict():
    (found,) = rules_of(DOMAIN, [judged(1, 4, "warned")], "run-2")
    assert (found.verdict, found.verdict_before, found.here) == ("warned", "warned", False)


def test_a_rule_that_was_never_judged_is_not_told():
    assert rules_of(DOMAIN, [], "run-1") == ()


# Records


def test_the_last_runs_of_each_table_are_found_however_long_ago(spark):
    sql = """SELECT * FROM VALUES ('r1', 'a', 1, 10), ('r1', 'a', 1, 11), ('r2', 'a', 2, 20),
        ('r3', 'a', 3, 30), ('r1', 'b', 1, 40) AS t(run_id, table_name, at, rows)"""
    found = last(spark.sql(sql), ["table_name"], "at", 2).collect()
    assert sorted(row.rows for row in found) == [20, 30, 40]


# Figures


def figure_at(version: int) -> FigureFact:
    (figure,) = figures_of("member")
    made_from = json.dumps({"gold_member_months": version, "code": code_fingerprint()})
    points = (("2024-01", "Part A", 300.0),)
    return FigureFact("member", figure.title, "", figure.kind, figure.unit, points, made_from)


def test_a_figure_whose_tables_are_as_they_were_is_not_made_again():
    former, spark = figure_at(3), None  # Spark is not asked
    assert drawn(spark, SETTINGS, ["member"], {"gold_member_months": 3}, [former]) == (former,)


def test_a_figure_whose_tables_changed_is_made_again_and_a_fault_in_it_spoils_no_other():
    (found,) = drawn(None, SETTINGS, ["member"], {"gold_member_months": 4}, [figure_at(3)])
    assert (found.points, found.made_from) == ((), "")
    assert found.told.startswith("Not drawn: stopped with AttributeError")


def test_a_figure_whose_tables_are_not_there_has_no_points():
    (found,) = drawn(None, SETTINGS, ["member"], {})
    assert found.points == ()


# Files of a run


def test_facts_are_kept_as_they_are(tmp_path):
    for known in (facts(), failing()):
        keep_facts(tmp_path, known)
        assert kept_facts(tmp_path) == known


@pytest.mark.parametrize("kept", [None, "", "{}", '{"run_id": 7}'])
def test_facts_that_are_not_there_or_of_another_form_are_none(tmp_path, kept):
    if kept is not None:
        (tmp_path / "report.json").write_text(kept)
    assert kept_facts(tmp_path) is None


def run_folder(root: Path, name: str, at: int) -> Path:
    folder = root / "runs" / name
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("{}")
    os.utime(folder / "summary.json", (at, at))
    return folder


def test_the_latest_run_is_the_one_that_ended_last(tmp_path):
    run_folder(tmp_path, "z", 1)
    newer = run_folder(tmp_path, "a", 2)
    (tmp_path / "runs" / "zz").mkdir()  # of a command that is no run
    assert find_run(tmp_path) == newer and find_run(tmp_path, "z").name == "z"


def test_an_unknown_run_is_told_with_those_there_are(tmp_path):
    with pytest.raises(ParameterError, match="no run has ended here .*data-ops run"):
        find_run(tmp_path)
    run_folder(tmp_path, "run-1", 1)
    with pytest.raises(ParameterError, match="no run 'run-2' has ended here .*use one of run-1"):
        find_run(tmp_path, "run-2")


def test_a_summary_says_when_each_task_began_and_what_it_waited_for():
    told = {"task": "claims/gold", "state": "done", "message": "", "tables": []}
    (task,) = tasks_of({"tasks": [told | {"after": ["silver"], "began": 3.5, "seconds": 2.0}]})
    assert (task.name, task.after, task.began) == ("claims/gold", ("silver",), 3.5)


def test_a_fault_in_the_report_is_told_in_a_line_without_values_and_fails_nothing(tmp_path):
    plan = Plan((), {}, tmp_path, "run-1")
    assert closing_report(None, plan).startswith("not made: stopped with FileNotFoundError (run-1)")
    plan.folder.mkdir(parents=True)
    (plan.folder / "summary.json").write_text(json.dumps({"run_id": "run-1"}))
    assert "\n" not in closing_report(None, plan)


def test_what_stopped_a_run_is_told_in_the_order_in_which_it_happened():
    assert [task.name for task in failing().stopped] == ["claims/silver_a"]
    assert facts().stopped == () and isinstance(facts(), Facts)
    assert facts().began.tzinfo == UTC
