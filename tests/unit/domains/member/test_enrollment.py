"""Twelve monthly flags become spans; what has no place among them is set aside or out of scope."""

from datetime import UTC, datetime

import pytest
from chispa import assert_df_equality

from data_ops.domains.member.enrollment import enrollment, enrollment_rows
from data_ops.domains.member.rules import RULES
from data_ops.domains.member.schemas import BENEFICIARY, ENROLLMENT, MONTHS, PERSON_CROSSWALK
from data_ops.operations.accounts import accepted, set_aside, tally
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for

from .frames import frame

EARLY, LATE = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 7, 15, tzinfo=UTC)
ALL_YEAR = range(1, 13)


def year(number: int | str | None, **columns) -> dict:
    return {"RFRNC_YR": str(number) if number else None} | columns


def flags(code: str, months=ALL_YEAR) -> dict:
    """Entitlement to A and B in those months."""
    return {f"MDCR_ENTLMT_BUYIN_{month}_IND": code for month in months}


def plan(part: str, contract: str, package: str | None = "001", months=ALL_YEAR) -> dict:
    """A plan of part PTC or PTD in those months."""
    told = {}
    for month in months:
        told[f"{part}_CNTRCT_{MONTHS[month - 1]}_ID"] = contract
        told[f"{part}_PBP_{MONTHS[month - 1]}_ID"] = package
    return told


def a(start: str, end: str) -> tuple[str, str, str, str]:
    return "PART_A", "FFS", start, end


def b(start: str, end: str) -> tuple[str, str, str, str]:
    return "PART_B", "FFS", start, end


WHOLE = "2021-01-01", "2021-12-31"
KEPT, BEATEN, ASIDE, OUT = "contributed", "superseded", "quarantined", "out_of_scope"

# case → rows as sent, spans (coverage type, plan, first day, last day), what became of each row
YEARS = {
    **{
        f"code {code} is A alone": ([year(2021, **flags(code))], [a(*WHOLE)], [KEPT])
        for code in "1A"
    },
    **{
        f"code {code} is B alone": ([year(2021, **flags(code))], [b(*WHOLE)], [KEPT])
        for code in "2B"
    },
    **{
        f"code {code} is A and B": ([year(2021, **flags(code))], [a(*WHOLE), b(*WHOLE)], [KEPT])
        for code in "3C"
    },
    **{
        f"code {code!r} is no coverage": ([year(2021, **flags(code))], [], [OUT])
        for code in ("0", " ", "X", "33")
    },
    "nothing said is no coverage": ([year(2021)], [], [OUT]),
    "a blank around a code does not matter": (
        [year(2021, **flags(" 1 "))],
        [a(*WHOLE)],
        [KEPT],
    ),
    "a month without the flag parts two spans": (
        [year(2021, **flags("1", [1, 2, 4, 12]))],
        [
            a("2021-01-01", "2021-02-28"),
            a("2021-04-01", "2021-04-30"),
            a("2021-12-01", "2021-12-31"),
        ],
        [KEPT],
    ),
    "february of a leap year has 29 days": (
        [year(2024, **flags("1", [2]))],
        [a("2024-02-01", "2024-02-29")],
        [KEPT],
    ),
    "spans stay within the year that sent them": (
        [year(2021, **flags("1", [12])), year(2022, **flags("1", [1]))],
        [a("2021-12-01", "2021-12-31"), a("2022-01-01", "2022-01-31")],
        [KEPT, KEPT],
    ),
    "contracts 0, N and blank are no plan": (
        [
            year(
                2021,
                **plan("PTC", "0"),
                **plan("PTD", "N", months=[1]),
                **plan("PTD", " ", months=[2]),
            )
        ],
        [],
        [OUT],
    ),
    "a plan is its contract and its package": (
        [year(2021, **plan("PTC", "H0001", "002"), **plan("PTD", "S0003", "004"))],
        [("PART_C", "H0001-002", *WHOLE), ("PART_D", "S0003-004", *WHOLE)],
        [KEPT],
    ),
    "a contract without a package is a plan": (
        [year(2021, **plan("PTD", "S0003", None))],
        [("PART_D", "S0003", *WHOLE)],
        [KEPT],
    ),
    "another plan is another span": (
        [
            year(
                2021,
                **plan("PTC", "H0001", months=range(1, 7)),
                **plan("PTC", "H0002", months=range(7, 13)),
            )
        ],
        [
            ("PART_C", "H0001-001", "2021-01-01", "2021-06-30"),
            ("PART_C", "H0002-001", "2021-07-01", "2021-12-31"),
        ],
        [KEPT],
    ),
    "another package of the contract is another span": (
        [year(2021, **plan("PTC", "H0001", "001", [1]), **plan("PTC", "H0001", "002", [2]))],
        [
            ("PART_C", "H0001-001", "2021-01-01", "2021-01-31"),
            ("PART_C", "H0001-002", "2021-02-01", "2021-02-28"),
        ],
        [KEPT],
    ),
    "coverage ends on the day of death": (
        [year(2021, DEATH_DT="10-May-2021", **flags("1", range(1, 6)))],
        [a("2021-01-01", "2021-05-10")],
        [KEPT],
    ),
    "death on the first leaves one day of the month": (
        [year(2021, DEATH_DT="01-May-2021", **flags("1", [5]))],
        [a("2021-05-01", "2021-05-01")],
        [KEPT],
    ),
    "flags after death in a span that began before it are cut": (
        [year(2021, DEATH_DT="10-May-2021", **flags("1"))],
        [a("2021-01-01", "2021-05-10")],
        [KEPT],
    ),
    "a span after death is set aside, and its row counts as set aside": (
        [year(2021, DEATH_DT="10-May-2021", **flags("1", [1, 2, 3, 4, 5, 7]))],
        [a("2021-01-01", "2021-05-10")],
        [ASIDE],
    ),
    "a death in one year's row ends the coverage of all": (
        [year(2022, **flags("1", [1])), year(2021, DEATH_DT="10-May-2021", **flags("1", [5]))],
        [a("2021-05-01", "2021-05-10")],
        [ASIDE, KEPT],
    ),
    "a replaced death ends nothing": (
        [
            year(2021, DEATH_DT="10-May-2021", **flags("1")) | {"_delivered_at": EARLY},
            year(2021, **flags("1")) | {"_delivered_at": LATE},
        ],
        [a(*WHOLE)],
        [BEATEN, KEPT],
    ),
    "a year delivered twice counts once": (
        [
            year(2021, **flags("1")) | {"_delivered_at": LATE},
            year(2021, **flags("2")) | {"_delivered_at": EARLY},
        ],
        [a(*WHOLE)],
        [KEPT, BEATEN],
    ),
    "a deleted year covers nothing": (
        [
            year(2021, **flags("1")) | {"_delivered_at": EARLY},
            year(2021, DML_IND="DELETE", **flags("1")) | {"_delivered_at": LATE},
        ],
        [],
        [BEATEN, BEATEN],
    ),
    "a year that is none is set aside": (
        [year("20x1", **flags("3")), year(None), year(2021, **flags("1"))],
        [a(*WHOLE)],
        [ASIDE, ASIDE, KEPT],
    ),
    "a year before Medicare or beyond next year is set aside": (
        [year(1964, **flags("1")), year(2027, **flags("1")), year(2021, **flags("1"))],
        [a(*WHOLE)],
        [ASIDE, ASIDE, KEPT],
    ),
}
REASONS = {
    "a span after death is set aside, and its row counts as set aside": {"start_before_end"},
    "a death in one year's row ends the coverage of all": {"start_before_end"},
    "a year that is none is set aside": {"keys_present", "start_in_range"},
    "a year before Medicare or beyond next year is set aside": {"start_in_range"},
}
NOBODY = [{"_corrupt_record": "1|2"}, {"_corrupt_record": "1|2"}, year(2021, **flags("3"))]


def account(spark, rows: list[dict]):
    judged = set_aside(
        enrollment_rows(delivered_rows(spark, BENEFICIARY, *rows)),
        rules_for(RULES, ENROLLMENT.name),
    )
    return enrollment(judged, frame(spark, PERSON_CROSSWALK, []))


@pytest.fixture(scope="module")
def told(spark) -> dict[str, list]:
    """Case → the rows of its account."""
    sent = [
        row | {"BENE_ID": case, "_row_hash": f"{case}#{nth}"}
        for case, (rows, _, _) in YEARS.items()
        for nth, row in enumerate(rows)
    ]
    sent += [row | {"_row_hash": f"nobody#{nth}"} for nth, row in enumerate(NOBODY)]
    cases: dict[str, list] = {case: [] for case in [*YEARS, "nobody"]}
    for row in account(spark, sent).collect():
        cases[row["_row_key"].rpartition("#")[0]].append(row)
    return cases


@pytest.mark.parametrize("case", YEARS)
def test_spans(case, told):
    found = [
        (
            row.coverage_type,
            row.plan_id,
            str(row.enrollment_start_date),
            str(row.enrollment_end_date),
        )
        for row in told[case]
        if row["_disposition"] == KEPT
    ]
    assert sorted(found) == sorted(YEARS[case][1])


@pytest.mark.parametrize("case", YEARS)
def test_what_becomes_of_each_row(case, told):
    """A row is set aside if one of its spans is."""
    rows, _, expected = YEARS[case]
    found = []
    for nth in range(len(rows)):
        ends = {row["_disposition"] for row in told[case] if row["_row_key"] == f"{case}#{nth}"}
        found.append(ASIDE if ASIDE in ends else ends.pop())
    assert found == expected


@pytest.mark.parametrize("case", YEARS)
def test_every_reason_is_told(case, told):
    reasons = {reason for row in told[case] for reason in row["_reasons"]}
    assert reasons == REASONS.get(case, set())


def test_rows_of_nobody_are_all_set_aside(told):
    """The lines that cannot be read, and each of the two spans of the row that can."""
    assert [row["_disposition"] for row in told["nobody"]] == [ASIDE] * 4
    assert all("keys_present" in row["_reasons"] for row in told["nobody"])


def test_each_bronze_row_is_counted_once(spark):
    rows = [
        year(2021, BENE_ID="p", **flags("3")),
        year(2022, BENE_ID="p"),
        year(2021, BENE_ID="q", DEATH_DT="10-May-2021", **flags("3", [1, 7])),
        year(2020, BENE_ID="q", **flags("1")) | {"_delivered_at": EARLY},
        year(2020, BENE_ID="q", **flags("1")) | {"_delivered_at": LATE},
        {"_corrupt_record": "1|2"},
    ]
    counts = tally(account(spark, rows), rules_for(RULES, ENROLLMENT.name)).collect()[0].asDict()
    assert {name: counts[name] for name in (KEPT, ASIDE, BEATEN, OUT, "unchanged")} == {
        KEPT: 2,
        ASIDE: 2,
        BEATEN: 1,
        OUT: 1,
        "unchanged": 0,
    }
    assert (counts["judged"], counts["kept"]) == (8, 5)
    assert (counts["rule_start_before_end"], counts["rule_keys_present"]) == (2, 1)


def test_a_span_says_who_pays_and_why_it_ended(spark):
    """Only the last span of A and of B tells why."""
    sent = year(
        2021,
        BENE_ID="p",
        BENE_PTA_TRMNTN_CD="3",
        BENE_PTB_TRMNTN_CD="0",
        **flags("1", [1, 3]),
        **flags("2", [5]),
        **plan("PTC", "H0001", months=[1]),
        **plan("PTD", "S0002", months=[1]),
    )
    same = {
        "person_id": "p", "member_id": "p", "subscriber_id": "p", "subscriber_relation": "self",
        "payer": "medicare", "payer_type": "medicare", "data_source": "sample",
    }  # fmt: skip
    spans = [
        ("PART_A", "FFS", "medicare ffs", "2021-01-01", "2021-01-31", None),
        ("PART_A", "FFS", "medicare ffs", "2021-03-01", "2021-03-31", "voluntary"),
        ("PART_B", "FFS", "medicare ffs", "2021-05-01", "2021-05-31", None),
        ("PART_C", "H0001-001", "medicare advantage", "2021-01-01", "2021-01-31", None),
        ("PART_D", "S0002-001", "part d", "2021-01-01", "2021-01-31", None),
    ]
    names = (
        "coverage_type", "plan_id", "lob", "enrollment_start_date", "enrollment_end_date",
        "termination_reason",
    )  # fmt: skip
    expected = [same | dict(zip(names, span, strict=True)) for span in spans]
    told = [name for name in ENROLLMENT.business if name != "enrollment_sk"]
    assert_df_equality(
        accepted(account(spark, [sent]), ENROLLMENT).select(*told),
        frame(spark, ENROLLMENT, expected).select(*told),
        ignore_row_order=True,
        ignore_nullable=True,
    )
