"""Newdomain: what becomes of each raw row, and what is counted."""

import csv
import re

import pytest

from data_ops.config import project_root
from data_ops.domains.newdomain.domain import DOMAIN
from data_ops.operations.accounts import accepted, set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for, tallies
from data_ops.utils.spark import kept

SILVER = DOMAIN.table("silver_newdomain")
GOLD = DOMAIN.table("gold_newdomain_kinds")
(FEED,) = DOMAIN.feeds
RULES = rules_for(DOMAIN.rules, SILVER.name)
SAMPLE = project_root() / "data/sample/rif/newdomain.csv"
GOOD = {
    "NEWDOMAIN_ID": "a",
    "KIND": "1",
    "START_DT": "01-Jan-2024",
    "END_DT": "31-Dec-2024",
    "CHANGED_DT": "01-Jan-2024",
}
# case → what is changed in a good row, and the rule that it then breaks
BROKEN = {
    "no id": ({"NEWDOMAIN_ID": ""}, "id_present"),
    "no start": ({"START_DT": "soon", "END_DT": ""}, "start_present"),
    "ends before it starts": ({"END_DT": "31-Dec-2023"}, "start_before_end"),
}


@pytest.fixture(scope="module")
def account(spark):
    """The account of all cases at once: id or case → its rows."""
    ended = {"END_DT": "30-Jun-2024", "CHANGED_DT": "01-Jul-2024"}
    sent = {
        "good": GOOD,
        "open": GOOD | {"NEWDOMAIN_ID": "b", "END_DT": ""},
        "one day": GOOD | {"NEWDOMAIN_ID": "c", "END_DT": "01-Jan-2024"},
        "another code": GOOD | {"NEWDOMAIN_ID": "d", "KIND": "9"},
        "changed": GOOD | {"NEWDOMAIN_ID": "e"} | ended,
        "before the change": GOOD | {"NEWDOMAIN_ID": "e"},
    }
    for case, (change, _) in BROKEN.items():
        sent[case] = GOOD | {"NEWDOMAIN_ID": case} | change
    rows = [row | {"_row_hash": case} for case, row in sent.items()]
    raw = SILVER.rows(delivered_rows(spark, FEED, *rows))
    with kept(SILVER.build(set_aside(raw, RULES))) as account:
        yield account


@pytest.fixture(scope="module")
def ends(account):
    """Case → (disposition, reasons)."""
    return {row["_row_key"]: (row["_disposition"], row["_reasons"]) for row in account.collect()}


@pytest.mark.parametrize("case", BROKEN)
def test_a_row_that_cannot_be_placed_is_set_aside_with_its_reason(ends, case):
    assert ends[case] == ("quarantined", [BROKEN[case][1]])


@pytest.mark.parametrize("case", ["good", "open", "one day", "another code", "changed"])
def test_a_row_that_can_be_placed_stays(ends, case):
    assert ends[case][0] == "contributed"


def test_the_latest_change_of_an_id_stands(ends):
    assert ends["before the change"][0] == "superseded"


def test_a_code_that_is_not_in_the_list_warns(account):
    warning = [rule for rule in RULES if rule.severity == "warn"]
    kept = accepted(account, SILVER.contract)
    (counts,) = kept.select(*tallies(warning, "DATE'2024-12-31'")).collect()
    assert counts.asDict() == {"rule_kind_known": 1}


def test_kinds_are_counted_with_those_that_have_not_ended(account):
    kinds = GOLD.build(accepted(account, SILVER.contract))
    found = {row.kind: (row.ids, row.open_ids) for row in kinds.collect()}
    assert found == {"person": (4, 1), "unknown": (1, 0)}


def test_the_sample_has_every_column_of_the_feed_and_no_other():
    assert re.fullmatch(FEED.pattern, SAMPLE.name)
    with SAMPLE.open(encoding="utf-8", newline="") as lines:
        assert tuple(next(csv.reader(lines, delimiter="|"))) == FEED.columns
