"""The declarative pipelines make the tables that the notebook jobs make, row for row."""

import pytest
from chispa import assert_df_equality

from data_ops.pipeline_runs import run_pipeline
from data_ops.runs import Run, get_domain
from tests.integration.lakehouse import Lakehouse

NAME = "cms"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(members, claims, spark, tmp_path_factory):
    """(lakehouse of the jobs, lakehouse of the pipelines, states of the flows by domain)."""
    jobs = members(NAME)[0]
    claims(NAME)
    piped = Lakehouse(spark, jobs.source, name=f"{NAME}_piped")
    root = tmp_path_factory.mktemp("piped")
    flows: dict[str, list[tuple[str, str]]] = {"member": [], "claims": []}
    for domain, told in flows.items():
        run = Run(spark, settings(piped), f"pipe-{domain}", get_domain(domain))
        run_pipeline(run, root, told=lambda *event, told=told: told.append(event))
    return jobs, piped, root, flows


def settings(lakehouse):
    return lakehouse.settings.model_copy(update={"source": str(lakehouse.source)})


def plain(lakehouse, table: str):
    """The columns that depend on the data alone."""
    frame = lakehouse.table(table)
    return frame.select(*[name for name in frame.columns if not name.startswith("_")])


@pytest.mark.parametrize("domain", ["member", "claims"])
def test_every_table_is_the_same_row_for_row(both, domain):
    jobs, piped, *_ = both
    jobs, piped = jobs.of(domain), piped.of(domain)
    for name in jobs.names():
        if name.startswith(("silver", "gold")):
            assert_df_equality(
                plain(jobs, name),
                plain(piped, name),
                ignore_row_order=True,
                ignore_nullable=True,
                ignore_metadata=True,
            )


@pytest.mark.parametrize("domain", ["member", "claims"])
def test_bronze_is_the_same_and_every_row_is_accounted_for(both, domain):
    jobs, piped, *_ = both
    jobs, piped = jobs.of(domain), piped.of(domain)
    for feed in jobs.domain.feeds:
        first, second = (
            sorted(lh.table(feed.table).select("_row_hash", "_source_file").collect())
            for lh in (jobs, piped)
        )
        assert first == second, feed.name
    ledger = piped.table("row_ledger").where("table_name LIKE 'silver%'")
    for table, feed, rows in ledger.groupBy("table_name", "input_name").sum("row_count").collect():
        assert rows == piped.table(feed).count(), (table, feed)


def test_the_rules_come_to_the_same_verdicts(both):
    jobs, piped, *_ = both
    columns = ("table_name", "rule", "severity", "checked", "failed", "verdict")
    told = [lh.table("quality_metrics").select(*columns).distinct() for lh in (jobs, piped)]
    assert_df_equality(*told, ignore_row_order=True, ignore_nullable=True)


def test_progress_is_told_by_flow(both):
    *_, flows = both
    for domain, told in flows.items():
        names = {table.name for table in get_domain(domain).tables}
        assert names <= {flow for flow, _ in told}
        assert {state for _, state in told} <= {"running", "completed"}


def test_a_second_run_appends_nothing(both):
    _, piped, root, _ = both
    before = {feed.table: piped.table(feed.table).count() for feed in piped.domain.feeds}
    run = Run(piped.spark, settings(piped), "pipe-again", get_domain("member"))
    outcomes = {outcome.table: outcome for outcome in run_pipeline(run, root)}
    assert {feed.table: piped.table(feed.table).count() for feed in piped.domain.feeds} == before
    assert sum(outcomes[table].inserted for table in before) == 0
