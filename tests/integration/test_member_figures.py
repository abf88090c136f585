"""The member tables of three deliveries against an independent reading of the same files."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pyspark.sql import functions as F

from tests import independent

# Beneficiary rows, persons, member months by part, islands, gaps, versions: read with DuckDB.
FIGURES = {
    "sample": (1850, 346, (18647, 17617, 10644, 12899), 1714, 96, 382),
    "massachusetts": (1899, 365, (19134, 18088, 11881, 13799), 1835, 84, 415),
    "cms": (33, 3, (339, 339, 200, 268), 29, 11, 3),
}
DAYS = {
    *("start_date", "end_date", "birth_date", "death_date", "effective_from", "effective_to"),
    *("coverage_month", "status_month", "gap_start", "gap_end"),
}
PARTS = ("PART_A", "PART_B", "PART_C", "PART_D")


@pytest.fixture(
    scope="module",
    params=["sample", pytest.param("massachusetts", marks=pytest.mark.slow), "cms"],
)
def built(request, members):
    return request.param, members(request.param)


def pandas(lakehouse, table: str, columns: dict[str, str]) -> pd.DataFrame:
    """Columns of a table under the independent reading's names, in a fixed order of rows."""
    frame = lakehouse.table(table).select(*columns).toPandas().rename(columns=columns)
    return in_order(frame)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    days = {name: pd.to_datetime(frame[name]).astype("datetime64[us]") for name in DAYS & {*frame}}
    frame = frame.assign(**days)
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("integer"), "Int64"))
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("bool"), object))
    frame = frame.where(frame.notna(), None)
    return frame.sort_values(list(frame.columns)[:6], ignore_index=True)


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    theirs = in_order(theirs[list(ours.columns)])
    assert_frame_equal(ours, theirs, check_dtype=False, check_datetimelike_compat=True)


def test_figures_are_those_read_by_hand(built):
    name, lakehouse = built
    rows, persons, months, islands, gaps, versions = FIGURES[name]
    by_part = lakehouse.table("gold_member_months").groupBy("coverage_type").count().collect()
    files = lakehouse.table("row_ledger").where("table_name = 'bronze_beneficiary'")
    by_file = files.select("input_name", "row_count").distinct()
    assert by_file.agg(F.sum("row_count")).first()[0] == rows
    assert lakehouse.table("gold_member_current").count() == persons
    assert tuple(dict(map(tuple, by_part))[part] for part in PARTS) == months
    assert lakehouse.table("silver_eligibility").count() == islands
    assert lakehouse.table("gold_coverage_gaps").count() == gaps
    assert lakehouse.table("silver_demographics").count() == versions


def test_enrollment_is_what_the_flags_say(built):
    _, lakehouse = built
    columns = {
        "person_id": "person_id",
        "coverage_type": "coverage_type",
        "plan_id": "plan_id",
        "enrollment_start_date": "start_date",
        "enrollment_end_date": "end_date",
    }
    assert_same(
        pandas(lakehouse, "silver_enrollment", columns), independent.enrollment(lakehouse.source)
    )


def test_eligibility_is_maximal_islands(built):
    _, lakehouse = built
    columns = {
        "person_id": "person_id",
        "payer": "payer",
        "plan_id": "plan_id",
        "coverage_type": "coverage_type",
        "eligibility_start_date": "start_date",
        "eligibility_end_date": "end_date",
        "span_count": "span_count",
    }
    assert_same(
        pandas(lakehouse, "silver_eligibility", columns), independent.islands(lakehouse.source)
    )


def test_member_months_are_covered_days_by_month(built):
    _, lakehouse = built
    columns = {
        "person_id": "person_id",
        "coverage_month": "coverage_month",
        "coverage_type": "coverage_type",
        "covered_days": "covered_days",
        "first_day_flag": "covered_first_day",
        "mid_month_flag": "covered_15th",
        "full_month_flag": "covered_full_month",
        "plan_id": "plan_id",
        "dual_status_code": "dual_status_code",
        "dual_flag": "dual_flag",
    }
    assert_same(
        pandas(lakehouse, "gold_member_months", columns),
        independent.member_months(lakehouse.source),
    )


def test_gaps_lie_between_covered_days(built):
    _, lakehouse = built
    columns = {
        "person_id": "person_id",
        "coverage_type": "coverage_type",
        "gap_start_date": "gap_start",
        "gap_end_date": "gap_end",
        "gap_days": "days",
    }
    assert_same(
        pandas(lakehouse, "gold_coverage_gaps", columns), independent.gaps(lakehouse.source)
    )


def test_demographics_are_versions_dated_by_the_data(built):
    _, lakehouse = built
    same = "person_id effective_from effective_to is_current mbi first_name middle_name last_name "
    same += "birth_date death_date sex race ethnicity address city state zip county_fips"
    columns = {name: name for name in same.split()}
    assert_same(
        pandas(lakehouse, "silver_demographics", columns),
        independent.demographics(lakehouse.source),
    )


def test_member_status_is_one_row_a_person_and_month(built):
    _, lakehouse = built
    same = "person_id status_month dual_status_code dual_flag medicare_status_code esrd_flag"
    columns = {name: name for name in same.split()}
    assert_same(
        pandas(lakehouse, "silver_member_status", columns),
        independent.member_status(lakehouse.source),
    )


def test_every_raw_line_is_in_bronze_or_in_a_refused_file(built):
    _, lakehouse = built
    raw = independent.raw_rows(lakehouse.source)
    lines = sum(rows for file, rows in raw.items() if file.startswith("beneficiary_"))
    ledger = lakehouse.table("row_ledger").where("table_name LIKE 'bronze_beneficiary%'")
    by_end = dict(map(tuple, ledger.groupBy("disposition").sum("row_count").collect()))
    bronze = sum(lakehouse.table(feed.table).count() for feed in lakehouse.domain.feeds)
    assert bronze == by_end["landed"]
    assert lines == bronze + by_end.get("refused", 0) + by_end.get("duplicate", 0)


def test_every_bronze_row_meets_one_end_in_each_silver_table(built):
    _, lakehouse = built
    silver = {table.name for table in lakehouse.domain.tables if table.name.startswith("silver")}
    ledger = lakehouse.table("row_ledger").where(F.col("table_name").isin(*silver))
    ends = ledger.groupBy("table_name", "input_name").sum("row_count").collect()
    assert {row.table_name for row in ends} == silver - {"silver_person_crosswalk"}  # none merged
    for table_name, input_name, rows in ends:
        assert rows == lakehouse.table(input_name).count(), (table_name, input_name)


def test_every_table_keeps_its_grain(built):
    _, lakehouse = built
    for table in lakehouse.domain.tables:
        frame, key = lakehouse.table(table.name), list(table.contract.key)
        assert frame.select(*key).dropna().distinct().count() == frame.count(), table.name


def test_a_second_run_makes_no_new_version(built):
    _, lakehouse = built
    before = lakehouse.versions()
    assert {outcome.state for outcome in lakehouse.run()} == {"up_to_date"}
    assert lakehouse.versions() == before


def test_building_again_from_scratch_changes_nothing(built):
    name, lakehouse = built
    if name != "cms":
        pytest.skip("shown once, on the smallest")
    before = lakehouse.versions()
    lakehouse.spark.sql(f"DELETE FROM {lakehouse.settings.table('ops', 'run_log')}")
    assert {outcome.state for outcome in lakehouse.build()} == {"unchanged"}
    assert lakehouse.versions() == before
