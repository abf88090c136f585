"""Stays and visits, readmissions, and medicine at hand: by hand, day by day."""

from collections import defaultdict

import pytest

from data_ops.domains.claims.care import (
    encounters,
    pdc_adherence,
    readmissions,
    utilization_per_1000,
    with_encounter,
)
from data_ops.domains.claims.gold_schemas import CLAIMS_ALL, ENCOUNTERS
from data_ops.domains.claims.schemas import PHARMACY
from data_ops.domains.member.schemas import ELIGIBILITY, MEMBER_MONTHS
from tests.unit.domains.member.frames import frame

# ------------------------------------------------------------------------------- stays and visits


def january(day: int) -> str:
    return f"2024-01-{day:02}"


def stay(claim: str, first: int, last: int, status: str = "01", **more) -> dict:
    """One line of an acute stay's claim in January."""
    return {
        "claim_id": claim,
        "claim_line_number": 1,
        "source_feed": "inpatient",
        "data_source": "sample",
        "claim_type": "institutional",
        "service_category_1": "inpatient",
        "service_category_2": "acute inpatient",
        "facility_npi": "h",
        "claim_start_date": january(first),
        "claim_end_date": january(last),
        "admission_date": january(first),
        "discharge_date": None if status == "30" else january(last),
        "discharge_disposition_code": status,
        "paid_amount": 100,
        "allowed_amount": 110,
    } | more


def visit(claim: str, first: int, last: int, category: str = "hospital outpatient", **more) -> dict:
    told = {"service_category_1": "outpatient", "service_category_2": category}
    none = dict.fromkeys(("admission_date", "discharge_date", "discharge_disposition_code"))
    return stay(claim, first, last) | {"source_feed": "outpatient"} | told | none | more


def service(claim: str, first: int, group: str, category: str, **more) -> dict:
    told = {"service_category_1": group, "service_category_2": category, "rendering_npi": "r"}
    form = {"claim_type": "professional", "source_feed": "carrier", "facility_npi": None}
    return visit(claim, first, first) | told | form | more


def on(day: int) -> dict:
    return dict.fromkeys(("claim_line_start_date", "claim_line_end_date"), january(day))


ACUTE, SNF, OTHER = "acute inpatient", "skilled nursing", "hospital outpatient"
NEXT_DOOR = {"facility_npi": "k"}

# case → lines, encounters (type, first day, last day, nights, claims, last status)
CARE = {
    "a stay": ([stay("a", 1, 5)], [(ACUTE, 1, 5, 4, 1, "01")]),
    "a stay of one day is one night": ([stay("a", 1, 1)], [(ACUTE, 1, 1, 1, 1, "01")]),
    "a claim's lines are one claim": (
        [stay("a", 1, 5), stay("a", 1, 5, claim_line_number=2)],
        [(ACUTE, 1, 5, 4, 1, "01")],
    ),
    "a claim within another": (
        [stay("a", 1, 20, "03"), stay("b", 5, 8, "30")],
        [(ACUTE, 1, 20, 19, 2, "03")],
    ),
    "a claim within another, and a third that overlaps the first": (
        [stay("a", 1, 20, "30"), stay("b", 5, 8, "30"), stay("c", 19, 25)],
        [(ACUTE, 1, 25, 24, 3, "01")],
    ),
    "overlapping claims": (
        [stay("a", 1, 5, "30"), stay("b", 4, 9)],
        [(ACUTE, 1, 9, 8, 2, "01")],
    ),
    "claims that meet on a day": (
        [stay("a", 1, 5, "02"), stay("b", 5, 9)],
        [(ACUTE, 1, 9, 8, 2, "01")],
    ),
    "three claims that meet on a day": (
        [stay("a", 1, 5), stay("b", 5, 9), stay("c", 9, 12, "06")],
        [(ACUTE, 1, 12, 11, 3, "06")],
    ),
    "the next day is another stay": (
        [stay("a", 1, 5), stay("b", 6, 9)],
        [(ACUTE, 1, 5, 4, 1, "01"), (ACUTE, 6, 9, 3, 1, "01")],
    ),
    "the next day of who is still a patient is the same stay": (
        [stay("a", 1, 5, "30"), stay("b", 6, 9)],
        [(ACUTE, 1, 9, 8, 2, "01")],
    ),
    "the day after the next is another stay all the same": (
        [stay("a", 1, 5, "30"), stay("b", 7, 9)],
        [(ACUTE, 1, 5, 4, 1, "30"), (ACUTE, 7, 9, 2, 1, "01")],
    ),
    "who is still a patient has no more days than billed": (
        [stay("a", 1, 5, "30")],
        [(ACUTE, 1, 5, 4, 1, "30")],
    ),
    "three claims of who is still a patient": (
        [stay("a", 1, 5, "30"), stay("c", 11, 15), stay("b", 6, 10, "30")],
        [(ACUTE, 1, 15, 14, 3, "01")],
    ),
    "a later claim that tells the admission": (
        [stay("a", 1, 5), stay("b", 11, 15, admission_date=january(1))],
        [(ACUTE, 1, 15, 14, 2, "01")],
    ),
    "two hospitals are two stays": (
        [stay("a", 1, 5, "02"), stay("b", 5, 9, **NEXT_DOOR)],
        [(ACUTE, 1, 5, 4, 1, "02"), (ACUTE, 5, 9, 4, 1, "01")],
    ),
    "two kinds of care are two stays": (
        [stay("a", 1, 5, "03"), stay("b", 5, 9, source_feed="snf", service_category_2=SNF)],
        [(ACUTE, 1, 5, 4, 1, "03"), (SNF, 5, 9, 4, 1, "01")],
    ),
    "a stay without admission and discharge": (
        [stay("a", 1, 5, admission_date=None, discharge_date=None)],
        [(ACUTE, 1, 5, 4, 1, "01")],
    ),
    "a bill from three days before the admission": (
        [stay("a", 1, 8, admission_date=january(4))],
        [(ACUTE, 4, 8, 4, 1, "01")],
    ),
    "a discharge before the admission": (
        [stay("a", 5, 10, discharge_date=january(1))],
        [(ACUTE, 5, 10, 5, 1, "01")],
    ),
    "an admission after the discharge": (
        [stay("a", 5, 10, admission_date="2042-01-05")],
        [(ACUTE, 5, 10, 5, 1, "01")],
    ),
    "a discharge before a bill without an end": (
        [stay("a", 5, 5, discharge_date=january(1), claim_end_date=None)],
        [(ACUTE, 5, 5, 1, 1, "01")],
    ),
    "an unknown hospital is one hospital": (
        [stay("a", 1, 5, facility_npi=None), stay("b", 5, 9, facility_npi=None)],
        [(ACUTE, 1, 9, 8, 2, "01")],
    ),
    "a visit has no nights": ([visit("a", 1, 1)], [(OTHER, 1, 1, None, 1, None)]),
    "two claims of one visit": (
        [visit("a", 1, 1), visit("b", 1, 2)],
        [(OTHER, 1, 2, None, 2, None)],
    ),
    "visits that overlap are two if they begin apart": (
        [visit("a", 1, 5), visit("b", 2, 5)],
        [(OTHER, 1, 5, None, 1, None), (OTHER, 2, 5, None, 1, None)],
    ),
    "another hospital is another visit": (
        [visit("a", 1, 1), visit("b", 1, 1, **NEXT_DOOR)],
        [(OTHER, 1, 1, None, 1, None)] * 2,
    ),
    "another kind of service is another visit": (
        [visit("a", 1, 1), visit("b", 1, 1, "emergency department")],
        [("emergency department", 1, 1, None, 1, None), (OTHER, 1, 1, None, 1, None)],
    ),
    "a round in the hospital is no stay": (
        [stay("a", 1, 5), service("b", 1, "inpatient", ACUTE)],
        [(ACUTE, 1, 5, 4, 1, "01"), ("inpatient professional", 1, 1, None, 1, None)],
    ),
    "two doctors in an emergency do not make it three": (
        [
            visit("a", 1, 1, "emergency department"),
            service("b", 1, "outpatient", "emergency department"),
            service("c", 1, "outpatient", "emergency department", rendering_npi="s"),
        ],
        [
            ("emergency department", 1, 1, None, 1, None),
            *[("emergency department professional", 1, 1, None, 1, None)] * 2,
        ],
    ),
    "a claim of two kinds of service is in two visits": (
        [
            service("a", 1, "office-based", "office visit"),
            service("a", 1, "ancillary", "lab", claim_line_number=2),
        ],
        [("lab", 1, 1, None, 1, None), ("office visit", 1, 1, None, 1, None)],
    ),
    "a claim for two days is two visits": (
        [
            service("a", 1, "office-based", "office visit", **on(1)),
            service("a", 1, "office-based", "office visit", **on(8), claim_line_number=2),
        ],
        [("office visit", 1, 1, None, 1, None), ("office visit", 8, 8, None, 1, None)],
    ),
    "a night in an emergency is one visit": (
        [
            visit("a", 1, 2, "emergency department", **on(1)),
            visit("a", 1, 2, "emergency department", **on(2), claim_line_number=2),
        ],
        [("emergency department", 1, 2, None, 1, None)],
    ),
    "who bills stands for who did it, if need be": (
        [
            service("a", 1, "office-based", "office visit", rendering_npi=None, billing_npi="r"),
            service("b", 1, "office-based", "office visit"),
        ],
        [("office visit", 1, 1, None, 2, None)],
    ),
}


@pytest.fixture(scope="module")
def care(spark) -> dict[str, list]:
    """Person → his encounters."""
    sent = [
        one | {"person_id": case, "claim_id": f"{case} {one['claim_id']}"}
        for case, (lines, _) in CARE.items()
        for one in lines
    ]
    found: dict[str, list] = defaultdict(list)
    for row in encounters(frame(spark, CLAIMS_ALL, sent)).collect():
        found[row.person_id].append(row)
    return found


@pytest.mark.parametrize("case", CARE)
def test_stays_and_visits(case, care):
    """Each line is in exactly one, so that they cost what the lines cost."""
    lines, expected = CARE[case]
    found = sorted(
        (
            row.encounter_type,
            row.encounter_start_date.day,
            row.encounter_end_date.day,
            row.length_of_stay,
            row.claim_count,
            row.discharge_disposition_code,
        )
        for row in care[case]
    )
    assert found == expected
    assert sum(row.paid_amount for row in care[case]) == 100 * len(lines)
    assert sum(row.allowed_amount for row in care[case]) == 110 * len(lines)


def test_groups_of_encounters(care):
    groups = {(row.encounter_type, row.encounter_group) for rows in care.values() for row in rows}
    assert groups == {
        (ACUTE, "inpatient"),
        (SNF, "inpatient"),
        ("inpatient professional", "inpatient"),
        (OTHER, "outpatient"),
        ("emergency department", "outpatient"),
        ("emergency department professional", "outpatient"),
        ("office visit", "office-based"),
        ("lab", "ancillary"),
    }


def test_lines_tell_their_encounter(spark):
    lines = [stay("a", 1, 5, "30"), stay("b", 6, 9), stay("c", 12, 13), visit("d", 2, 2)]
    told = with_encounter(frame(spark, CLAIMS_ALL, [one | {"person_id": "p"} for one in lines]))
    rows = {row.claim_id: row for row in told.collect()}
    assert len({row.encounter_id for row in rows.values()}) == 3
    assert rows["a"].encounter_id == rows["b"].encounter_id
    days = {
        name: (row.encounter_start_date.day, row.encounter_end_date.day)
        for name, row in rows.items()
    }
    assert days == {"a": (1, 9), "b": (1, 9), "c": (12, 13), "d": (2, 2)}


# ------------------------------------------------------------------------------------ utilization


def test_a_thousand_members_a_year(spark):
    """Two stays, five nights, three members: 2 · 12,000 / 3 stays, 5 · 12,000 / 3 nights."""
    stays = [("a", "2024-01-05", 4), ("b", "2024-01-31", 1), ("c", "2024-03-01", 2)]
    used = [
        {
            "encounter_id": name,
            "encounter_group": "inpatient",
            "encounter_type": ACUTE,
            "encounter_start_date": day,
            "length_of_stay": nights,
        }
        for name, day, nights in stays
    ]
    months = [
        {"person_id": person, "coverage_month": month, "coverage_type": part}
        for person, month, part in [
            ("p", "2024-01-01", "PART_A"), ("p", "2024-01-01", "PART_B"),
            ("q", "2024-01-01", "PART_B"), ("s", "2024-01-01", "PART_A"),
            ("r", "2024-01-01", "PART_D"),
            ("p", "2024-02-01", "PART_A"),
        ]
    ]  # fmt: skip
    found = utilization_per_1000(
        frame(spark, ENCOUNTERS, used),
        frame(spark, MEMBER_MONTHS, months),
    ).collect()
    assert {
        row.coverage_month.month: (
            row.encounter_count,
            row.day_count,
            row.member_months,
            row.encounter_per_1000,
            row.day_per_1000,
        )
        for row in found
    } == {1: (2, 5, 3, 8000.0, 20000.0), 2: (0, 0, 1, 0.0, 0.0), 3: (1, 2, 0, None, None)}
    assert len(found) == 3


# ----------------------------------------------------------------------------------- readmissions

LATER = ("2024-03-15", "2024-03-20", "01")  # five days after the tenth


def left_on_the_tenth(code: str = "01") -> tuple[str, str, str]:
    return "2024-03-05", "2024-03-10", code


def followed(code: str) -> list[tuple]:
    return [left_on_the_tenth(code), LATER]


SAME = {"provider_npi": "h0"}
INDEX, DIED, AGAINST, MOVED, THERE, RECENT = (
    None, "died", "left against advice", "transferred", "still a patient", "last 30 days",
)  # fmt: skip

# case → acute stays (first day, last day, status, more), of the first: (exclusion, days to the next
# stay, readmitted?). The claims speak of days up to 31 December 2024.
RETURNS = {
    "nobody returns": ([left_on_the_tenth()], (INDEX, None, False)),
    "on the next day": (
        [left_on_the_tenth(), ("2024-03-11", "2024-03-12", "01", SAME)],
        (INDEX, 1, True),
    ),
    "to another hospital on that day": (
        [left_on_the_tenth(), ("2024-03-10", "2024-03-12", "01")],
        (MOVED, 0, False),
    ),
    "to another hospital on the next day": (
        [left_on_the_tenth(), ("2024-03-11", "2024-03-12", "01")],
        (MOVED, 1, False),
    ),
    "to another hospital on the day after that": (
        [left_on_the_tenth(), ("2024-03-12", "2024-03-14", "01")],
        (INDEX, 2, True),
    ),
    "to nobody knows which hospital": (
        [left_on_the_tenth(), ("2024-03-11", "2024-03-12", "01", {"provider_npi": None})],
        (INDEX, 1, True),
    ),
    "of two on one day, the first": (
        [("2024-03-10", "2024-03-10", "01"), ("2024-03-10", "2024-03-10", "01")],
        (MOVED, 0, False),
    ),
    "on day 30": ([left_on_the_tenth(), ("2024-04-09", "2024-04-12", "01")], (INDEX, 30, True)),
    "on day 31": ([left_on_the_tenth(), ("2024-04-10", "2024-04-12", "01")], (INDEX, 31, False)),
    "the next of several stays counts": (
        [left_on_the_tenth(), ("2024-06-01", "2024-06-02", "01"), LATER],
        (INDEX, 5, True),
    ),
    "of whom it is not known how he left": (followed(None), (INDEX, 5, True)),
    "to skilled nursing": (followed("03"), (INDEX, 5, True)),
    "home, with help": (followed("06"), (INDEX, 5, True)),
    **{
        f"death, code {code}": (followed(code), (DIED, 5, False))
        for code in ("20", "40", "41", "42")
    },
    "against advice": (followed("07"), (AGAINST, 5, False)),
    **{
        f"to another hospital, code {code}": (followed(code), (MOVED, 5, False))
        for code in ("02 05 43 62 63 65 66 82 85 88 90 91 93 94").split()
    },
    "still a patient": (followed("30"), (THERE, 5, False)),
    "30 days before the last day": (
        [("2024-11-25", "2024-12-01", "01"), ("2024-12-31", "2024-12-31", "30")],
        (INDEX, 30, True),
    ),
    "29 days before the last day": (
        [("2024-11-25", "2024-12-02", "01"), ("2024-12-06", "2024-12-07", "01")],
        (RECENT, 4, False),
    ),
    "dead in the last 30 days": ([("2024-12-05", "2024-12-10", "20")], (DIED, None, False)),
    "who comes back to die comes back": (
        [left_on_the_tenth(), ("2024-03-15", "2024-03-16", "20")],
        (INDEX, 5, True),
    ),
    "skilled nursing is no return": (
        [left_on_the_tenth(), ("2024-03-15", "2024-03-16", "01", {"encounter_type": SNF})],
        (INDEX, None, False),
    ),
    "a day elsewhere during the stay is no return": (
        [("2024-03-01", "2024-03-31", "01"), ("2024-03-05", "2024-03-07", "02")],
        (INDEX, ..., False),
    ),
    "a day elsewhere during the stay does not hide a return": (
        [
            ("2024-03-01", "2024-03-31", "01"),
            ("2024-03-05", "2024-03-07", "02"),
            ("2024-04-10", "2024-04-12", "01"),
        ],
        (INDEX, 10, True),
    ),
}


@pytest.fixture(scope="module")
def returns(spark) -> dict[str, dict]:
    """Person → stay's place in the case → its row."""
    sent = [
        {
            "encounter_id": f"{nth}",
            "person_id": case,
            "encounter_type": ACUTE,
            "encounter_start_date": first,
            "encounter_end_date": last,
            "discharge_disposition_code": code,
            "provider_npi": f"h{nth}",
            **(more[0] if more else {}),
        }
        for case, (stays, _) in RETURNS.items()
        for nth, (first, last, code, *more) in enumerate(stays)
    ]
    last_day = {"encounter_id": "last", "person_id": "nobody", "encounter_type": "office visit"}
    day = dict.fromkeys(("encounter_start_date", "encounter_end_date"), "2024-12-31")
    found: dict[str, dict] = defaultdict(dict)
    for row in readmissions(frame(spark, ENCOUNTERS, [*sent, last_day | day])).collect():
        found[row.person_id][row.encounter_id] = row
    return found


@pytest.mark.parametrize("case", list(RETURNS))
def test_who_returns_within_thirty_days(case, returns):
    reason, days, returned = RETURNS[case][1]
    row = returns[case]["0"]
    assert (row.exclusion_reason, row.index_flag) == (reason, reason is None)
    assert row.readmission_30_flag is returned
    assert days is ... or row.days_to_next_stay == days


def test_only_acute_stays_are_asked(returns):
    acute = {
        case: [str(nth) for nth, one in enumerate(stays) if one[3:] != ({"encounter_type": SNF},)]
        for case, (stays, _) in RETURNS.items()
    }
    assert {case: sorted(rows) for case, rows in returns.items()} == acute


def test_the_next_stay_is_told(returns):
    rows = returns["the next of several stays counts"]
    assert [rows[nth].next_encounter_id for nth in "021"] == ["2", "1", None]
    assert [rows[nth].readmission_30_flag for nth in "021"] == [True, False, False]


def test_of_two_stays_of_one_day_neither_is_the_others_return(returns):
    first, second = returns["of two on one day, the first"].values()
    assert (first.next_encounter_id, second.next_encounter_id) == ("1", None)
    assert not (first.readmission_30_flag or second.readmission_30_flag)


# -------------------------------------------------------------------------------------- adherence


def fill(day: str, supply: int, **more) -> dict:
    """A final fill in 2023, of one drug."""
    return {
        "dispensing_date": f"2023-{day}",
        "days_supply": supply,
        "ndc_code": "12345678901",
        "is_final_action": True,
    } | more


ALWAYS = [("2022-01-01", "2024-12-31")]

# case → fills, part D spans, (days of fills, last day of the period, its days, days covered,
# adherent?) or none; a period begins with the first fill and 2023 ends with 31 December
TAKEN = {
    "every day of the year": (  # 180 days from 1 January, 185 from 30 June
        [fill("01-01", 180), fill("06-30", 185)],
        ALWAYS,
        (2, "2023-12-31", 365, 365, True),
    ),
    "an early refill is taken later": (  # 1–30, then 31 instead of 21–30
        [fill("12-01", 30), fill("12-21", 10)],
        ALWAYS,
        (2, "2023-12-31", 31, 31, True),
    ),
    "early refills pile up": (  # 1–10, 11–20, 21–30
        [fill("12-01", 10), fill("12-02", 10), fill("12-03", 10)],
        ALWAYS,
        (3, "2023-12-31", 31, 30, True),
    ),
    "what reaches beyond the year does not count": (  # 1–10, 22–31
        [fill("12-01", 10), fill("12-22", 90)],
        ALWAYS,
        (2, "2023-12-31", 31, 20, False),
    ),
    "a gap of six days in thirty is adherent": (  # 2–13, 20–31: 24 of 30
        [fill("12-02", 12), fill("12-20", 12)],
        ALWAYS,
        (2, "2023-12-31", 30, 24, True),
    ),
    "a gap of seven is not": (  # 2–13, 21–31: 23 of 30
        [fill("12-02", 12), fill("12-21", 11)],
        ALWAYS,
        (2, "2023-12-31", 30, 23, False),
    ),
    "a gap is not made good by what is left over": (  # 2–6, 12–31 of 12–41
        [fill("12-02", 5), fill("12-12", 30)],
        ALWAYS,
        (2, "2023-12-31", 30, 25, True),
    ),
    "two fills of one day are no therapy": ([fill("12-02", 5), fill("12-02", 5)], ALWAYS, None),
    "two fills of one day, and a third": (  # 2–6, 7–11, 15–24
        [fill("12-02", 5), fill("12-02", 5), fill("12-15", 10)],
        ALWAYS,
        (2, "2023-12-31", 30, 20, False),
    ),
    "one fill is no therapy": ([fill("12-02", 5)], ALWAYS, None),
    "the period ends with part D": (  # 2–6, 7–11
        [fill("12-02", 5), fill("12-07", 30)],
        [("2023-01-01", "2023-12-11")],
        (2, "2023-12-11", 10, 10, True),
    ),
    "a fill after the end of part D is none": (
        [fill("06-01", 30), fill("09-01", 30)],
        [("2023-01-01", "2023-06-30")],
        None,
    ),
    "a fill after the end of part D beside two before it": (
        [fill("06-01", 10), fill("06-11", 10), fill("09-01", 30)],
        [("2023-01-01", "2023-06-30")],
        (2, "2023-06-30", 30, 20, False),
    ),
    "the period ends with the last of two spans": (
        [fill("12-02", 5), fill("12-07", 30)],
        [("2023-06-01", "2023-12-11"), ("2023-01-01", "2023-03-31")],
        (2, "2023-12-11", 10, 10, True),
    ),
    "a year has a period of its own": (
        [fill("12-02", 5), fill("12-07", 5, dispensing_date="2022-12-30")],
        ALWAYS,
        None,
    ),
    "what was taken back was not taken": (
        [fill("12-02", 5), fill("12-07", 5, is_final_action=False)],
        ALWAYS,
        None,
    ),
    "a fill for no days is none": ([fill("12-02", 5), fill("12-07", 0)], ALWAYS, None),
    "another package is the same drug": (
        [fill("12-02", 5), fill("12-07", 25, ndc_code="12345678999")],
        ALWAYS,
        (2, "2023-12-31", 30, 30, True),
    ),
    "another product is another drug": (
        [fill("12-02", 5), fill("12-07", 25, ndc_code="12345678801")],
        ALWAYS,
        None,
    ),
}


@pytest.fixture(scope="module")
def taken(spark) -> dict[str, list]:
    """Person → his therapies."""
    fills = [one | {"person_id": case} for case, (own, _, _) in TAKEN.items() for one in own]
    spans = [
        {
            "person_id": case,
            "coverage_type": "PART_D",
            "plan_id": "S0001-001",
            "eligibility_start_date": first,
            "eligibility_end_date": last,
        }
        for case, (_, own, _) in TAKEN.items()
        for first, last in own
    ]
    found: dict[str, list] = defaultdict(list)
    for row in pdc_adherence(
        frame(spark, PHARMACY, fills),
        frame(spark, ELIGIBILITY, spans),
    ).collect():
        found[row.person_id].append(row)
    return found


@pytest.mark.parametrize("case", TAKEN)
def test_medicine_at_hand(case, taken):
    fills, _, expected = TAKEN[case]
    found = [
        (
            row.fill_count,
            str(row.period_end_date),
            row.period_days,
            row.covered_days,
            row.adherent_flag,
        )
        for row in taken[case]
    ]
    assert found == ([expected] if expected else [])
    for row in taken[case]:
        assert row.pdc == pytest.approx(expected[3] / expected[2])
        assert (row.drug_code, row.year) == ("123456789", 2023)
        assert str(row.period_start_date) == min(one["dispensing_date"] for one in fills)
