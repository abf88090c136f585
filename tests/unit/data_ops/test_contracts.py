"""A contract is read from its text, and what does not hold together is refused."""

import pytest

from data_ops.operations.contracts import (
    AUDIT,
    BRONZE_AUDIT,
    QUARANTINE,
    Column,
    Domain,
    Feed,
    Table,
    bronze_contract,
    contract,
    quarantine_of,
)
from data_ops.utils.errors import ContractError


def names_in(text: str) -> tuple[str, ...]:
    """First words of the lines."""
    return tuple(line.split()[0] for line in text.strip().splitlines())


def spans(**changed):
    """A contract with a key of two columns."""
    given = {
        "grain": "one row per person and span",
        "key": "person_id start_date",
        "columns": """
            person_id   STRING         the person, as sent
            start_date  DATE           first covered day

            paid        DECIMAL(14,2)  dollars, to the cent
            codes       ARRAY<STRING>  whatever came
        """,
    }
    return contract("silver_span", **(given | changed))


def test_a_line_gives_a_columns_name_type_and_meaning():
    assert spans(audit=False).columns == (
        Column("person_id", "STRING", "the person, as sent"),
        Column("start_date", "DATE", "first covered day"),
        Column("paid", "DECIMAL(14,2)", "dollars, to the cent"),
        Column("codes", "ARRAY<STRING>", "whatever came"),
    )


def test_the_audit_columns_come_last_unless_declined():
    assert spans().names == spans(audit=False).names + names_in(AUDIT)


def test_business_columns_are_those_that_do_not_depend_on_the_run():
    assert spans().business == ("person_id", "start_date", "paid", "codes")


def test_a_table_is_clustered_by_the_first_key_unless_told_otherwise():
    assert spans().cluster == ("person_id",)
    assert spans(cluster="start_date person_id").cluster == ("start_date", "person_id")


@pytest.mark.parametrize(
    "line",
    ["person_id", "person_id STRING", "person_id string lower", "a-b STRING x", "x DECIMAL(14 x"],
)
def test_a_line_that_is_not_name_type_meaning_is_refused_showing_it(line):
    with pytest.raises(ContractError, match="not `name TYPE meaning`") as caught:
        spans(columns=line)
    assert line in str(caught.value)


def test_a_key_that_is_no_column_is_refused_naming_both():
    with pytest.raises(ContractError, match=r"'member_id' is no column \(silver_span\)"):
        spans(key="person_id member_id")


def test_a_column_that_stands_twice_is_refused():
    with pytest.raises(ContractError, match="person_id"):
        spans(columns="person_id STRING a\nstart_date DATE b\nperson_id INT c")


def test_clustering_by_what_is_no_column_is_refused():
    with pytest.raises(ContractError, match="begin"):
        spans(cluster="begin")


def test_two_rows_of_a_key_differ_by_their_content_not_by_key_or_run():
    assert spans().content == ("paid", "codes")
    assert quarantine_of(spans()).content == (*spans().business, "_reasons", "_raw")


def test_a_quarantine_holds_the_business_columns_the_reasons_and_the_raw_row():
    quarantine = quarantine_of(spans())
    assert quarantine.name == "silver_span_quarantine"
    assert quarantine.names == spans().business + names_in(QUARANTINE)
    assert quarantine.cluster == ("_row_key",)


def feed(**changed) -> Feed:
    """A feed of two columns."""
    given = {"name": "plans", "pattern": r"plans\.csv", "columns": ("ID", "NAME")}
    return Feed(**(given | changed))


def test_bronze_is_text_with_the_audit_columns_behind():
    bronze = bronze_contract(feed())
    assert (bronze.name, bronze.key) == ("bronze_plans", ())
    assert bronze.names == ("ID", "NAME", *names_in(BRONZE_AUDIT))
    assert {column.type for column in bronze.columns[:2]} == {"STRING"}


def test_a_table_reads_what_its_function_takes():
    def gold_span(silver_span, silver_person): ...

    table = Table(spans(), gold_span)
    assert (table.name, table.reads) == ("silver_span", ("silver_span", "silver_person"))
    assert table.accounts_for == ()


def test_a_table_with_raw_rows_accounts_for_them_and_takes_the_rest_of_its_arguments():
    def rows(bronze_plans, bronze_history): ...

    def silver_span(judged, silver_person): ...

    table = Table(spans(), silver_span, rows)
    assert table.accounts_for == ("bronze_plans", "bronze_history")
    assert table.takes == ("silver_person",)
    assert table.reads == ("bronze_plans", "bronze_history", "silver_person")


def test_a_domain_finds_its_tables_and_names_them_where_there_is_none():
    table = Table(spans(), lambda bronze_plans: bronze_plans)
    domain = Domain("plans", (feed(),), (table,))
    assert domain.table("silver_span") is table
    with pytest.raises(ContractError, match=r"'gold_x' \(domain plans\): use one of silver_span"):
        domain.table("gold_x")
