"""A pipeline's second file, second run, warnings and failures; its set rules on Lakeflow."""

import gzip
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from data_ops import pipelines
from data_ops.operations import landing
from data_ops.operations.quality import on, row_rule, rules_for
from data_ops.pipeline_runs import run_pipeline
from data_ops.pipelines import Pipeline
from data_ops.runs import Run, get_domain
from data_ops.utils.errors import ContractError, LedgerError, QualityError, SourceError
from tests.integration.lakehouse import SAMPLE, Lakehouse
from tests.integration.parity import assert_same_tables, piped_settings, plain

LATE, DAMAGED = "beneficiary_2023.csv.gz", "beneficiary_2003.csv.gz"
pytestmark = pytest.mark.slow


class Piped:
    """A lakehouse whose member tables a pipeline makes."""

    def __init__(self, spark, source, root):
        self.lakehouse, self.root, self.flows = Lakehouse(spark, source, name="piped"), root, []

    def run(self, run_id: str, *rules):
        domain = get_domain("member")
        domain = replace(domain, rules=domain.rules + rules)
        run = Run(self.lakehouse.spark, piped_settings(self.lakehouse), run_id, domain)
        with pytest.MonkeyPatch.context() as patch:  # the definitions, too, have the further rules
            patch.setattr(pipelines, "get_domain", lambda name: domain)
            told = run_pipeline(run, self.root, told=lambda *event: self.flows.append(event))
        return {outcome.table: outcome for outcome in told}

    def contents(self) -> dict[str, set]:
        return {
            name: set(map(str, plain(self.lakehouse, name).collect()))
            for name in self.lakehouse.names()
        }

    def verdicts(self, run_id: str) -> dict[str, str]:
        metrics = self.lakehouse.table("quality_metrics").where(f"run_id = '{run_id}'")
        return {row.rule: row.verdict for row in metrics.select("rule", "verdict").collect()}


@pytest.fixture(scope="module")
def piped(spark, tmp_path_factory):
    """A first run without one file of the sample, a second with it and with a damaged one."""
    source = tmp_path_factory.mktemp("source") / "rif"
    shutil.copytree(SAMPLE, source, ignore=shutil.ignore_patterns(LATE))
    made = Piped(spark, source, tmp_path_factory.mktemp("piped"))
    made.first = made.run("first")
    shutil.copy(SAMPLE / LATE, source)
    (source / DAMAGED).write_bytes((SAMPLE / LATE).read_bytes()[:5000])
    made.second = made.run("second")
    return made


def test_of_a_second_delivery_only_the_new_file_is_read(piped):
    bronze = piped.lakehouse.table("bronze_beneficiary")
    found = {row["_source_file"]: row["_batch_id"] for row in bronze.collect()}
    assert {file for file, run in found.items() if run == "second"} == {LATE}
    assert {file for file, run in found.items() if run == "first"} == {
        path.name for path in SAMPLE.glob("beneficiary_20*") if path.name != LATE
    }
    late = bronze.where(f"_source_file = '{LATE}'").count()
    assert piped.second["bronze_beneficiary"].inserted == late > 0


def test_two_deliveries_make_the_tables_that_the_jobs_make_of_one(piped, members):
    jobs = members("sample")
    assert_same_tables(jobs, piped.lakehouse)


def test_a_content_that_was_landed_is_not_read_again_under_another_name(piped):
    before = piped.contents()
    shutil.copy(SAMPLE / LATE, piped.lakehouse.source / "beneficiary_2001.csv.gz")  # the first now
    told = piped.run("again")
    assert told["bronze_beneficiary"].inserted == 0
    assert piped.contents() == before


def test_a_changed_file_stops_the_pipeline_before_anything_is_read(piped):
    before = piped.contents()
    with gzip.open(SAMPLE / LATE, "rt", encoding="utf-8") as file:
        text = file.read().replace("|MBI_NUM|", "|MBI_NUMBER|", 1)
    changed = piped.lakehouse.source / "beneficiary_2002.csv"
    changed.write_text(text, encoding="utf-8")
    try:
        with pytest.raises(ContractError, match="expected MBI_NUM, found MBI_NUMBER"):
            piped.run("changed")
    finally:
        changed.unlink()
    assert piped.contents() == before


def test_a_damaged_file_stops_nothing_and_is_on_record(piped):
    entries = piped.lakehouse.table("row_ledger").where(f"input_name = '{DAMAGED}'").collect()
    assert {(entry.run_id, entry.disposition) for entry in entries} >= {("second", "refused")}
    assert all("damaged" in entry.reason for entry in entries)


def test_progress_is_told_by_flow(piped):
    assert {table.name for table in get_domain("member").tables} <= {
        flow for flow, _ in piped.flows
    }
    assert {state for _, state in piped.flows} <= {"running", "completed"}


def test_a_warning_changes_no_row_and_the_tolerance_is_the_last_share_that_passes(piped):
    """With nothing new, too, nothing is appended."""
    before, rows = piped.contents(), piped.second["silver_demographics"].rows_out
    one = piped.lakehouse.table("silver_demographics").select("person_id").first()[0]
    versions = piped.lakehouse.table("silver_demographics").where(f"person_id = '{one}'").count()
    share = versions / rows
    told = piped.run(
        "third",
        *on(
            "silver_demographics",
            row_rule("never", "warn", "false", "warns of every row"),
            row_rule("edge", "warn", f"person_id <> '{one}'", "at its edge", tolerance=share),
            row_rule("beyond", "warn", f"person_id <> '{one}'", "beyond", tolerance=share * 0.99),
        ),
        *on("gold_member_current", row_rule("null_fails", "warn", "NULL", "NULL is no yes")),
    )
    verdicts = piped.verdicts("third")
    assert [verdicts[name] for name in ("never", "edge", "beyond", "null_fails")] == [
        "warned",
        "passed",
        "warned",
        "warned",
    ]
    assert told["silver_demographics"].warnings >= 2
    assert sum(told[feed.table].inserted for feed in piped.lakehouse.domain.feeds) == 0
    assert piped.contents() == before


@pytest.mark.parametrize("table", ["silver_enrollment", "gold_member_months"])
def test_a_rule_that_fails_stops_the_run_and_every_table_is_as_it_was(piped, table):
    before = piped.contents()
    broken = on(table, row_rule("never", "fail", "false", "fails every row"))
    with pytest.raises(QualityError, match=rf"rule never \([\d,]+\) failed.*{table}"):
        piped.run(f"fails-{table}", *broken)
    assert piped.contents() == before
    log = piped.lakehouse.table("run_log").where(f"run_id = 'fails-{table}' AND state = 'failed'")
    assert [row.table_name for row in log.collect()] == [table]


def test_on_lakeflow_a_set_rule_counts_what_a_job_counts(piped, spark):
    """The dataset that carries the set rules' expectations, asked here for its rows."""
    domain, queries = get_domain("member"), {}

    def keep(name, **facts):
        return lambda query: queries.setdefault(name, query)

    def expect(conditions):
        return lambda query: query

    kinds = ("expect_all", "expect_all_or_drop", "expect_all_or_fail")
    dp = SimpleNamespace(
        materialized_view=keep, temporary_view=keep, **dict.fromkeys(kinds, expect)
    )
    pipeline = Pipeline(domain, piped_settings(piped.lakehouse), spark, dp)
    for table in domain.tables:
        pipeline.silver(table.name)
    counted = {}
    here = spark.catalog.currentDatabase()
    spark.catalog.setCurrentDatabase(piped.lakehouse.settings.member_schema)
    try:
        for name, query in queries.items():
            if name.endswith("_set_rules"):
                table = name.removesuffix("_set_rules")
                counted |= {
                    (table, one.rule): (one.checked, one.failed) for one in query().collect()
                }
    finally:
        spark.catalog.setCurrentDatabase(here)
    metrics = piped.lakehouse.table("quality_metrics").where("run_id = 'second'").collect()
    told = {(row.table_name, row.rule): (row.checked, row.failed) for row in metrics}
    wanted = {
        (table.name, rule.name): told[rule.table, rule.name]
        for table in domain.tables
        for rule in rules_for(domain.rules, table.name)
        if rule.scope == "set"
    }
    assert counted == wanted
    assert any(failed for _, failed in wanted.values())


def test_a_file_that_comes_while_the_pipeline_is_at_work_stops_it_and_the_next_run_knows_it(
    piped, monkeypatch
):
    before, looks, survey = piped.contents(), [], landing.survey
    late = piped.lakehouse.source / "beneficiary_2004.csv.gz"

    def look(*given):
        files = survey(*given)
        looks.append(files)
        if len(looks) == 2:  # the runner's, then the definitions'
            shutil.copy(SAMPLE / LATE, late)
        return files

    monkeypatch.setattr(landing, "survey", look)
    with pytest.raises(SourceError, match=rf"came while .*{late.name}.*run it again"):
        piped.run("overtaken")
    monkeypatch.undo()
    assert piped.contents() == before
    assert piped.run("after")["bronze_beneficiary"].inserted == 0
    assert piped.contents() == before


def test_a_damaged_file_that_comes_again_under_its_name_is_not_lost_in_silence(piped):
    before = piped.contents()
    with gzip.open(SAMPLE / LATE, "rt", encoding="utf-8") as file:
        lines = file.readlines()
    with gzip.open(piped.lakehouse.source / DAMAGED, "wt", encoding="utf-8") as file:
        file.writelines(lines[:-1])
    with pytest.raises(LedgerError, match=rf"{DAMAGED}.*deliver it under another"):
        piped.run("mended")
    assert piped.contents() == before
