"""What was taken away, taken apart or cut off is made good by the next run."""

from dataclasses import replace
from datetime import date

import pytest

from data_ops.delta import table_manager
from data_ops.operations.locality import Period
from tests.integration.lakehouse import Lakehouse
from tests.integration.test_bad_input import deliver, person, text

TABLES = ("silver_person_crosswalk", "silver_demographics")
ASIDE = "silver_demographics_quarantine"


@pytest.fixture(scope="module")
def built(spark, tmp_path_factory):
    """Demographics of two persons, and a row of nobody set aside."""
    rows = person(0), person(1), person(2, BENE_ID=" ")
    folder = deliver(tmp_path_factory.mktemp("x") / "x", beneficiary_2001__csv=text(*rows))
    lakehouse = Lakehouse(spark, folder, name="made_good")
    lakehouse.land()
    lakehouse.build(*TABLES)
    return lakehouse


def rows_of(lakehouse: Lakehouse, name: str) -> list[list[str]]:
    """Column by name and value, without what depends on the run."""
    found = lakehouse.table(name).drop("_ingest_ts", "_batch_id").collect()
    return sorted(sorted(map(str, row.asDict().items())) for row in found)


@pytest.mark.parametrize("spoil", ["DELETE FROM", "DROP TABLE"])
def test_a_quarantine_is_made_good(spark, built, spoil):
    before = rows_of(built, ASIDE)
    assert len(before) == 1
    spark.sql(f"{spoil} {built.context().name(ASIDE)}")
    states = {outcome.table: outcome.state for outcome in built.build(*TABLES)}
    assert states == {"silver_person_crosswalk": "up_to_date", "silver_demographics": "unchanged"}
    assert rows_of(built, ASIDE) == before
    assert {outcome.state for outcome in built.build(*TABLES)} == {"up_to_date"}


@pytest.mark.parametrize("lost", ["the table", "a column"])
def test_days_of_a_table_are_built_again_whatever_became_of_it(spark, built, lost):
    before = rows_of(built, "silver_demographics")
    name = built.context().name("silver_demographics")
    if lost == "the table":
        spark.sql(f"DROP TABLE {name}")
    else:
        former = "* EXCEPT (county_fips, _row_hash), 'without county' AS _row_hash"
        spark.sql(f"CREATE OR REPLACE TABLE {name} AS SELECT {former} FROM {name}")
    built.build("silver_demographics", period=Period(date(2021, 1, 1), date(2021, 12, 31)))
    assert rows_of(built, "silver_demographics") == before


def test_bronze_that_was_dropped_and_landed_again_is_built_from_again(spark, tmp_path):
    """It comes to the version that it had."""
    folder = deliver(tmp_path / "x", beneficiary_2001__csv=text(person(0)))
    lakehouse = Lakehouse(spark, folder, name="dropped")

    def persons() -> list[str]:
        lakehouse.land()
        lakehouse.build("silver_person_crosswalk", "silver_demographics")
        return [row.person_id for row in lakehouse.table("silver_demographics").collect()]

    assert persons() == [person(0)["BENE_ID"]]
    bronze = lakehouse.context().name("bronze_beneficiary")
    version = table_manager.version(spark, bronze)
    spark.sql(f"DROP TABLE {bronze}")
    (folder / "beneficiary_2001.csv").write_text(text(person(1)))
    assert persons() == [person(1)["BENE_ID"]]
    assert table_manager.version(spark, bronze) == version


@pytest.mark.parametrize("left", ["nothing", "what a former run says"])
@pytest.mark.parametrize("source", ["there", "gone"])
def test_a_landing_that_was_cut_off_is_put_on_record(spark, tmp_path, left, source):
    """Bronze has the rows; the ledger has none of them, or those of a landing that failed."""
    folder = deliver(tmp_path / "x", beneficiary_2001__csv=text(person(0), person(1)))
    lakehouse = Lakehouse(spark, folder, name="cut_off")
    lakehouse.land()
    ledger = lakehouse.settings.table("ops", "row_ledger")
    if left == "nothing":
        spark.sql(f"DELETE FROM {ledger}")
    else:
        spark.sql(f"UPDATE {ledger} SET recorded_at = recorded_at - INTERVAL 1 DAY")
    if source == "gone":
        other = deliver(tmp_path / "y", beneficiary_2002__csv=text(person(2)))
        lakehouse = replace(lakehouse, source=other)
    for _ in range(2):
        lakehouse.land()
        told = spark.table(ledger).where("input_name = 'beneficiary_2001.csv'")
        found = told.where("disposition = 'landed' AND reason <> ''").collect()
        assert [row.row_count for row in found] == [2]
        assert "before it was put on record" in found[0].reason
