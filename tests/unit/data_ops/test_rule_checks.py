"""A rule that cannot be judged is refused before any data is read, by name and file."""

import pytest

from data_ops.config import DOMAINS
from data_ops.operations.contracts import Domain, Table, contract
from data_ops.operations.quality import on, row_rule, set_rule
from data_ops.operations.rule_checks import check_rules
from data_ops.runs import get_domain
from data_ops.utils.errors import ConfigError

PEOPLE = contract(
    "silver_people",
    grain="one row per person",
    key="id",
    columns="id STRING the person\nage INT years\ncodes ARRAY<STRING> some",
)
TOWNS = contract("gold_towns", grain="one row per town", key="town", columns="town STRING name")


def domain(*rules) -> Domain:
    silver = Table(PEOPLE, build=lambda rows: rows, rows=lambda bronze_people: bronze_people)
    return Domain("demo", (), (silver, Table(TOWNS, lambda silver_people: silver_people)), rules)


def people(*rules) -> Domain:
    return domain(*on("silver_people", *rules))


GOOD = {
    "a condition": row_rule("r", "warn", "age >= 18", ""),
    "the batch's date": row_rule("r", "fail", "make_date(age, 1, 1) <= {as_of}", ""),
    "braces in a pattern": row_rule("r", "warn", "id RLIKE '^[0-9]{9}$'", ""),
    "a lambda": row_rule("r", "warn", "exists(codes, code -> code = id)", ""),
    "audit columns": row_rule("r", "warn", "_source_file IS NOT NULL", ""),
    "keys of a query": set_rule("r", "warn", "SELECT id FROM silver_people GROUP BY id", ""),
    "another table": set_rule(
        "r", "fail", "SELECT p.id FROM silver_people p ANTI JOIN gold_towns t ON p.id = t.town", ""
    ),
    "judged later": set_rule(
        "r", "warn", "SELECT id FROM silver_people", "", judged_with="gold_towns"
    ),
}
BAD = {
    "a column that is none": (row_rule("r", "warn", "aeg > 1", ""), "'aeg'"),
    "a column that is none, in a query": (
        set_rule("r", "warn", "SELECT id FROM silver_people WHERE aeg > 1", ""),
        "'aeg'",
    ),
    "a key that is no column": (set_rule("r", "warn", "SELECT nr FROM silver_people", ""), "'nr'"),
    "SQL that does not parse": (row_rule("r", "warn", "age >", ""), "expression"),
    "a bracket too few": (row_rule("r", "warn", "(age > 1", ""), "Expecting \\)"),
    "a query that is none": (set_rule("r", "warn", "age > 1", ""), "no query"),
    "a query that returns no column": (
        set_rule("r", "warn", "SELECT 1 FROM silver_people", ""),
        "returns no column",
    ),
    "a table that is none": (
        set_rule("r", "warn", "SELECT id FROM silver_towns", ""),
        "'id'|towns",
    ),
    "an aggregate in a condition": (row_rule("r", "warn", "age < max(age)", ""), "set rule"),
    "a query in a condition": (
        row_rule("r", "warn", "age < (SELECT max(age) FROM silver_people)", ""),
        "set rule",
    ),
    "another placeholder": (row_rule("r", "warn", "age < {today}", ""), "{today}"),
    "a later table that is none": (
        set_rule("r", "warn", "SELECT id FROM silver_people", "", judged_with="gold_x"),
        "'gold_x'",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_rule_that_can_be_judged_is_let_through(name):
    check_rules(people(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_a_rule_that_cannot_be_judged_is_named_with_its_file(name):
    rule, told = BAD[name]
    with pytest.raises(ConfigError, match=told) as caught:
        check_rules(people(rule))
    assert str(caught.value).startswith("rule 'r' of silver_people: ")
    assert "(domains/demo/rules)" in str(caught.value)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_name_that_stands_twice_is_refused():
    twice = row_rule("r", "warn", "age > 1", ""), row_rule("r", "fail", "age > 0", "")
    with pytest.raises(ConfigError, match="two rules of this name"):
        check_rules(people(*twice))
    check_rules(
        domain(*on("silver_people", twice[0]), *on("gold_towns", row_rule("r", "warn", "true", "")))
    )


def test_a_rule_of_a_table_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="no table 'silver_x'"):
        check_rules(domain(*on("silver_x", row_rule("r", "warn", "true", ""))))


def test_only_tables_with_a_quarantine_quarantine():
    with pytest.raises(ConfigError, match="gold_towns has no quarantine"):
        check_rules(domain(*on("gold_towns", row_rule("r", "quarantine", "town IS NOT NULL", ""))))
    check_rules(people(row_rule("r", "quarantine", "id IS NOT NULL", "")))


def test_a_rule_may_read_tables_of_the_domains_it_is_checked_with():
    rule = set_rule("r", "warn", "SELECT p.id FROM silver_people p JOIN gold_y y ON p.id = y.a", "")
    other = contract("gold_y", grain="one row per a", key="a", columns="a STRING x")
    with pytest.raises(ConfigError):
        check_rules(people(rule))
    check_rules(people(rule), [Domain("other", (), (Table(other, lambda silver_x: silver_x),))])


@pytest.mark.parametrize("name", DOMAINS)
def test_the_rules_we_ship_can_be_judged(name):
    check_rules(get_domain(name), [get_domain(other) for other in DOMAINS if other != name])
