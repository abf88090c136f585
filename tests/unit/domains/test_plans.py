"""Mistakes that cost little on a sample and everything at size: they are seen in the plans."""

import re

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType

from data_ops.config import DOMAINS
from data_ops.delta.table_manager import Changes, create, history, sync
from data_ops.operations import accounts, quality
from data_ops.operations.contracts import bronze_contract, contract
from data_ops.runs import get_domain
from tests.plans import physical_plan

KNOWN = [get_domain(name) for name in DOMAINS]
FEEDS = {feed.table: feed for domain in KNOWN for feed in domain.feeds}
RAW = {column for feed in FEEDS.values() for column in feed.columns}
TABLES = {table.name: (domain, table) for domain in KNOWN for table in domain.tables}
CONTRACTS = {name: bronze_contract(feed) for name, feed in FEEDS.items()} | {
    name: table.contract for name, (_, table) in TABLES.items()
}
PAIRS = re.compile(r"CartesianProduct|BroadcastNestedLoopJoin")
PYTHON = re.compile(r"PythonUDF|EvalPython|InPandas|InArrow")
# Tables that pair rows because there are few: why.
FEW = {
    "silver_person_crosswalk": "all mergers stand in one row, a map",
    "gold_utilization_per_1000": "months by kinds of encounter",
}


@pytest.fixture(scope="module")
def read(spark, tmp_path_factory):
    """Tables with the contracts' columns; Spark knows neither their rows nor their size."""
    nothing = tmp_path_factory.mktemp("nothing")

    def frame(name: str):
        columns = ", ".join(f"`{c.name}` {c.type}" for c in CONTRACTS[name].columns)
        return spark.read.schema(columns).json(str(nothing))

    before = spark.conf.get("spark.sql.autoBroadcastJoinThreshold")
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", -1)  # as if all were large
    yield frame
    spark.conf.set("spark.sql.autoBroadcastJoinThreshold", before)


def built(read, name: str):
    """A table as a run builds it: its rows, and its quarantine where it has one."""
    domain, table = TABLES[name]
    taken = {other: read(other) for other in table.takes}
    if not table.rows:
        return [table.build(**taken)]
    sent = {other: accounts.raw_rows(read(other), FEEDS[other]) for other in table.accounts_for}
    rules = quality.rules_for(domain.rules, name)
    judged = accounts.set_aside(table.rows(**sent), rules, table.whole)
    account = table.build(judged, **taken)
    raw = [(read(other), FEEDS[other]) for other in table.accounts_for]
    return [
        accounts.accepted(account, table.contract),
        accounts.kept_out(account, table.contract, raw),
        accounts.tally(account, rules),
    ]


@pytest.mark.parametrize("name", TABLES)
def test_no_table_pairs_every_row_with_every_row_and_none_leaves_spark(read, name):
    for df in built(read, name):
        told = physical_plan(df)
        assert "Scan" in told
        assert name in FEW or not PAIRS.findall(told)
        assert not PYTHON.findall(told)


def test_what_is_looked_for_would_be_found(read):
    """Or the test above would show nothing."""
    some, other = read("gold_pmpm"), read("gold_lag_triangle")
    assert PAIRS.findall(physical_plan(some.crossJoin(other)))
    length = F.udf(len, IntegerType())
    assert PYTHON.findall(physical_plan(some.select(length("coverage"))))


@pytest.mark.parametrize("name", ["silver_medical", "silver_professional", "silver_pharmacy"])
def test_the_lines_of_a_claim_are_brought_together_once_and_without_their_raw_columns(read, name):
    """However many windows look at them, each of which copies all that a line carries."""
    domain, table = TABLES[name]
    sent = {other: accounts.raw_rows(read(other), FEEDS[other]) for other in table.accounts_for}
    rules = quality.rules_for(domain.rules, name)
    told = physical_plan(accounts.set_aside(table.rows(**sent), rules, table.whole)).splitlines()
    moved = [line for line in told if "Exchange hashpartitioning" in line and "claim_id" in line]
    assert len(moved) == 1 and "Window" in "".join(told)
    after = "\n".join(told[: told.index(moved[0])])
    carried = set(re.findall(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)#", after))
    assert carried == {"DML_IND"} and len(RAW & set(re.findall(r"\w+", "".join(told)))) > 20


MONTHS = contract(
    "silver_months",
    grain="one row per person and month",
    key="person_id month",
    cluster="person_id",
    audit=False,
    columns="""
    person_id  STRING  who
    month      INT     when
    paid       INT     dollars
    """,
)


def test_a_merge_rewrites_only_files_in_which_something_changes(spark):
    """Its keys have statistics, by which files are passed over."""
    name = "plans.silver_months"
    spark.sql("DROP TABLE IF EXISTS plans.silver_months")
    create(spark, MONTHS, name)
    months = spark.range(12).select(F.col("id").cast("int").alias("month"))
    for person in ("anna", "bert", "carl", "dora"):  # a file each
        rows = months.select(F.lit(person).alias("person_id"), "month", F.lit(1).alias("paid"))
        rows.coalesce(1).write.mode("append").saveAsTable(name)
    wanted = spark.table(name).withColumn(
        "paid", F.when(F.expr("person_id = 'carl' AND month = 3"), 2).otherwise(F.col("paid"))
    )
    assert sync(spark, wanted, MONTHS, name).updated == 1
    told = history(spark, name).first().operationMetrics
    assert told["numTargetFilesRemoved"] == "1" and told["numTargetRowsCopied"] == "11"


def test_a_merge_without_new_rows_is_not_prepared_for_any(spark):
    """An outer join of the whole table is what new rows cost those that only change."""
    name = "plans.silver_months"
    create(spark, MONTHS, name, replace=True)
    rows = spark.sql("SELECT 'anna' AS person_id, INT(id) AS month, 1 AS paid FROM range(3)")
    said = {}
    paid_more = rows.withColumn("paid", F.lit(2))
    for changed in (rows, paid_more, paid_more.where("month < 2")):
        changes = sync(spark, changed, MONTHS, name)
        said[changes] = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").first().operationParameters
    _, updated, deleted = said.values()
    assert list(said) == [Changes(inserted=3), Changes(updated=3), Changes(deleted=1)]
    for told in (updated, deleted):
        assert told["notMatchedPredicates"] == "[]" and told["matchedPredicates"] != "[]"


def test_a_table_of_few_bytes_and_many_rows_is_not_sent_to_every_task(spark):
    """In memory they are a hundred times what they are in a file."""
    many = spark.range(2_000_000, numPartitions=1).select(
        F.expr("id div 12").alias("person"), (F.col("id") % 12).cast("int").alias("month")
    )
    many.write.format("delta").mode("overwrite").saveAsTable("plans.many_months")
    size = spark.sql("DESCRIBE DETAIL plans.many_months").first().sizeInBytes
    assert 1_000_000 < size < 10_000_000  # Spark's own limit
    joined = spark.range(3).toDF("person").join(spark.table("plans.many_months"), "person", "left")
    assert "Broadcast" not in physical_plan(joined)
