"""Every rule has examples that pass and examples that fail; the rules are the catalogue's."""

from functools import reduce

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.delta.ledger import metric
from data_ops.domains.member.domain import DOMAIN
from data_ops.domains.member.rules import RULES
from data_ops.operations.quality import Rule, count_failing, tables_of, tallies
from tests.unit.domains.catalogue import CATALOGUE, agreed

from .frames import frame

AS_OF = "DATE'2024-06-30'"
CONTRACTS = {table.name: table.contract for table in DOMAIN.tables}
ROW_RULES = [rule for rule in RULES if rule.scope == "row"]
SET_RULES = [rule for rule in RULES if rule.scope == "set"]

# A row of each table that breaks no rule; the examples say what they change in it.
GOOD = {
    "silver_person_crosswalk": {
        "old_member_id": "a",
        "new_member_id": "b",
        "person_id": "b",
        "is_cycle": False,
    },
    "silver_demographics": {
        "person_id": "p",
        "member_id": "p",
        "mbi": "1S00E00AA00",
        "birth_date": "1950-02-28",
        "sex": "female",
        "zip": "02138",
        "effective_from": "2023-01-01",
        "is_current": True,
    },
    "silver_enrollment": {
        "person_id": "p",
        "member_id": "p",
        "subscriber_relation": "self",
        "payer": "medicare",
        "payer_type": "medicare",
        "plan_id": "FFS",
        "coverage_type": "PART_A",
        "enrollment_start_date": "2023-01-01",
        "enrollment_end_date": "2023-12-31",
        "data_source": "sample",
    },
    "silver_eligibility": {
        "person_id": "p",
        "payer": "medicare",
        "plan_id": "FFS",
        "coverage_type": "PART_A",
        "eligibility_start_date": "2023-01-01",
        "eligibility_end_date": "2023-12-31",
    },
    "silver_member_status": {
        "person_id": "p",
        "status_month": "2023-01-01",
        "dual_status_code": "NA",
        "dual_flag": False,
    },
    "gold_member_current": {"person_id": "p"},
    "gold_member_months": {
        "person_id": "p",
        "coverage_month": "2023-02-01",
        "coverage_type": "PART_A",
        "covered_days": 28,
        "first_day_flag": True,
        "mid_month_flag": True,
        "full_month_flag": True,
    },
    "gold_coverage_gaps": {
        "person_id": "p",
        "coverage_type": "PART_A",
        "gap_start_date": "2023-03-01",
        "gap_end_date": "2023-03-31",
        "gap_days": 31,
    },
}

_MBI_FAULTS = ("0S00E00AA00", "1S00E00AA0", "1S00E00AB00x", "1O00E00AA00", "1s00e00aa00")

# (table, rule) → (rows that pass, rows that fail): what each changes in the good row.
ROWS: dict[tuple[str, str], tuple[list[dict], list[dict]]] = {
    ("silver_person_crosswalk", "ids_present"): (
        [{"old_member_id": "-1"}],
        [{"old_member_id": None}, {"new_member_id": None}],
    ),
    ("silver_person_crosswalk", "no_cycle"): (
        [{"is_cycle": False}],
        [{"is_cycle": True}, {"is_cycle": None}],
    ),
    ("silver_demographics", "person_id_present"): (
        [{"person_id": "-10000010254618"}],
        [{"person_id": None}, {"person_id": ""}],
    ),
    ("silver_demographics", "effective_from_present"): (
        [{"effective_from": "1900-01-01"}],
        [{"effective_from": None}],
    ),
    ("silver_demographics", "scd2_no_zero_length"): (
        [{"effective_to": "2023-01-02"}, {"effective_to": None}],
        [{"effective_to": "2023-01-01"}, {"effective_to": "2022-12-31"}],
    ),
    ("silver_demographics", "birth_date_plausible"): (
        [{"birth_date": "1900-01-01"}, {"birth_date": "2024-06-30"}],
        [{"birth_date": None}, {"birth_date": "1899-12-31"}, {"birth_date": "2024-07-01"}],
    ),
    ("silver_demographics", "death_after_birth"): (
        [{"death_date": None}, {"death_date": "1950-02-28"}, {"death_date": "2024-06-30"}],
        [{"death_date": "1950-02-27"}, {"death_date": "2024-07-01"}],
    ),
    ("silver_demographics", "sex_valid"): (
        [{"sex": "male"}, {"sex": "unknown"}],
        [{"sex": "F"}, {"sex": None}],
    ),
    ("silver_demographics", "mbi_format"): (
        [{"mbi": None}, {"mbi": "1EG4TE5MK73"}],
        [{"mbi": mbi} for mbi in _MBI_FAULTS],
    ),
    ("silver_demographics", "zip_format"): (
        [{"zip": None}, {"zip": "021381234"}],
        [{"zip": "2138"}, {"zip": "00000"}, {"zip": "02138-1234"}, {"zip": "K1A0B"}],
    ),
    ("silver_enrollment", "keys_present"): (
        [{"member_id": "q"}],
        [{name: None} for name in CONTRACTS["silver_enrollment"].key[:-1] + ("person_id",)],
    ),
    ("silver_enrollment", "start_before_end"): (
        [{"enrollment_end_date": None}, {"enrollment_end_date": "2023-01-01"}],
        [{"enrollment_end_date": "2022-12-31"}],
    ),
    ("silver_enrollment", "start_in_range"): (
        [
            {"enrollment_start_date": "1965-07-01"},
            {"enrollment_start_date": "2025-06-30", "enrollment_end_date": None},
        ],
        [
            {"enrollment_start_date": "1965-06-30"},
            {"enrollment_start_date": "2025-07-01", "enrollment_end_date": None},
        ],
    ),
    ("silver_enrollment", "payer_type_valid"): (
        [{"payer_type": "self-insured"}],
        [{"payer_type": "Medicare"}, {"payer_type": None}],
    ),
    ("silver_enrollment", "dependent_has_subscriber"): (
        [{"subscriber_relation": "child", "subscriber_id": "q"}, {"subscriber_id": None}],
        [{"subscriber_relation": "child"}, {"subscriber_relation": None}],
    ),
    ("silver_enrollment", "maintenance_code_valid"): (
        [{"maintenance_type_code": None}, {"maintenance_type_code": "030"}],
        [{"maintenance_type_code": "30"}, {"maintenance_type_code": "002"}],
    ),
    ("silver_eligibility", "end_not_null"): (
        [{"eligibility_end_date": "9999-12-31"}, {"eligibility_end_date": "2023-01-01"}],
        [
            {"eligibility_end_date": None},
            {"eligibility_end_date": "2022-12-31"},
            {"eligibility_start_date": None},
        ],
    ),
    ("silver_member_status", "keys_present"): (
        [{"status_month": "2024-02-01"}],
        [{"person_id": None}, {"status_month": None}],
    ),
    ("silver_member_status", "dual_code_valid"): (
        [{"dual_status_code": code} for code in (None, "00", "09", "10", "99")],
        [{"dual_status_code": "AA"}, {"dual_status_code": "07"}],
    ),
    ("silver_member_status", "dual_code_padded"): (
        [{"dual_status_code": None}, {"dual_status_code": "02", "dual_flag": True}],
        [{"dual_status_code": "2"}, {"dual_status_code": ""}],
    ),
    ("silver_member_status", "dual_flag_consistent"): (
        [{"dual_status_code": "08", "dual_flag": True}, {"dual_status_code": "09"}],
        [
            {"dual_status_code": "08"},
            {"dual_flag": True},
            {"dual_status_code": None, "dual_flag": True},
            {"dual_flag": None},
        ],
    ),
    ("gold_member_months", "days_in_month"): (
        [{"coverage_month": "2024-02-01", "covered_days": 29}],
        [{"covered_days": 29}, {"covered_days": 0, "full_month_flag": False}],
    ),
    ("gold_member_months", "full_month_consistent"): (
        [{"covered_days": 27, "full_month_flag": False, "first_day_flag": False}],
        [
            {"covered_days": 27},
            {"full_month_flag": False},
            {"first_day_flag": False},
            {"mid_month_flag": False},
            {"full_month_flag": None},
        ],
    ),
    ("gold_coverage_gaps", "gap_has_days"): (
        [{"gap_end_date": "2023-03-01", "gap_days": 1}],
        [{"gap_days": 30}, {"gap_end_date": "2023-02-28", "gap_days": 0}, {"gap_days": None}],
    ),
}


def _version(start: str, end: str | None = None, **more) -> dict:
    return {"effective_from": start, "effective_to": end, "is_current": end is None} | more


def _demographics(*rows: dict) -> dict[str, list[dict]]:
    return {"silver_demographics": list(rows)}


def _span(start: str, end: str | None, **more) -> dict:
    return {"enrollment_start_date": start, "enrollment_end_date": end} | more


def _island(start: str, end: str, **more) -> dict:
    return {"eligibility_start_date": start, "eligibility_end_date": end} | more


def _eligibility(*rows: dict) -> dict[str, list[dict]]:
    return {"silver_eligibility": list(rows)}


def _people(number: int, *rows: dict, first: int = 0) -> list[dict]:
    """The rows, for each of `number` persons."""
    return [row | {"person_id": f"p{nth}"} for nth in range(first, first + number) for row in rows]


_TWICE = [{}, {}]
_SECOND_SPAN = _span("2023-12-31", "2024-03-31")
_WHOLE = _island("2023-01-01", "2024-06-30")
_ONE_GAP = [_island("2023-01-01", "2023-09-30"), _island("2023-11-01", "2024-06-30")]
_OLD_GAP = [_island("2020-01-01", "2023-04-30"), _island("2023-06-01", "2024-06-30")]
_NEW_PLAN = [
    _island("2023-01-01", "2024-01-31"),
    _island("2024-02-01", "2024-06-30", plan_id="H0001-001"),
]
_NEWCOMER = _island("2024-06-01", "9999-12-31")
_THREE_GAPS = [
    _island("2023-01-01", "2023-07-31"),
    _island("2023-09-01", "2023-09-30"),
    _island("2023-11-01", "2023-11-30"),
    _island("2024-01-01", "2024-06-30"),
]

# (table, rule) → (tables that pass, tables that fail), each as changes to good rows. A share within
# the rule's tolerance passes.
SETS: dict[tuple[str, str], tuple[dict[str, list[dict]], dict[str, list[dict]]]] = {
    ("silver_person_crosswalk", "key_unique"): (
        {"silver_person_crosswalk": [{}, {"old_member_id": "c"}]},
        {"silver_person_crosswalk": [{}, {"new_member_id": "c"}]},
    ),
    ("silver_demographics", "one_current_row"): (
        _demographics(_version("2022-01-01", "2023-01-01"), _version("2023-01-01")),
        _demographics(_version("2022-01-01", "2023-01-01")),
    ),
    ("silver_demographics", "scd2_no_overlap"): (
        _demographics(_version("2022-01-01", "2023-01-01"), _version("2023-01-01")),
        _demographics(_version("2022-01-01", "2023-01-02"), _version("2023-01-01")),
    ),
    ("silver_demographics", "key_unique"): (
        _demographics(_version("2022-01-01"), _version("2022-01-01", person_id="q")),
        _demographics(_version("2022-01-01"), _version("2022-01-01")),
    ),
    ("silver_demographics", "one_birth_date_per_person"): (
        _demographics({}, {}, {"person_id": "q", "birth_date": "1950-03-01"}),
        _demographics({}, {"birth_date": "1950-03-01"}),
    ),
    ("silver_demographics", "one_sex_per_person"): (
        _demographics({}, {"sex": "unknown"}),
        _demographics({}, {"sex": "male"}),
    ),
    ("silver_demographics", "one_person_per_ssn"): (
        _demographics(
            {"ssn_hash": "a"}, {"person_id": "q", "ssn_hash": "a", "is_current": False}, {}, {}
        ),
        _demographics({"ssn_hash": "a"}, {"person_id": "q", "ssn_hash": "a"}),
    ),
    ("silver_demographics", "one_person_per_mbi"): (
        _demographics(
            {},
            {"person_id": "q", "is_current": False},
            {"mbi": None},
            {"mbi": None, "person_id": "r"},
        ),
        _demographics({}, {"person_id": "q"}),
    ),
    ("silver_enrollment", "unique_span"): (
        {"silver_enrollment": [{}, {"coverage_type": "PART_B"}, {"data_source": "another"}]},
        {"silver_enrollment": _TWICE},
    ),
    ("silver_enrollment", "person_known"): (
        {"silver_enrollment": [{}], "silver_demographics": [{}]},
        {"silver_enrollment": [{}], "silver_demographics": [{"person_id": "q"}]},
    ),
    ("silver_enrollment", "coverage_not_after_death"): (
        {"silver_enrollment": [{}], "silver_demographics": [{"death_date": "2023-01-01"}]},
        {"silver_enrollment": [{}], "silver_demographics": [{"death_date": "2022-12-31"}]},
    ),
    ("silver_enrollment", "raw_overlap_rate"): (  # one in twenty is tolerated
        {"silver_enrollment": [*_people(19, {}), {"person_id": "p0"} | _SECOND_SPAN]},
        {"silver_enrollment": [*_people(18, {}), {"person_id": "p0"} | _SECOND_SPAN]},
    ),
    ("silver_eligibility", "no_overlap"): (
        _eligibility({}, {"coverage_type": "PART_B"}, _island("2024-02-01", "2024-03-31")),
        _eligibility({}, _island("2023-12-31", "2024-03-31")),
    ),
    ("silver_eligibility", "maximal_islands"): (
        _eligibility({}, _island("2024-01-02", "2024-03-31")),
        _eligibility({}, _island("2024-01-01", "2024-03-31")),
    ),
    ("silver_eligibility", "days_conserved"): (
        {
            "silver_enrollment": [
                _span("2023-01-01", "2023-12-31"),
                _span("2023-03-01", "2023-04-30"),  # inside the first
                _span("2023-05-01", "2024-01-31"),
                _span("2024-03-01", None, coverage_type="PART_B"),
            ],
            "silver_eligibility": [
                _island("2023-01-01", "2024-01-31"),
                _island("2024-03-01", "9999-12-31", coverage_type="PART_B"),
            ],
        },
        {
            "silver_enrollment": [{}, {"coverage_type": "PART_B"}, {"coverage_type": "PART_C"}],
            "silver_eligibility": [
                _island("2023-01-01", "2023-12-30"),  # a day lost
                _island("2022-12-31", "2023-12-31", coverage_type="PART_B"),  # a day made
                _island("2023-01-01", "2023-12-31", coverage_type="PART_D"),  # another part
            ],
        },
    ),
    ("silver_eligibility", "key_unique"): (
        _eligibility({}, {"plan_id": "H0001-001"}),
        _eligibility(*_TWICE),
    ),
    (
        "silver_eligibility",
        "gap_rate",
    ): (  # one in ten is tolerated; old gaps and changes of plan are none
        _eligibility(
            *_people(1, *_ONE_GAP),
            *_people(7, _WHOLE, first=1),
            *_people(1, *_OLD_GAP, first=8),
            *_people(1, *_NEW_PLAN, first=9),
        ),
        _eligibility(*_people(2, *_ONE_GAP), *_people(17, _WHOLE, first=2)),
    ),
    ("silver_eligibility", "gap_rate_3"): (  # one in twenty is tolerated
        _eligibility(*_people(1, *_THREE_GAPS), *_people(19, *_ONE_GAP, first=1)),
        _eligibility(*_people(1, *_THREE_GAPS), *_people(18, *_ONE_GAP, first=1)),
    ),
    ("silver_eligibility", "month_swing"): (  # 4.8 and 5.3 % more than a month ago
        _eligibility(*_people(21, _WHOLE), *_people(1, _NEWCOMER, first=21)),
        _eligibility(*_people(19, _WHOLE), *_people(1, _NEWCOMER, first=19)),
    ),
    ("silver_member_status", "key_unique"): (
        {"silver_member_status": [{}, {"status_month": "2023-02-01"}, {"person_id": "q"}]},
        {"silver_member_status": _TWICE},
    ),
    ("silver_member_status", "dual_has_medicare"): (
        {
            "silver_member_status": [
                {"dual_flag": True, "status_month": "2023-12-01"},
                {"person_id": "q"},  # no dual
            ],
            "silver_eligibility": [_island("2023-12-31", "2024-03-31", coverage_type="PART_C")],
        },
        {
            "silver_member_status": [
                {"dual_flag": True, "status_month": "2023-12-01"},
                {"dual_flag": True, "status_month": "2024-02-01"},
            ],
            "silver_eligibility": [
                _island("2023-12-01", "2024-03-31", coverage_type="PART_D"),
                _island("2024-01-01", "2024-01-31"),
            ],
        },
    ),
    ("gold_member_current", "key_unique"): (
        {"gold_member_current": [{}, {"person_id": "q"}]},
        {"gold_member_current": _TWICE},
    ),
    ("gold_member_months", "key_unique"): (
        {"gold_member_months": [{}, {"coverage_month": "2023-03-01"}, {"coverage_type": "PART_B"}]},
        {"gold_member_months": _TWICE},
    ),
    ("gold_coverage_gaps", "key_unique"): (
        {"gold_coverage_gaps": [{}, {"gap_start_date": "2023-05-01"}]},
        {"gold_coverage_gaps": [{}, {"gap_end_date": "2023-04-30"}]},
    ),
}


def key(rule: Rule) -> tuple[str, str]:
    return rule.table, rule.name


def label(rule: Rule) -> str:
    return f"{rule.table}-{rule.name}"


def test_every_rule_has_examples():
    assert sorted(map(key, ROW_RULES)) == sorted(ROWS)
    assert sorted(map(key, SET_RULES)) == sorted(SETS)


# ---------------------------------------------------------------------------------------- row rules


@pytest.fixture(scope="module")
def broken_rules(spark) -> dict[tuple[str, str, str], list[list[str]]]:
    """(table, rule, "passes" or "fails") → for each example, the row rules it breaks."""

    def of_table(table: str) -> DataFrame:
        cases = {
            f"{rule}/{end}/{nth:02}": GOOD[table] | row
            for (of, rule), ends in ROWS.items()
            if of == table
            for end, rows in zip(("passes", "fails"), ends, strict=True)
            for nth, row in enumerate(rows)
        }
        rules = [rule for rule in ROW_RULES if rule.table == table]
        rows = [row | {"_case": case} for case, row in cases.items()]
        counts = frame(spark, CONTRACTS[table], rows, "_case").groupBy("_case")
        names = [F.when(F.col(f"rule_{rule.name}") > 0, F.lit(rule.name)) for rule in rules]
        return counts.agg(*tallies(rules, AS_OF)).select(
            F.lit(table).alias("table"), "_case", F.array_compact(F.array(*names)).alias("broken")
        )

    told: dict[tuple[str, str, str], list[list[str]]] = {}
    frames = [of_table(table) for table in dict.fromkeys(table for table, _ in ROWS)]
    for row in reduce(DataFrame.union, frames).collect():
        rule, end, _ = row["_case"].split("/")
        told.setdefault((row.table, rule, end), []).append(row.broken)
    return told


@pytest.mark.parametrize("rule", ROW_RULES, ids=label)
def test_a_row_rule_holds_of_good_rows(rule, broken_rules):
    passes = broken_rules[(*key(rule), "passes")]
    assert len(passes) == len(ROWS[key(rule)][0])
    assert rule.name not in sum(passes, [])


@pytest.mark.parametrize("rule", ROW_RULES, ids=label)
def test_a_row_rule_is_broken_by_bad_rows(rule, broken_rules):
    fails = broken_rules[(*key(rule), "fails")]
    assert len(fails) == len(ROWS[key(rule)][1])
    assert all(rule.name in broken for broken in fails)


def test_the_good_row_of_a_table_breaks_no_rule(broken_rules):
    """An example that passes its own rule breaks another only where it must."""
    others = {key: broken for key, broken in broken_rules.items() if key[2] == "passes"}
    assert {key[1] for key, broken in others.items() if any(broken)} <= {"dual_code_valid"}


# ---------------------------------------------------------------------------------------- set rules


@pytest.fixture(scope="module")
def verdicts(spark) -> dict[str, str]:
    """<table>_<rule>_passes or _fails → verdict; an example's tables have names of their own."""
    rules, tables = [], {}
    for rule in SET_RULES:
        for nth, example in enumerate(SETS[key(rule)]):
            end = ("passes", "fails")[nth]
            assert {rule.table, *tables_of(rule)} == set(example), label(rule)
            sql = rule.sql
            for table, rows in example.items():
                own = f"{table}_{rule.table}_{rule.name}_{end}"
                tables[own] = frame(spark, CONTRACTS[table], [GOOD[table] | row for row in rows])
                sql = _renamed(sql, table, own)
            rules.append(
                rule.model_copy(
                    update={
                        "sql": sql,
                        "table": f"{rule.table}_{rule.table}_{rule.name}_{end}",
                        "name": f"{rule.table}_{rule.name}_{end}",
                    }
                )
            )
    told = {}
    for half in (rules[::2], rules[1::2]):
        counts = count_failing(spark, half, tables, AS_OF)
        told |= {rule.name: metric(rule, *counts[rule.name]).verdict for rule in half}
    return told


def _renamed(sql: str, table: str, own: str) -> str:
    renamed = " ".join(own if word == table else word for word in _words(sql))
    assert own in renamed
    return renamed


def _words(sql: str) -> list[str]:
    return sql.replace(")", " )").split()


WORST = {"warn": "warned", "quarantine": "quarantined", "fail": "failed"}


@pytest.mark.parametrize("rule", SET_RULES, ids=label)
def test_a_set_rule_holds_of_good_tables(rule, verdicts):
    assert verdicts[f"{rule.table}_{rule.name}_passes"] == "passed"


@pytest.mark.parametrize("rule", SET_RULES, ids=label)
def test_a_set_rule_is_broken_by_bad_tables(rule, verdicts):
    assert verdicts[f"{rule.table}_{rule.name}_fails"] == WORST[rule.severity]


# ---------------------------------------------------------------------------------------- catalogue

OURS_ALONE = {
    ("silver_person_crosswalk", "ids_present"),
    ("silver_person_crosswalk", "no_cycle"),
    ("silver_person_crosswalk", "key_unique"),
    ("silver_demographics", "effective_from_present"),
    ("silver_demographics", "key_unique"),
    ("silver_eligibility", "key_unique"),
    ("silver_member_status", "keys_present"),
    ("gold_member_current", "key_unique"),
    ("gold_member_months", "key_unique"),
    ("gold_member_months", "days_in_month"),
    ("gold_member_months", "full_month_consistent"),
    ("gold_coverage_gaps", "key_unique"),
    ("gold_coverage_gaps", "gap_has_days"),
}


@pytest.mark.skipif(not CATALOGUE.is_file(), reason="the rule catalogue is not beside the project")
def test_the_rules_are_the_catalogues():
    theirs = agreed(CONTRACTS)
    ours = {key(rule): (rule.severity, rule.scope) for rule in RULES}
    assert len(theirs) > 30
    assert {name: ours.get(name) for name in theirs} == theirs
    assert ours.keys() - theirs.keys() == OURS_ALONE


def test_names_are_unique_within_a_table():
    assert len(set(map(key, RULES))) == len(RULES)
