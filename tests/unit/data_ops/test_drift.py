"""What a sender changed is told with what was expected and what was found; no value is shown."""

import re
from dataclasses import replace

import pytest

from data_ops.operations.contracts import RIF_FORMS, Feed
from data_ops.operations.drift import changed_columns, changed_values
from data_ops.operations.landing import survey
from data_ops.runs import get_domain
from data_ops.utils.errors import ContractError
from tests.integration.lakehouse import SAMPLE

PEOPLE = Feed(
    "people",
    r"people\.csv",
    ("ID", "NAME", "CITY", "BORN_DT", "PAID_AMT"),
    optional=("CITY",),
)
STRICT = replace(PEOPLE, evolution="failOnNewColumns")
FULL = list(PEOPLE.columns)

COLUMNS = {
    "renamed, in its place": (
        ["ID", "CALLED", "CITY", "BORN_DT", "PAID_AMT"],
        "column NAME renamed: expected NAME, found CALLED",
    ),
    "renamed, in another place": (
        ["FULL_NAME", "ID", "CITY", "BORN_DT", "PAID_AMT"],
        "column NAME renamed: expected NAME, found FULL_NAME",
    ),
    "in another case": (
        ["id", "NAME", "CITY", "BORN_DT", "PAID_AMT"],
        "column ID renamed: expected ID, found id",
    ),
    "two renamed": (
        ["ID", "CALLED", "CITY", "BORN_ON", "PAID_AMT"],
        "columns NAME, BORN_DT renamed: expected NAME, BORN_DT, found CALLED, BORN_ON",
    ),
    "vanished": (
        ["ID", "CITY", "BORN_DT", "PAID_AMT"],
        "column NAME vanished: expected 5 columns, found 4",
    ),
    "many vanished": (
        ["CITY"],
        "columns ID, NAME, BORN_DT and 1 more vanished: expected 5 columns, found 1",
    ),
    "one vanished, one renamed": (
        ["ID", "CALLED", "CITY", "PAID_AMT"],
        "column NAME renamed: expected NAME, found CALLED; "
        "column BORN_DT vanished: expected 5 columns, found 4",
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_changed_columns_are_told_with_what_was_expected_and_found(case):
    found, message = COLUMNS[case]
    assert changed_columns(PEOPLE, found) == message


@pytest.mark.parametrize(
    "found",
    [FULL, FULL[::-1], [name for name in FULL if name != "CITY"], [*FULL, "SHOE"]],
    ids=["as agreed", "another order", "without the optional one", "one more"],
)
def test_what_the_contract_allows_is_no_change(found):
    assert changed_columns(PEOPLE, found) == ""


def test_where_new_columns_are_a_reason_to_stop_they_are_told():
    message = "column SHOE new: expected 5 columns, found 6"
    assert changed_columns(STRICT, [*FULL, "SHOE"]) == message
    assert changed_columns(STRICT, FULL) == ""


def test_a_policy_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(ContractError, match="no evolution 'merge' .*rescue, addNewColumns, fail"):
        replace(PEOPLE, evolution="merge")


# Values

DATES = {
    "1940-02-03": "column BORN_DT retyped: expected a date like 31-Jan-2025, "
    "found values like 9999-99-99",
    "02/03/1940": "column BORN_DT retyped: expected a date like 31-Jan-2025, "
    "found values like 99/99/9999",
    "Feb 3, 1940": "column BORN_DT retyped: expected a date like 31-Jan-2025, "
    "found values like Aaa 9, 9999",
}
AMOUNTS = {
    "$12.50": "column PAID_AMT retyped: expected an amount like 12.50, found values like $99.99",
    "12,50": "column PAID_AMT retyped: expected an amount like 12.50, found values like 99,99",
}


def line(born: str = "03-Feb-1940", paid: str = "12.50", name: str = "Ada") -> str:
    return "|".join(["1", name, "", born, paid])


@pytest.mark.parametrize("value", DATES)
def test_a_column_of_dates_of_another_kind_is_told_by_its_shape(value):
    assert changed_values(PEOPLE, FULL, [line(born=value)] * 20) == DATES[value]


@pytest.mark.parametrize("value", AMOUNTS)
def test_a_column_of_amounts_of_another_kind_is_told_by_its_shape(value):
    assert changed_values(PEOPLE, FULL, [line(paid=value)] * 20) == AMOUNTS[value]


def test_a_text_of_any_script_is_shown_as_its_shape():
    told = changed_values(PEOPLE, FULL, [line(born="Ödön 東京 ٣")] * 20)
    assert told.endswith("found values like Aaaa aa 9")


def test_few_values_or_one_that_can_be_read_are_no_change():
    other = [line(born="1940-02-03")]
    assert changed_values(PEOPLE, FULL, other * 19) == ""
    assert changed_values(PEOPLE, FULL, other * 19 + [line(born=" ")] * 99) == ""
    assert changed_values(PEOPLE, FULL, other * 99 + [line()]) == ""


def test_columns_that_the_feed_does_not_list_and_broken_lines_are_not_looked_at():
    assert changed_values(PEOPLE, [*FULL, "SEEN_DT"], [line() + "|1940-02-03"] * 20) == ""
    assert changed_values(PEOPLE, FULL, [line(born="1940-02-03") + "|"] * 20) == ""


@pytest.mark.parametrize("amount", ["-12.50", "0", ".5", "+1", "12.", " 7 "])
def test_amounts_as_a_sender_writes_them_are_read(amount):
    assert changed_values(PEOPLE, FULL, [line(paid=amount)] * 20) == ""


def test_the_forms_speak_of_columns_that_the_feeds_have():
    names = [n for d in ("member", "claims") for f in get_domain(d).feeds for n in f.columns]
    for form in RIF_FORMS:
        assert len([name for name in names if re.fullmatch(form.names, name)]) > 20


def test_the_sample_is_as_agreed():
    for domain in ("member", "claims"):
        files = survey(SAMPLE, get_domain(domain).feeds)
        assert not [file.name for file in files if file.breaks_contract]
        assert any(file.disposition == "landed" for file in files)
