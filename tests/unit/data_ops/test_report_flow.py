"""In the flow of rows nothing appears and nothing disappears, whatever was delivered and judged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_ops.report_facts import Ending, TableFact
from data_ops.report_flow import Flow, flow, flow_picture

from .reports import TABLES, arrived, ended, failing

ENDS = ("contributed", "quarantined", "superseded", "unchanged", "out_of_scope")
STATES = st.sampled_from(["written", "unchanged", "up_to_date", "failed", ""])
COUNTS = st.integers(0, 10**7)


@st.composite
def domains(draw) -> tuple[TableFact, ...]:
    """Feeds with files and former rows; silver tables that judged as many rows, fewer or more."""
    feeds = []
    for nth in range(draw(st.integers(1, 3))):
        account, earlier, state = (
            arrived(*(draw(COUNTS) for _ in range(3))),
            draw(COUNTS),
            draw(STATES),
        )
        rows = earlier + (0 if state == "failed" else account[0].rows)
        feeds.append(TableFact("d", f"bronze_{nth}", state=state, rows=rows, account=account))
    silver = []
    for nth in range(draw(st.integers(0, 3))):
        inputs = tuple(draw(st.sets(st.sampled_from([feed.name for feed in feeds]), min_size=1)))
        account = []
        for name in inputs:
            held = next(feed.rows for feed in feeds if feed.name == name)
            cuts = sorted(draw(st.lists(st.integers(0, held), min_size=4, max_size=4)))
            counts = [b - a for a, b in zip([0, *cuts], [*cuts, held], strict=True)]
            if draw(st.booleans()):  # an account of another day
                counts = draw(st.lists(COUNTS, min_size=5, max_size=5))
            account += [Ending(name, end, n) for end, n in zip(ENDS, counts, strict=True)]
        silver.append(
            TableFact("d", f"silver_{nth}", inputs, inputs, draw(STATES), draw(COUNTS),
                      account=tuple(account), counted_here=draw(st.booleans()))
        )  # fmt: skip
    gold = [TableFact("d", "gold_x", tuple(one.name for one in silver), (), "written", 5)]
    return (*feeds, *silver, *gold)


@given(domains())
def test_what_enters_a_place_leaves_it(tables):
    found = flow(tables)
    held = {table.name: table for table in tables}
    for node in found.nodes:
        if node.column == 0:
            assert found.out_of(node.key) == node.rows
        elif node.column == 1 and node.key in held:
            readers = sum(node.key in table.accounts_for for table in tables)
            assert found.into(node.key) == node.rows == held[node.key].rows
            assert found.out_of(node.key) == node.rows * readers
        elif node.column == 2 and node.key in held:
            assert found.into(node.key) == found.out_of(node.key) == node.rows
        elif node.column < 4:
            assert node.rows in (found.into(node.key), found.out_of(node.key))


@given(domains())
def test_every_row_that_was_delivered_is_in_bronze_or_has_a_branch(tables):
    found = flow(tables)
    offered = sum(node.rows for node in found.nodes if node.column == 0)
    bronze = sum(table.rows for table in tables if not table.inputs)
    branches = ("duplicate", "refused", "taken_back")
    assert offered == bronze + sum(link.rows for link in found.links if link.kind in branches)
    refused = sum(table.met("refused") for table in tables if not table.inputs)
    assert refused == sum(link.rows for link in found.links if link.kind == "refused")


@given(domains())
def test_every_link_joins_two_places(tables):
    found = flow(tables)
    keys = [node.key for node in found.nodes]
    assert len(keys) == len({*keys})
    ends = {end for link in found.links for end in (link.source, link.target)}
    assert ends <= {*keys} and {end for pair in found.built for end in pair} <= {*keys}
    assert all(link.rows or link.files for link in found.links)


@given(domains())
def test_whatever_flows_can_be_drawn(tables):
    found = flow(tables)
    assert not found.links or flow_picture("d", found).startswith("<svg")


# By hand


def rows_of(found: Flow) -> dict[str, int]:
    return {node.key: node.rows for node in found.nodes}


def test_each_end_is_a_branch_of_its_own():
    found = flow(TABLES)
    assert rows_of(found) == {
        "files bronze_a": 1047, "bronze_a": 1000, "silver_a": 1000, "silver_a contributed": 950,
        "silver_a quarantined": 30, "silver_a superseded": 20, "duplicate files": 40,
        "refused files": 7, "gold_a": 12,
    }  # fmt: skip
    assert found.built == (("silver_a", "gold_a"),)


def test_rows_that_no_table_has_read_yet_are_told():
    waiting = replace(TABLES[1], account=ended("bronze_a", contributed=900))
    assert rows_of(flow((TABLES[0], waiting)))["not_read rows"] == 100


def test_rows_that_bronze_no_longer_holds_are_told():
    refreshed = replace(TABLES[0], rows=100)
    assert rows_of(flow((refreshed, TABLES[1])))["gone rows"] == 900


def test_a_file_that_could_not_be_read_has_its_branch_though_nobody_knows_its_rows():
    only = TableFact(
        "d", "bronze_a", account=(Ending("files", "refused", 0, 1, ("a.csv: empty",)),)
    )
    found = flow((only,))
    assert [(node.key, node.note) for node in found.nodes] == [
        ("files bronze_a", "1 file"),
        ("refused files", "not counted, 1 file"),
    ]
    assert "not counted, 1 file refused" in flow_picture("d", found)


def test_what_a_failed_table_judged_is_not_said_to_be_in_it():
    found = rows_of(flow(failing().tables))
    assert found["silver_a withheld"] == 950 and "silver_a contributed" not in found


def test_rows_of_a_feed_that_failed_were_taken_back():
    failed = replace(TABLES[0], state="failed", rows=900)
    found = rows_of(flow((failed,)))
    assert (found["bronze_a"], found["taken_back files"]) == (900, 100)


def test_a_table_made_from_gold_names_the_silver_it_came_from():
    second = TableFact("claims", "gold_b", ("gold_a",), (), "written", 3)
    assert ("silver_a", "gold_b") in flow((*TABLES, second)).built


def test_a_table_that_no_run_came_to_is_not_said_to_have_no_rows():
    new = TableFact("claims", "gold_new", ("gold_a",))
    empty = replace(new, name="gold_empty", state="written")
    notes = {node.key: node.note for node in flow((*TABLES, new, empty)).nodes}
    assert (notes["gold_new"], notes["gold_empty"]) == ("not built yet", "0 rows")


@pytest.mark.parametrize("rows", [1, 10**9])
def test_a_branch_of_few_rows_beside_one_of_many_can_be_seen(rows):
    tables = (
        TableFact("d", "bronze_a", rows=rows + 1),
        TableFact("d", "silver_a", ("bronze_a",), ("bronze_a",), "written", rows,
                  account=ended("bronze_a", contributed=rows, quarantined=1)),
    )  # fmt: skip
    assert "1 rows quarantined" in flow_picture("d", flow(tables))
