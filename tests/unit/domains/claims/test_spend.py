"""Money by line, by member and month, and by the month in which it became known."""

from datetime import date
from decimal import Decimal
from itertools import accumulate

import pytest

from data_ops.domains.claims.categories import MEDICAL as FACILITY_CATEGORIES
from data_ops.domains.claims.categories import PROFESSIONAL as SERVICE_CATEGORIES
from data_ops.domains.claims.categories import categorised
from data_ops.domains.claims.gold_schemas import CLAIMS_ALL
from data_ops.domains.claims.schemas import MEDICAL, PHARMACY, PROFESSIONAL
from data_ops.domains.claims.spend import claims_all, lag_triangle, pmpm
from data_ops.domains.member.schemas import MEMBER_MONTHS
from tests.unit.domains.member.frames import frame

from .frames import frame_for


def whole(spark, contract, rows):
    """Rows as a frame of all columns of `contract`."""
    return frame_for(spark, contract, rows, " ".join(contract.names))


def usd(amount: str | int | None) -> Decimal | None:
    return None if amount is None else Decimal(amount).quantize(Decimal("0.01"))


# --------------------------------------------------------------------------------- lines of claims


def line(claim: str, feed: str, number: int = 1, **more) -> dict:
    same = {"claim_id": claim, "source_feed": feed, "claim_line_number": number}
    return same | {"data_source": "sample", "person_id": "p", "is_final_action": True} | more


# case → lines of facility or professional claims, (paid, allowed, charged) of each line in gold
LINES = {
    "a stay's money is on its lowest line, wherever that stands": (
        [
            line("i", "inpatient", 3, header_paid_amount=1000, header_allowed_amount=1200),
            line("i", "inpatient", 1, header_paid_amount=1000, header_allowed_amount=1200)
            | {"charge_amount": "100.50"},
            line("i", "inpatient", 2, header_paid_amount=1000, header_allowed_amount=1200)
            | {"charge_amount": 200},
        ],
        [(0, 0, 0), (1000, 1200, "100.50"), (0, 0, 200)],
    ),
    "the lowest line need not be the first": (
        [
            line("s", "snf", 12, header_paid_amount=500, header_allowed_amount=500),
            line("s", "snf", 7, header_paid_amount=500, header_allowed_amount=500),
        ],
        [(0, 0, 0), (500, 500, 0)],
    ),
    "a stay's lines never count": (
        [line("i", "inpatient", paid_amount=7, allowed_amount=8, header_paid_amount=1000)],
        [(1000, 0, 0)],
    ),
    "elsewhere the lines count, and never the header": (
        [
            line("o", "outpatient", 1, paid_amount="80.10", allowed_amount=111)
            | {"header_paid_amount": 100},
            line("o", "outpatient", 2, paid_amount="19.90", header_paid_amount=100),
            line("o", "outpatient", 3, header_paid_amount=100),
        ],
        [("80.10", 111, 0), ("19.90", 0, 0), (0, 0, 0)],
    ),
    "hospice and home health are paid by line": (
        [
            line("h", "hospice", paid_amount=3, header_paid_amount=9),
            line("h", "hha", paid_amount=4, header_paid_amount=9),
        ],
        [(3, 0, 0), (4, 0, 0)],
    ),
    "a claim's id in another feed is another claim": (
        [
            line("x", "inpatient", 2, header_paid_amount=10),
            line("x", "snf", 1, header_paid_amount=20),
            line("x", "carrier", 1, paid_amount=30, header_paid_amount=30),
        ],
        [(10, 0, 0), (20, 0, 0), (30, 0, 0)],
    ),
    "a claim's id of another sender is another claim": (
        [
            line("x", "inpatient", 2, header_paid_amount=10),
            line("x", "inpatient", 1, header_paid_amount=20, data_source="other"),
        ],
        [(10, 0, 0), (20, 0, 0)],
    ),
    "only what stands is in gold": (
        [
            line("old", "inpatient", header_paid_amount=10, is_final_action=False),
            line("new", "inpatient", header_paid_amount=20),
            line("old", "carrier", paid_amount=10, is_final_action=False),
            line("new", "dme", paid_amount=20),
        ],
        [None, (20, 0, 0), None, (20, 0, 0)],
    ),
}
TUVA = [
    line("t", "inpatient", attending_npi="a", facility_npi="f", drg_code="064", revenue_code="0120")
    | {"diagnosis_codes": ["I10", "E119"], "procedure_codes": ["Z1", "Z2"], "units": 2},
    line("t", "carrier", rendering_npi="r", place_of_service_code="11", units=3)
    | {"diagnosis_codes": []},
]


@pytest.fixture(scope="module")
def gold(spark) -> dict[tuple, object]:
    """(case, feed, sender, claim, line) → its row in gold."""
    sent = [
        one | {"payer": case} for case, (lines, _) in LINES.items() for one in lines
    ] + [one | {"payer": "tuva"} for one in TUVA]  # fmt: skip
    sent = [one | {"claim_id": f"{one['payer']} {one['claim_id']}"} for one in sent]
    suppliers = [one for one in sent if one["source_feed"] in ("carrier", "dme")]
    facilities = [one for one in sent if one["source_feed"] not in ("carrier", "dme")]
    rows = claims_all(
        whole(spark, MEDICAL, facilities), whole(spark, PROFESSIONAL, suppliers)
    ).collect()
    key = ("data_source", "source_feed", "claim_id", "claim_line_number")
    found = {tuple(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows) == sum(one["is_final_action"] for one in sent)
    return found


def row_of(gold: dict, case: str, one: dict):
    key = one["data_source"], one["source_feed"], f"{case} {one['claim_id']}"
    return gold.get((*key, one["claim_line_number"]))


@pytest.mark.parametrize("case", LINES)
def test_money_by_line(case, gold):
    lines, expected = LINES[case]
    rows = [row_of(gold, case, one) for one in lines]
    found = [row and (row.paid_amount, row.allowed_amount, row.charge_amount) for row in rows]
    assert found == [money and tuple(map(usd, money)) for money in expected]


def test_tuvas_names(gold):
    stay, service = (row_of(gold, "tuva", one) for one in TUVA)
    assert (stay.claim_type, service.claim_type) == ("institutional", "professional")
    assert (stay.rendering_npi, stay.facility_npi, service.rendering_npi) == ("a", "f", "r")
    assert (stay.diagnosis_code_1, stay.procedure_code_1) == ("I10", "Z1")
    assert (service.diagnosis_code_1, service.procedure_code_1) == (None, None)
    assert (stay.ms_drg_code, stay.revenue_center_code) == ("064", "0120")
    assert (stay.service_unit_quantity, service.place_of_service_code) == (Decimal("2.000"), "11")


# ------------------------------------------------------------------------------------- categories

# case → bill type and revenue codes, category
FACILITY = {
    "an inpatient claim through the emergency room": ("111", ["0120", "0450"], "acute inpatient"),
    "an outpatient claim": ("131", ["0300"], "hospital outpatient"),
    "an outpatient claim with one line 0450": ("131", ["0300", "0450"], "emergency department"),
    "an outpatient claim with a line 0459": ("131", ["0459", "0001"], "emergency department"),
    "an outpatient claim with a line 0981": ("131", ["0981"], "emergency department"),
    "an outpatient claim with a line 0982": ("131", ["0982"], "hospital outpatient"),
    "an outpatient claim with a line 0045": ("131", ["0045"], "hospital outpatient"),
    "an outpatient claim with an unknown line": ("131", [None, "0450"], "emergency department"),
    "a critical access hospital": ("851", [None], "hospital outpatient"),
    "skilled nursing": ("211", ["0022"], "skilled nursing"),
    "a swing bed": ("181", ["0120"], "skilled nursing"),
    "home health": ("329", ["0551"], "home health"),
    "hospice": ("811", ["0651"], "hospice"),
    "dialysis": ("721", ["0821"], "dialysis"),
    "no such bill type": ("991", ["0300"], "other"),
    "no bill type": (None, ["0300"], "other"),
}
# case → feed, place and procedure, category
SERVICES = {
    "an office visit": ("carrier", "11", "99213", "office visit"),
    "an X-ray in the office": ("carrier", "11", "71046", "radiology"),
    "an X-ray in a hospital": ("carrier", "22", "71046", "hospital outpatient"),
    "a blood test in the office": ("carrier", "11", "80053", "lab"),
    "a blood test in the emergency room": ("carrier", "23", "85025", "lab"),
    "an emergency": ("carrier", "23", "99285", "emergency department"),
    "a round in the hospital": ("carrier", "21", "99232", "acute inpatient"),
    "an ambulance": ("carrier", "41", "A0427", "ambulance"),
    "equipment from the supplier": ("dme", "12", "A4253", "durable medical equipment"),
    "equipment from the doctor": ("carrier", "11", "E0114", "durable medical equipment"),
    "a call": ("carrier", "02", "99213", "telehealth"),
    "no procedure": ("carrier", "11", None, "office visit"),
    "no place": ("carrier", None, "99213", "other"),
    "nothing": ("carrier", None, None, "other"),
}


@pytest.fixture(scope="module")
def categories(spark) -> dict[str, tuple]:
    """Case → the categories that it has by each form's rules."""
    rows = [(case, *sent, None, None, None) for case, (*sent, _) in FACILITY.items()]
    rows += [(case, None, None, *sent) for case, (*sent, _) in SERVICES.items()]
    columns = (
        "case STRING, bill STRING, revenue_codes ARRAY<STRING>, source_feed STRING, "
        "place STRING, hcpcs_code STRING"
    )
    told = spark.createDataFrame(rows, columns).select(
        "case",
        categorised(FACILITY_CATEGORIES).alias("facility"),
        categorised(SERVICE_CATEGORIES).alias("service"),
    )
    return {row.case: (row.facility.second, row.service.second) for row in told.collect()}


@pytest.mark.parametrize("case", FACILITY)
def test_category_of_a_facility_claim(case, categories):
    assert categories[case][0] == FACILITY[case][-1]


@pytest.mark.parametrize("case", SERVICES)
def test_category_of_a_service(case, categories):
    assert categories[case][1] == SERVICES[case][-1]


@pytest.mark.parametrize("rules", [FACILITY_CATEGORIES, SERVICE_CATEGORIES])
def test_the_last_category_takes_the_rest(rules):
    assert [rule.condition for rule in rules].index("true") == len(rules) - 1


# ---------------------------------------------------------------------- per member and month


def month(person: str, first: str, part: str) -> dict:
    return {"person_id": person, "coverage_month": first, "coverage_type": part}


def spent(claim: str, day: str, category: str, paid: int, allowed: int, number: int = 1) -> dict:
    first, second = category.split("/")
    return {
        "data_source": "sample",
        "source_feed": "carrier",
        "claim_id": claim,
        "claim_line_number": number,
        "claim_start_date": day,
        "service_category_1": first,
        "service_category_2": second,
        "paid_amount": paid,
        "allowed_amount": allowed,
    }


def test_dollars_per_member_and_month(spark):
    """January: three persons by A or B, one by D. February: one by B."""
    january, february, march = "2024-01-01", "2024-02-01", "2024-03-01"
    members = [
        month("p", january, "PART_A"),
        month("p", january, "PART_B"),
        month("q", january, "PART_B"),
        month("s", january, "PART_A"),
        month("r", january, "PART_C"),
        month("r", january, "PART_D"),
        month("p", february, "PART_B"),
    ]
    stay, visit, lab = "inpatient/acute inpatient", "office-based/office visit", "ancillary/lab"
    claims = [
        spent("a", "2024-01-31", stay, 300, 330),
        spent("a", "2024-01-31", stay, 0, 0, 2),
        spent("b", "2024-01-01", visit, 10, 12),
        spent("b", "2024-01-01", lab, 5, 5, 2),
        spent("c", "2024-03-15", visit, 40, 50),  # a month without members
    ]
    fills = [
        line("b", "pde", dispensing_date="2024-01-20", paid_amount=20, allowed_amount=25),
        line("v", "pde", dispensing_date="2024-01-20", paid_amount=99, is_final_action=False),
        line("w", "pde", dispensing_date="2024-02-20", paid_amount=7, allowed_amount=8),
    ]
    found = pmpm(
        frame(spark, CLAIMS_ALL, claims),
        frame(spark, PHARMACY, fills),
        frame(spark, MEMBER_MONTHS, members),
    ).collect()
    told = {
        (str(row.coverage_month), row.service_category_2): (
            row.claim_count,
            row.paid_amount,
            row.allowed_amount,
            row.member_months,
            row.paid_pmpm and str(row.paid_pmpm),
            row.allowed_pmpm and str(row.allowed_pmpm),
        )
        for row in found
    }
    nothing = (0, usd(0), usd(0), 1, Decimal(0), Decimal(0))
    assert told == {
        (january, "acute inpatient"): (1, usd(300), usd(330), 3, "100.000000", "110.000000"),
        (january, "office visit"): (1, usd(10), usd(12), 3, "3.333333", "4.000000"),
        (january, "lab"): (1, usd(5), usd(5), 3, "1.666667", "1.666667"),
        (february, "acute inpatient"): nothing,
        (february, "office visit"): nothing,
        (february, "lab"): nothing,
        (march, "office visit"): (1, usd(40), usd(50), 0, None, None),
        (january, "pharmacy"): (1, usd(20), usd(25), 1, "20.000000", "25.000000"),
        (february, "pharmacy"): (1, usd(7), usd(8), 0, None, None),
    }
    assert len(found) == len(told)
    assert {row.coverage for row in found if row.service_category_2 == "pharmacy"} == {"pharmacy"}
    assert {row.coverage for row in found if row.service_category_2 != "pharmacy"} == {"medical"}


# ----------------------------------------------------------------------------------- lag triangle


def version(nth: int, paid: str | None, amount: int, feed: str = "inpatient", **more) -> dict:
    """A version of the case's claim, with one line."""
    told = {"claim_version": nth, "paid_date": paid, "header_paid_amount": amount}
    return line(f"v{nth}", feed, claim_status="paid") | told | more


def void(nth: int, paid: str, amount: int = 100, feed: str = "inpatient", **more) -> dict:
    return version(nth, paid, amount, feed, claim_status="reversed", **more)


# month of service in 2023 → case, versions, what each month of payment adds from that month on
CHANGES = {
    1: (
        "a replacement adds the difference",
        [version(1, "2023-01-20", 100), version(2, "2023-03-05", 80)],
        [100, 0, -20],
    ),
    2: (
        "a void takes it back",
        [version(1, "2023-02-20", 100), void(2, "2023-04-05")],
        [100, 0, -100],
    ),
    3: ("a void of the same month", [version(1, "2023-03-05", 100), void(2, "2023-03-20")], [0]),
    4: (
        "a void, and a claim anew",
        [version(1, "2023-04-20", 100), void(2, "2023-05-20"), version(3, "2023-06-20", 70)],
        [100, -100, 70],
    ),
    5: ("a void of what never arrived", [void(1, "2023-06-20")], [0]),
    6: ("paid before the service is paid with it", [version(1, "2023-05-20", 100)], [100]),
    7: ("paid on no day is paid with the service", [version(1, None, 100)], [100]),
    8: (
        "a correction's days are its original's",
        [
            version(1, "2023-08-20", 100),
            version(2, "2023-10-20", 120, claim_start_date="2023-09-15"),
        ],
        [100, 0, 20],
    ),
    9: (
        "lines repeat the header, which counts once",
        [version(1, "2023-10-20", 100), version(1, "2023-10-20", 100, claim_line_number=2)],
        [0, 100],
    ),
    10: (
        "another feed's claim is another chain",
        [
            version(1, "2023-10-20", 100),
            version(1, "2023-10-20", 50, "carrier"),
            void(2, "2023-11-20", 50, "carrier"),
        ],
        [150, -50],
    ),
    11: (
        "a replacement of nothing changed",
        [version(1, "2023-11-20", 100), version(2, "2023-12-20", 100)],
        [100, 0],
    ),
    12: (
        "a denied claim has paid nothing",
        [version(1, "2023-12-20", 0, claim_status="denied")],
        [0],
    ),
}


def fill(claim: str, code: str, paid: str, amount: int, final: bool) -> dict:
    told = {"transaction_code": code, "paid_date": paid, "paid_amount": amount}
    state = {"claim_status": "reversed" if code == "B2" else "paid", "is_final_action": final}
    return line(claim, "pde") | told | state


# the same of fills
FILLS = {
    1: ("a bill", [fill("1", "B1", "2023-02-05", 20, True)], [0, 20]),
    2: (
        "a reversal of a later month",
        [fill("1", "B1", "2023-02-20", 20, False), fill("2", "B2", "2023-03-05", 20, False)],
        [20, -20],
    ),
    3: (
        "a rebill of a later month",
        [fill("1", "B1", "2023-03-20", 20, False), fill("2", "B3", "2023-04-05", 15, True)],
        [20, -5],
    ),
    4: (
        "a rebill whose bill never arrived, after the reversal of it",
        [fill("2", "B2", "2023-04-05", 20, False), fill("1", "B3", "2023-04-09", 15, True)],
        [15],
    ),
}


def named(told: dict) -> list:
    return [pytest.param(number, id=name) for number, (name, *_) in told.items()]


@pytest.fixture(scope="module")
def triangle(spark) -> dict[tuple, list]:
    """(coverage, month of service) → its rows by month of payment."""
    sent = []
    for number, (case, versions, _) in CHANGES.items():
        day = {"claim_start_date": f"2023-{number:02}-15", "claim_root_id": f"{case} v1"}
        sent += [day | one | {"claim_id": f"{case} {one['claim_id']}"} for one in versions]
    fills = [
        one
        | {"dispensing_date": f"2023-{number:02}-03", "rx_number": case}
        | {"claim_id": f"{case} {one['claim_id']}", "claim_root_id": f"{case} 1"}
        for number, (case, events, _) in FILLS.items()
        for one in events
    ]
    found: dict[tuple, list] = {}
    rows = lag_triangle(
        whole(spark, MEDICAL, [one for one in sent if one["source_feed"] == "inpatient"]),
        whole(spark, PROFESSIONAL, [one for one in sent if one["source_feed"] == "carrier"]),
        frame(spark, PHARMACY, fills),
    ).collect()
    for row in sorted(rows, key=lambda row: row.paid_month):
        found.setdefault((row.coverage, row.incurred_month), []).append(row)
    return found


def adds(triangle: dict, coverage: str, number: int, expected: list, last: int) -> None:
    rows = triangle.get((coverage, date(2023, number, 1)), [])
    months = last - number + 1
    full = [usd(amount) for amount in expected + [0] * (months - len(expected))]
    assert [row.paid_amount for row in rows] == full
    assert [row.cumulative_paid_amount for row in rows] == list(accumulate(full))
    assert [row.lag_months for row in rows] == list(range(months))


@pytest.mark.parametrize("number", named(CHANGES))
def test_what_each_month_of_payment_adds(number, triangle):
    """Each month of service goes on to the last month of payment, December."""
    adds(triangle, "medical", number, CHANGES[number][2], last=12)


@pytest.mark.parametrize("number", named(FILLS))
def test_what_each_month_of_payment_adds_to_fills(number, triangle):
    adds(triangle, "pharmacy", number, FILLS[number][2], last=4)


def test_how_complete_a_month_is(spark):
    """Known after 0, 1, 2 months: of January 60, 100, 120; of February 90, 110; of March 50."""
    known = {1: [60, 40, 20], 2: [90, 20], 3: [50]}
    sent = [
        version(1, f"2024-{number + lag:02}-20", amount)
        | dict.fromkeys(("claim_id", "claim_root_id"), f"{number} {lag}")
        | {"claim_start_date": f"2024-{number:02}-15"}
        for number, amounts in known.items()
        for lag, amount in enumerate(amounts)
    ]
    fills = [fill("f", "B1", "2024-01-05", 1, True) | {"dispensing_date": "2024-01-05"}]
    rows = lag_triangle(
        whole(spark, MEDICAL, sent), whole(spark, PROFESSIONAL, []), frame(spark, PHARMACY, fills)
    ).collect()
    factors = {(row.coverage, row.lag_months, row.completion_factor) for row in rows}
    assert len(factors) == 4
    found = {(coverage, lag): factor for coverage, lag, factor in factors}
    assert found == pytest.approx(
        {
            ("medical", 0): 1 / (1.4 * 1.2),  # (100 + 110) / (60 + 90) = 1.4
            ("medical", 1): 1 / 1.2,  # 120 / 100
            ("medical", 2): 1.0,
            ("pharmacy", 0): 1.0,
        }
    )
