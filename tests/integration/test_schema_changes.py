"""A sender changes its files: what is more is kept, what is other stops the run."""

from dataclasses import replace

import pytest

from data_ops.runs import Outcome
from data_ops.utils.errors import ContractError
from tests.integration.lakehouse import Lakehouse
from tests.integration.test_bad_input import COLUMNS, WIDER, deliver, person, text

OLD, SHOES = [person(0), person(1)], [person(2, SHOE_SIZE="44"), person(3, SHOE_SIZE="")]
TWO_MORE = [*WIDER, "HAT SIZE"]
HATS = [person(nth, SHOE_SIZE="45", **{"HAT SIZE": "58"}) for nth in (4, 5)]


def feed_changed(lakehouse: Lakehouse, **changes) -> None:
    """Change the beneficiary feed's contract."""
    domain = lakehouse.domain
    feeds = [replace(f, **changes) if f.name == "beneficiary" else f for f in domain.feeds]
    lakehouse.domain = replace(domain, feeds=tuple(feeds))


def landed(lakehouse: Lakehouse) -> Outcome:
    return next(o for o in lakehouse.land() if o.table == "bronze_beneficiary")


def rows(lakehouse: Lakehouse, *more: str) -> dict[str, tuple]:
    """BENE_ID → further values of bronze."""
    table = lakehouse.table("bronze_beneficiary")
    return {row[0]: tuple(row[1:]) for row in table.select("BENE_ID", *more).collect()}


@pytest.fixture
def lakehouse(spark, tmp_path):
    """Three files: as agreed, with a column more, with two columns more."""
    folder = deliver(
        tmp_path / "raw",
        beneficiary_2001__csv=text(*OLD),
        beneficiary_2002__csv=text(*SHOES, columns=WIDER),
        beneficiary_2003__csv=text(*HATS, columns=TWO_MORE),
    )
    return Lakehouse(spark, folder, name="schema")


def test_a_rescued_column_that_the_feed_gains_is_as_if_it_had_always_been_there(spark, lakehouse):
    landed(lakehouse)
    shoe = rows(lakehouse, "_rescued_data")
    assert shoe[SHOES[0]["BENE_ID"]] == ('{"SHOE_SIZE":"44"}',)
    wider = {"columns": (*COLUMNS, "SHOE_SIZE"), "optional": ("SHOE_SIZE",)}
    feed_changed(lakehouse, **wider)
    outcome = landed(lakehouse)
    assert (outcome.state, outcome.inserted) == ("written", 0)
    found = rows(lakehouse, "SHOE_SIZE", "_rescued_data")
    assert found[OLD[0]["BENE_ID"]] == (None, None)
    assert found[SHOES[0]["BENE_ID"]] == ("44", None)
    assert found[HATS[0]["BENE_ID"]] == ("45", '{"HAT SIZE":"58"}')
    assert landed(lakehouse).state == "up_to_date"
    afresh = Lakehouse(spark, lakehouse.source, name="schema_afresh")
    feed_changed(afresh, **wider)
    landed(afresh)
    assert rows(afresh, "SHOE_SIZE", "_rescued_data", "_row_hash") == rows(
        lakehouse, "SHOE_SIZE", "_rescued_data", "_row_hash"
    )


def test_a_run_killed_between_the_column_and_its_values_is_made_good(lakehouse):
    landed(lakehouse)
    name = lakehouse.context().name("bronze_beneficiary")
    lakehouse.spark.sql(f"ALTER TABLE {name} ADD COLUMNS (`SHOE_SIZE` STRING COMMENT 'as sent')")
    upkeep = f"ALTER TABLE {name} SET TBLPROPERTIES ('looked_after' = 'since')"
    lakehouse.spark.sql(upkeep)
    feed_changed(lakehouse, columns=(*COLUMNS, "SHOE_SIZE"), optional=("SHOE_SIZE",))
    landed(lakehouse)
    assert rows(lakehouse, "SHOE_SIZE")[SHOES[0]["BENE_ID"]] == ("44",)


def test_new_columns_are_taken_up_where_the_feed_says_so(lakehouse):
    feed_changed(lakehouse, evolution="addNewColumns")
    landed(lakehouse)
    found = rows(lakehouse, "SHOE_SIZE", "_rescued_data")
    assert found[OLD[0]["BENE_ID"]] == (None, None)
    assert found[SHOES[0]["BENE_ID"]] == ("44", None)
    assert found[HATS[0]["BENE_ID"]] == ("45", '{"HAT SIZE":"58"}')  # no name for a column
    late = text(person(6, BELT="90"), columns=[*COLUMNS, "BELT"])
    (lakehouse.source / "beneficiary_2004.csv").write_text(late)
    assert landed(lakehouse).inserted == 1
    found = rows(lakehouse, "SHOE_SIZE", "BELT")
    assert found[person(6)["BENE_ID"]] == (None, "90")
    assert found[SHOES[0]["BENE_ID"]] == ("44", None)
    built = lakehouse.build("silver_person_crosswalk", "silver_demographics")[-1]
    assert (built.rows_out, built.quarantined) == (7, 0)


def test_what_was_taken_up_stands_in_the_quarantined_row(lakehouse):
    feed_changed(lakehouse, evolution="addNewColumns")
    nobody = text(person(7, BENE_ID=" ", SHOE_SIZE="39"), columns=WIDER)
    (lakehouse.source / "beneficiary_2004.csv").write_text(nobody)
    landed(lakehouse)
    lakehouse.build("silver_person_crosswalk", "silver_demographics")
    kept = lakehouse.table("silver_demographics_quarantine").collect()
    assert ['"SHOE_SIZE":"39"' in row["_raw"] for row in kept] == [True]


RENAMED = ["MBI_NUMBER" if name == "MBI_NUM" else name for name in COLUMNS]
LACKING = [name for name in COLUMNS if name != "MBI_NUM"]
TODO = "have it delivered as before, or change the feed's contract"
# what is changed → the file, the feed's evolution, the message
CHANGED = {
    "renamed": (
        text(person(8, MBI_NUMBER="x"), columns=RENAMED),
        "rescue",
        "column MBI_NUM renamed: expected MBI_NUM, found MBI_NUMBER (beneficiary_2004.csv): ",
    ),
    "vanished": (
        text(person(8), columns=LACKING),
        "addNewColumns",
        "column MBI_NUM vanished: expected 210 columns, found 209 (beneficiary_2004.csv): ",
    ),
    "retyped": (
        text(*(person(nth, BENE_BIRTH_DT="1940-02-03") for nth in range(8, 30))),
        "rescue",
        "column BENE_BIRTH_DT retyped: expected a date like 31-Jan-2025, "
        "found values like 9999-99-99 (beneficiary_2004.csv): ",
    ),
    "new": (
        text(person(8, SHOE_SIZE="39"), columns=WIDER),
        "failOnNewColumns",
        "column SHOE_SIZE new: expected 210 columns, found 211 (beneficiary_2004.csv): ",
    ),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_file_stops_the_run_and_the_others_are_landed(spark, tmp_path, change):
    content, evolution, message = CHANGED[change]
    folder = deliver(tmp_path / "raw", beneficiary_2001__csv=text(*OLD))
    lakehouse = Lakehouse(spark, folder, name=f"schema_{change}")
    feed_changed(lakehouse, evolution=evolution)

    def run():
        lakehouse.land()
        if change == "renamed":  # one is told to silver
            lakehouse.build("silver_person_crosswalk", "silver_demographics")

    run()
    before = {name: n for name, n in lakehouse.versions().items() if "bronze" not in name}
    deliver(tmp_path / "raw/later", beneficiary_2005__csv=text(person(40)))
    (folder / "beneficiary_2004.csv").write_text(content)
    for _ in range(2):  # it stops until somebody has decided
        with pytest.raises(ContractError) as stopped:
            run()
        assert str(stopped.value) == message + TODO
    after = lakehouse.versions()
    assert {name: after[name] for name in before} == before
    assert set(rows(lakehouse)) == {one["BENE_ID"] for one in (*OLD, person(40))}
    noted = lakehouse.table("row_ledger").where("input_name = 'beneficiary_2004.csv'").collect()
    assert {row.disposition for row in noted} == {"refused"}
    assert {row.row_count for row in noted} == {len(content.splitlines()) - 1}
    (folder / "beneficiary_2004.csv").write_text(text(person(8)))  # delivered as before
    run()
    assert person(8)["BENE_ID"] in rows(lakehouse)
