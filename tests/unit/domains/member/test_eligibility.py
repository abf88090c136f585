"""Spans merge into maximal islands that cover the same days; each month has one status."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from chispa import assert_df_equality
from hypothesis import strategies as st

from data_ops.domains.member.eligibility import eligibility, member_status, member_status_rows
from data_ops.domains.member.rules import RULES
from data_ops.domains.member.schemas import (
    BENEFICIARY,
    ELIGIBILITY,
    ENROLLMENT,
    MEMBER_STATUS,
    PERSON_CROSSWALK,
)
from data_ops.operations.accounts import set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for
from tests.cases import examples

from .frames import frame

EARLY, LATE = datetime(2024, 1, 15, tzinfo=UTC), datetime(2024, 7, 15, tzinfo=UTC)
PART_A = {"payer": "medicare", "plan_id": "FFS", "coverage_type": "PART_A", "data_source": "sample"}


def span(start: str, end: str | None, **more) -> dict:
    return PART_A | {"enrollment_start_date": start, "enrollment_end_date": end} | more


# case → spans as sent, islands (plan, first day, last day, spans merged)
ISLANDS = {
    "one span is one island": (
        [span("2021-01-01", "2021-12-31")],
        [("FFS", "2021-01-01", "2021-12-31", 1)],
    ),
    "spans that touch are one island": (
        [span("2021-01-01", "2021-12-31"), span("2022-01-01", "2022-12-31")],
        [("FFS", "2021-01-01", "2022-12-31", 2)],
    ),
    "a day between them parts two islands": (
        [span("2021-01-01", "2021-12-30"), span("2022-01-01", "2022-12-31")],
        [("FFS", "2021-01-01", "2021-12-30", 1), ("FFS", "2022-01-01", "2022-12-31", 1)],
    ),
    "overlapping spans are one island": (
        [span("2021-01-01", "2021-06-30"), span("2021-06-30", "2021-12-31")],
        [("FFS", "2021-01-01", "2021-12-31", 2)],
    ),
    "a span inside an earlier one parts nothing": (
        [
            span("2021-01-01", "2021-12-31"),
            span("2021-02-01", "2021-02-28"),
            span("2021-06-01", "2022-01-31"),
        ],
        [("FFS", "2021-01-01", "2022-01-31", 3)],
    ),
    "another plan is another island": (
        [span("2021-01-01", "2021-06-30"), span("2021-07-01", "2021-12-31", plan_id="H0001-001")],
        [("FFS", "2021-01-01", "2021-06-30", 1), ("H0001-001", "2021-07-01", "2021-12-31", 1)],
    ),
    "an open span ends at the end of time": (
        [span("2021-01-01", None), span("2022-01-01", "2022-12-31")],
        [("FFS", "2021-01-01", "9999-12-31", 2)],
    ),
}


def test_islands(spark):
    sent = [row | {"person_id": case} for case, (rows, _) in ISLANDS.items() for row in rows]
    names = ("plan_id", "eligibility_start_date", "eligibility_end_date", "span_count")
    expected = [
        PART_A | {"person_id": case, "max_gap_days": 0} | dict(zip(names, island, strict=True))
        for case, (_, islands) in ISLANDS.items()
        for island in islands
    ]
    told = [name for name in ELIGIBILITY.business if name != "eligibility_sk"]
    assert_df_equality(
        eligibility(frame(spark, ENROLLMENT, sent)).select(*told),
        frame(spark, ELIGIBILITY, expected).select(*told),
        ignore_row_order=True,
        ignore_nullable=True,
    )


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), min_size=1, max_size=8)
_FIRST = date(2021, 1, 1)


def test_no_day_is_lost_or_made_and_islands_are_maximal(spark):
    persons = examples(SPANS, 80)
    sent = [
        span(_FIRST + timedelta(start), _FIRST + timedelta(start + days), person_id=f"p{nth}")
        for nth, spans in enumerate(persons)
        for start, days in spans
    ]
    found: dict[str, list] = {f"p{nth}": [] for nth in range(len(persons))}
    for row in eligibility(frame(spark, ENROLLMENT, sent)).collect():
        first = (row.eligibility_start_date - _FIRST).days
        last = (row.eligibility_end_date - _FIRST).days
        found[row.person_id].append((first, last, row.span_count))
    for nth, spans in enumerate(persons):
        islands = sorted(found[f"p{nth}"])
        covered = [day for first, last, _ in islands for day in range(first, last + 1)]
        wanted = {day for start, days in spans for day in range(start, start + days + 1)}
        assert covered == sorted(wanted), spans
        assert all(later[0] > former[1] + 1 for former, later in pairwise(islands)), spans
        assert sum(count for *_, count in islands) == len(spans)


# -------------------------------------------------------------------------------------- status


def year(number: int | str | None, **columns) -> dict:
    return {"RFRNC_YR": str(number) if number else None} | columns


def month(dual: str | None = None, medicare: str | None = None, buyin: str | None = None) -> dict:
    """What a row says of January."""
    columns = {
        "META_DUAL_ELGBL_STUS_JAN_CD": dual,
        "MDCR_STUS_JAN_CD": medicare,
        "MDCR_ENTLMT_BUYIN_1_IND": buyin,
    }
    return {name: code for name, code in columns.items() if code is not None}


# case → what is said of January, (dual code, dual, Medicare status, ESRD) of January
STATUSES = {
    "full dual": (month("02", "10", "3"), ("02", True, "10", False)),
    "a lost leading zero is put back": (month("8", "10", "3"), ("08", True, "10", False)),
    "a code that is too long is not cut": (month("021", "10", "3"), ("021", False, "10", False)),
    "no dual": (month("NA", "10", "3"), ("NA", False, "10", False)),
    "other dual is no dual": (month("09", "10", "3"), ("09", False, "10", False)),
    "an unknown code stays and is no dual": (month("AA", "10", "3"), ("AA", False, "10", False)),
    "lower case is the same code": (month("na", "10", "3"), ("NA", False, "10", False)),
    "ESRD": (month("NA", "31", "3"), ("NA", False, "31", True)),
    "aged with ESRD": (month("NA", "11", "3"), ("NA", False, "11", True)),
    "no status known is no ESRD known": (month("01", None, "3"), ("01", True, None, None)),
    "entitlement alone makes a month": (month(None, None, "0"), (None, False, None, None)),
    "status alone makes a month": (month(None, "20"), (None, False, "20", False)),
}
# case → rows as sent, months, what became of each row
STATUS_ROWS = {
    "nothing said is no month": ([year(2021), year(2022, **month(" "))], [], ["out_of_scope"] * 2),
    "twelve months are twelve rows": (
        [year(2024, **{f"MDCR_ENTLMT_BUYIN_{number}_IND": "3" for number in range(1, 13)})],
        [f"2024-{number:02}-01" for number in range(1, 13)],
        ["contributed"],
    ),
    "a year delivered twice counts once": (
        [
            year(2021, **month("02")) | {"_delivered_at": EARLY},
            year(2021, **month("02")) | {"_delivered_at": LATE},
        ],
        ["2021-01-01"],
        ["superseded", "contributed"],
    ),
    "a year that is none is set aside": (
        [year("20x1", **month("02")), year(2021, **month("02"))],
        ["2021-01-01"],
        ["quarantined", "contributed"],
    ),
}


@pytest.fixture(scope="module")
def told(spark) -> dict[str, list]:
    """Case → the rows of its account."""
    sent = [year(2021, BENE_ID=case, **said) for case, (said, _) in STATUSES.items()]
    sent += [
        row | {"BENE_ID": case, "_row_hash": f"{case}#{nth}"}
        for case, (rows, _, _) in STATUS_ROWS.items()
        for nth, row in enumerate(rows)
    ]
    sent.append({"_corrupt_record": "1|2"})
    rules = rules_for(RULES, MEMBER_STATUS.name)
    account = member_status(
        set_aside(member_status_rows(delivered_rows(spark, BENEFICIARY, *sent)), rules),
        frame(spark, PERSON_CROSSWALK, []),
    )
    cases: dict[str, list] = {case: [] for case in [*STATUSES, *STATUS_ROWS, None]}
    for row in account.collect():
        cases[row.person_id].append(row)
    return cases


@pytest.mark.parametrize("case", STATUSES)
def test_status_of_a_month(case, told):
    rows = told[case]
    assert [
        (row.dual_status_code, row.dual_flag, row.medicare_status_code, row.esrd_flag)
        for row in rows
    ] == [STATUSES[case][1]]
    assert [(str(row.status_month), row["_disposition"]) for row in rows] == [
        ("2021-01-01", "contributed")
    ]


@pytest.mark.parametrize("case", STATUS_ROWS)
def test_months_and_what_becomes_of_each_row(case, told):
    rows, months, dispositions = STATUS_ROWS[case]
    kept = [str(row.status_month) for row in told[case] if row["_disposition"] == "contributed"]
    assert sorted(kept) == months
    ends = {(row["_row_key"], row["_disposition"]) for row in told[case]}
    assert sorted(ends) == [(f"{case}#{nth}", end) for nth, end in enumerate(dispositions)]


def test_a_line_that_cannot_be_read_is_set_aside(told):
    assert [(row["_disposition"], row["_reasons"]) for row in told[None]] == [
        ("quarantined", ["keys_present"])
    ]
