"""Every raw row meets one end: rows by hand, and random accounts against a plain-Python reading."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import strategies as st
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from data_ops.operations.accounts import (
    ACCOUNT,
    DISPOSITIONS,
    accepted,
    kept_out,
    raw_rows,
    set_aside,
    supersede,
    supersede_whole,
    tally,
)
from data_ops.operations.bronze import bronze_rows
from data_ops.operations.contracts import Feed, contract, quarantine_of
from data_ops.operations.quality import on, row_rule
from tests.cases import examples
from tests.plans import physical_plan

pytestmark = pytest.mark.classic

# A row is of a case and a person, and says one letter a silver row.
FEED = Feed("letters", r".*", ("DML_IND", "CASE", "ID", "TEXT"))
OTHER = Feed("notes", r".*", FEED.columns)
SILVER = contract(
    "silver_letters",
    grain="one row per person and letter",
    key="id nth",
    columns="""
    case    STRING  the case
    id      STRING  the person
    nth     INT     place in the text
    letter  STRING  what stands there
    """,
)
RULES = on(
    "silver_letters",
    row_rule("id_present", "quarantine", "id IS NOT NULL", "nobody's row"),
    row_rule("no_x", "quarantine", "letter <> 'x'", "a letter that is not allowed"),
    row_rule("no_b", "warn", "letter <> 'b'", "a letter that is not liked"),
)


def day(number: int) -> datetime:
    """A day of January 2025."""
    return datetime(2025, 1, number, tzinfo=UTC)


def raw(case, dml="INSERT", id: str | None = "1", text="a", on_day=1, file="a.csv") -> dict:
    """A raw row; equal lines have equal hashes."""
    line = f"{case}|{dml}|{id}|{text}"
    values = {"DML_IND": dml, "CASE": str(case), "ID": id, "TEXT": text, "_row_hash": line}
    return values | {"_source_file": file, "_delivered_at": day(on_day), "_file_hash": file}


def bronze(spark, *rows: dict, feed: Feed = FEED) -> DataFrame:
    """The rows as they would stand in bronze."""
    return bronze_rows(spark, feed, *rows)


def account_of(df: DataFrame) -> DataFrame:
    """Raw rows to an account, judged; id 0 is out of scope, and SAME says nothing new."""
    letters = F.split(F.coalesce("TEXT", F.lit("")), "")
    out = F.when(F.col("ID") == "0", F.lit("out_of_scope")).otherwise(F.col("_disposition"))
    stands = supersede(raw_rows(df, FEED), ["CASE", "ID"]).withColumn("_disposition", out)
    parts = stands.select(
        F.col("CASE").alias("case"),
        F.col("ID").alias("id"),
        F.posexplode(letters).alias("nth", "letter"),
        "DML_IND",
        "TEXT",
        *(name for name in ACCOUNT if name != "_part"),
    )
    judged = set_aside(parts.withColumn("_part", F.col("nth")), RULES)
    same = F.expr("DML_IND = 'SAME' AND NOT contains(TEXT, 'x') AND _disposition = 'contributed'")
    ends = F.when(same, F.lit("unchanged")).otherwise(F.col("_disposition"))
    return judged.withColumn("_disposition", ends)


def tallies_by_case(account: DataFrame) -> dict[str, dict]:
    """The tally of each case, as if each had been an input."""
    counted = tally(account.withColumn("_input", F.col("case")), RULES).collect()
    return {row["_input"]: row.asDict() for row in counted}


# By hand

# rows of one case, dispositions by number
ENDS = {
    "alone": ([{}], {"contributed": 1}),
    "corrected": ([{}, {"dml": "UPDATE", "on_day": 2}], {"contributed": 1, "superseded": 1}),
    "deleted": ([{}, {"dml": "DELETE", "on_day": 2}], {"superseded": 2}),
    "deleted_alone": ([{"dml": "DELETE"}], {"superseded": 1}),
    "back_again": ([{"dml": "DELETE"}, {"on_day": 2}], {"contributed": 1, "superseded": 1}),
    "sent_twice": ([{}, {"file": "b.csv"}], {"contributed": 1, "superseded": 1}),
    "twice_in_a_file": ([{}, {}], {"contributed": 1, "superseded": 1}),
    "corrected_in_its_file": (
        [{"text": "x"}, {"dml": "UPDATE"}],
        {"contributed": 1, "superseded": 1},
    ),
    "spoiled_in_its_file": (
        [{"dml": "UPDATE", "text": "x"}, {}],
        {"quarantined": 1, "superseded": 1},
    ),
    "deleted_in_its_file": ([{"dml": "DELETE"}, {}, {"dml": "UPDATE"}], {"superseded": 3}),
    "two_people": ([{}, {"id": "2"}], {"contributed": 2}),
    "bad": ([{"text": "x"}], {"quarantined": 1}),
    "bad_and_beaten": (
        [{"text": "x"}, {"on_day": 2}],
        {"contributed": 1, "superseded": 1},
    ),
    "one_letter_of_three_bad": ([{"text": "axa"}], {"quarantined": 1}),
    "many_letters": ([{"text": "aba"}], {"contributed": 1}),
    "nobodys": (
        [{"id": None}, {"id": None, "text": "b"}],
        {"quarantined": 2},
    ),
    "nobodys_copies": ([{"id": None, "text": "x"}] * 3, {"quarantined": 1, "superseded": 2}),
    "nobodys_deletion": ([{"id": None, "dml": "DELETE"}], {"superseded": 1}),
    "not_ours": ([{"id": "0", "text": "x"}], {"out_of_scope": 1}),
    "nothing_new": ([{"dml": "SAME", "text": "ab"}], {"unchanged": 1}),
}


@pytest.fixture(scope="module")
def by_hand(spark):
    """The account of all cases of ENDS, their bronze rows, and the count of each."""
    rows = [raw(case, **row) for case, (given, _) in ENDS.items() for row in given]
    df = bronze(spark, *rows)
    account = account_of(df)
    return account, df, tallies_by_case(account)


@pytest.mark.parametrize("case", ENDS)
def test_a_row_meets_the_end_it_deserves(by_hand, case):
    counts = by_hand[2][case]
    assert {name: counts[name] for name in DISPOSITIONS if counts[name]} == ENDS[case][1]


def test_a_row_that_was_beaten_or_left_out_is_judged_by_no_rule(by_hand):
    account = by_hand[0]
    others = account.where("_disposition IN ('superseded', 'out_of_scope')")
    assert {tuple(row._reasons) for row in others.select("_reasons").collect()} == {()}


def test_rules_are_counted_among_silver_rows_that_stand_and_warnings_among_those_kept(by_hand):
    names = ("judged", "kept", "rule_id_present", "rule_no_x", "rule_no_b")
    counts = {case: tuple(row[name] for name in names) for case, row in by_hand[2].items()}
    assert counts["one_letter_of_three_bad"] == (3, 2, 0, 1, 0)
    assert counts["many_letters"] == (3, 3, 0, 0, 1)
    assert counts["nobodys"] == (2, 0, 2, 0, 0)
    assert counts["bad_and_beaten"] == (1, 1, 0, 0, 0)
    assert counts["not_ours"] == (0, 0, 0, 0, 0)


def test_the_quarantine_keeps_every_reason_and_the_raw_row(by_hand):
    account, df, _ = by_hand
    found = kept_out(account, SILVER, [(df, FEED)])
    wanted = [(column.name, column.type.lower()) for column in quarantine_of(SILVER).columns]
    assert found.dtypes == wanted
    rows = {(row.case, row.letter): row for row in found.collect()}
    nobody = rows["nobodys_copies", "x"]
    assert nobody._reasons == ["id_present", "no_x"] and nobody._source_file == "a.csv"
    assert nobody._raw == '{"DML_IND":"INSERT","CASE":"nobodys_copies","TEXT":"x"}'
    assert set(rows) == {
        ("bad", "x"),
        ("one_letter_of_three_bad", "x"),
        ("nobodys", "a"),
        ("nobodys", "b"),
        ("nobodys_copies", "x"),
        ("spoiled_in_its_file", "x"),
    }


def test_knowing_how_many_are_kept_out_changes_no_row_and_reads_the_raw_text_of_few(by_hand):
    account, df, _ = by_hand
    found = [kept_out(account, SILVER, [(df, FEED)], rows) for rows in (None, 5, 10**9)]
    unknown, few, many = (sorted(map(str, one.collect())) for one in found)
    assert unknown == few == many
    assert ["LeftSemi" in physical_plan(one) for one in found] == [False, True, False]


def test_an_unreadable_line_is_kept_as_it_came_once_for_all_its_copies(spark):
    broken = {"_corrupt_record": "1|x|", "_row_hash": "h", "_file_hash": "f"}
    df = bronze(spark, broken, broken, broken)
    account = account_of(df)
    (row,) = kept_out(account, SILVER, [(df, FEED)]).collect()
    key = "h-8219FFFBEA713E50-1"  # the line, xxHash64 of letters.csv (seed 42), its first row
    assert (row._raw, row._row_key, row.id) == ("1|x|", key, None)
    (counts,) = tally(account, RULES).collect()
    assert (counts._input, counts.quarantined, counts.superseded) == ("bronze_letters", 1, 2)


def test_a_line_that_two_feeds_delivered_is_kept_out_once_for_each(spark):
    row = raw("x", id=None)
    frames = [(bronze(spark, row, feed=feed), feed) for feed in (FEED, OTHER)]
    account = reduce(DataFrame.unionByName, [account_of(df) for df, _ in frames])
    keys = [row._row_key for row in kept_out(account, SILVER, frames).collect()]
    assert len(keys) == len(set(keys)) == 2


def test_a_row_has_one_key_in_quarantine_whatever_other_files_are_looked_at(spark):
    """A part of the table may be made without the other rows of an equal line."""
    first = raw(1, id=None, file="a.csv") | {"_row_hash": "line"}
    second = raw(2, text="x", file="b.csv") | {"_row_hash": "line"}

    def keys(*rows: dict) -> set[str]:
        df = bronze(spark, *rows)
        return {row._row_key for row in kept_out(account_of(df), SILVER, [(df, FEED)]).collect()}

    assert keys(first, second) == keys(first) | keys(second)
    assert not keys(first) & keys(second)


def test_a_line_that_means_another_thing_under_another_header_is_a_row_of_its_own(spark):
    good = raw("c", text="a", file="a.csv") | {"_row_hash": "h"}
    bad = raw("c", id="2", text="x", file="b.csv") | {"_row_hash": "h"}
    (counts,) = tally(account_of(bronze(spark, good, bad)), RULES).collect()
    assert (counts.contributed, counts.quarantined) == (1, 1)


@pytest.mark.parametrize("other", ["unchanged", "out_of_scope"])
def test_one_bad_silver_row_makes_the_raw_row_quarantined_whatever_became_of_the_first(
    by_hand, other
):
    end = F.when(F.col("nth") == 0, F.lit(other)).otherwise(F.lit("quarantined"))
    account = by_hand[0].where("case = 'one_letter_of_three_bad'")
    (counts,) = tally(account.withColumn("_disposition", end), RULES).collect()
    assert (counts.quarantined, counts[other]) == (1, 0)


# Which row is the latest


def superseded(spark, rows: list[dict], *steps: tuple) -> list[str]:
    """Texts of the rows that stand after these steps (keys, first)."""
    account = raw_rows(bronze(spark, *rows), FEED)
    for keys, first in steps:
        account = supersede(account, keys, first)
    return sorted(row.TEXT for row in account.where("_disposition = 'contributed'").collect())


def test_the_later_delivery_counts_then_the_files_name_then_the_rows_hash(spark):
    rows = [
        raw(1, text="old", on_day=1, file="z.csv"),
        raw(1, text="new", on_day=2, file="a.csv"),
        raw(2, text="file a", file="a.csv"),
        raw(2, text="file b", file="b.csv"),
        raw(3, text="hash 1") | {"_row_hash": "1"},
        raw(3, text="hash 2") | {"_row_hash": "2"},
        raw(4, text="undated", file="z.csv") | {"_delivered_at": None},
        raw(4, text="dated"),
    ]
    found = superseded(spark, rows, (["CASE", "ID"], ()))
    assert found == ["dated", "file b", "hash 2", "new"]


@pytest.mark.parametrize(("order", "text"), [("TEXT", "1"), ("-TEXT", "9"), ("TEXT DESC", "9")])
def test_an_order_of_the_callers_goes_before_the_deliverys(spark, order, text):
    rows = [raw(1, text="5", on_day=3), raw(1, text="1", on_day=1), raw(1, text="9", on_day=2)]
    assert superseded(spark, rows, (["ID"], [order])) == [text]


def test_a_row_that_was_beaten_once_beats_nobody_the_second_time(spark):
    rows = [
        raw(1, id="1", text="first", on_day=3),
        raw(1, id="1", text="second", on_day=4),
        raw(2, id="2", text="first", on_day=1),
    ]
    steps = (["CASE", "ID"], ()), (["TEXT"], ())
    assert superseded(spark, rows, *steps) == ["first", "second"]


@pytest.mark.parametrize("first", ["1", "2"])
def test_of_two_undated_files_of_one_name_one_counts_whole(spark, first):
    """Each line by itself would be settled by its hash."""
    rows = [
        raw(1, text=f"{file}{nth}", id=nth)
        | {"_delivered_at": None, "_file_hash": file, "_row_hash": first if file == "a" else nth}
        for file in "ab"
        for nth in "12"
    ]
    account = supersede_whole(raw_rows(bronze(spark, *rows), FEED), ["CASE"], "ID")
    left = account.where("_disposition = 'contributed'").collect()
    assert sorted(row.TEXT for row in left) == ["b1", "b2"]


def test_a_key_of_which_a_part_is_missing_is_no_key(spark):
    rows = [raw(None, id="1", text="a"), raw(None, id="1", text="b", on_day=2)]
    rows = [row | {"CASE": None} for row in rows]
    assert superseded(spark, rows, (["CASE", "ID"], ())) == ["a", "b"]


def test_rows_know_their_input_and_the_latest_date_of_their_own_file(spark):
    rows = [raw(1, on_day=2), raw(2, on_day=3), raw(3, on_day=9, file="b.csv")]
    found = raw_rows(bronze(spark, *rows), FEED).select("CASE", *ACCOUNT).collect()
    assert {(row.CASE, row._as_of.day, row._source_file) for row in found} == {
        ("1", 3, "a.csv"),
        ("2", 3, "a.csv"),
        ("3", 9, "b.csv"),
    }
    assert {(row._input, row._part) for row in found} == {("bronze_letters", 0)}


# Random accounts

ROW = st.fixed_dictionaries(
    {
        "dml": st.sampled_from(["INSERT", "UPDATE", "DELETE", "SAME"]),
        "id": st.sampled_from(["0", "1", "2", None]),
        "text": st.text("abx", max_size=3),
        "on_day": st.integers(1, 3),
        "file": st.sampled_from(["a.csv", "b.csv"]),
    }
)


@pytest.fixture(scope="module")
def random(spark):
    """(raw rows by case, tallies by case, table rows, quarantine rows) of 200 cases."""
    cases = examples(st.lists(ROW, min_size=1, max_size=8), 200)
    given = {str(case): [raw(case, **row) for row in rows] for case, rows in enumerate(cases)}
    df = bronze(spark, *(row for rows in given.values() for row in rows))
    account = account_of(df)
    table = accepted(account, SILVER).collect()
    return given, tallies_by_case(account), table, kept_out(account, SILVER, [(df, FEED)]).collect()


def standing(rows: list[dict]) -> list[dict]:
    """The rows of a case that nobody took the place of."""
    rivals = defaultdict(list)
    for row in rows:
        rivals[row["ID"] or row["_row_hash"]].append(row)
    rank = {"DELETE": 2, "UPDATE": 1}

    def place(row: dict) -> tuple:
        wants = rank.get(row["DML_IND"], 0)
        return row["_delivered_at"], row["_source_file"], wants, row["_row_hash"]

    latest = [max(some, key=place) for some in rivals.values()]
    return [row for row in latest if row["DML_IND"] != "DELETE" and row["ID"] != "0"]


def is_bad(row: dict, letter: str) -> bool:
    """Does the letter go to the quarantine?"""
    return row["ID"] is None or letter == "x"


def test_the_ends_of_all_rows_add_up_to_the_raw_rows(random):
    given, counts, _, _ = random
    assert set(counts) == set(given)
    for case, rows in given.items():
        assert sum(counts[case][name] for name in DISPOSITIONS) == len(rows)


def test_each_end_is_met_as_often_as_python_finds(random):
    given, counts, _, _ = random
    for case, rows in given.items():
        wanted = Counter()
        wanted["out_of_scope"] = sum(row["ID"] == "0" for row in rows)
        for row in standing(rows):
            bad = any(is_bad(row, letter) for letter in row["TEXT"] or [""])
            same = row["DML_IND"] == "SAME"
            wanted["quarantined" if bad else "unchanged" if same else "contributed"] += 1
        wanted["superseded"] = len(rows) - wanted.total()
        assert {name: counts[case][name] for name in DISPOSITIONS} == {
            name: wanted[name] for name in DISPOSITIONS
        }


def test_each_silver_row_is_in_the_table_or_in_the_quarantine_or_says_nothing_new(random):
    given, counts, table, quarantine = random
    kept, aside = set(), set()
    for case, rows in given.items():
        for row in standing(rows):
            for nth, letter in enumerate(row["TEXT"] or [""]):
                if is_bad(row, letter):
                    aside.add((case, row["ID"], nth, letter, row["_row_hash"]))
                elif row["DML_IND"] != "SAME" or "x" in row["TEXT"]:
                    kept.add((case, row["ID"], nth, letter))
    assert {(row.case, row.id, row.nth, row.letter) for row in table} == kept
    assert len(table) == len(kept) == sum(row["kept"] for row in counts.values())
    told = {(r.case, r.id, r.nth, r.letter, r._row_key.rsplit("-", 2)[0]) for r in quarantine}
    assert told == aside and len(quarantine) == len(aside)


def test_no_two_rows_of_the_quarantine_share_a_key(random):
    keys = [row._row_key for row in random[3]]
    assert len(set(keys)) == len(keys) > 100
