"""The data dictionary says all that the contracts and rules say, of every table."""

import re
from html import unescape

import pytest
from docs_site.dictionary import domain_page, overview, pretty, table_page
from docs_site.lineage import flow, lineage
from docs_site.tables import entries, origins, reach, readers

from data_ops.config import DOMAINS
from data_ops.operations.contracts import Domain, Feed, Table, contract
from data_ops.operations.quality import on, row_rule, set_rule
from data_ops.runs import get_domain

PEOPLE = Feed("people", r"people\.csv", columns=("ID", "CITY", "SINCE"), optional=("SINCE",))


def people_rows(bronze_people): ...


def people(rows): ...


def cities(silver_people): ...


SILVER = contract(
    "silver_people",
    grain="one row per person",
    key="nr",
    columns="nr STRING the *number*\ncity STRING where | he lives",
    checks={"has_city": "city <> ''"},
)
GOLD = contract("gold_cities", grain="one row per city", key="city", columns="city STRING its name")
CONDITION = "city IN ('a|b') AND nr < '{as_of}'"
QUERY = "SELECT nr FROM silver_people GROUP BY nr HAVING count(*) > 1"
RULES = on(
    "silver_people",
    row_rule("city_known", "warn", CONDITION, "letters <go>", tolerance=0.05),
    row_rule("nr_present", "quarantine", "nr IS NOT NULL", "nobody's row"),
    set_rule("one_row", "fail", QUERY, "grain"),
)
SMALL = Domain(
    "town",
    (PEOPLE,),
    (Table(SILVER, people, rows=people_rows, whole=("nr",)), Table(GOLD, cities)),
    RULES,
)
TABLES = entries([SMALL])
REAL = entries(map(get_domain, DOMAINS))


def shown(markdown: str) -> str:
    """Markdown as text."""
    return unescape(re.sub(r"</?code>|\*\*", "", markdown))


def page(name: str) -> str:
    return shown(table_page(TABLES, TABLES[name], "a task"))


def test_every_table_of_a_domain_and_of_operations_is_there():
    assert list(TABLES)[:3] == ["bronze_people", "silver_people", "gold_cities"]
    assert {"run_log", "row_ledger", "quality_metrics"} < set(TABLES)
    layers = [entry.layer for entry in TABLES.values()]
    assert layers == ["bronze", "silver", "gold", "ops", "ops", "ops"]


def test_lineage_goes_both_ways_and_all_the_way():
    assert readers(TABLES, "bronze_people") == ("silver_people",)
    assert reach(TABLES, "bronze_people") == ("silver_people", "gold_cities")
    assert origins(TABLES, "gold_cities") == ("bronze_people", "silver_people")
    assert origins(TABLES, "bronze_people") == reach(TABLES, "gold_cities") == ()


@pytest.mark.parametrize("name", REAL)
def test_up_and_down_are_each_other_s_inverse(name):
    assert {other for other in REAL if name in origins(REAL, other)} == set(reach(REAL, name))


def test_a_page_has_grain_key_columns_and_constraints():
    made = page("silver_people")
    assert made.startswith("# silver_people\n\n> One row per person.")
    assert "- Key: nr" in made and "- Constraint has_city: city <> ''" in made
    assert "- Full name: <catalog>.<environment>_town.silver_people" in made
    assert "- Built by: a task" in made
    assert "| nr key | STRING | the *number* |" in made
    assert "| city | STRING | where | he lives |" in made
    assert "_row_hash" in made.split('info "Audit columns"')[1]


def test_rules_are_listed_by_severity_with_condition_and_why():
    rules = page("silver_people").split("## Rules")[1]
    assert rules.index("nr_present") < rules.index("city_known")
    assert "| quarantine | nobody's row | nr IS NOT NULL |" in rules
    assert "letters <go>. Up to 5% may fail. | city IN ('a|b') AND nr < '{as_of}' |" in rules
    assert '| <a id="one_row"></a>one_row | fail | grain |' in rules
    assert "COUNT(*) > 1" in rules


def test_a_silver_table_s_quarantine_is_on_its_page_and_can_be_linked_to():
    made = page("silver_people")
    assert '<a id="silver_people_quarantine"></a>' in made and "_reasons" in made
    assert "share nr are set aside together" in made
    assert "## Quarantine" not in page("gold_cities")


def test_a_feed_says_what_a_file_must_be_like():
    made = page("bronze_people")
    assert r"Files named people\.csv" in made and "one of the 2 columns that are not" in made
    assert "3 columns" in made and "\nID CITY\n" in made and "\nSINCE\n" in made
    assert "values are kept as JSON in" in made
    assert "none: append-only" in made


def test_a_page_shows_lineage_both_ways():
    made = page("silver_people")
    assert "bronze_people --> silver_people" in made and "silver_people --> gold_cities" in made
    assert "Upstream: [bronze_people](/dictionary/town/bronze_people.md)." in made
    assert "[gold_cities](/dictionary/town/gold_cities.md)." in made
    assert "## Lineage" not in page("run_log")


@pytest.mark.parametrize("name", REAL)
def test_every_column_and_every_rule_of_the_real_tables_is_on_its_page(name):
    entry = REAL[name]
    made = shown(table_page(REAL, entry, ""))
    assert [column for column in entry.contract.names if column not in made] == []
    assert [rule.name for rule in entry.rules if f'<a id="{rule.name}">' not in made] == []
    assert [rule.name for rule in entry.rules if rule.why not in made] == []


def test_every_rule_speaks_of_a_table_of_the_dictionary():
    rules = [rule for name in DOMAINS for rule in get_domain(name).rules]
    assert sum(len(entry.rules) for entry in REAL.values()) == len(rules) > 100


def test_a_domain_page_lists_and_draws_its_tables():
    made = shown(domain_page(TABLES, "town", "Town tables"))
    assert "| silver | one row per person | 7 | 3 |" in made
    assert "bronze_people --> silver_people" in made
    assert "## Lineage" not in domain_page(TABLES, "ops", "Operations")


def test_another_domain_s_tables_are_drawn_as_such():
    made = lineage(REAL, ["silver_eligibility", "silver_medical"], "both", "claims")
    assert "class silver_eligibility other" in made and "class silver_medical silver" in made


def test_the_flow_counts_tables_by_layer_and_shows_where_rows_are_set_aside():
    made = flow(REAL)
    assert 'member_bronze["3 bronze tables"]' in made and "claims_files --> claims_bronze" in made
    assert "member_bronze --> member_quarantine" in made
    assert "member_silver --> claims_silver" in made  # eligibility on the day
    assert made.count("subgraph") == len(DOMAINS) and "ops" not in made


def test_the_overview_leads_to_every_table():
    made = overview(REAL, [*DOMAINS, "ops"])
    assert [name for name, entry in REAL.items() if f"({entry.page})" not in made] == []


def test_sql_is_laid_out_and_says_the_same():
    made = pretty("SELECT a FROM t WHERE d <= {as_of} AND b = c")
    assert made.splitlines()[0] == "SELECT" and "{as_of}" in made
    assert "".join(made.split()).lower() == "selectafromtwhered<={as_of}andb=c"
