"""A rule is refused if it is not well formed, and otherwise judged the same everywhere."""

from hashlib import sha256
from itertools import product

import pytest
from chispa import assert_df_equality
from pydantic import ValidationError
from pyspark.sql import functions as F

from data_ops.operations.contracts import contract
from data_ops.operations.quality import (
    Rule,
    count_failing,
    judge,
    key_unique,
    on,
    row_rule,
    rules_for,
    set_rule,
    split,
    standard_expectations,
    tables_of,
    tallies,
)
from data_ops.operations.readers import read_csv
from data_ops.utils.errors import ConfigError

pytestmark = pytest.mark.classic

AS_OF = "DATE'2025-01-15'"

PEOPLE = on(
    "silver_people",
    row_rule("id_present", "quarantine", "id IS NOT NULL", "nobody's row"),
    row_rule("age_plausible", "quarantine", "age >= 0 AND age < 120", "typing errors"),
    row_rule("young_or_born", "quarantine", "age < 5 OR born <= {as_of}", "an OR, and {as_of}"),
    row_rule("name_known", "warn", "name IS NOT NULL", "reports go by name"),
    row_rule("name_short", "fail", "length(name) < 9", "a severity that judge leaves alone"),
    set_rule("one_row", "fail", "SELECT id FROM silver_people GROUP BY id HAVING count(*) > 1", ""),
)


# Well formed or refused


def rule(**changed) -> Rule:
    """A rule that is well formed but for what is changed."""
    given = {"table": "t", "name": "a_rule", "severity": "warn", "sql": "true", "why": "because"}
    return Rule(**(given | changed))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Not Snake"},
        {"name": "1st"},
        {"name": "x'; DROP TABLE t"},
        {"severity": "ignore"},
        {"scope": "column"},
        {"tolerance": -0.1},
        {"unknown": 1},
    ],
    ids=str,
)
def test_a_rule_that_is_not_well_formed_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        rule(**wrong)


def test_a_set_rule_cannot_quarantine_since_it_has_no_row_to_set_aside():
    with pytest.raises(ValidationError):
        rule(scope="set", severity="quarantine")


def test_a_rule_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        rule().severity = "fail"


def test_the_rule_that_is_not_well_formed_is_named_with_table_and_field():
    with pytest.raises(ConfigError, match=r"rule 'b': severity: .*\(rules of silver_x\)"):
        on("silver_x", row_rule("a", "warn", "true", ""), row_rule("b", "loud", "true", ""))


def test_the_batchs_own_date_is_filled_in_wherever_it_is_named():
    assert rule(sql="a <= {as_of} OR {as_of} > b").condition("X") == "a <= X OR X > b"


def test_rules_are_judged_with_their_table_or_the_later_one_they_name():
    own, later, other = rule(), rule(judged_with="gold_x"), rule(table="u")
    assert rules_for([own, later, other], "t") == (own,)
    assert rules_for([own, later, other], "gold_x") == (later,)


def test_a_set_rule_says_which_tables_it_reads_each_once():
    sql = """SELECT id FROM silver_a JOIN gold_b USING (id)
             WHERE id IN (SELECT id FROM bronze_c) AND NOT EXISTS (SELECT 1 FROM silver_a)"""
    assert tables_of(rule(scope="set", sql=sql)) == ("silver_a", "gold_b", "bronze_c")


# Rows

# id, age, born, name, reasons
ROWS = [
    ("good", 40, "1985-01-01", "Ada", []),
    ("child", 4, "2030-01-01", "Bo", []),
    ("on_the_day", 0, "2025-01-15", None, []),
    ("long", 40, "1985-01-01", "Ada Lovelace", []),
    ("old", 120, "1985-01-01", "Ada", ["age_plausible"]),
    ("unborn", 40, "2025-01-16", "Ada", ["young_or_born"]),
    ("no_age", None, "1985-01-01", "Ada", ["age_plausible"]),
    ("no_birth", 40, None, "Ada", ["young_or_born"]),
    ("neither", None, None, "Ada", ["age_plausible", "young_or_born"]),
    (None, -1, "1985-01-01", None, ["id_present", "age_plausible"]),
    (None, None, None, None, ["id_present", "age_plausible", "young_or_born"]),
]


@pytest.fixture(scope="module")
def people(spark):
    """Rows and the reasons they are to be set aside for."""
    types = "id STRING, age INT, born STRING, name STRING, wanted ARRAY<STRING>"
    return spark.createDataFrame(ROWS, types).withColumn("born", F.col("born").cast("date"))


def test_every_reason_is_kept_in_order_and_null_is_a_failure(people):
    judged = judge(people, PEOPLE, AS_OF)
    wanted = people.withColumn("_reasons", people.wanted)
    assert_df_equality(judged, wanted, ignore_row_order=True, ignore_nullable=True)


def test_every_row_is_in_exactly_one_part_and_the_passed_look_as_before(people):
    passed, quarantined = split(people, PEOPLE, AS_OF)
    assert passed.columns == people.columns
    both = passed.unionByName(quarantined.drop("_reasons"))
    assert_df_equality(both, people, ignore_row_order=True, ignore_nullable=True)
    assert {tuple(row.wanted) for row in passed.collect()} == {()}
    assert all(row._reasons == row.wanted != [] for row in quarantined.collect())


def test_without_a_rule_that_quarantines_every_row_passes(people):
    passed, quarantined = split(people, [r for r in PEOPLE if r.severity != "quarantine"], AS_OF)
    assert (passed.count(), quarantined.count()) == (len(ROWS), 0)


def test_all_row_rules_of_whatever_severity_are_counted_at_once(people):
    (counted,) = people.agg(*tallies(PEOPLE, AS_OF)).collect()
    reasons = [reason for row in ROWS for reason in row[-1]]
    names = [row[3] for row in ROWS]
    assert counted.asDict() == {
        "rule_id_present": reasons.count("id_present"),
        "rule_age_plausible": reasons.count("age_plausible"),
        "rule_young_or_born": reasons.count("young_or_born"),
        "rule_name_known": names.count(None),
        "rule_name_short": names.count(None) + names.count("Ada Lovelace"),
    }


def test_only_the_rows_asked_for_are_counted_and_null_asks_for_none(people):
    (counted,) = people.agg(*tallies(PEOPLE[:2], AS_OF, among="age < 100")).collect()
    assert counted.asDict() == {"rule_id_present": 1, "rule_age_plausible": 1}


def test_judging_splitting_and_counting_agree_whatever_the_rules_say(spark):
    rules = on("t", *(row_rule(f"r_{name}", "quarantine", name, "") for name in "abc"))
    cases = list(product([True, False, None], repeat=3))
    frame = spark.createDataFrame(cases, "a BOOLEAN, b BOOLEAN, c BOOLEAN")
    for row in judge(frame, rules, AS_OF).collect():
        assert row._reasons == [f"r_{name}" for name in "abc" if row[name] is not True]
    (counted,) = frame.agg(*tallies(rules, AS_OF)).collect()
    failing = [sum(value is not True for value in column) for column in zip(*cases, strict=True)]
    assert list(counted) == failing
    passed, quarantined = split(frame, rules, AS_OF)
    assert list(map(tuple, passed.collect())) == [(True, True, True)]
    assert quarantined.count() == len(cases) - 1


# Sets

PLAN = contract(
    "silver_plan",
    grain="one row per plan",
    key="id payer",
    columns="""
    id     STRING  the plan
    payer  STRING  who pays
    """,
)
ORPHANS = (
    "SELECT m.id FROM silver_member m LEFT JOIN silver_plan p ON m.id = p.id WHERE p.id IS NULL"
)


@pytest.fixture(scope="module")
def tables(spark):
    """Two tables by their plain names; one is the beginning of a third's name."""
    plan = spark.sql(
        "SELECT * FROM VALUES ('a', 'x'), ('a', 'x'), ('a', 'y'), ('b', 'x') t(id, payer)"
    )
    member = spark.sql("SELECT * FROM VALUES ('a'), ('q'), ('z') t(id)")
    return {"silver_plan": plan, "silver_member": member, "silver_plan_quarantine": member}


def test_set_rules_count_what_was_checked_and_the_keys_that_fail(spark, tables):
    none = "SELECT id FROM silver_plan WHERE false"
    aside = "SELECT id FROM silver_plan_quarantine"
    rules = (
        *on("silver_member", set_rule("plan_known", "warn", ORPHANS, "")),
        *on(
            "silver_plan",
            key_unique(PLAN),
            set_rule("none", "warn", none, ""),
            set_rule("by_id", "warn", aside, "", checked="count(DISTINCT id)"),
            row_rule("a_row_rule", "warn", "true", ""),
        ),
    )
    assert count_failing(spark, rules, tables, AS_OF) == {
        "key_unique": (4, 1),
        "plan_known": (3, 2),
        "none": (4, 0),
        "by_id": (2, 3),
    }


def test_a_set_rule_may_ask_for_the_batchs_date(spark, tables):
    sql = "SELECT id FROM silver_member WHERE {as_of} = DATE'2025-01-15' AND id = 'q'"
    rules = on("silver_member", set_rule("dated", "fail", sql, ""))
    assert count_failing(spark, rules, tables, AS_OF) == {"dated": (3, 1)}


def test_without_a_set_rule_there_is_nothing_to_ask(spark):
    assert count_failing(spark, PEOPLE[:2], {}, AS_OF) == {}


# Standard expectations

HASH = "0123456789abcdef" * 2
EMPTY = sha256(b"{}").hexdigest()[:32]
EXPECTED = [
    # source file, row hash, expectations that fail
    ("a.csv", HASH, set()),
    (None, HASH, {"source_known"}),
    ("  ", HASH, {"source_known"}),
    ("a.csv", None, {"row_identified", "row_says_something"}),
    ("a.csv", HASH[:-1], {"row_identified"}),
    ("a.csv", HASH.upper(), {"row_identified"}),
    ("a.csv", EMPTY, {"row_says_something"}),
]


def test_every_standard_expectation_is_failed_by_a_row_and_only_by_the_right_ones(spark):
    rows = [(number, *row[:2]) for number, row in enumerate(EXPECTED)]
    frame = spark.createDataFrame(rows, "case INT, _source_file STRING, _row_hash STRING")
    rules = standard_expectations()
    judged = frame.selectExpr("case", *(f"{sql} AS {name}" for name, sql in rules.items()))
    for row in judged.collect():
        failed = {name for name in rules if row[name] is False}
        passed = {name for name in rules if row[name] is True}
        assert failed == EXPECTED[row.case][2] and passed | failed == set(rules)
    assert set().union(*(failed for _, _, failed in EXPECTED)) == set(rules)


def test_rows_that_a_reader_brings_meet_the_expectations_unless_they_are_empty(spark, tmp_path):
    (tmp_path / "x.csv").write_text("id,name\n1,Ada\n,\n")
    judged = read_csv(str(tmp_path)).selectExpr("id", *standard_expectations().values()).collect()
    assert {row[0]: list(row[1:]) for row in judged} == {
        "1": [True, True, True],
        None: [True, True, False],
    }
