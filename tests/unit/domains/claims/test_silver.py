"""What CMS's columns mean, form by form, and which delivery of a claim counts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from data_ops.domains.claims.feeds import CARRIER, DME, FACILITY
from data_ops.domains.claims.medical import medical, medical_rows
from data_ops.domains.claims.professional import professional, professional_rows
from data_ops.domains.claims.rules import RULES
from data_ops.domains.claims.schemas import MEDICAL, PROFESSIONAL
from data_ops.domains.claims.versions import CLAIM
from data_ops.domains.member.schemas import DEMOGRAPHICS, ELIGIBILITY, PERSON_CROSSWALK
from data_ops.operations.accounts import set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for
from tests.unit.domains.member.frames import frame

EARLY = {"_delivered_at": datetime(2024, 6, 15, tzinfo=UTC)}
LATE = {"_delivered_at": datetime(2024, 7, 15, tzinfo=UTC)}
KEPT, BEATEN, ASIDE = "contributed", "superseded", "quarantined"
A, B, C, D = ("PART_A", "PART_B", "PART_C", "PART_D")
NPI = "1234567893"


def usd(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def ends(*dispositions: str) -> list[dict]:
    return [{"_disposition": one} for one in dispositions]


_CLAIM = {
    "DML_IND": "INSERT",
    "CLM_FROM_DT": "01-Feb-2024",
    "CLM_THRU_DT": "05-Feb-2024",
    "NCH_WKLY_PROC_DT": "16-Feb-2024",
    "CLM_PMT_AMT": "1000.00",
}
_FACILITY = _CLAIM | {
    "CLM_LINE_NUM": "1",
    "CLM_FREQ_CD": "1",
    "REV_CNTR": "0120",
    "ORG_NPI_NUM": NPI,
    "CLM_MDCR_NON_PMT_RSN_CD": " ",
}


def facility(kind: str, service: str, **more) -> dict:
    return _FACILITY | {"CLM_FAC_TYPE_CD": kind, "CLM_SRVC_CLSFCTN_TYPE_CD": service} | more


_STAYED = {"PTNT_DSCHRG_STUS_CD": "1", "NCH_BENE_DSCHRG_DT": "05-Feb-2024"}
BASE = {
    "inpatient": facility("1", "1", CLM_ADMSN_DT="01-Feb-2024", **_STAYED),
    "outpatient": facility("1", "3"),
    "snf": facility("2", "1", CLM_ADMSN_DT="31-Jan-2024", **_STAYED),
    "hha": facility("3", "3", NCH_NEAR_LINE_REC_IDENT_CD="V"),
    "hospice": facility("8", "1", CLM_HOSPC_START_DT_ID="15-Jan-2024", **_STAYED),
}


def codes(**numbered: str) -> dict:
    """Diagnoses: `principal` and `d1`, `d2`, …; `p1` is said of `d1`."""
    names = {"principal": "PRNCPAL_DGNS_CD", "d": "ICD_DGNS_CD", "p": "CLM_POA_IND_SW"}
    return {names.get(key) or names[key[0]] + key[1:]: code for key, code in numbered.items()}


def total(**more) -> dict:
    return {"REV_CNTR": "0001", "CLM_LINE_NUM": "2"} | more


def correction(number: str, frequency: str, **more) -> dict:
    return {"CLM_ID": number, "CLM_FREQ_CD": frequency} | more


UPDATED = "an update puts its lines in the place of the former"
# case → feed, lines as sent (the claim's id is the case's, unless said), silver of each line
FORMS = {
    "a stay's money is in the header": (
        "inpatient",
        [
            {
                "REV_CNTR_TOT_CHRG_AMT": "1500.00",
                "CLM_TOT_CHRG_AMT": "1500.00",
                "NCH_BENE_IP_DDCTBL_AMT": "100.00",
                "NCH_BENE_PTA_COINSRNC_LBLTY_AM": "20.00",
                "NCH_BENE_BLOOD_DDCTBL_LBLTY_AM": "3.00",
                "NCH_PRMRY_PYR_CLM_PD_AMT": "0.40",
            }
        ],
        [
            {
                "charge_amount": usd("1500.00"),
                **dict.fromkeys(("paid_amount", "allowed_amount", "deductible_amount")),
                **dict.fromkeys(("coinsurance_amount", "copay_amount", "cob_paid_amount")),
                "header_paid_amount": usd("1000.00"),
                "header_charge_amount": usd("1500.00"),
                "header_allowed_amount": usd("1123.40"),  # 1000 + 100 + 20 + 3 + 0.40
            }
        ],
    ),
    "an outpatient line is allowed what all paid": (
        "outpatient",
        [
            {
                "REV_CNTR_TOT_CHRG_AMT": "200",
                "REV_CNTR_PMT_AMT_AMT": "80.00",
                "REV_CNTR_PRVDR_PMT_AMT": "200",
                "REV_CNTR_COINSRNC_WGE_ADJSTD_C": "20.00",
                "REV_CNTR_CASH_DDCTBL_AMT": "5",
                "REV_CNTR_BLOOD_DDCTBL_AMT": "1",
                "REV_CNTR_1ST_MSP_PD_AMT": "2",
                "REV_CNTR_2ND_MSP_PD_AMT": "3",
            },
            total(REV_CNTR_TOT_CHRG_AMT="200", REV_CNTR_PMT_AMT_AMT="80.00"),
        ],
        [
            {
                "charge_amount": usd("200.00"),
                "paid_amount": usd("80.00"),
                "coinsurance_amount": usd("20.00"),
                "deductible_amount": usd("6.00"),
                "cob_paid_amount": usd("5.00"),
                "allowed_amount": usd("111.00"),  # 80 + 20 + 6 + 5
                "header_allowed_amount": usd("111.00"),
            },
            {
                **dict.fromkeys(("charge_amount", "paid_amount", "allowed_amount")),
                **dict.fromkeys(("coinsurance_amount", "deductible_amount", "cob_paid_amount")),
                "revenue_code": "0001",
                "header_allowed_amount": usd("111.00"),
            },
        ],
    ),
    "home health is allowed what was paid": (
        "hha",
        [{"REV_CNTR_PMT_AMT_AMT": "80.00", "REV_CNTR_DT": "03-Feb-2024"}],
        [
            {
                "paid_amount": usd("80.00"),
                "allowed_amount": usd("80.00"),
                "coinsurance_amount": None,
                "deductible_amount": None,
                "cob_paid_amount": None,
                "discharge_date": None,
                "line_start_date": date(2024, 2, 3),
                "line_end_date": date(2024, 2, 3),
                "modifiers": [],
                "procedure_codes": [],
                "poa_codes": None,
            }
        ],
    ),
    "a stay's total is no line": (
        "inpatient",
        [{"REV_CNTR_TOT_CHRG_AMT": "1500"}, total(REV_CNTR_TOT_CHRG_AMT="1500")],
        [{"charge_amount": usd("1500.00")}, {"charge_amount": None}],
    ),
    "totals that are all there is are lines": (
        "outpatient",
        [
            {"REV_CNTR": "0001", "REV_CNTR_PMT_AMT_AMT": "30"},
            total(REV_CNTR_PMT_AMT_AMT="20"),
        ],
        [
            {"paid_amount": usd("30.00"), "header_allowed_amount": usd("50.00")},
            {"paid_amount": usd("20.00"), "header_allowed_amount": usd("50.00")},
        ],
    ),
    "a total that lost its zeros is a total": (
        "outpatient",
        [
            {"REV_CNTR": "450", "REV_CNTR_PMT_AMT_AMT": "30"},
            total(REV_CNTR="1", REV_CNTR_PMT_AMT_AMT="30"),
        ],
        [
            {"revenue_code": "0450", "paid_amount": usd("30.00")},
            {"revenue_code": "0001", "paid_amount": None},
        ],
    ),
    "a line without a revenue code keeps its money": (
        "outpatient",
        [
            {"REV_CNTR_PMT_AMT_AMT": "30"},
            {"CLM_LINE_NUM": "2", "REV_CNTR": " ", "REV_CNTR_PMT_AMT_AMT": "20"},
        ],
        [{"paid_amount": usd("30.00")}, {"paid_amount": usd("20.00"), "revenue_code": None}],
    ),
    "a superseded delivery does not make a total a line": (
        "outpatient",
        [
            {"REV_CNTR_PMT_AMT_AMT": "30"} | EARLY,
            {"REV_CNTR": "0001", "REV_CNTR_PMT_AMT_AMT": "30", "DML_IND": "UPDATE"} | LATE,
        ],
        [{"_disposition": BEATEN}, {"_disposition": KEPT, "paid_amount": usd("30.00")}],
    ),
    "a stay ends when its claim does": (
        "snf",
        [{"NCH_BENE_DSCHRG_DT": "12-Feb-2024"}],
        [
            {
                "discharge_date": date(2024, 2, 5),
                "admission_date": date(2024, 1, 31),
                "line_start_date": date(2024, 2, 1),
                "line_end_date": date(2024, 2, 5),
                "paid_date": date(2024, 2, 16),
            }
        ],
    ),
    "a discharge before the claim's end stays": (
        "inpatient",
        [{"NCH_BENE_DSCHRG_DT": "04-Feb-2024"}],
        [{"discharge_date": date(2024, 2, 4), "discharge_disposition_code": "01"}],
    ),
    "who is still a patient was not discharged": (
        "snf",
        [{"PTNT_DSCHRG_STUS_CD": "30"}],
        [{"discharge_date": None, "discharge_disposition_code": "30"}],
    ),
    "hospice begins with the election": (
        "hospice",
        [{"NCH_BENE_DSCHRG_DT": "12-Feb-2024"}],
        [{"admission_date": date(2024, 1, 15), "discharge_date": date(2024, 2, 5)}],
    ),
    "an outpatient is neither admitted nor discharged": (
        "outpatient",
        [{"PTNT_DSCHRG_STUS_CD": "1"}],
        [
            {
                "admission_date": None,
                "discharge_date": None,
                "drg_code": None,
                "admit_type_code": None,
                "discharge_disposition_code": "01",
            }
        ],
    ),
    "leading zeros are put back": (
        "inpatient",
        [{"PTNT_DSCHRG_STUS_CD": "7", "CLM_DRG_CD": "64", "REV_CNTR": "120"}],
        [
            {
                "discharge_disposition_code": "07",
                "drg_code": "064",
                "drg_code_type": "ms-drg",
                "revenue_code": "0120",
                "bill_type_code": "111",
            }
        ],
    ),
    "the principal diagnosis comes first": (
        "inpatient",
        [codes(principal="I10", d1="E119", p1="Y", d2="I10", p2="N", d3=" ", d4="J45", p4="U")],
        [
            {
                "diagnosis_codes": ["I10", "E119", "J45"],
                "poa_codes": ["N", "Y", "U"],
                "diagnosis_code_type": "icd-10-cm",
            }
        ],
    ),
    "a principal diagnosis that is not in the list": (
        "inpatient",
        [codes(principal="I10", d1="E119", p1="Y") | {"PRNCPAL_DGNS_VRSN_CD": "9"}],
        [
            {
                "diagnosis_codes": ["I10", "E119"],
                "poa_codes": [None, "Y"],
                "diagnosis_code_type": "icd-9-cm",
            }
        ],
    ),
    "no principal diagnosis": (
        "outpatient",
        [codes(principal=" ", d1="E119", d2="J45")],
        [{"diagnosis_codes": ["E119", "J45"], "poa_codes": None}],
    ),
    "one space is no reason not to pay": (
        "inpatient",
        [{"CLM_MDCR_NON_PMT_RSN_CD": " "}],
        [{"claim_status": "paid", "is_final_action": True}],
    ),
    "P is no reason not to pay": (
        "inpatient",
        [{"CLM_MDCR_NON_PMT_RSN_CD": "P"}],
        [{"claim_status": "paid"}],
    ),
    "a reason not to pay": (
        "inpatient",
        [{"CLM_MDCR_NON_PMT_RSN_CD": "N"}],
        [{"claim_status": "denied", "is_final_action": True}],
    ),
    "a void is reversed, whatever else it says": (
        "inpatient",
        [{"CLM_FREQ_CD": "8", "CLM_MDCR_NON_PMT_RSN_CD": "N"}],
        [{"claim_status": "reversed", "is_final_action": False, "bill_type_code": "118"}],
    ),
    "a credit adjustment is reversed": (
        "inpatient",
        [{"CLAIM_QUERY_CODE": "0"}],
        [{"claim_status": "reversed", "is_final_action": False}],
    ),
    "a final bill and a debit are paid": (
        "inpatient",
        [{"CLAIM_QUERY_CODE": "3"}, {"CLM_ID": "debit", "CLAIM_QUERY_CODE": "5"}],
        [{"claim_status": "paid"}, {"claim_status": "paid"}],
    ),
    "frequency 9 is an original": (
        "snf",
        [{"CLM_FREQ_CD": "9"}],
        [
            {
                "claim_frequency_code": "9",
                "bill_type_code": "219",
                "claim_status": "paid",
                "claim_version": 1,
                "is_final_action": True,
                "original_claim_id": None,
            }
        ],
    ),
    "the physician stands on the total, too": (
        "hospice",
        [{"AT_PHYSN_NPI": NPI}, total()],
        [{"attending_npi": NPI, "facility_npi": NPI}, {"attending_npi": NPI, "billing_npi": NPI}],
    ),
    "a replacement with other lines, by control number": (
        "inpatient",
        [
            correction("-5", "1", FI_DOC_CLM_CNTL_NUM="x"),
            correction("-5", "1", FI_DOC_CLM_CNTL_NUM="x", CLM_LINE_NUM="2"),
            correction("-6", "7", FI_DOC_CLM_CNTL_NUM="y", FI_ORIG_CLM_CNTL_NUM="x")
            | {"NCH_WKLY_PROC_DT": "23-Feb-2024"},
        ],
        [
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 2, "is_final_action": True, "claim_root_id": "-5"}
            | {"original_claim_id": "-5"},
        ],
    ),
    "a void that names nothing, by hospital and days": (
        "outpatient",
        [correction("-5", "1"), correction("-6", "8")],
        [
            {"claim_version": 1, "is_final_action": False},
            {"claim_version": 2, "is_final_action": False, "claim_root_id": "-5"},
        ],
    ),
    "two visits of one day": (
        "outpatient",
        [correction("-5", "1"), correction("-6", "1")],
        [
            {"claim_version": 1, "is_final_action": True, "claim_root_id": "-5"},
            {"claim_version": 1, "is_final_action": True, "claim_root_id": "-6"},
        ],
    ),
    "a claim whose original is set aside": (
        "inpatient",
        [
            correction("-5", "1", FI_DOC_CLM_CNTL_NUM="x", CLM_PMT_AMT="?"),
            correction("-6", "7", FI_DOC_CLM_CNTL_NUM="y", FI_ORIG_CLM_CNTL_NUM="x"),
        ],
        [
            {"_disposition": ASIDE, "is_final_action": False, "header_paid_amount": None},
            {"_disposition": KEPT, "is_final_action": True, "original_claim_id": "x"},
        ],
    ),
    "a claim is set aside whole": (
        "outpatient",
        [{}, total(CLM_PMT_AMT="?")],
        ends(ASIDE, ASIDE),
    ),
    "a claim on the last day of coverage": (
        "outpatient",
        [
            {
                "CLM_FROM_DT": "31-Dec-2024",
                "CLM_THRU_DT": "02-Jan-2025",
                "REV_CNTR_DT": "02-Jan-2025",
                "NCH_WKLY_PROC_DT": "10-Jan-2025",
            }
        ],
        [{"eligibility_match": "matched", "line_start_date": date(2025, 1, 2)}],
    ),
    # -- deliveries
    UPDATED: (
        "inpatient",
        [
            {} | EARLY,
            {"CLM_LINE_NUM": "2"} | EARLY,
            {"CLM_LINE_NUM": "3"} | EARLY,
            {"DML_IND": "UPDATE"} | LATE,
        ],
        ends(BEATEN, BEATEN, BEATEN, KEPT),
    ),
    "a delete of one line takes the whole claim": (
        "inpatient",
        [{} | EARLY, {"CLM_LINE_NUM": "2"} | EARLY, {"DML_IND": "DELETE"} | LATE],
        ends(BEATEN, BEATEN, BEATEN),
    ),
    "a claim sent anew after its deletion counts": (
        "inpatient",
        [{"DML_IND": "DELETE"} | EARLY, {} | LATE, {"CLM_LINE_NUM": "2"} | LATE],
        ends(BEATEN, KEPT, KEPT),
    ),
    "an earlier delivery may come last": (
        "inpatient",
        [{"DML_IND": "UPDATE"} | LATE, {} | EARLY, {"CLM_LINE_NUM": "2"} | EARLY],
        ends(KEPT, BEATEN, BEATEN),
    ),
    "insert and update in one file": (
        "inpatient",
        [{}, {"CLM_LINE_NUM": "2"}, {"DML_IND": "UPDATE"}],
        ends(BEATEN, BEATEN, KEPT),
    ),
    "insert and delete in one file": (
        "inpatient",
        [{}, {"CLM_LINE_NUM": "2"}, {"DML_IND": "DELETE"}],
        ends(BEATEN, BEATEN, BEATEN),
    ),
    "the sender's other feed is another claim": (
        "snf",
        [{"CLM_ID": UPDATED, "_data_source": UPDATED} | EARLY],
        ends(KEPT),
    ),
}
# case → feed, near-line code, the person's coverage, state
PARTS = {
    "inpatient is part A's": ("inpatient", None, [A], "matched"),
    "inpatient is not part B's": ("inpatient", None, [B], "other_plan"),
    "skilled nursing is part A's": ("snf", None, [A], "matched"),
    "hospice is part A's": ("hospice", None, [A], "matched"),
    "hospice is not part B's": ("hospice", None, [B], "other_plan"),
    "outpatient is part B's": ("outpatient", None, [B], "matched"),
    "outpatient is not part A's": ("outpatient", None, [A], "other_plan"),
    "home health V is part A's": ("hha", "V", [A], "matched"),
    "home health V is not part B's": ("hha", "V", [B], "other_plan"),
    "home health W is part B's": ("hha", "W", [B], "matched"),
    "home health W is not part A's": ("hha", "W", [A], "other_plan"),
    "home health U is part A's": ("hha", "U", [A], "matched"),
    "home health U is part B's": ("hha", "U", [B], "matched"),
    "home health U is not part D's": ("hha", "U", [D], "other_plan"),
    "part C does not unmatch": ("inpatient", None, [A, C], "matched"),
    "part C alone does not match": ("inpatient", None, [C], "other_plan"),
    "nobody knows him": ("inpatient", None, None, "unknown_member"),
}


def people(spark, parts: dict[str, list | None]):
    """Demographics, eligibility in 2024, and one merger: `old` is `new` now."""
    spans = [
        {
            "person_id": person,
            "coverage_type": part,
            "plan_id": "FFS" if part in (A, B) else "H0001-001",
            "eligibility_start_date": "2024-01-01",
            "eligibility_end_date": "2024-12-31",
        }
        for person, own in parts.items()
        for part in own or ()
    ]
    known = [{"person_id": person} for person, own in parts.items() if own is not None]
    merged = [{"old_member_id": "old", "person_id": "new"}]
    return (
        frame(spark, DEMOGRAPHICS, known),
        frame(spark, ELIGIBILITY, spans),
        frame(spark, PERSON_CROSSWALK, merged),
    )


def origin(case: str, nth: int = 0) -> dict:
    """Each case is a sender of its own, so that claims of two cases never meet."""
    return {"_data_source": case, "BENE_ID": case, "CLM_ID": case, "_row_hash": f"{case}#{nth}"}


@pytest.fixture(scope="module")
def told(spark) -> dict[str, dict]:
    """Row's key → its row of the account of facility claims."""
    sent: dict[str, list] = {feed: [] for feed in BASE}
    for case, (feed, rows, _) in FORMS.items():
        sent[feed] += [BASE[feed] | origin(case, nth) | row for nth, row in enumerate(rows)]
    for case, (feed, near, _, _) in PARTS.items():
        line = {"NCH_NEAR_LINE_REC_IDENT_CD": near} if near else {}
        sent[feed].append(BASE[feed] | origin(case) | line)
    merged = BASE["inpatient"] | {"FI_DOC_CLM_CNTL_NUM": "x"}
    void = {"CLM_FREQ_CD": "8", "FI_DOC_CLM_CNTL_NUM": "y", "FI_ORIG_CLM_CNTL_NUM": "x"}
    sent["inpatient"] += [
        merged | {"BENE_ID": "old", "CLM_ID": "m1", "_row_hash": "m1"},
        merged | void | {"BENE_ID": "new", "CLM_ID": "m2", "_row_hash": "m2"},
    ]
    frames = [delivered_rows(spark, feed, *sent[feed.name]) for feed in FACILITY]
    judged = set_aside(medical_rows(*frames), rules_for(RULES, MEDICAL.name), CLAIM)
    parts = {case: [A, B] for case in FORMS} | {case: own for case, (_, _, own, _) in PARTS.items()}
    account = medical(judged, *people(spark, parts | {"new": [A]}))
    rows = [row.asDict() for row in account.collect()]
    found = {row["_row_key"]: row for row in rows}
    assert len(found) == len(rows) == sum(map(len, sent.values()))
    return found


@pytest.mark.parametrize("case", list(FORMS))
def test_facility_claim(case, told):
    _, rows, expected = FORMS[case]
    found = [told[f"{case}#{nth}"] for nth in range(len(rows))]
    assert [
        {name: row[name] for name in line} for row, line in zip(found, expected, strict=True)
    ] == expected


@pytest.mark.parametrize("case", PARTS)
def test_who_pays_such_a_claim(case, told):
    assert told[f"{case}#0"]["eligibility_match"] == PARTS[case][3]


def test_a_chain_goes_on_under_the_new_id(told):
    original, void = told["m1"], told["m2"]
    assert (original["person_id"], original["member_id"]) == ("new", "old")
    assert (void["original_claim_id"], void["claim_root_id"]) == ("m1", "m1")
    assert (original["is_final_action"], void["is_final_action"]) == (False, False)
    assert (original["eligibility_match"], void["eligibility_match"]) == ("matched", "matched")


# ----------------------------------------------------------------------------------- professional

_LINE = _CLAIM | {
    "LINE_NUM": "1",
    "LINE_1ST_EXPNS_DT": "01-Feb-2024",
    "LINE_LAST_EXPNS_DT": "05-Feb-2024",
    "HCPCS_CD": "99213",
    "CARR_CLM_ENTRY_CD": "1",
    "CARR_CLM_PMT_DNL_CD": "1",
    "LINE_PRCSG_IND_CD": "A",
    "LINE_PLACE_OF_SRVC_CD": "11",
}
PROFESSIONALS = {
    "carrier": _LINE | {"CARR_CLM_BLG_NPI_NUM": NPI, "PRF_PHYSN_NPI": "1999999984"},
    "dme": _LINE | {"PRVDR_NPI": NPI, "LINE_BENE_PRMRY_PYR_PD_AMT": "1"},
}


def entry(number: str, code: str, **more) -> dict:
    return {"CLM_ID": number, "CARR_CLM_ENTRY_CD": code} | more


def status(**columns: str) -> list[dict]:
    return [{"LINE_PRCSG_IND_CD": "A"} | columns]


# case → feed, lines as sent, silver of each line
SERVICES = {
    "entry 1 is an original": (
        "carrier",
        [{}],
        [{"claim_frequency_code": "1", "claim_status": "paid", "is_final_action": True}],
    ),
    "entry 3 is a void": (
        "carrier",
        [entry("-5", "3")],
        [{"claim_frequency_code": "8", "claim_status": "reversed", "is_final_action": False}],
    ),
    "entry 5 is a replacement": (
        "carrier",
        [entry("-5", "5")],
        [{"claim_frequency_code": "7", "claim_status": "paid", "is_final_action": True}],
    ),
    "entry 9 is no code": ("dme", [entry("-5", "9")], [{"claim_frequency_code": None}]),
    "an original of disposition 03 is void": (
        "carrier",
        [entry("-5", "1", CLM_DISP_CD="3")],
        [{"claim_frequency_code": "8", "claim_status": "reversed", "is_final_action": False}],
    ),
    "an original of disposition 01 is none": (
        "dme",
        [entry("-5", "1", CLM_DISP_CD="01")],
        [{"claim_frequency_code": "1", "claim_status": "paid", "is_final_action": True}],
    ),
    "a void by its disposition takes the claim back": (
        "carrier",
        [entry("-5", "1", CLM_DISP_CD="1"), entry("-6", "1", CLM_DISP_CD="03")],
        [
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 2, "is_final_action": False, "claim_root_id": "-5"},
        ],
    ),
    "a full credit takes the claim back": (
        "carrier",
        [entry("-5", "1"), entry("-6", "3")],
        [
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 2, "is_final_action": False, "claim_root_id": "-5"},
        ],
    ),
    "a credit and a replacement of one day": (
        "carrier",
        [entry("-7", "5"), entry("-6", "3"), entry("-5", "1")],
        [
            {"claim_version": 2, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 3, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
        ],
    ),
    "a replacement takes the supplier's claim's place": (
        "dme",
        [entry("-5", "1"), entry("-6", "5", NCH_WKLY_PROC_DT="23-Feb-2024")],
        [
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 2, "is_final_action": True, "claim_root_id": "-5"},
        ],
    ),
    "two visits of one day": (
        "carrier",
        [entry("-5", "1"), entry("-6", "1")],
        [
            {"claim_version": 1, "is_final_action": True, "claim_root_id": "-5"},
            {"claim_version": 1, "is_final_action": True, "claim_root_id": "-6"},
        ],
    ),
    "a group of the sender is a chain": (
        "carrier",
        [
            entry("-5", "1", CLM_GRP_ID="g"),
            entry("-6", "1", CLM_GRP_ID="g", NCH_WKLY_PROC_DT="23-Feb-2024"),
        ],
        [
            {"claim_version": 1, "is_final_action": False, "claim_root_id": "-5"},
            {"claim_version": 2, "is_final_action": True, "claim_root_id": "-5"},
        ],
    ),
    "claim denied, code 0": (
        "carrier", status(CARR_CLM_PMT_DNL_CD="0"), [{"claim_status": "denied"}],
    ),
    "claim denied, code D": (
        "carrier", status(CARR_CLM_PMT_DNL_CD="D"), [{"claim_status": "denied"}],
    ),
    "claim denied, code Y": (
        "carrier", status(CARR_CLM_PMT_DNL_CD="Y"), [{"claim_status": "denied"}],
    ),
    **{
        f"claim denied, code {code}": (
            "carrier", status(CARR_CLM_PMT_DNL_CD=code), [{"claim_status": "denied"}],
        )
        for code in ("00", "12", "18", "21", "22", "26")
    },
    "claim paid, code 9": ("carrier", status(CARR_CLM_PMT_DNL_CD="9"), [{"claim_status": "paid"}]),
    "claim paid, code 2": ("carrier", status(CARR_CLM_PMT_DNL_CD="2"), [{"claim_status": "paid"}]),
    "claim paid, code A": ("carrier", status(CARR_CLM_PMT_DNL_CD="A"), [{"claim_status": "paid"}]),
    "claim paid, no code": ("carrier", status(CARR_CLM_PMT_DNL_CD=" "), [{"claim_status": "paid"}]),
    "line allowed, code R": ("carrier", status(LINE_PRCSG_IND_CD="R"), [{"claim_status": "paid"}]),
    "line allowed, code S": ("carrier", status(LINE_PRCSG_IND_CD="S"), [{"claim_status": "paid"}]),
    "line denied, the other is not": (
        "carrier",
        [{"LINE_PRCSG_IND_CD": "C"}, {"LINE_NUM": "2"}],
        [{"claim_status": "denied"}, {"claim_status": "paid"}],
    ),
    "a void is reversed, whatever else it says": (
        "carrier",
        [entry("-5", "3", CARR_CLM_PMT_DNL_CD="0")],
        [{"claim_status": "reversed"}],
    ),
    "no payer before Medicare, so none has paid": (
        "dme",
        [{"LINE_BENE_PRMRY_PYR_CD": " "}, {"LINE_NUM": "2"}],
        [{"cob_paid_amount": usd("0.00")}, {"cob_paid_amount": usd("0.00")}],
    ),
    "a payer before Medicare": (
        "dme",
        [{"LINE_BENE_PRMRY_PYR_CD": "A", "LINE_BENE_PRMRY_PYR_PD_AMT": "12.5"}],
        [{"cob_paid_amount": usd("12.50")}],
    ),
    "a line's money": (
        "carrier",
        [
            {
                "LINE_SBMTD_CHRG_AMT": "150",
                "LINE_ALOWD_CHRG_AMT": "100.00",
                "LINE_NCH_PMT_AMT": "76.00",
                "LINE_COINSRNC_AMT": "19.00",
                "LINE_BENE_PTB_DDCTBL_AMT": "5",
                "LINE_SRVC_CNT": "2",
                "NCH_CARR_CLM_SBMTD_CHRG_AMT": "160",
                "NCH_CARR_CLM_ALOWD_AMT": "1000",
                "CARR_CLM_PRMRY_PYR_PD_AMT": "76",
            },
            {"LINE_NUM": "2", "LINE_ALOWD_CHRG_AMT": "10.00"},
        ],
        [
            {
                "charge_amount": usd("150.00"),
                "allowed_amount": usd("100.00"),
                "paid_amount": usd("76.00"),
                "coinsurance_amount": usd("19.00"),
                "deductible_amount": usd("5.00"),
                "cob_paid_amount": usd("0.00"),
                "copay_amount": None,
                "units": Decimal("2.000"),
                "header_paid_amount": usd("1000.00"),
                "header_charge_amount": usd("160.00"),
                "header_allowed_amount": usd("110.00"),  # the lines', not the header's
            },
            {"allowed_amount": usd("10.00"), "header_allowed_amount": usd("110.00")},
        ],
    ),
    "a claim spans the dates of its lines": (
        "dme",
        [
            {"CLM_FROM_DT": "03-Feb-2024", "CLM_THRU_DT": "03-Feb-2024"},
            {"LINE_NUM": "2", "LINE_LAST_EXPNS_DT": "09-Feb-2024"},
        ],
        [
            {
                "claim_start_date": date(2024, 2, 1),
                "claim_end_date": date(2024, 2, 5),
                "line_start_date": date(2024, 2, 1),
                "line_end_date": date(2024, 2, 5),
            },
            {
                "claim_start_date": date(2024, 2, 1),
                "claim_end_date": date(2024, 2, 5),
                "line_start_date": date(2024, 2, 1),
                "line_end_date": date(2024, 2, 9),
            },
        ],
    ),
    "a place that lost its zero": (
        "carrier", [{"LINE_PLACE_OF_SRVC_CD": "2"}], [{"place_of_service_code": "02"}],
    ),
    "a line points to its diagnosis": (
        "carrier",
        [
            codes(principal="I10", d1="E119", d2="I10") | {"LINE_ICD_DGNS_CD": "E119"},
            codes(principal="I10", d1="E119") | {"LINE_ICD_DGNS_CD": "Z00", "LINE_NUM": "2"},
            codes(principal="I10", d1="E119") | {"LINE_ICD_DGNS_CD": " ", "LINE_NUM": "3"},
        ],
        [
            {"diagnosis_codes": ["I10", "E119"], "diagnosis_pointers": [2]},
            {"diagnosis_codes": ["I10", "E119"], "diagnosis_pointers": []},
            {"diagnosis_codes": ["I10", "E119"], "diagnosis_pointers": []},
        ],
    ),
    "who did it and who bills": (
        "carrier",
        [
            {"RFR_PHYSN_NPI": "1000000004"},
            {"LINE_NUM": "2", "CARR_CLM_BLG_NPI_NUM": " ", "ORG_NPI_NUM": "1000000012"},
        ],
        [
            {"rendering_npi": "1999999984", "billing_npi": NPI, "referring_npi": "1000000004"},
            {"rendering_npi": "1999999984", "billing_npi": "1000000012", "referring_npi": None},
        ],
    ),
    "a supplier does it and bills": (
        "dme",
        [{"HCPCS_1ST_MDFR_CD": "RR", "HCPCS_2ND_MDFR_CD": " ", "HCPCS_4TH_MDFR_CD": "KX"}],
        [{"rendering_npi": NPI, "billing_npi": NPI, "modifiers": ["RR", "KX"]}],
    ),
    "no facility's fields": (
        "carrier",
        [{}],
        [{"bill_type_code": None, "revenue_code": None, "plan_id": "FFS", "payer": "medicare"}],
    ),
    "part B pays": ("carrier", [{"BENE_ID": "by B"}], [{"eligibility_match": "matched"}]),
    "part A does not": ("dme", [{"BENE_ID": "by A"}], [{"eligibility_match": "other_plan"}]),
    "the same line twice in one file": (
        "carrier",
        [{}, {}, {"LINE_NUM": "2"}],
        ends(KEPT, BEATEN, KEPT),
    ),
    UPDATED: (
        "carrier",
        [{} | EARLY, {"LINE_NUM": "2"} | EARLY, {"DML_IND": "UPDATE", "LINE_NUM": "2"} | LATE],
        ends(BEATEN, BEATEN, KEPT),
    ),
    "a delete takes the whole claim": (
        "carrier",
        [{} | EARLY, {"LINE_NUM": "2"} | EARLY, {"DML_IND": "DELETE", "LINE_NUM": "2"} | LATE],
        ends(BEATEN, BEATEN, BEATEN),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def services(spark) -> dict[str, dict]:
    """Row's key → its row of the account of professional claims."""
    sent: dict[str, list] = {feed: [] for feed in PROFESSIONALS}
    for case, (feed, rows, _) in SERVICES.items():
        sent[feed] += [
            PROFESSIONALS[feed] | origin(case, nth) | row for nth, row in enumerate(rows)
        ]
    frames = [delivered_rows(spark, feed, *sent[feed.name]) for feed in (CARRIER, DME)]
    judged = set_aside(professional_rows(*frames), rules_for(RULES, PROFESSIONAL.name), CLAIM)
    account = professional(judged, *people(spark, {"by B": [B], "by A": [A]}))
    rows = [row.asDict() for row in account.collect()]
    found = {row["_row_key"]: row for row in rows}
    assert len(found) == len(rows) == sum(map(len, sent.values()))
    return found


@pytest.mark.parametrize("case", SERVICES)
def test_professional_claim(case, services):
    """Of equal lines it does not matter which one counts."""
    _, rows, expected = SERVICES[case]
    found = [services[f"{case}#{nth}"] for nth in range(len(rows))]
    told = [{name: row[name] for name in line} for row, line in zip(found, expected, strict=True)]
    if case == "the same line twice in one file":
        told[:2] = sorted(told[:2], key=lambda line: line["_disposition"])
    assert told == expected
