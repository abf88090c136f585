"""The days that a run is to build again: how they are told, and which raw rows belong to them."""

from datetime import date

import pytest

from data_ops.domains.claims.feeds import CARRIER, PDE
from data_ops.domains.member.schemas import BENEFICIARY, PERSON_CROSSWALK_FEED
from data_ops.jobs import period_of
from data_ops.operations.bronze import bronze_rows
from data_ops.operations.locality import Period, subjects_within
from data_ops.utils.errors import ParameterError

MARCH = Period(date(2024, 3, 1), date(2024, 3, 31))


def given(first: str = "", last: str = "", of: str = "service") -> dict[str, str]:
    return {"date_from": first, "date_to": last, "date_of": of}


def test_both_days_belong_to_the_period():
    assert period_of(given("2024-03-01", "2024-03-31")) == MARCH


def test_a_side_that_is_not_told_is_open():
    assert period_of(given("2024-03-01")).last == date.max
    assert period_of(given(last="2024-03-31", of="delivery")).first == date.min


def test_without_days_there_is_no_period():
    assert period_of(given()) is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (("2024-3-1",), "'2024-3-1' to '' is no period"),
        (("2024-03-31", "2024-03-01"), "the period ends on 2024-03-01, before it begins"),
        (("2024-03-01", "", "birth"), "'birth' is no kind of date"),
    ],
)
def test_what_is_no_period_is_refused_with_what_was_given(values, told):
    with pytest.raises(ParameterError, match=told):
        period_of(given(*values))


@pytest.mark.parametrize(
    ("feed", "values", "belongs"),
    [
        (CARRIER, {"CLM_FROM_DT": "28-Feb-2024", "CLM_THRU_DT": "01-Mar-2024"}, True),
        (CARRIER, {"CLM_FROM_DT": "31-Mar-2024", "CLM_THRU_DT": "02-Apr-2024"}, True),
        (CARRIER, {"CLM_FROM_DT": "28-Feb-2024", "CLM_THRU_DT": "29-Feb-2024"}, False),
        (CARRIER, {"CLM_FROM_DT": "01-Apr-2024", "CLM_THRU_DT": "01-Apr-2024"}, False),
        (CARRIER, {"CLM_FROM_DT": "March", "CLM_THRU_DT": "15-Mar-2024"}, False),
        (PDE, {"SRVC_DT": "15-Mar-2024"}, True),
        (PDE, {"SRVC_DT": "15-Mar-2023"}, False),
        (BENEFICIARY, {"RFRNC_YR": "2024"}, True),
        (BENEFICIARY, {"RFRNC_YR": "2023"}, False),
        (BENEFICIARY, {"RFRNC_YR": "20x4"}, False),
    ],
)
def test_a_row_belongs_to_the_days_of_its_service(spark, feed, values, belongs):
    rows = bronze_rows(spark, feed, {"BENE_ID": "7"} | values)
    found = [row.subject for row in subjects_within(rows, feed, MARCH).collect()]
    assert found == (["7"] if belongs else [])


def test_a_feed_that_speaks_of_no_day_has_no_row_in_any_period(spark):
    rows = bronze_rows(spark, PERSON_CROSSWALK_FEED, {"OLD_BENE_ID": "7"})
    assert rows.where(Period(date.min, date.max).holds(PERSON_CROSSWALK_FEED)).isEmpty()


def test_all_lines_of_a_claim_that_belongs_belong_with_it(spark):
    line = {"CLM_ID": "c", "CLM_FROM_DT": "15-Mar-2024", "CLM_THRU_DT": "15-Mar-2024"}
    late = line | {"CLM_FROM_DT": "15-May-2024", "CLM_THRU_DT": "15-May-2024"}
    rows = bronze_rows(spark, CARRIER, line | {"BENE_ID": "7"}, late | {"BENE_ID": "8"})
    found = {row.subject for row in subjects_within(rows, CARRIER, MARCH).collect()}
    assert found == {"7", "8"}
