"""Tables are what their contracts say, and a sync leaves what was wanted and no other trace."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from chispa import assert_df_equality
from hypothesis import strategies as st

from data_ops.delta.table_manager import (
    Changes,
    clone,
    create,
    create_statement,
    ensure,
    evolve,
    exists,
    history,
    restore,
    sync,
    version,
)
from data_ops.delta.upkeep import UpkeepSettings
from data_ops.operations.contracts import Column, contract
from data_ops.operations.locality import Part
from data_ops.operations.transformers import conform
from data_ops.utils.errors import ContractError
from tests.cases import examples

PLANS = contract(
    "silver_plans",
    grain="one row per plan and year",
    key="plan_id year",
    cluster="year plan_id",
    checks={"paid_not_negative": "paid IS NULL OR paid >= 0"},
    audit=False,
    columns=r"""
    plan_id  STRING         the plan's id, as in C:\plans
    year     INT            year of coverage
    paid     DECIMAL(14,2)  dollars
    codes    ARRAY<STRING>  what it covers
    opened   DATE           first day
    seen_at  TIMESTAMP      when it was seen
    open     BOOLEAN        still open
    members  BIGINT         members
    share    DOUBLE         share of all
    """,
)
VALUES = """ARRAY('x') AS codes, DATE'2024-01-01' AS opened, TIMESTAMP'2024-01-01' AS seen_at,
            true AS open, 1L AS members, 0.5D AS share"""
LONGER = replace(PLANS, columns=(*PLANS.columns, Column("metal", "STRING", "the plan's metal")))


def plan(spark, paid: str = "1.00BD", plan_id: str = "'H1'"):
    """One row of PLANS."""
    values = f"{plan_id} AS plan_id, 2024 AS year, {paid} AS paid, {VALUES}"
    return conform(spark.sql(f"SELECT {values}"), PLANS)


# Create and evolve


@pytest.fixture(scope="module")
def plans(spark, new_table):
    """A new table of PLANS, which tests only look at or try to spoil."""
    name = new_table()
    assert create(spark, PLANS, name)
    return name


def test_a_table_has_the_contracts_columns_types_and_meanings(spark, plans):
    fields = spark.table(plans).schema.fields
    told = [(f.name, f.dataType.simpleString().upper(), f.metadata["comment"]) for f in fields]
    assert told == [(column.name, column.type, column.meaning) for column in PLANS.columns]


def test_a_table_is_clustered_keeps_a_change_feed_and_is_readable_by_any_delta_reader(spark, plans):
    detail = spark.sql(f"DESCRIBE DETAIL {plans}").first()
    assert detail.clusteringColumns == ["year", "plan_id"] and detail.description == PLANS.grain
    assert detail.properties["delta.enableChangeDataFeed"] == "true"
    assert detail.properties["delta.dataSkippingStatsColumns"] == "year,plan_id"
    assert "deletionVectors" not in detail.tableFeatures


def test_on_databricks_deletion_vectors_are_a_property_and_here_they_are_not(monkeypatch):
    assert "enableDeletionVectors" not in create_statement(PLANS, "t")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    assert "'delta.enableDeletionVectors' = 'true'" in create_statement(PLANS, "t")


def test_on_databricks_nobody_vacuums_what_our_upkeep_keeps(monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    days = f"'delta.deletedFileRetentionDuration' = 'interval {UpkeepSettings.keep_days} days'"
    assert days in create_statement(PLANS, "t")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"paid": "-1.00BD"}, "paid_not_negative"), ({"plan_id": "CAST(NULL AS STRING)"}, "plan_id")],
)
def test_the_table_itself_refuses_what_its_contract_forbids(spark, plans, wrong, told):
    with pytest.raises(Exception, match=told):
        plan(spark, **wrong).write.mode("append").saveAsTable(plans)
    assert spark.table(plans).isEmpty()


def test_what_exists_is_not_created_again_and_fits_its_contract(spark, plans):
    before = version(spark, plans)
    assert not create(spark, PLANS, plans) and evolve(spark, PLANS, plans) == ()
    ensure(spark, PLANS, plans)
    assert version(spark, plans) == before


def test_a_column_that_the_contract_gained_is_added_once_and_is_null_in_old_rows(spark, new_table):
    name = new_table()
    ensure(spark, PLANS, name)
    plan(spark).write.mode("append").saveAsTable(name)
    assert [evolve(spark, LONGER, name) for _ in range(2)] == [("metal",), ()]
    row = spark.table(name).first()
    assert (row.plan_id, row.metal) == ("H1", None)
    assert spark.table(name).schema["metal"].metadata["comment"] == "the plan's metal"


def test_starting_afresh_takes_up_the_new_contract_and_keeps_the_history(spark, new_table):
    name = new_table()
    create(spark, PLANS, name)
    plan(spark).write.mode("append").saveAsTable(name)
    before = version(spark, name)
    assert create(spark, LONGER, name, replace=True)
    assert spark.table(name).isEmpty() and "metal" in spark.table(name).columns
    assert spark.read.option("versionAsOf", before).table(name).count() == 1
    with pytest.raises(Exception, match="paid_not_negative"):
        plan(spark, "-1BD").selectExpr("*", "'x' AS metal").write.mode("append").saveAsTable(name)


def changed(**types: str | None):
    """PLANS with other types for some columns; None takes the column away."""
    columns = [replace(c, type=types.get(c.name, c.type)) for c in PLANS.columns]
    return replace(PLANS, columns=tuple(column for column in columns if column.type))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (changed(paid="DOUBLE"), r"paid is DECIMAL\(14,2\), expected DOUBLE"),
        (changed(paid="DECIMAL(14,4)"), r"paid is DECIMAL\(14,2\), expected DECIMAL\(14,4\)"),
        (changed(share=None), "share is no longer in the contract"),
        (changed(year="BIGINT", share=None), "year is INT, expected BIGINT; share is no longer"),
    ],
)
def test_any_other_difference_is_refused_naming_every_one_and_the_table(spark, plans, other, told):
    before = version(spark, plans)
    with pytest.raises(
        ContractError, match=rf"{told}.*\({plans}\): .*--refresh-table {plans.rpartition('.')[2]}$"
    ):
        ensure(spark, other, plans)
    assert version(spark, plans) == before


def test_a_constraint_that_the_contract_gained_is_added(spark, new_table):
    name = new_table()
    ensure(spark, PLANS, name)
    ensure(spark, replace(PLANS, checks=PLANS.checks | {"not_too_long_ago": "year > 2000"}), name)
    properties = spark.sql(f"DESCRIBE DETAIL {name}").first().properties
    assert "delta.constraints.not_too_long_ago" in properties


def test_a_table_without_key_or_clustering_can_be_created(spark, new_table):
    keyless = contract(
        "notes", grain="one row per note", key="", columns="note STRING x", audit=False
    )
    assert create(spark, keyless, new_table())


# Versions


def test_a_table_that_is_not_there_has_no_version(spark, new_table):
    name = new_table()
    assert not exists(spark, name) and version(spark, name) == -1


def test_restoring_brings_an_old_content_back_as_a_new_version(spark, new_table):
    name = new_table()
    for mode in ("overwrite", "append"):
        spark.sql("SELECT 1 AS paid").write.mode(mode).saveAsTable(name)
    restore(spark, name, 0)
    assert spark.table(name).count() == 1
    told = [(row.version, row.operation) for row in history(spark, name).collect()]
    assert [number for number, _ in told] == [2, 1, 0] and told[0] == (2, "RESTORE")


def test_a_clone_is_changed_alone(spark, new_table):
    name, old, new = new_table(), new_table(), new_table()
    for mode in ("overwrite", "append"):
        spark.sql("SELECT 1 AS paid").write.mode(mode).saveAsTable(name)
    clone(spark, name, old, at=0)
    clone(spark, name, new)
    spark.sql(f"DELETE FROM {new}")
    assert [spark.table(one).count() for one in (name, old, new)] == [2, 1, 0]


# Sync: hundreds of tables as cases of one

CASES = contract(
    "silver_cases",
    grain="one row per case and id",
    key="case id",
    columns="""
    case   INT            which table of the random ones
    id     STRING         the key
    name   STRING         some content
    paid   DECIMAL(14,2)  more content
    """,
)
PLAIN = replace(CASES, columns=tuple(c for c in CASES.columns if c.name != "_row_hash"))
CONTENT = st.tuples(st.sampled_from([None, "", "x", "y"]), st.sampled_from([None, 0, 1]))
TABLE = st.dictionaries(st.sampled_from("abcde"), CONTENT, max_size=5)
BEFORE_AND_AFTER = examples(st.tuples(TABLE, TABLE), 200)


def content_of(which: int) -> dict[tuple, tuple]:
    """(case, id) → content of all tables before (0) or after (1)."""
    return {
        (case, id): content
        for case, pair in enumerate(BEFORE_AND_AFTER)
        for id, content in pair[which].items()
    }


def frame(spark, which: int, run: str, table=CASES):
    """The tables before or after, as the given run would write them."""
    rows = [(*key, *content) for key, content in content_of(which).items()]
    df = spark.createDataFrame(rows, "case INT, id STRING, name STRING, paid INT").selectExpr(
        "*", "'s' AS _source_system", "'f' AS _source_file", f"'{run}' AS _batch_id",
        "TIMESTAMP'2024-01-01' AS _ingest_ts",
    )  # fmt: skip
    return conform(df, table)


def wanted_changes() -> Changes:
    """What a plain comparison says is to be done."""
    before, after = content_of(0), content_of(1)
    return Changes(
        inserted=len(after.keys() - before.keys()),
        updated=sum(before[key] != after[key] for key in before.keys() & after.keys()),
        deleted=len(before.keys() - after.keys()),
    )


@pytest.fixture(scope="module", params=[CASES, PLAIN], ids=["by hash", "by columns"])
def synced(request, spark, new_table):
    """A table synced to before, to after and to after again: contract, name, what each sync did,
    and the versions around the last."""
    table, name = request.param, new_table()
    create(spark, table, name)
    first, second = (
        sync(spark, frame(spark, which, run, table), table, name)
        for which, run in ((0, "r-1"), (1, "r-2"))
    )
    before = version(spark, name)
    again = sync(spark, frame(spark, 1, "r-3", table), table, name)
    return table, name, (first, second, again), (before, version(spark, name))


def test_after_a_sync_the_table_holds_what_was_wanted(spark, synced):
    table, name, *_ = synced
    found, wanted = spark.table(name), frame(spark, 1, "", table)
    assert_df_equality(
        found.select(*table.business),
        wanted.select(*table.business),
        ignore_row_order=True,
        ignore_nullable=True,
        ignore_metadata=True,
    )


def test_a_sync_tells_what_it_did(synced):
    first, second, _ = synced[2]
    assert first == Changes(inserted=len(content_of(0)))
    assert second == wanted_changes() and min(second.inserted, second.updated, second.deleted) > 0


def test_the_same_again_changes_nothing_and_makes_no_version_whatever_the_run(synced):
    *_, (_, _, again), (before, after) = synced
    assert again == Changes() and not again.any and after == before


def test_only_rows_that_differ_are_touched(spark, synced):
    _, name, *_ = synced
    before, after = content_of(0), content_of(1)
    run = {key: "r-1" if before.get(key) == content else "r-2" for key, content in after.items()}
    found = {(row.case, row.id): row._batch_id for row in spark.table(name).collect()}
    assert found == run and set(Counter(run.values())) == {"r-1", "r-2"}


def test_the_change_feed_tells_of_true_changes_alone(spark, synced):
    _, name, _, (merged, _) = synced
    changes = spark.sql(f"SELECT * FROM table_changes('{name}', {merged}, {merged})")
    found = Counter(row._change_type for row in changes.collect())
    wanted = wanted_changes()
    assert found == {
        "insert": wanted.inserted,
        "update_preimage": wanted.updated,
        "update_postimage": wanted.updated,
        "delete": wanted.deleted,
    }


def test_a_table_may_be_emptied_and_nothing_into_nothing_makes_no_version(spark, new_table):
    name = new_table()
    create(spark, CASES, name)
    some, none = frame(spark, 0, "r-1").limit(3), frame(spark, 0, "r-1").limit(0)
    start = version(spark, name)
    assert sync(spark, none, CASES, name) == Changes() and version(spark, name) == start
    assert sync(spark, some, CASES, name) == Changes(inserted=3)
    assert sync(spark, none, CASES, name) == Changes(deleted=3)
    assert spark.table(name).isEmpty()


def at_once(*work):
    """Results of functions that are called side by side."""
    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def test_two_who_fill_an_empty_table_at_once_fill_it_once(spark, new_table):
    name, wanted = new_table(), frame(spark, 0, "r-1")
    create(spark, CASES, name)
    done = at_once(*[lambda: sync(spark, wanted, CASES, name)] * 3)
    assert spark.table(name).count() == len(content_of(0))
    assert sorted(changes.any for changes in done) == [False, False, True]


def test_those_who_merge_at_once_all_get_there(spark, new_table):
    name, both = new_table(), [frame(spark, which, "r-1") for which in (0, 1)]
    create(spark, CASES, name)
    sync(spark, both[0], CASES, name)
    parts = [
        Part(spark.range(start, 200, 4).selectExpr("CAST(id AS INT) AS case"), "case")
        for start in range(4)
    ]
    at_once(
        *(partial(sync, spark, part.of(both[1]), CASES, name, part) for part in parts),
    )
    found = {(row.case, row.id): (row.name, row.paid) for row in spark.table(name).collect()}
    assert found == content_of(1)


def test_an_error_that_is_no_conflict_is_not_tried_again(spark, plans):
    before = history(spark, plans).count()
    with pytest.raises(ContractError, match="paid_not_negative"):
        sync(spark, plan(spark, "-1BD"), PLANS, plans)
    assert history(spark, plans).count() == before


def test_a_row_that_breaks_a_constraint_is_refused_without_repeating_it(spark, plans):
    with pytest.raises(Exception, match="paid_not_negative") as caught:
        sync(spark, plan(spark, "-12.34BD"), PLANS, plans)
    assert "12.34" not in str(caught.value)
