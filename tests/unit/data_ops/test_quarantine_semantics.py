"""Seven ways in which quarantines go wrong elsewhere (sdp-meta#435), each shown not to be ours."""

import pytest

from data_ops.operations.accounts import ACCOUNT, accepted, kept_out, raw_rows, set_aside, tally
from data_ops.operations.bronze import bronze_rows
from data_ops.operations.contracts import Feed, contract, quarantine_of
from data_ops.operations.quality import on, row_rule
from data_ops.utils.errors import ConfigError

FEED = Feed("people", r"people\.csv", ("ID", "AGE"), as_of="DATE'2024-12-31'")
SILVER = contract(
    "silver_people",
    grain="one row per raw row",
    key="nr",
    columns="nr STRING hash of the row\nid STRING the person\nage INT years",
)
GROWN, NAMED = "age >= 18", "id IS NOT NULL"
ROWS = {
    "good": {"ID": "1", "AGE": "40"},
    "child": {"ID": "2", "AGE": "4"},
    "nobody": {"AGE": "40"},
    "nobody's child": {"AGE": "4"},
}


def rules(severity: str):
    return on(
        "silver_people",
        row_rule("grown", severity, GROWN, "children are insured with their parents"),
        row_rule("named", severity, NAMED, "a row of nobody"),
    )


@pytest.fixture(scope="module")
def bronze(spark):
    return bronze_rows(spark, FEED, *(row | {"_row_hash": name} for name, row in ROWS.items()))


def account(bronze, severity: str):
    rows = raw_rows(bronze, FEED).selectExpr(
        "_row_key AS nr", "ID AS id", "CAST(AGE AS INT) AS age", *ACCOUNT
    )
    return set_aside(rows, rules(severity))


@pytest.fixture(scope="module")
def parted(bronze):
    """Rows of the table, and of its quarantine with their reasons."""
    judged = account(bronze, "quarantine")
    kept = {row.nr for row in accepted(judged, SILVER).collect()}
    aside = kept_out(judged, SILVER, [(bronze, FEED)]).collect()
    return kept, {row.nr: row for row in aside}


def test_1_a_condition_says_what_is_right_whatever_its_severity(bronze):
    counts = {}
    for severity in ("warn", "quarantine", "fail"):
        row = tally(account(bronze, severity), rules(severity)).first()
        counts[severity] = (row.rule_grown, row.rule_named)
    assert counts == dict.fromkeys(("warn", "quarantine", "fail"), (2, 2))


def test_2_a_row_that_is_set_aside_is_not_in_the_table(parted):
    kept, aside = parted
    assert kept == {"good"}
    assert kept.isdisjoint(aside)


def test_3_one_broken_rule_is_enough(parted):
    assert {"child", "nobody"} <= parted[1].keys()


def test_4_every_broken_rule_is_on_record_with_the_raw_row(parted):
    _, aside = parted
    assert {name: row["_reasons"] for name, row in aside.items()} == {
        "child": ["grown"],
        "nobody": ["named"],
        "nobody's child": ["grown", "named"],
    }
    assert '"AGE":"4"' in aside["child"]["_raw"]


def test_5_a_table_whose_rules_all_quarantine_is_a_table(parted):
    kept, aside = parted
    assert len(kept) + len(aside) == len(ROWS)


def test_6_a_quarantine_always_has_a_name_and_a_key(parted):
    quarantine = quarantine_of(SILVER)
    assert quarantine.name == "silver_people_quarantine"
    assert len({row["_row_key"] for row in parted[1].values()}) == 3


def test_7_there_is_no_severity_that_drops():
    with pytest.raises(ConfigError, match="severity"):
        rules("drop")
