"""Every rule has examples that pass and examples that fail; the rules are the catalogue's."""

from functools import reduce
from typing import NamedTuple

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.delta.ledger import metric
from data_ops.domains.claims.domain import DOMAIN
from data_ops.domains.claims.rules import RULES
from data_ops.operations.quality import Rule, count_failing, tables_of, tallies
from tests.unit.domains.catalogue import CATALOGUE, agreed

from .frames import frame_for

AS_OF = "DATE'2024-06-30'"
CONTRACTS = {table.name: table.contract for table in DOMAIN.tables}
ROW_RULES = [rule for rule in RULES if rule.scope == "row"]
SET_RULES = [rule for rule in RULES if rule.scope == "set"]
SILVER_LINES = ("silver_medical", "silver_professional")

# CMS's own example. 80840 is worth 24; of 1234567893 every other digit doubled, from the first:
# 2 2 6 4 (1+0) 6 (1+4) 8 (1+8) 3 = 46; 24 + 46 = 70, which ends in 0.
NPI = "1234567893"

# A row of each table that breaks no rule; the examples say what they change in it.
_LINE = {
    "claim_id": "c",
    "claim_root_id": "c",
    "claim_line_number": 1,
    "claim_frequency_code": "1",
    "claim_status": "paid",
    "is_final_action": True,
    "person_id": "p",
    "claim_start_date": "2024-03-01",
    "claim_end_date": "2024-03-05",
    "line_start_date": "2024-03-02",
    "line_end_date": "2024-03-03",
    "paid_date": "2024-03-15",
    "diagnosis_code_type": "icd-10-cm",
    "diagnosis_codes": ["I2510", "E119"],
    "charge_amount": 150,
    "allowed_amount": 100,
    "paid_amount": 80,
    "coinsurance_amount": 20,
    "header_paid_amount": 80,
    "eligibility_match": "matched",
    "data_source": "sample",
}
GOOD = {
    "silver_medical": _LINE
    | {
        "admission_date": "2024-03-01",
        "discharge_date": "2024-03-05",
        "bill_type_code": "111",
        "drg_code": "470",
        "revenue_code": "0120",
        "facility_npi": NPI,
        "source_feed": "outpatient",
    },
    "silver_professional": _LINE
    | {
        "place_of_service_code": "11",
        "hcpcs_code": "99213",
        "modifiers": ["25"],
        "units": 1,
        "diagnosis_pointers": [1, 2],
        "rendering_npi": NPI,
        "source_feed": "carrier",
    },
    "silver_pharmacy": {
        "claim_id": "c",
        "claim_line_number": 1,
        "transaction_code": "B1",
        "is_final_action": True,
        "person_id": "p",
        "dispensing_date": "2024-03-01",
        "written_date": "2024-02-28",
        "ndc_code": "00002751001",
        "rx_number": "rx",
        "fill_number": 1,
        "refills_authorized": 3,
        "quantity": 30,
        "days_supply": 30,
        "prescribing_npi": NPI,
        "dispensing_npi": NPI,
        "ingredient_cost": 97,
        "dispensing_fee": 2,
        "sales_tax": 1,
        "allowed_amount": 100,
        "paid_amount": 80,
        "copay_amount": 20,
        "eligibility_match": "matched",
        "source_feed": "pde",
        "data_source": "sample",
    },
    "gold_claims_all": {
        "claim_id": "c",
        "claim_line_number": 1,
        "source_feed": "outpatient",
        "service_category_1": "outpatient",
        "service_category_2": "emergency department",
        "paid_amount": 80,
        "data_source": "sample",
    },
    "gold_pmpm": {
        "coverage_month": "2024-03-01",
        "coverage": "medical",
        "service_category_1": "outpatient",
        "service_category_2": "emergency department",
    },
    "gold_encounters": {
        "encounter_id": "e",
        "encounter_start_date": "2024-03-01",
        "encounter_end_date": "2024-03-05",
        "paid_amount": 80,
    },
    "gold_utilization_per_1000": {
        "coverage_month": "2024-03-01",
        "encounter_group": "outpatient",
        "encounter_type": "emergency department",
    },
    "gold_readmissions": {"encounter_id": "e"},
    "gold_high_cost_members": {"person_id": "p", "year": 2024},
    "gold_pdc_adherence": {"person_id": "p", "drug_code": "000027510", "year": 2024},
    "gold_lag_triangle": {
        "coverage": "medical",
        "incurred_month": "2024-03-01",
        "paid_month": "2024-04-01",
    },
}


def _each(column: str, *values: object) -> list[dict]:
    """Rows that differ in one column only."""
    return [{column: value} for value in values]


# ------------------------------------------------------------------------------ row rules: examples

_PAID_OUT_OF_RANGE = [
    {"paid_amount": 100.01},
    {"paid_amount": -0.01},
    {"paid_amount": 100.01, "is_final_action": None},
]
_PAID_IN_RANGE = [
    *_each("paid_amount", 0, 100, None),
    {"allowed_amount": None},
    {"paid_amount": -80, "is_final_action": False},
    {"paid_amount": 100.01, "is_final_action": False},
]

# Rules of both forms of claim: rule → (rows that pass, rows that fail).
_OF_ANY_CLAIM: dict[str, tuple[list[dict], list[dict]]] = {
    "keys_present": (
        [{"claim_id": "-10000930037831", "claim_line_number": 45}],
        [{"claim_id": None}, {"claim_line_number": None}],
    ),
    "person_present": (
        [{"person_id": "a stranger", "eligibility_match": "unknown_member"}],
        [{"person_id": None}],
    ),
    "dates_ordered": (
        [
            *_each("claim_end_date", None, "2024-03-01", "2024-06-30"),
            {"claim_start_date": "2024-06-30", "claim_end_date": None},
        ],
        [
            {"claim_start_date": None},
            *_each("claim_end_date", "2024-02-29", "2024-07-01"),
            {"claim_start_date": "2024-07-01", "claim_end_date": None},
        ],
    ),
    "header_paid_present": (
        _each("header_paid_amount", 0, -80),
        [{"header_paid_amount": None}],
    ),
    "line_dates_ordered": (
        [
            {"line_end_date": None},
            {"line_start_date": None},
            {"line_end_date": "2024-03-02"},
            {"line_start_date": "2024-03-09", "line_end_date": None},  # a line's own dates first
            {"line_start_date": None, "line_end_date": None},
            {"line_start_date": None, "line_end_date": None, "claim_end_date": None},
        ],
        [
            {"line_end_date": "2024-03-01"},
            {"line_start_date": None, "line_end_date": "2024-02-29"},
            {"line_start_date": None, "claim_start_date": None},
            {"line_start_date": None, "line_end_date": None, "claim_end_date": "2024-02-29"},
        ],
    ),
    "paid_after_service": (
        _each("paid_date", None, "2024-03-01"),
        [{"paid_date": "2024-02-29"}, {"claim_start_date": None}],
    ),
    "money_reconciles": (
        [
            *_each("coinsurance_amount", 19.99, 20.01),
            {"coinsurance_amount": None, "paid_amount": 100},
            {
                "paid_amount": 60,
                "coinsurance_amount": 4,
                "copay_amount": 8,
                "deductible_amount": 12,
                "cob_paid_amount": 16,
            },
            {"allowed_amount": None},
            {"paid_amount": None},
            {"paid_amount": 0, "claim_status": "denied"},
        ],
        [
            *_each("coinsurance_amount", None, 19.98, 20.02),
            {"copay_amount": 1},
            {"deductible_amount": 1},
            {"cob_paid_amount": 1},
            {"paid_amount": 0, "claim_status": None},
        ],
    ),
    "replacement_has_original": (
        [
            *_each("claim_frequency_code", None, "1", "2", "G"),
            {"claim_frequency_code": "7", "original_claim_id": "b"},
            {"claim_frequency_code": "8", "original_claim_id": "b"},
        ],
        _each("claim_frequency_code", "7", "8"),
    ),
    "eligible_on_dos": (
        _each("eligibility_match", "matched"),
        _each("eligibility_match", "other_plan", "gap", "after_term", "unknown_member", None),
    ),
}


def _npis(column: str) -> tuple[list[dict], list[dict]]:
    """The check digit: by hand, 24 + 4 + 0 + … + 2 = 30, and 24 + 2 + 0 + … + 4 = 30."""
    return (
        [
            *_each(column, NPI, "2000000002", "1000000004"),
            *_each(column, "8880000001", "9999999999"),  # synthetic: any digits
        ],
        [
            *_each(column, None, ""),
            *_each(column, "1234567890", "1234567894"),  # another check digit: sums 67, 71
            *_each(column, "1324567893"),  # 2 and 3 change places: sum 69
            *_each(column, "2000000004", "1000000002"),  # each other's check digit
            *_each(column, "3000000000"),  # sum 30, but no NPI begins with a 3
            *_each(column, "123456789", "12345678933", "12345678A3", " 1234567893"),
            *_each(column, "888000001", "99900000001", "18880000001", "888000000X"),
            *_each(column, "8890000001", "9980000001", "8080840000"),
        ],
    )


def _dx(codes: list | None, kind: str | None = "icd-10-cm") -> dict:
    return {"diagnosis_codes": codes, "diagnosis_code_type": kind}


_ICD_10 = ("I10", "I2510", "I25.10", "S72001A", "U071", "C7A1", "C7B02", "Z3A40", "QA01")
_ICD_9 = ("401", "4019", "401.9", "25000", "V58", "V5811", "E849", "E8490")
_NO_ICD_10 = ("4019", "25000", "i10", "I1", "I", "1I0", "IB0", "I1C", "S72001AB", "XI10", "")
_NO_ICD_9 = ("I10", "I2510", "40", "401901", "V5", "E84", "v58", "401X", "")
_MANY_DX = [f"E11{nth:02}" for nth in range(14)]

# (table, rule) → (rows that pass, rows that fail): what each changes in the good row.
ROWS: dict[tuple[str, str], tuple[list[dict], list[dict]]] = {
    **{(table, rule): rows for table in SILVER_LINES for rule, rows in _OF_ANY_CLAIM.items()},
    ("silver_medical", "admit_discharge"): (
        [
            {"discharge_date": None},
            {"admission_date": "2024-03-05"},
            *({"bill_type_code": bill, "admission_date": None} for bill in ("131", "121", None)),
            {"bill_type_code": "131", "admission_date": "2024-03-06"},
        ],
        [
            *(
                {"bill_type_code": bill, "admission_date": None}
                for bill in ("111", "0111", "181", "211", "411")
            ),
            {"admission_date": "2024-03-06"},
        ],
    ),
    ("silver_medical", "bill_type_format"): (
        _each("bill_type_code", "131", "0131", "11A", "32Q"),
        _each("bill_type_code", None, "", "13", "011", "101", "00131", "1311", "11a"),
    ),
    ("silver_medical", "revenue_code_format"): (
        _each("revenue_code", "0001", "0450"),
        _each("revenue_code", None, "", "450", "00450", "045X"),
    ),
    ("silver_medical", "drg_on_acute"): (
        [
            *_each("drg_code", "470", "0470"),
            *({"bill_type_code": bill, "drg_code": None} for bill in ("131", "211", None)),
        ],
        [
            *_each("drg_code", None, "", "47", "00470", "47A"),
            {"bill_type_code": "0111", "drg_code": None},
        ],
    ),
    ("silver_medical", "principal_dx"): (
        [
            *(_dx([code]) for code in _ICD_10),
            *(_dx([code], "icd-9-cm") for code in _ICD_9),
            _dx(["I10", "no code"]),
            _dx(["I10"], None),
        ],
        [
            *(_dx([code]) for code in _NO_ICD_10),
            *(_dx([code], "icd-9-cm") for code in _NO_ICD_9),
            *(_dx(codes, kind) for codes in (None, [], [None]) for kind in ("icd-9-cm", None)),
            _dx([None, "I10"]),
            _dx(["no code", "I10"]),
            _dx(["4019"], None),
        ],
    ),
    ("silver_medical", "npi_luhn"): _npis("facility_npi"),
    ("silver_medical", "paid_le_allowed_final"): (
        [*_PAID_IN_RANGE, {"charge_amount": 99}],
        _PAID_OUT_OF_RANGE,
    ),
    ("silver_professional", "no_facility_fields"): (
        [{"bill_type_code": None, "revenue_code": None}],
        [{"bill_type_code": "131"}, {"revenue_code": "0450"}],
    ),
    ("silver_professional", "pos_format"): (
        _each("place_of_service_code", "02", "99"),
        _each("place_of_service_code", None, "", "2", "011", "1A"),
    ),
    ("silver_professional", "hcpcs_present"): (
        _each("hcpcs_code", "G0438"),
        [{"hcpcs_code": None}],
    ),
    ("silver_professional", "hcpcs_format"): (
        _each("hcpcs_code", None, "99213", "0001F", "0240U", "A0428", "V2020"),
        _each("hcpcs_code", "", "9921", "992133", "W0001", "G043", "G04388", "g0438"),
    ),
    ("silver_professional", "modifier_format"): (
        _each("modifiers", None, [], ["25", "LT", "F1"]),
        _each("modifiers", ["5"], ["25", "LTX"], ["lt"], ["25", None], [""]),
    ),
    ("silver_professional", "units_positive"): (
        [
            {"units": 0.001},
            {"units": 0, "claim_status": "denied"},
            {"units": None, "claim_status": "reversed"},
        ],
        [*_each("units", 0, -1, None), {"units": None, "claim_status": None}],
    ),
    ("silver_professional", "dx_present"): (
        _each("diagnosis_codes", _MANY_DX[:1], _MANY_DX[:2], _MANY_DX[:13]),
        _each("diagnosis_codes", None, [], _MANY_DX),
    ),
    ("silver_professional", "dx_pointer_in_range"): (
        [
            *_each("diagnosis_pointers", None, [], [1], [2]),
            {"diagnosis_pointers": None, "diagnosis_codes": None},
        ],
        [
            *_each("diagnosis_pointers", [0], [3], [1, 3], [-1], [1, None]),
            *_each("diagnosis_codes", None, []),
        ],
    ),
    ("silver_professional", "rendering_npi_luhn"): _npis("rendering_npi"),
    ("silver_professional", "paid_le_allowed_final"): (
        [
            *_PAID_IN_RANGE,
            *_each("charge_amount", 100, None),
            {"charge_amount": 99.99, "is_final_action": False},
        ],
        [*_PAID_OUT_OF_RANGE, {"charge_amount": 99.99}],
    ),
    ("silver_pharmacy", "keys_present"): (
        [{"claim_id": "-10000930037831"}],
        [{"claim_id": None}],
    ),
    ("silver_pharmacy", "person_and_date"): (
        _each("dispensing_date", "2024-06-30"),
        [{"person_id": None}, *_each("dispensing_date", None, "2024-07-01")],
    ),
    ("silver_pharmacy", "amounts_present"): (
        _each("paid_amount", 0, -80),
        [{"paid_amount": None}],
    ),
    ("silver_pharmacy", "ndc11"): (
        _each("ndc_code", "00002751001", "99999999999"),
        _each("ndc_code", None, "", "00000000000", "0002751001", "000027510011", "00002-7510-01"),
    ),
    ("silver_pharmacy", "days_supply"): (
        [
            *_each("days_supply", 1, 365),
            {"days_supply": -30, "transaction_code": "B2"},
            {"days_supply": None, "transaction_code": "B2"},
        ],
        [
            *_each("days_supply", 0, -30, 366, None),
            {"days_supply": None, "transaction_code": "B3"},
            {"days_supply": None, "transaction_code": None},
        ],
    ),
    ("silver_pharmacy", "quantity_positive"): (
        [
            {"quantity": 0.001},
            {"quantity": -30, "transaction_code": "B2"},
            {"quantity": None, "transaction_code": "B2"},
        ],
        [
            *_each("quantity", 0, -30, None),
            {"quantity": -30, "transaction_code": "B3"},
            {"quantity": None, "transaction_code": None},
        ],
    ),
    ("silver_pharmacy", "fill_le_refills"): (
        [
            *_each("fill_number", 0, 4, None),  # the first fill is no refill
            {"fill_number": 99, "refills_authorized": None},
        ],
        [{"fill_number": 5}, {"fill_number": 2, "refills_authorized": 0}],
    ),
    ("silver_pharmacy", "written_before_fill"): (
        [
            *_each("written_date", None, "2024-03-01", "2023-03-02"),  # a leap day between
            {"written_date": None, "dispensing_date": None},
        ],
        [*_each("written_date", "2024-03-02", "2023-03-01"), {"dispensing_date": None}],
    ),
    ("silver_pharmacy", "cost_components"): (
        [
            *_each("ingredient_cost", None, 97.01, 96.99),
            {"allowed_amount": None},
            {"ingredient_cost": 100, "dispensing_fee": None, "sales_tax": None},
        ],
        [
            *_each("ingredient_cost", 97.02, 96.98),
            {"dispensing_fee": None},
            {"sales_tax": None},
        ],
    ),
    ("silver_pharmacy", "cost_adds_up"): (
        [
            *_each("copay_amount", 19.99, 20.01),
            {"allowed_amount": None},
            {"allowed_amount": None, "paid_amount": None},
            {"copay_amount": None, "paid_amount": 100},
            {
                "paid_amount": 60,
                "copay_amount": 4,
                "coinsurance_amount": 8,
                "deductible_amount": 12,
                "other_payer_amount": 16,
            },
        ],
        [
            *_each("copay_amount", None, 19.98, 20.02),
            {"coinsurance_amount": 1},
            {"deductible_amount": 1},
            {"other_payer_amount": 1},
            {"paid_amount": None},
        ],
    ),
    ("silver_pharmacy", "paid_le_allowed"): (
        [
            *_each("paid_amount", 0, 100),
            {"allowed_amount": None},
            {"paid_amount": -80, "is_final_action": False},
        ],
        [*_PAID_OUT_OF_RANGE, {"paid_amount": None}],
    ),
    ("silver_pharmacy", "prescriber_npi"): (  # no check digit is asked for
        _each("prescribing_npi", NPI, "1234567890", "2000000000", "8800000000", "9900000000"),
        [
            *_each("prescribing_npi", None, "", "3234567893", "8700000000"),
            *_each("prescribing_npi", "123456789", "12345678933", "12345678A3", "X1234567893"),
        ],
    ),
    ("silver_pharmacy", "pharmacy_npi"): (
        _each("dispensing_npi", None, "1234567890", "2000000000", "8800000000", "9900000000"),
        _each("dispensing_npi", "", "010001", "3234567893", "12345678933", "X1234567893"),
    ),
    ("silver_pharmacy", "eligible_on_fill"): (
        _each("eligibility_match", "matched"),
        _each("eligibility_match", "other_plan", "gap", "after_term", "unknown_member", None),
    ),
    ("gold_claims_all", "category_known"): (
        [{"service_category_1": "other", "service_category_2": "other"}],
        [{"service_category_1": None}, {"service_category_2": None}],
    ),
    ("gold_encounters", "dates_ordered"): (
        _each("encounter_end_date", "2024-03-01"),
        [{"encounter_start_date": None}, *_each("encounter_end_date", None, "2024-02-29")],
    ),
}

# ------------------------------------------------------------------------------ set rules: examples


class Sets(NamedTuple):
    """Tables that pass and tables that fail, each as changes to good rows, and how many keys do."""

    passes: dict[str, list[dict]]
    fails: dict[str, list[dict]]
    failing: int = 1  # keys that fail in `fails`
    tolerated: int = 0  # keys that fail in `passes`, too few for a warning


def _one_table(table: str, passes: list[dict], fails: list[dict], *counts: int) -> Sets:
    return Sets({table: passes}, {table: fails}, *counts)


def _key_unique(table: str, **others: object) -> Sets:
    """Rows that differ in one column of the key do not meet; others do, NULL with NULL."""
    assert set(others) == set(CONTRACTS[table].key), table
    first = CONTRACTS[table].key[0]
    rows = [{}, *({name: value} for name, value in others.items())]
    return _one_table(table, rows, [{}, {}, {first: None}, {first: None}], 2)


def _line_key_unique(table: str) -> Sets:
    return _key_unique(
        table, claim_id="d", claim_line_number=2, source_feed="another", data_source="another"
    )


_ELSEWHERE = [{"source_feed": "another"}, {"data_source": "another"}]


def _of_any_claim(table: str) -> dict[tuple[str, str], Sets]:
    """Set rules of both forms of claim."""
    examples = {
        "header_equals_lines": (
            [
                {"paid_amount": 30},
                {"claim_line_number": 2, "paid_amount": 50},
                {"claim_line_number": 3, "paid_amount": None},
                *_ELSEWHERE,  # claims of their own
                {"claim_id": "stay", "paid_amount": None, "header_paid_amount": 500},
                {"claim_id": "a cent less", "paid_amount": 79.99},
                {"claim_id": "a cent more", "paid_amount": 80.01},
            ],
            [
                {"claim_id": "less", "paid_amount": 79.98},
                {"claim_id": "more", "paid_amount": 80.02},
                {"claim_id": "twice"},
                {"claim_id": "twice", "claim_line_number": 2},
                {"claim_id": "in part", "paid_amount": 50},
                {"claim_id": "in part", "claim_line_number": 2, "paid_amount": None},
            ],
            4,
        ),
        "header_constant": (
            [
                {},
                {"claim_line_number": 2, "line_start_date": "2024-03-03", "paid_amount": 0},
                *(row | {"person_id": "q", "header_paid_amount": 1} for row in _ELSEWHERE),
            ],
            [
                *_each("claim_id", "amount", "date", "person", "good"),
                {"claim_id": "amount", "header_paid_amount": 80.01},
                {"claim_id": "date", "claim_start_date": "2024-03-02"},
                {"claim_id": "person", "person_id": "q"},
            ],
            3,
        ),
        "one_final_action": (
            [
                {"is_final_action": False},
                {"claim_id": "d", "is_final_action": None},
                {"claim_id": "e"},
                {"claim_id": "e", "claim_line_number": 2},
                *(row | {"claim_id": "f"} for row in (*_ELSEWHERE, {"person_id": "q"})),
                {"claim_id": "g", "claim_root_id": "g"},
            ],
            [
                *_each("claim_id", "c", "d"),
                {"claim_root_id": "r", "claim_id": "r"},
                {"claim_root_id": "r", "claim_id": "s"},
                {"claim_root_id": "r", "claim_id": "t"},
            ],
            2,
        ),
    }
    sets = {(table, rule): _one_table(table, *example) for rule, example in examples.items()}
    return sets | {(table, "key_unique"): _line_key_unique(table)}


_TOTAL = {
    "claim_line_number": 2,
    "revenue_code": "0001",
    "charge_amount": None,
    "allowed_amount": None,
    "paid_amount": None,
}


def _people(number: int) -> list[dict]:
    """Rows of as many strangers, who share nothing."""
    return _each("person_id", *(f"stranger {nth}" for nth in range(number)))


_NO_DUPLICATE_SERVICES = [
    {},
    {"claim_line_number": 2},
    *(
        {"claim_id": f"another {nth}"} | row
        for nth, row in enumerate(
            (
                {"is_final_action": False},
                {"is_final_action": None},
                {"person_id": "q"},
                {"rendering_npi": "2000000002"},
                {"line_start_date": "2024-03-03"},
                {"hcpcs_code": "99214"},
                {"modifiers": ["25", "LT"]},
                {"modifiers": []},
                {"units": 2},
                {"charge_amount": 151},
            )
        )
    ),
]
_DUPLICATE_SERVICES = [
    {"person_id": "r", "hcpcs_code": "99215", "claim_id": claim} for claim in ("r1", "r2")
]

_NO_DUPLICATE_FILLS = [
    {},
    {"is_final_action": False},
    {"is_final_action": None},
    {"person_id": "q"},
    {"ndc_code": "00002751002"},
    {"dispensing_date": "2024-03-02"},
    {"rx_number": "another"},
    {"fill_number": 2},
]
_DUPLICATE_FILLS = [
    {"person_id": "r", "ndc_code": "00002751003", "claim_id": claim} for claim in ("r1", "r2")
]


def _reversed(rx: str | None, reversal: dict, bill: dict | None = None) -> list[dict]:
    """A bill and a reversal of the same prescription, apart from what is said."""
    both: dict = {"rx_number": rx}
    return [both | (bill or {}), both | {"claim_id": "r", "transaction_code": "B2"} | reversal]


_UNKNOWN = {"fill_number": None, "dispensing_npi": None}
_STAY = {"source_feed": "inpatient", "paid_amount": None, "header_paid_amount": 500}
_SNF_STAY = {"source_feed": "snf", "header_paid_amount": 200}

# Of silver: a visit of 80, stays of 500 (three) and 200, a service of 80. What else is said there
# must not count: lines' own amounts of stays, headers of anything else, versions that do not stand.
_SILVER = {
    "silver_medical": [
        {"header_paid_amount": 999},
        {"claim_line_number": 2, "paid_amount": None, "header_paid_amount": 999},
        {"claim_id": "void", "is_final_action": False},
        {"claim_id": "void", "is_final_action": None, "source_feed": "snf"},
        {"claim_id": "stay"} | _STAY,
        {"claim_id": "stay", "claim_line_number": 2} | _STAY | {"paid_amount": 7},
        {"claim_id": "stay", "data_source": "another"} | _STAY,
        {"claim_id": "another stay"} | _STAY,
        {"claim_id": "stay", "claim_line_number": 3} | _SNF_STAY,
        {"claim_id": "stay", "claim_line_number": 4} | _SNF_STAY,
    ],
    "silver_professional": [{}, {"claim_id": "d", "is_final_action": False}],
}

# (table, rule) → tables that pass and tables that fail. A share within the tolerance passes.
SETS: dict[tuple[str, str], Sets] = {
    **_of_any_claim("silver_medical"),
    **_of_any_claim("silver_professional"),
    ("silver_medical", "total_line_not_counted"): _one_table(
        "silver_medical",
        [
            {},
            _TOTAL,
            *(_TOTAL | row | {"paid_amount": 80} for row in _ELSEWHERE),
            {"claim_id": "total only", "revenue_code": "0001"},
        ],
        [
            *_each("claim_id", "charge", "allowed", "paid"),
            _TOTAL | {"claim_id": "charge", "charge_amount": 150},
            _TOTAL | {"claim_id": "allowed", "allowed_amount": 100},
            _TOTAL | {"claim_id": "paid", "paid_amount": 0},
        ],
        3,
    ),
    ("silver_professional", "duplicate_service"): _one_table(  # one in a thousand is tolerated
        "silver_professional",
        [*_DUPLICATE_SERVICES, *_NO_DUPLICATE_SERVICES, *_people(986)],
        [*_DUPLICATE_SERVICES, *_NO_DUPLICATE_SERVICES, *_people(985)],
        1,
        1,
    ),
    ("silver_pharmacy", "key_unique"): _line_key_unique("silver_pharmacy"),
    ("silver_pharmacy", "reversal_matches_bill"): _one_table(
        "silver_pharmacy",
        [
            *_reversed("1", {}),
            *_reversed("2", {}, {"transaction_code": "B3"}),
            *_reversed("3", _UNKNOWN, _UNKNOWN),
        ],
        [
            *_reversed("1", {"rx_number": "another"}),
            *_reversed("2", {"fill_number": 2}),
            *_reversed("3", {"fill_number": None}),
            *_reversed("4", {"dispensing_npi": None}),
            *_reversed("5", {"dispensing_date": "2024-03-02"}),
            *_reversed("6", {"data_source": "another"}),
            *_reversed("7", {}, {"transaction_code": None}),
            *_reversed(None, {}),
            *_reversed("9", {})[1:],
        ],
        9,
    ),
    ("silver_pharmacy", "duplicate_fill"): _one_table(  # one in a thousand is tolerated
        "silver_pharmacy",
        [*_DUPLICATE_FILLS, *_NO_DUPLICATE_FILLS, *_people(990)],
        [*_DUPLICATE_FILLS, *_NO_DUPLICATE_FILLS, *_people(989)],
        1,
        1,
    ),
    ("gold_claims_all", "key_unique"): _line_key_unique("gold_claims_all"),
    ("gold_claims_all", "money_conserved"): Sets(
        {**_SILVER, "gold_claims_all": _each("paid_amount", 80, 1000, 500, 200, 80, 0, None)},
        {**_SILVER, "gold_claims_all": _each("paid_amount", 80, 1000, 500, 200, 79.99)},
    ),
    ("gold_pmpm", "key_unique"): _key_unique(
        "gold_pmpm",
        coverage_month="2024-04-01",
        coverage="pharmacy",
        service_category_1="another",
        service_category_2="another",
    ),
    ("gold_encounters", "key_unique"): _key_unique("gold_encounters", encounter_id="f"),
    ("gold_encounters", "money_conserved"): Sets(
        {
            "gold_claims_all": _each("paid_amount", 80, 500, None),
            "gold_encounters": _each("paid_amount", 579.5, 0.5),
        },
        {"gold_claims_all": [{}], "gold_encounters": []},
    ),
    ("gold_utilization_per_1000", "key_unique"): _key_unique(
        "gold_utilization_per_1000",
        coverage_month="2024-04-01",
        encounter_group="another",
        encounter_type="another",
    ),
    ("gold_readmissions", "key_unique"): _key_unique("gold_readmissions", encounter_id="f"),
    ("gold_high_cost_members", "key_unique"): _key_unique(
        "gold_high_cost_members", person_id="q", year=2023
    ),
    ("gold_pdc_adherence", "key_unique"): _key_unique(
        "gold_pdc_adherence", person_id="q", drug_code="000027511", year=2023
    ),
    ("gold_lag_triangle", "key_unique"): _key_unique(
        "gold_lag_triangle",
        coverage="pharmacy",
        incurred_month="2024-02-01",
        paid_month="2024-05-01",
    ),
}


def key(rule: Rule) -> tuple[str, str]:
    return rule.table, rule.name


def label(rule: Rule) -> str:
    return f"{rule.table}-{rule.name}"


def test_every_rule_has_examples():
    assert sorted(map(key, ROW_RULES)) == sorted(ROWS)
    assert sorted(map(key, SET_RULES)) == sorted(SETS)
    assert all(passes and fails for passes, fails in ROWS.values())


# ---------------------------------------------------------------------------------------- row rules

ROW_TABLES = tuple(dict.fromkeys(table for table, _ in ROWS))


@pytest.fixture(scope="module")
def broken_rules(spark) -> dict[tuple[str, str, str], list[list[str]]]:
    """(table, rule, "passes" or "fails") → for each example, the row rules it breaks."""

    def of_table(table: str) -> DataFrame:
        examples = {rule: ends for (of, rule), ends in ROWS.items() if of == table}
        cases = {
            f"{rule}/{end}/{nth:02}": GOOD[table] | row
            for rule, ends in ({"the good row": ([{}], [])} | examples).items()
            for end, rows in zip(("passes", "fails"), ends, strict=True)
            for nth, row in enumerate(rows)
        }
        rules = [rule for rule in ROW_RULES if rule.table == table]
        rows = [row | {"_case": case} for case, row in cases.items()]
        sql = " ".join(rule.sql for rule in rules)
        counts = frame_for(spark, CONTRACTS[table], rows, sql, "_case").groupBy("_case")
        names = [F.when(F.col(f"rule_{rule.name}") > 0, F.lit(rule.name)) for rule in rules]
        return counts.agg(*tallies(rules, AS_OF)).select(
            F.lit(table).alias("table"), "_case", F.array_compact(F.array(*names)).alias("broken")
        )

    told: dict[tuple[str, str, str], list[list[str]]] = {}
    rows = reduce(DataFrame.union, map(of_table, ROW_TABLES)).collect()
    for row in sorted(rows, key=lambda row: row["_case"]):
        rule, end, _ = row["_case"].split("/")
        told.setdefault((row.table, rule, end), []).append(row.broken)
    return told


def wrong_examples(rule: Rule, end: str, broken: list[list[str]]) -> list[dict]:
    """The examples of one end that are judged as the other end's should be."""
    rows = ROWS[key(rule)][end == "fails"]
    return [
        row
        for row, names in zip(rows, broken, strict=True)
        if (rule.name in names) != (end == "fails")
    ]


@pytest.mark.parametrize("rule", ROW_RULES, ids=label)
def test_a_row_rule_holds_of_good_rows(rule, broken_rules):
    assert wrong_examples(rule, "passes", broken_rules[(*key(rule), "passes")]) == []


@pytest.mark.parametrize("rule", ROW_RULES, ids=label)
def test_a_row_rule_is_broken_by_bad_rows(rule, broken_rules):
    assert wrong_examples(rule, "fails", broken_rules[(*key(rule), "fails")]) == []


@pytest.mark.parametrize("table", ROW_TABLES)
def test_the_good_row_of_a_table_breaks_no_rule(table, broken_rules):
    assert broken_rules[(table, "the good row", "passes")] == [[]]


# ---------------------------------------------------------------------------------------- set rules


@pytest.fixture(scope="module")
def verdicts(spark) -> dict[str, tuple[str, int]]:
    """<table>_<rule>_passes or _fails → (verdict, keys that fail).

    An example's tables have names of their own.
    """
    rules, tables = [], {}
    for rule in SET_RULES:
        for end in ("passes", "fails"):
            example = getattr(SETS[key(rule)], end)
            assert {rule.table, *tables_of(rule)} == set(example), label(rule)
            sql = rule.sql
            for table, rows in example.items():
                own = f"{table}_{label(rule).replace('-', '_')}_{end}"
                rows = [GOOD[table] | row for row in rows]
                tables[own] = frame_for(spark, CONTRACTS[table], rows, rule.sql)
                sql = _renamed(sql, table, own)
            own = f"{rule.table}_{label(rule).replace('-', '_')}_{end}"
            name = f"{rule.table}_{rule.name}_{end}"
            rules.append(rule.model_copy(update={"sql": sql, "table": own, "name": name}))
    counts = count_failing(spark, rules, tables, AS_OF)
    return {
        rule.name: (metric(rule, *counts[rule.name]).verdict, counts[rule.name][1])
        for rule in rules
    }


def _renamed(sql: str, table: str, own: str) -> str:
    words = sql.replace(")", " )").split()
    assert table in words
    return " ".join(own if word == table else word for word in words)


WORST = {"warn": "warned", "fail": "failed"}


@pytest.mark.parametrize("rule", SET_RULES, ids=label)
def test_a_set_rule_holds_of_good_tables(rule, verdicts):
    expected = "passed", SETS[key(rule)].tolerated
    assert verdicts[f"{rule.table}_{rule.name}_passes"] == expected


@pytest.mark.parametrize("rule", SET_RULES, ids=label)
def test_a_set_rule_is_broken_by_bad_tables(rule, verdicts):
    expected = WORST[rule.severity], SETS[key(rule)].failing
    assert verdicts[f"{rule.table}_{rule.name}_fails"] == expected


# ---------------------------------------------------------------------------------------- catalogue

OURS_ALONE = {
    *((table, "keys_present") for table in (*SILVER_LINES, "silver_pharmacy")),
    *((table, "key_unique") for table in CONTRACTS if table.startswith("gold_")),
    ("gold_claims_all", "money_conserved"),
    ("gold_claims_all", "category_known"),
    ("gold_encounters", "money_conserved"),
    ("gold_encounters", "dates_ordered"),
}


@pytest.mark.skipif(not CATALOGUE.is_file(), reason="the rule catalogue is not beside the project")
def test_the_rules_are_the_catalogues():
    theirs = agreed(CONTRACTS)
    ours = {key(rule): (rule.severity, rule.scope) for rule in RULES}
    assert len(theirs) > 50
    assert {name: ours.get(name) for name in theirs} == theirs
    assert ours.keys() - theirs.keys() == OURS_ALONE


def test_names_are_unique_within_a_table():
    assert len(set(map(key, RULES))) == len(RULES)
