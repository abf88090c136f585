"""The declarative pipelines make the tables that the notebook jobs make, row for row."""

import pytest
from chispa import assert_df_equality

from data_ops.pipeline_runs import run_pipeline
from data_ops.runs import Run, get_domain
from tests.integration.lakehouse import Lakehouse
from tests.integration.parity import assert_same_tables, piped_settings

pytestmark = pytest.mark.slow
DOMAINS = ("member", "claims")


@pytest.fixture(scope="module", params=["cms", "sample", "massachusetts", "mutated"])
def both(request, claims, spark, tmp_path_factory):
    """(lakehouse of the jobs, lakehouse of the pipelines)."""
    jobs = claims(request.param)
    piped = Lakehouse(spark, jobs.source, name=f"{request.param}_piped")
    root = tmp_path_factory.mktemp("piped")
    for domain in DOMAINS:
        run_pipeline(Run(spark, piped_settings(piped), f"pipe-{domain}", get_domain(domain)), root)
    return jobs, piped


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_table_is_the_same_row_for_row(both, domain):
    jobs, piped = both
    assert_same_tables(jobs.of(domain), piped.of(domain))


@pytest.mark.parametrize("domain", DOMAINS)
def test_bronze_is_the_same_and_every_row_is_accounted_for(both, domain):
    jobs, piped = (lakehouse.of(domain) for lakehouse in both)
    for feed in jobs.domain.feeds:
        first, second = (
            sorted(lakehouse.table(feed.table).select("_row_hash", "_source_file").collect())
            for lakehouse in (jobs, piped)
        )
        assert first == second, feed.name
    ledger = piped.table("row_ledger").where("table_name LIKE 'silver%'")
    tables = {table.name for table in piped.domain.tables}
    ends = ledger.groupBy("table_name", "input_name").sum("row_count").collect()
    for table, feed, rows in ends:
        if table in tables:
            assert rows == piped.table(feed).count(), (table, feed)


def test_the_rules_come_to_the_same_verdicts(both):
    columns = ("table_name", "rule", "severity", "checked", "failed", "verdict")
    told = [lh.table("quality_metrics").select(*columns).distinct() for lh in both]
    assert_df_equality(*told, ignore_row_order=True, ignore_nullable=True)
