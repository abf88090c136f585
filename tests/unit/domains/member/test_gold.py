"""Member months by covered days, gaps whatever the plan, and who each person is now."""

from chispa import assert_df_equality

from data_ops.domains.member.gold import coverage_gaps, member_current, member_months
from data_ops.domains.member.schemas import (
    COVERAGE_GAPS,
    DEMOGRAPHICS,
    ELIGIBILITY,
    MEMBER_CURRENT,
    MEMBER_MONTHS,
    MEMBER_STATUS,
)

from .frames import frame

SENDER = {"data_source": "sample"}


def island(person: str, start: str, end: str, part: str = "PART_A", plan: str = "FFS") -> dict:
    return SENDER | {
        "person_id": person,
        "payer": "medicare",
        "plan_id": plan,
        "coverage_type": part,
        "eligibility_start_date": start,
        "eligibility_end_date": end,
    }


def status(person: str, month: str, dual: str | None, flag: bool = False) -> dict:
    return SENDER | {
        "person_id": person,
        "status_month": month,
        "dual_status_code": dual,
        "dual_flag": flag,
    }


def assert_same(found, expected):
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)


# case → islands, months (month, days, first, 15th, full, plan)
MONTHS = {
    "february of a leap year is full with 29 days": (
        [("2024-02-01", "2024-02-29")],
        [("2024-02-01", 29, True, True, True, "FFS")],
    ),
    "28 days do not fill it": (
        [("2024-02-01", "2024-02-28")],
        [("2024-02-01", 28, True, True, False, "FFS")],
    ),
    "february of another year is full with 28 days": (
        [("2023-02-01", "2023-02-28")],
        [("2023-02-01", 28, True, True, True, "FFS")],
    ),
    "a death on the 15th is covered on the 15th": (
        [("2023-05-01", "2023-05-15")],
        [("2023-05-01", 15, True, True, False, "FFS")],
    ),
    "a death on the 14th is not": (
        [("2023-05-01", "2023-05-14")],
        [("2023-05-01", 14, True, False, False, "FFS")],
    ),
    "a day is a month": (
        [("2023-05-31", "2023-05-31")],
        [("2023-05-01", 1, False, False, False, "FFS")],
    ),
    "from the second on, the first is not covered": (
        [("2023-05-02", "2023-06-30")],
        [
            ("2023-05-01", 30, False, True, False, "FFS"),
            ("2023-06-01", 30, True, True, True, "FFS"),
        ],
    ),
    "december and january are two months": (
        [("2023-12-31", "2024-01-01")],
        [
            ("2023-12-01", 1, False, False, False, "FFS"),
            ("2024-01-01", 1, True, False, False, "FFS"),
        ],
    ),
    "two plans of a month add up, and the last one counts": (
        [("2023-05-01", "2023-05-10", "H0001-001"), ("2023-05-11", "2023-05-31", "H0002-001")],
        [("2023-05-01", 31, True, True, True, "H0002-001")],
    ),
    "a day covered by two plans counts once": (
        [("2023-05-01", "2023-05-20", "H0001-001"), ("2023-05-11", "2023-05-25", "H0002-001")],
        [("2023-05-01", 25, True, True, False, "H0002-001")],
    ),
    "days around a gap add up": (
        [("2023-05-01", "2023-05-10"), ("2023-05-21", "2023-05-31")],
        [("2023-05-01", 21, True, False, False, "FFS")],
    ),
}


def test_member_months_by_days_covered(spark):
    islands = [
        island(case, *span[:2], plan=span[2] if len(span) > 2 else "FFS")
        for case, (spans, _) in MONTHS.items()
        for span in spans
    ]
    names = (
        "coverage_month", "covered_days", "first_day_flag", "mid_month_flag", "full_month_flag",
        "plan_id",
    )  # fmt: skip
    same = {"coverage_type": "PART_A", "payer": "medicare", "dual_flag": False}
    expected = [
        SENDER | same | {"person_id": case} | dict(zip(names, month, strict=True))
        for case, (_, months) in MONTHS.items()
        for month in months
    ]
    found = member_months(frame(spark, ELIGIBILITY, islands), frame(spark, MEMBER_STATUS, []))
    told = MEMBER_MONTHS.business
    assert_same(found.select(*told), frame(spark, MEMBER_MONTHS, expected).select(*told))


def test_each_part_has_months_of_its_own_with_the_status_of_the_month(spark):
    """A month of unknown status is no dual month; a status without coverage is no month."""
    islands = [
        island("p", "2023-01-01", "2023-02-28"),
        island("p", "2023-02-01", "2023-02-28", "PART_D", "S0001-001"),
    ]
    said = [
        status("p", "2023-01-01", "02", True),
        status("p", "2023-03-01", "02", True),
        status("q", "2023-01-01", "02", True),
    ]
    found = member_months(frame(spark, ELIGIBILITY, islands), frame(spark, MEMBER_STATUS, said))
    told = ("coverage_type", "coverage_month", "plan_id", "dual_status_code", "dual_flag")
    rows = [
        ("PART_A", "2023-01-01", "FFS", "02", True),
        ("PART_A", "2023-02-01", "FFS", None, False),
        ("PART_D", "2023-02-01", "S0001-001", None, False),
    ]
    expected = [dict(zip(told, row, strict=True)) for row in rows]
    assert_same(found.select(*told), frame(spark, MEMBER_MONTHS, expected).select(*told))


# case → islands, gaps (first day, last day, days, plan before, plan after)
GAPS = {
    "one uncovered day is a gap": (
        [("2023-01-01", "2023-01-30"), ("2023-02-01", "2023-02-28")],
        [("2023-01-31", "2023-01-31", 1, "FFS", "FFS")],
    ),
    "before the first and after the last day there is none": ([("2023-01-01", "2023-01-31")], []),
    "a change of plan is none": (
        [("2023-01-01", "2023-01-31"), ("2023-02-01", "2023-02-28", "H0001-001")],
        [],
    ),
    "a gap may lie between two plans": (
        [("2023-01-01", "2023-01-31", "H0001-001"), ("2023-03-01", "2023-03-31", "H0002-001")],
        [("2023-02-01", "2023-02-28", 28, "H0001-001", "H0002-001")],
    ),
    "what another plan covers is none": (
        [
            ("2023-01-01", "2023-01-31"),
            ("2023-03-01", "2023-03-31"),
            ("2023-01-15", "2023-04-30", "H0001-001"),
        ],
        [],
    ),
    "each gap is a row": (
        [("2023-01-01", "2023-01-31"), ("2023-03-01", "2023-03-31"), ("2023-12-01", "2024-01-31")],
        [
            ("2023-02-01", "2023-02-28", 28, "FFS", "FFS"),
            ("2023-04-01", "2023-11-30", 244, "FFS", "FFS"),
        ],
    ),
}


def test_gaps_between_covered_days(spark):
    islands = [
        island(case, *span[:2], plan=span[2] if len(span) > 2 else "FFS")
        for case, (spans, _) in GAPS.items()
        for span in spans
    ]
    islands.append(island("one uncovered day is a gap", "2023-01-01", "2023-12-31", "PART_B"))
    names = ("gap_start_date", "gap_end_date", "gap_days", "plan_before", "plan_after")
    expected = [
        SENDER | {"person_id": case, "coverage_type": "PART_A"} | dict(zip(names, gap, strict=True))
        for case, (_, gaps) in GAPS.items()
        for gap in gaps
    ]
    told = COVERAGE_GAPS.business
    found = coverage_gaps(frame(spark, ELIGIBILITY, islands))
    assert_same(found.select(*told), frame(spark, COVERAGE_GAPS, expected).select(*told))


def test_member_current_is_the_current_version_with_what_covers_him_last(spark):
    """A death reported on a former version counts; a person without coverage stays in the table."""
    versions = [
        {"person_id": "covered", "zip": "02138", "is_current": False, "death_date": "2023-05-10"},
        {"person_id": "covered", "zip": "02139", "is_current": True, "member_id": "covered"},
        {"person_id": "uncovered", "zip": "02140", "is_current": True},
    ]
    islands = [
        island("covered", "2020-01-01", "2022-12-31", "PART_C", "H0001-001"),
        island("covered", "2021-01-01", "2023-05-10"),
        island("covered", "2021-02-01", "2023-05-10", "PART_B"),
        island("covered", "2021-02-01", "2021-12-31", "PART_D", "S0001-001"),
        island("stranger", "2021-02-01", "2021-12-31"),
    ]
    said = [
        status("covered", "2023-03-01", "02", True),
        status("covered", "2023-04-01", "NA"),
        status("covered", "2023-05-01", None),
        status("covered", "2023-06-01", "00"),
        status("covered", "2023-07-01", "99"),
    ]
    expected = [
        {
            "person_id": "covered",
            "member_id": "covered",
            "zip": "02139",
            "death_date": "2023-05-10",
            "first_covered_date": "2020-01-01",
            "last_covered_date": "2023-05-10",
            "last_coverage_types": "PART_A,PART_B",
            "last_dual_status_code": "NA",
        },
        {"person_id": "uncovered", "zip": "02140"},
    ]
    told = MEMBER_CURRENT.business
    found = member_current(
        frame(spark, DEMOGRAPHICS, [SENDER | version for version in versions]),
        frame(spark, ELIGIBILITY, islands),
        frame(spark, MEMBER_STATUS, said),
    )
    assert_same(
        found.select(*told),
        frame(spark, MEMBER_CURRENT, [SENDER | row for row in expected]).select(*told),
    )
