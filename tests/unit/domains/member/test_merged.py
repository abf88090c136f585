"""Ada was sent as A until January, and as B from March: one person, in every table."""

from datetime import date

import pytest

from data_ops.domains.member.demographics import demographic_rows, demographics
from data_ops.domains.member.eligibility import eligibility, member_status, member_status_rows
from data_ops.domains.member.enrollment import enrollment, enrollment_rows
from data_ops.domains.member.gold import coverage_gaps, member_current, member_months
from data_ops.domains.member.rules import RULES
from data_ops.domains.member.schemas import (
    BENEFICIARY,
    BENEFICIARY_HISTORY,
    DEMOGRAPHICS,
    ENROLLMENT,
    ENTITLEMENT,
    MEMBER_STATUS,
    PERSON_CROSSWALK,
)
from data_ops.operations.accounts import accepted, set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for

from .frames import frame


def year(member: str, number: int, entitled: tuple[int, ...], **more) -> dict:
    """A beneficiary row with Parts A and B in those months, 1 to 12."""
    flags = {ENTITLEMENT[month - 1]: "3" for month in entitled}
    told = {"BENE_ID": member, "RFRNC_YR": str(number), "_row_hash": f"{member} {number}"}
    return told | {"_source_file": f"{number}.csv"} | flags | more


SENT = [
    year("A", 2022, (12,), BENE_ZIP_CD="02138", BENE_GVN_NAME="Ada"),
    year("A", 2023, (1,), BENE_ZIP_CD="02138", META_DUAL_ELGBL_STUS_JAN_CD="02"),
    year("B", 2023, tuple(range(3, 13)), BENE_ZIP_CD="02139", DEATH_DT="10-Nov-2023")
    | {"MDCR_STUS_JAN_CD": "10", "MDCR_STUS_MAR_CD": "10"},
    year("C", 2023, (1,), BENE_ZIP_CD="02140"),
]


@pytest.fixture(scope="module")
def tables(spark) -> dict:
    """Accounts of the silver tables by name, and what they hold."""
    merges = frame(spark, PERSON_CROSSWALK, [{"old_member_id": "A", "person_id": "B"}])
    years, past = (
        delivered_rows(spark, BENEFICIARY, *SENT),
        delivered_rows(spark, BENEFICIARY_HISTORY),
    )

    def judged(rows, contract):
        return set_aside(rows, rules_for(RULES, contract.name))

    accounts = {
        DEMOGRAPHICS.name: demographics(
            judged(demographic_rows(years, past), DEMOGRAPHICS), merges
        ),
        ENROLLMENT.name: enrollment(judged(enrollment_rows(years), ENROLLMENT), merges),
        MEMBER_STATUS.name: member_status(judged(member_status_rows(years), MEMBER_STATUS), merges),
    }
    kept = {
        f"{contract.name} kept": accepted(accounts[contract.name], contract)
        for contract in (DEMOGRAPHICS, ENROLLMENT, MEMBER_STATUS)
    }
    return accounts | kept


def test_coverage_under_either_id_is_his_and_the_gap_between_is_seen(tables):
    spans = tables["silver_enrollment kept"]
    assert {(row.member_id, row.person_id) for row in spans.collect()} == {
        ("A", "B"), ("B", "B"), ("C", "C"),
    }  # fmt: skip
    islands = eligibility(spans).where("person_id = 'B' AND coverage_type = 'PART_A'")
    assert sorted(
        (row.eligibility_start_date, row.eligibility_end_date) for row in islands.collect()
    ) == [
        (date(2022, 12, 1), date(2023, 1, 31)),
        (date(2023, 3, 1), date(2023, 11, 10)),
    ]
    gaps = coverage_gaps(eligibility(spans)).where("coverage_type = 'PART_B'").collect()
    assert [(row.person_id, row.gap_start_date, row.gap_end_date) for row in gaps] == [
        ("B", date(2023, 2, 1), date(2023, 2, 28))
    ]
    months = member_months(eligibility(spans), tables["silver_member_status kept"])
    assert months.where("person_id = 'B' AND coverage_type = 'PART_A'").count() == 2 + 9


def test_he_has_one_history_in_which_the_id_that_stands_speaks(tables):
    versions = tables["silver_demographics kept"].where("person_id = 'B'").collect()
    assert sorted((str(row.effective_from)[:10], row.member_id, row.zip) for row in versions) == [
        ("2022-01-01", "A", "02138"),
        ("2023-01-01", "B", "02139"),
    ]
    ends = {row["_row_key"]: row["_disposition"] for row in tables["silver_demographics"].collect()}
    assert ends == {
        "A 2022": "contributed", "A 2023": "superseded", "B 2023": "contributed",
        "C 2023": "contributed",
    }  # fmt: skip


def test_of_a_month_that_both_ids_speak_of_what_says_more_counts(tables):
    status = tables["silver_member_status kept"].where("person_id = 'B'").collect()
    told = {row.status_month: (row.dual_status_code, row.medicare_status_code) for row in status}
    assert len(told) == len(status)
    assert told[date(2023, 1, 1)] == ("02", None)
    assert told[date(2023, 3, 1)] == (None, "10")


def test_a_year_counts_as_superseded_only_if_all_its_months_are(tables):
    """A's January took the place of B's, and B's March stands."""
    account = tables["silver_member_status"]
    ends = account.where("_part = 0").select("_row_key", "_disposition").collect()
    assert dict(map(tuple, ends)) == {
        "A 2022": "contributed", "A 2023": "contributed", "B 2023": "contributed",
        "C 2023": "contributed",
    }  # fmt: skip
    months = account.where("_disposition = 'superseded'").select("_row_key", "status_month")
    assert [tuple(row) for row in months.collect()] == [("B 2023", date(2023, 1, 1))]


def test_members_are_counted_once(tables):
    members = member_current(
        tables["silver_demographics kept"],
        eligibility(tables["silver_enrollment kept"]),
        tables["silver_member_status kept"],
    ).collect()
    assert {row.person_id: (row.zip, row.death_date) for row in members} == {
        "B": ("02139", date(2023, 11, 10)),
        "C": ("02140", None),
    }
