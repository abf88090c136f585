"""Bills, reversals and rebills of a fill, and what CMS calls a fill's columns."""

from datetime import UTC, date, datetime
from decimal import Decimal
from unittest.mock import ANY  # where the specification is silent

import pytest

from data_ops.domains.claims.feeds import PDE
from data_ops.domains.claims.pharmacy import paired, pharmacy, pharmacy_rows
from data_ops.domains.claims.rules import RULES
from data_ops.domains.claims.schemas import PHARMACY
from data_ops.domains.member.schemas import DEMOGRAPHICS, ELIGIBILITY, PERSON_CROSSWALK
from data_ops.operations.accounts import set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for
from tests.unit.domains.member.frames import frame

# ---------------------------------------------------------------------------------------- pairing

COLUMNS = (
    "data_source STRING, person_id STRING, rx_number STRING, fill_number INT, provider_id STRING, "
    "dispensing_date DATE, paid_date DATE, claim_id STRING, transaction_code STRING, _alone STRING"
)
NAMES = [column.split()[0] for column in COLUMNS.split(", ")]
FILLED, SECOND, THIRD = (date(2024, 1, day) for day in (5, 8, 12))


def event(number: str, code: str, **more) -> dict:
    """An event of one fill: its prescription, pharmacy and day are the case's."""
    return {
        "data_source": "sample",
        "person_id": "p",
        "fill_number": 1,
        "provider_id": "x",
        "dispensing_date": FILLED,
        "paid_date": FILLED,
        "claim_id": number,
        "transaction_code": code,
    } | more


LATER, LATEST = {"paid_date": SECOND}, {"paid_date": THIRD}

# case → events, (the bill it takes back or replaces, root, does it stand?) of each
FILLS = {
    "a bill stands": ([event("-1", "B1")], [(None, "-1", True)]),
    "a reversal takes back its bill": (
        [event("-1", "B1"), event("-2", "B2", **LATER)],
        [(None, "-1", False), ("-1", "-1", False)],
    ),
    "a reversal may be paid before its bill": (
        [event("-1", "B1", **LATER), event("-2", "B2")],
        [(None, "-1", False), ("-1", "-1", False)],
    ),
    "a reversal without a bill": ([event("-1", "B2")], [(None, "-1", False)]),
    "bill, reversal and bill on one day": (
        [event("-1", "B1"), event("-2", "B2"), event("-3", "B1")],
        [(None, "-1", False), ("-1", "-1", False), (None, "-3", True)],
    ),
    "two bills, each taken back": (
        [event("-1", "B1"), event("-2", "B2"), event("-3", "B1"), event("-4", "B2")],
        [(None, "-1", False), ("-1", "-1", False), (None, "-3", False), ("-3", "-3", False)],
    ),
    "two reversals of one bill": (
        [event("-1", "B1"), event("-2", "B2", **LATER), event("-3", "B2", **LATEST)],
        [(None, "-1", False), ("-1", "-1", False), (None, ANY, False)],
    ),
    "a rebill replaces the bill": (
        [event("-1", "B1"), event("-2", "B3", **LATER)],
        [(None, "-1", False), ("-1", "-1", True)],
    ),
    "two rebills: the last one stands": (
        [event("-1", "B1"), event("-2", "B3", **LATER), event("-3", "B3", **LATEST)],
        [(None, "-1", False), ("-1", "-1", False), ("-2", "-1", True)],
    ),
    "a rebill after a reversal stands": (
        [event("-1", "B1"), event("-2", "B2", **LATER), event("-3", "B3", **LATEST)],
        [(None, "-1", False), ("-1", "-1", False), (ANY, "-1", True)],
    ),
    "a rebill whose bill never arrives stands": (
        [event("-2", "B3")],
        [(None, "-2", True)],
    ),
    "duplicate bills both stand": (
        [event("-1", "B1"), event("-2", "B1")],
        [(None, "-1", True), (None, "-2", True)],
    ),
    "of duplicate bills a reversal takes back one": (
        [event("-1", "B1"), event("-2", "B1"), event("-3", "B2", **LATER)],
        [(None, "-1", False), (None, "-2", True), ("-1", "-1", False)],
    ),
    "on one day the shorter id comes first": (
        [event("-10", "B1"), event("-9", "B1"), event("-100", "B2")],
        [(None, "-10", True), (None, "-9", False), ("-9", "-9", False)],
    ),
    "the date of payment comes before the id": (
        [event("-1", "B1", **LATER), event("-999", "B1"), event("-2", "B2", **LATEST)],
        [(None, "-1", True), (None, "-999", False), ("-999", "-999", False)],
    ),
    "a blank date of payment is the day of the fill": (
        [event("-1", "B1", **LATER), event("-999", "B1", paid_date=None), event("-2", "B2")],
        [(None, "-1", True), (None, "-999", False), ("-999", "-999", False)],
    ),
    "another pharmacy is another fill": (
        [event("-1", "B1"), event("-2", "B2", provider_id="y")],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "another day is another fill": (
        [event("-1", "B1"), event("-2", "B2", dispensing_date=SECOND, **LATER)],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "another prescription is another fill": (
        [event("-1", "B1"), event("-2", "B2", rx_number="other")],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "another fill number is another fill": (
        [event("-1", "B1"), event("-2", "B2", fill_number=2)],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "another person is another fill": (
        [event("-1", "B1"), event("-2", "B2", person_id="q")],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "another sender is another fill": (
        [event("-1", "B1"), event("-2", "B2", data_source="other")],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "an unknown pharmacy is one pharmacy": (
        [event("-1", "B1", provider_id=None), event("-2", "B2", provider_id=None)],
        [(None, "-1", False), ("-1", "-1", False)],
    ),
    "a reversal that was set aside takes nothing back": (
        [event("-1", "B1"), event("-2", "B2", _alone="2")],
        [(None, "-1", True), (None, "-2", False)],
    ),
    "a bill that was set aside does not stand": (
        [event("-1", "B1", _alone="1")],
        [(None, "-1", False)],
    ),
    "a reversal after a rebill leaves nothing": (
        [event("-1", "B1"), event("-2", "B3", **LATER), event("-3", "B2", **LATEST)],
        [(None, "-1", False), ("-1", "-1", False), (ANY, "-1", False)],
    ),
}


@pytest.fixture(scope="module")
def told(spark) -> dict[tuple, tuple]:
    """(case, event's place in it) → bill, root, does it stand?"""
    sent = []
    for case, (events, _) in FILLS.items():
        for nth, one in enumerate(events):
            full = one | {"rx_number": f"{one.get('rx_number', 'rx')} {case}"}
            sent.append((*(full.get(name) for name in NAMES), case, nth))
    events = spark.createDataFrame(sent, f"{COLUMNS}, case STRING, nth INT")
    return {
        (row.case, row.nth): (row.original_claim_id, row.claim_root_id, row.is_final_action)
        for row in paired(events).collect()
    }


@pytest.mark.parametrize("case", list(FILLS))
def test_pairs(case, told):
    events, expected = FILLS[case]
    found = [told[case, nth] for nth in range(len(events))]
    assert found == expected


# -------------------------------------------------------------------------------- as CMS sends it

EARLY, LATE = datetime(2024, 6, 15, tzinfo=UTC), datetime(2024, 7, 15, tzinfo=UTC)
FILL = {
    "DML_IND": "INSERT",
    "SRVC_DT": "05-Jan-2024",
    "PD_DT": "08-Jan-2024",
    "RX_SRVC_RFRNC_NUM": "rx",
    "FILL_NUM": "1",
    "PROD_SRVC_ID": "12345678901",
    "PLAN_CNTRCT_REC_ID": "S0001",
    "PLAN_PBP_REC_NUM": "999",
    "ADJSTMT_DLTN_CD": " ",
    "QTY_DSPNSD_NUM": "30",
    "DAYS_SUPLY_NUM": "30",
    "CVRD_D_PLAN_PD_AMT": "10.10",
    "NCVRD_PLAN_PD_AMT": "2.02",
    "PTNT_PAY_AMT": "5",
    "OTHR_TROOP_AMT": "0.10",
    "LICS_AMT": "0.20",
    "PLRO_AMT": "0.30",
    "RPTD_GAP_DSCNT_NUM": "0.40",
    "TOT_RX_CST_AMT": "18.12",
}
KEPT = {"_disposition": "contributed"}
MATCHED = {"eligibility_match": "matched"}

# case → a fill as sent, what it says in silver; the person is covered in 2024 by contract S0001
SENT = {
    "amounts": (
        {},
        KEPT
        | MATCHED
        | {
            "paid_amount": Decimal("12.12"),  # 10.10 covered + 2.02 not covered
            "copay_amount": Decimal("5.00"),
            "other_payer_amount": Decimal("1.00"),  # .10 + .20 + .30 + .40
            "allowed_amount": Decimal("18.12"),
            "coinsurance_amount": None,
            "deductible_amount": None,
            "charge_amount": None,
        },
    ),
    "constants": (
        {},
        {
            "claim_line_number": 1,
            "payer": "medicare",
            "plan_id": "S0001-999",
            "source_feed": "pde",
            "data_source": "sample",
            "dispensing_date": date(2024, 1, 5),
            "paid_date": date(2024, 1, 8),
            "days_supply": 30,
            "quantity": Decimal("30.000"),
            "transaction_code": "B1",
            "claim_status": "paid",
            "is_final_action": True,
        },
    ),
    "code D is a reversal": (
        {"ADJSTMT_DLTN_CD": "D"},
        {"transaction_code": "B2", "claim_status": "reversed", "is_final_action": False},
    ),
    "code A is a rebill": (
        {"ADJSTMT_DLTN_CD": "A"},
        {"transaction_code": "B3", "claim_status": "paid", "is_final_action": True},
    ),
    "code R is a rebill": (
        {"ADJSTMT_DLTN_CD": "R"},
        {"transaction_code": "B3", "claim_status": "paid", "is_final_action": True},
    ),
    "leading zeros of the drug are put back": (
        {"PROD_SRVC_ID": "123456789"},
        {"ndc_code": "00123456789"},
    ),
    "an NPI is one by its qualifier": (
        {"PRSCRBR_ID_QLFYR_CD": "1", "PRSCRBR_ID": "1234567893"},
        {"prescribing_npi": "1234567893"},
    ),
    "another qualifier is no NPI": (
        {"PRSCRBR_ID_QLFYR_CD": "06", "PRSCRBR_ID": "1234567893"},
        {"prescribing_npi": None},
    ),
    "a pharmacy's number that is no NPI": (
        {"SRVC_PRVDR_ID_QLFYR_CD": "01", "SRVC_PRVDR_ID": "220031"},
        {"dispensing_npi": None},
    ),
    "a pharmacy's NPI": (
        {"SRVC_PRVDR_ID_QLFYR_CD": "01", "SRVC_PRVDR_ID": "1234567893"},
        {"dispensing_npi": "1234567893"},
    ),
    "an amount that cannot be read is not nothing": (
        {"NCVRD_PLAN_PD_AMT": "x"},
        {"_disposition": "quarantined", "paid_amount": None, "is_final_action": False},
    ),
    "any package of the contract is the plan": ({"PLAN_PBP_REC_NUM": "001"}, MATCHED),
    "another contract is another plan": (
        {"PLAN_CNTRCT_REC_ID": "S0002"},
        {"eligibility_match": "other_plan"},
    ),
    "the first day of the plan": ({"SRVC_DT": "01-Jan-2024"}, MATCHED),
    "the last day of the plan": ({"SRVC_DT": "31-Mar-2024"}, MATCHED),
    "the day after the plan": ({"SRVC_DT": "01-Apr-2024"}, {"eligibility_match": "after_term"}),
    "the day before the plan": ({"SRVC_DT": "31-Dec-2023"}, {"eligibility_match": "gap"}),
}
# case → fills as sent under one id, what became of each
DELIVERIES = {
    "an update takes the place of the fill": (
        [{"_delivered_at": EARLY}, {"DML_IND": "UPDATE", "_delivered_at": LATE}],
        ["superseded", "contributed"],
    ),
    "a fill that was deleted is gone": (
        [{"_delivered_at": EARLY}, {"DML_IND": "DELETE", "_delivered_at": LATE}],
        ["superseded", "superseded"],
    ),
}


@pytest.fixture(scope="module")
def silver(spark) -> dict[str, dict]:
    """Row's key → its row of the account."""
    ids = {f"pde {nth}": case for nth, case in enumerate(SENT)}
    sent = [
        FILL | SENT[case][0] | {"PDE_ID": number, "BENE_ID": number, "_row_hash": case}
        for number, case in ids.items()
    ]
    for nth, (case, (rows, _)) in enumerate(DELIVERIES.items()):
        one = {"PDE_ID": f"sent {nth}", "BENE_ID": "q"}
        sent += [FILL | row | one | {"_row_hash": f"{case}#{at}"} for at, row in enumerate(rows)]
    # two ids of one person: the bill came under the old id, its reversal under the new one
    merged = FILL | {"RX_SRVC_RFRNC_NUM": "merged"}
    sent += [
        merged | {"PDE_ID": "m1", "BENE_ID": "old", "_row_hash": "m1"},
        merged | {"PDE_ID": "m2", "BENE_ID": "new", "_row_hash": "m2", "ADJSTMT_DLTN_CD": "D"},
    ]
    known = frame(spark, DEMOGRAPHICS, [{"person_id": one} for one in [*ids, "q", "new"]])
    spans = [
        {
            "person_id": one,
            "coverage_type": "PART_D",
            "plan_id": "S0001-004",
            "eligibility_start_date": "2024-01-01",
            "eligibility_end_date": "2024-03-31",
        }
        for one in [*ids, "q", "new"]
    ]
    merges = frame(spark, PERSON_CROSSWALK, [{"old_member_id": "old", "person_id": "new"}])
    rows = pharmacy_rows(delivered_rows(spark, PDE, *sent))
    judged = set_aside(rows, rules_for(RULES, PHARMACY.name), ("claim_id",))
    account = pharmacy(judged, known, frame(spark, ELIGIBILITY, spans), merges)
    return {row["_row_key"]: row.asDict() for row in account.collect()}


@pytest.mark.parametrize("case", SENT)
def test_a_fill_in_silver(case, silver):
    expected = SENT[case][1]
    assert {name: silver[case][name] for name in expected} == expected


@pytest.mark.parametrize("case", DELIVERIES)
def test_what_became_of_each_delivery(case, silver):
    expected = DELIVERIES[case][1]
    rows = [silver[f"{case}#{nth}"] for nth in range(len(expected))]
    assert [row["_disposition"] for row in rows] == expected
    assert [row["is_final_action"] for row in rows] == [end == "contributed" for end in expected]


def test_a_reversal_under_the_new_id_takes_back_the_bill_under_the_old_one(silver):
    bill, reversal = silver["m1"], silver["m2"]
    assert (bill["person_id"], bill["member_id"]) == ("new", "old")
    assert (bill["is_final_action"], reversal["is_final_action"]) == (False, False)
    assert reversal["original_claim_id"] == "m1"
