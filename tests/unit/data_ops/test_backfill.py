"""The days that a run is to build again: how they are told, and which raw rows belong to them."""

from datetime import date

import pytest

from data_ops.config import load_settings
from data_ops.domains.claims.feeds import CARRIER, PDE
from data_ops.domains.member.schemas import BENEFICIARY, PERSON_CROSSWALK, PERSON_CROSSWALK_FEED
from data_ops.jobs import period_of
from data_ops.operations.bronze import bronze_rows
from data_ops.operations.locality import Period, subjects_within
from data_ops.runs import Run, get_domain
from data_ops.tasks import _in_period
from data_ops.utils.errors import ParameterError
from tests.unit.domains.member.frames import frame

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


@pytest.mark.parametrize("table", ["silver_enrollment", "silver_eligibility", "gold_member_months"])
def test_whom_a_period_reaches_under_a_former_id_it_reaches_as_a_person(spark, monkeypatch, table):
    run = Run(spark, load_settings(environment="local"), "run", get_domain("member"))
    sent = [{"BENE_ID": "old", "RFRNC_YR": "2024"}, {"BENE_ID": "other", "RFRNC_YR": "2023"}]
    merged = [{"old_member_id": "old", "person_id": "new"}]
    frames = {
        BENEFICIARY.table: bronze_rows(spark, BENEFICIARY, *sent),
        "silver_person_crosswalk": frame(spark, PERSON_CROSSWALK, merged),
    }
    monkeypatch.setattr(
        Run, "frame", lambda _, name: frames.get(name, frames[BENEFICIARY.table].where("false"))
    )
    found = _in_period(run, MARCH, run.domain.table(table).local)
    assert {row[0] for row in found.collect()} == {"old", "new"}
