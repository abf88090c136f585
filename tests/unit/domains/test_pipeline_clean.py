"""Every domain function stands in a declarative pipeline's graph, where nothing may be analysed."""

import os
import subprocess
import sys
from textwrap import dedent

import pytest

from data_ops.config import project_root

DEFINITIONS = """
from pyspark import pipelines as dp
from pyspark.sql import SparkSession

from data_ops.config import DOMAINS
from data_ops.operations import accounts, quality
from data_ops.operations.bronze import bronze_rows
from data_ops.runs import get_domain

spark = SparkSession.active()
KNOWN = [get_domain(name) for name in DOMAINS]
FEEDS = {feed.table: feed for domain in KNOWN for feed in domain.feeds}


def frames(names):
    return {name: spark.read.table(name) for name in names}


def define_feed(feed):
    rows = bronze_rows(spark, feed, {})

    @dp.materialized_view(name=feed.table)
    def bronze():
        return rows


def define_account(table, rules):
    @dp.temporary_view(name=f"{table.name}_rows")
    def rows():
        found = frames(table.accounts_for)
        return table.rows(
            **{name: accounts.raw_rows(df, FEEDS[name]) for name, df in found.items()}
        )

    @dp.temporary_view(name=f"{table.name}_account")
    def account():
        judged = accounts.set_aside(spark.read.table(f"{table.name}_rows"), rules, table.whole)
        return table.build(judged, **frames(table.takes))

    @dp.materialized_view(name=table.name)
    def silver():
        return accounts.accepted(spark.read.table(f"{table.name}_account"), table.contract)

    @dp.materialized_view(name=f"{table.name}_quarantine")
    def quarantine():
        raw = [(spark.read.table(name), FEEDS[name]) for name in table.accounts_for]
        account = spark.read.table(f"{table.name}_account")
        return accounts.kept_out(account, table.contract, raw)

    @dp.materialized_view(name=f"{table.name}_tally")
    def tally():
        return accounts.tally(spark.read.table(f"{table.name}_account"), rules)


def define_table(table, _rules):
    @dp.materialized_view(name=table.name)
    def built():
        return table.build(**frames(table.takes))


for feed in FEEDS.values():
    define_feed(feed)
for domain in KNOWN:
    for table in domain.tables:
        rules = quality.rules_for(domain.rules, table.name)
        (define_account if table.rows else define_table)(table, rules)
"""
READS_COLUMNS = """
from pyspark import pipelines as dp
from pyspark.sql import SparkSession


@dp.materialized_view
def built():
    df = SparkSession.active().range(3)
    return df.select(*df.columns)
"""


@pytest.fixture
def dry_run(spark, tmp_path):
    """Calls dry-run a pipeline's source in a process of its own, on the server of all tests."""

    def run(source: str) -> subprocess.CompletedProcess:
        spec = tmp_path / "spark-pipeline.yml"
        storage = (tmp_path / "storage").as_uri()
        spec.write_text(dedent(f"""\
                name: both
                storage: {storage}
                catalog: spark_catalog
                database: default
                libraries:
                  - glob:
                      include: definitions.py
                """))
        (tmp_path / "definitions.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-m", "pyspark.pipelines.cli", "dry-run", "--spec", str(spec)],
            capture_output=True,
            text=True,
            timeout=200,
            env=os.environ | {"PYTHONPATH": str(project_root())},
        )

    return run


def test_every_table_can_be_built_in_a_pipeline(dry_run):
    done = dry_run(DEFINITIONS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert "Run is COMPLETED" in done.stdout + done.stderr


def test_a_function_that_reads_columns_is_refused(dry_run):
    """Or the test above would show nothing."""
    done = dry_run(READS_COLUMNS)
    assert done.returncode != 0
    assert "ATTEMPT_ANALYSIS_IN_PIPELINE_QUERY_FUNCTION" in done.stdout + done.stderr
