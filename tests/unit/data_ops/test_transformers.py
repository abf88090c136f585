"""Each move against a plain-Python reading, hundreds of generated cases in one Spark action."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from hashlib import sha256
from random import Random

import pytest
from chispa import assert_df_equality
from hypothesis import strategies as st
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.operations.contracts import contract
from data_ops.operations.transformers import (
    amount,
    clean,
    conform,
    hash_key,
    islands,
    latest_by,
    months_of,
    padded,
    recode,
    rif_date,
    version_history,
)
from tests.cases import examples

pytestmark = pytest.mark.classic

START = date(2023, 11, 20)  # two month ends, a year's end and a leap day lie within reach


def day(number: int) -> date:
    """The `number`-th day after START."""
    return START + timedelta(days=number)


# Values


def test_text_is_read_or_becomes_null(spark):
    cases = [
        # raw text, clean, date, amount
        (" 14-Aug-2020 ", "14-Aug-2020", date(2020, 8, 14), None),
        ("29-Feb-2024", "29-Feb-2024", date(2024, 2, 29), None),
        ("29-Feb-2023", "29-Feb-2023", None, None),
        ("31-Dec-1899", "31-Dec-1899", date(1899, 12, 31), None),
        ("2020-08-14", "2020-08-14", None, None),
        ("14-Aug-20", "14-Aug-20", None, None),
        ("12.5", "12.5", None, Decimal("12.50")),
        (" -7 ", "-7", None, Decimal("-7.00")),
        ("12,5", "12,5", None, None),
        ("$12", "$12", None, None),
        ("999999999999.99", "999999999999.99", None, Decimal("999999999999.99")),
        ("1000000000000.00", "1000000000000.00", None, None),
        (" ", None, None, None),
        ("", None, None, None),
        (None, None, None, None),
    ]
    types = "raw STRING, clean STRING, date DATE, amount DECIMAL(14,2)"
    wanted = spark.createDataFrame(cases, types)
    found = wanted.select(
        "raw",
        clean("raw").alias("clean"),
        rif_date("raw").alias("date"),
        amount("raw").alias("amount"),
    )
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_amounts_are_what_decimal_arithmetic_says(spark):
    cents = st.decimals(-(10**9), 10**9, places=4, allow_nan=False).map(str)
    texts = examples(cents, 300)
    frame = spark.createDataFrame([(text,) for text in texts], "text STRING")
    for row in frame.select("text", amount("text").alias("amount")).collect():
        assert row.amount == Decimal(row.text).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_a_code_gets_back_the_leading_zeros_that_it_lost_and_none_is_cut(spark):
    cases = [("7", "07"), (" 7 ", "07"), ("A", "0A"), ("07", "07"), ("021", "021"), (" ", None)]
    wanted = spark.createDataFrame(cases, "raw STRING, code STRING")
    found = wanted.select("raw", padded("raw", 2).alias("code"))
    assert_df_equality(found, wanted, ignore_row_order=True, ignore_nullable=True)


def test_a_code_has_a_name_and_any_other_the_default(spark):
    codes = spark.createDataFrame([("1",), ("9",), (None,)], "code STRING")
    names = {"1": "male", "2": "female"}
    found = codes.select(recode("code", names), recode(F.col("code"), names, "unknown")).collect()
    assert list(map(tuple, found)) == [("male", "male"), (None, "unknown"), (None, "unknown")]


# Keys


def key_of(*values: str | None) -> str:
    """What `hash_key` is said to be."""
    parts = ["-" if value is None else f"={value}" for value in values]
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def test_a_key_is_the_hash_of_its_values_and_differs_where_they_do(spark):
    text = st.none() | st.text("ab=-\\ é|", max_size=3)
    pairs = examples(st.tuples(text, text), 400)
    frame = spark.createDataFrame([*pairs, ("a", "bc"), ("ab", "c")], "x STRING, y STRING")
    rows = frame.select("x", "y", hash_key("x", "y").alias("key")).distinct().collect()
    assert [row.key for row in rows] == [key_of(row.x, row.y) for row in rows]
    assert len({row.key for row in rows}) == len(rows) > 100


PLAN = contract(
    "silver_plan",
    grain="one row per plan",
    key="plan_id",
    columns="""
    plan_id  STRING         the plan
    paid     DECIMAL(14,2)  dollars
    opened   DATE           first day
    """,
)
ROW = {
    "opened": "DATE'2024-01-01'",
    "paid": "12.5BD",
    "plan_id": "'H1'",
    "_source_system": "'cms'",
    "_source_file": "'a.csv'",
    "_ingest_ts": "TIMESTAMP'2024-01-01'",
    "_batch_id": "'r-1'",
}


def conformed(spark, **changed: str) -> DataFrame:
    """A row of PLAN given as SQL values, and a column that PLAN does not know."""
    values = ROW | changed | {"unknown": "'x'"}
    columns = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return conform(spark.sql(f"SELECT {columns}"), PLAN)


def test_a_conformed_frame_has_the_contracts_columns_in_its_order_and_types(spark):
    types = conformed(spark).dtypes
    assert types == [(column.name, column.type.lower()) for column in PLAN.columns]


def test_the_row_hash_depends_on_the_business_columns_beside_the_key_alone(spark):
    variants = [
        {},
        {"plan_id": "'H2'", "_source_file": "'b.csv'", "_batch_id": "'r-2'"},
        {"paid": "12.6BD"},
        {"opened": "CAST(NULL AS DATE)"},
    ]
    rows = reduce(DataFrame.unionAll, [conformed(spark, **variant) for variant in variants])
    same, other_run, paid, opened = (row._row_hash for row in rows.collect())
    assert same == other_run and len({same, paid, opened}) == 3


@pytest.mark.parametrize("variant", [{"opened": "TIMESTAMP'2024-01-01'"}, {"paid": "'12.50'"}])
def test_the_same_content_has_the_same_row_hash_whatever_type_it_came_in(spark, variant):
    rows = conformed(spark).unionAll(conformed(spark, **variant)).collect()
    assert rows[0] == rows[1]


def test_a_column_that_the_contract_promises_must_be_there(spark):
    with pytest.raises(Exception, match="paid"):
        conform(spark.sql("SELECT 'H1' AS plan_id"), PLAN).schema  # noqa: B018


# The latest of several


def test_the_latest_row_of_each_key_is_the_one_that_python_finds(spark):
    row = st.tuples(st.sampled_from([None, "a", "b"]), st.integers(0, 9), st.integers(0, 9))
    cases = examples(st.lists(row, min_size=1, max_size=8, unique=True), 200)
    rows = [(case, *row) for case, given in enumerate(cases) for row in given]
    frame = spark.createDataFrame(rows, "case INT, id STRING, version INT, line INT")
    order = [F.desc("version"), F.desc("line")]
    found = latest_by(frame, ["case", "id"], order).collect()
    wanted = {}
    for case, id, *rank in rows:
        wanted[case, id] = max(wanted.get((case, id), []), rank)
    assert len(found) == len(wanted)
    assert {(row.case, row.id): [row.version, row.line] for row in found} == wanted
    assert set(found[0].asDict()) == {"case", "id", "version", "line"}


# Islands

GAPS = (0, 1, 31)
SPAN = st.tuples(st.integers(0, 90), st.integers(0, 40)).map(lambda s: (s[0], s[0] + s[1]))
SPANS = st.lists(SPAN, min_size=1, max_size=7)


@pytest.fixture(scope="module")
def merged(spark):
    """(allowed gap, spans, islands found) of 600 cases, each in two orders under two ids."""
    cases = [(gap, spans) for gap in GAPS for spans in examples(SPANS, 200)]
    rows = []
    for number, (gap, spans) in enumerate(cases):
        shuffled = Random(number).sample(spans, len(spans))
        for id, some in (("as given", spans), ("shuffled", shuffled)):
            rows += [(number, gap, id, day(first), day(last)) for first, last in some]
    frame = spark.createDataFrame(rows, "case INT, gap INT, id STRING, first DATE, last DATE")
    parts = [
        islands(
            frame.where(F.col("gap") == gap),
            ["case", "id"],
            "first",
            "last",
            allowed_gap=gap,
            carry={"latest_start": F.max("first")},
        )
        for gap in GAPS
    ]
    found = defaultdict(list)
    for row in reduce(DataFrame.unionByName, parts).collect():
        found[row.case, row.id].append(row)
    return [
        (gap, spans, found[number, id])
        for number, (gap, spans) in enumerate(cases)
        for id in ("as given", "shuffled")
    ]


def days(spans) -> set[date]:
    """Every day that one of the spans covers, both ends included."""
    return {
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    }


def python_islands(spans: list[tuple[int, int]], gap: int) -> set[tuple[date, date]]:
    """First and last covered days, found by walking day by day."""
    covered = sorted(days((day(first), day(last)) for first, last in spans))
    breaks = [i for i in range(1, len(covered)) if (covered[i] - covered[i - 1]).days - 1 > gap]
    firsts, lasts = [0, *breaks], [*(i - 1 for i in breaks), len(covered) - 1]
    return {(covered[a], covered[b]) for a, b in zip(firsts, lasts, strict=True)}


def test_islands_are_those_that_a_walk_from_day_to_day_finds_in_whatever_order_they_come(merged):
    for gap, spans, found in merged:
        assert {(row.first, row.last) for row in found} == python_islands(spans, gap)
        assert len(found) == len(python_islands(spans, gap))


def test_islands_cover_the_days_of_their_spans_and_no_other(merged):
    for gap, spans, found in merged:
        covered = days((day(first), day(last)) for first, last in spans)
        inside = days((row.first, row.last) for row in found)
        assert covered <= inside and (gap or covered == inside)


def test_islands_are_disjoint_and_maximal(merged):
    for gap, _, found in merged:
        ordered = sorted((row.first, row.last) for row in found)
        for (_, last), (first, _) in zip(ordered, ordered[1:], strict=False):
            assert (first - last).days - 1 > gap


def test_every_span_is_counted_in_one_island(merged):
    for _, spans, found in merged:
        assert sum(row.span_count for row in found) == len(spans)
        for row in found:
            inside = [s for s in spans if row.first <= day(s[0]) and day(s[1]) <= row.last]
            assert row.span_count == len(inside)
            assert row.latest_start == day(max(first for first, _ in inside))


def test_the_longest_gap_bridged_is_told(merged):
    for gap, spans, found in merged:
        for row in found:
            covered = days((day(first), day(last)) for first, last in spans)
            ordered = sorted(d for d in covered if row.first <= d <= row.last)
            steps = [(b - a).days - 1 for a, b in zip(ordered, ordered[1:], strict=False)]
            assert row.max_gap_days == max(steps, default=0) <= gap


# Versions

CONTENT = st.tuples(st.sampled_from([None, "", "x"]), st.sampled_from([None, "y"]))
RECORDS = st.dictionaries(st.integers(0, 20), CONTENT, min_size=1, max_size=7)


@pytest.fixture(scope="module")
def versioned(spark):
    """(records by time, versions found) of 300 cases; each comes in two orders under two ids."""
    cases = examples(RECORDS, 300)
    rows = []
    for number, records in enumerate(cases):
        given = [(at, *content) for at, content in records.items()]
        rows += [(number, "as given", *row) for row in given]
        rows += [(number, "shuffled", *row) for row in Random(number).sample(given, len(given))]
    frame = spark.createDataFrame(
        rows, "case INT, id STRING, effective_from INT, a STRING, b STRING"
    )
    found = defaultdict(list)
    for row in version_history(frame, ["case", "id"], ["a", "b"]).collect():
        found[row.case, row.id].append(row)
    return [
        (records, found[number, id])
        for number, records in enumerate(cases)
        for id in ("as given", "shuffled")
    ]


def python_versions(records: dict) -> set[tuple]:
    """(from, to, content) of each version, by walking through time."""
    opened = []
    for at in sorted(records):
        if not opened or records[opened[-1]] != records[at]:
            opened.append(at)
    return {(a, b, records[a]) for a, b in zip(opened, [*opened[1:], None], strict=True)}


def test_versions_are_those_that_a_walk_through_time_finds_in_whatever_order_they_come(versioned):
    for records, found in versioned:
        opened = [row for row in found if row._opens]
        versions = {(row.effective_from, row.effective_to, (row.a, row.b)) for row in opened}
        assert versions == python_versions(records) and len(versions) == len(opened)


def test_versions_neither_overlap_nor_have_zero_length_and_the_last_is_open(versioned):
    for _, found in versioned:
        spans = sorted((row.effective_from, row.effective_to) for row in found if row._opens)
        ends = [end for _, end in spans]
        assert ends[:-1] == [start for start, _ in spans[1:]] and ends[-1] is None
        assert all(start < end for start, end in spans[:-1])


def test_rows_that_open_no_version_stay_and_have_no_end(versioned):
    for records, found in versioned:
        assert sorted(row.effective_from for row in found) == sorted(records)
        assert all(row.effective_to is None for row in found if not row._opens)


# Months


def test_months_are_those_that_the_span_touches(spark):
    spans = examples(SPAN, 200)
    rows = [(number, day(first), day(last)) for number, (first, last) in enumerate(spans)]
    frame = spark.createDataFrame(rows, "case INT, first DATE, last DATE")
    found = frame.select("first", "last", months_of("first", "last").alias("months")).collect()
    for row in found:
        touched = {d.replace(day=1) for d in days([(row.first, row.last)])}
        assert row.months == sorted(touched)
