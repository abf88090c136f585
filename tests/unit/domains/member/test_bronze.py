"""A reference year is a year of four digits; another text stops nothing and makes no row."""

import pytest

from data_ops.domains.member.domain import DOMAIN
from data_ops.domains.member.schemas import BENEFICIARY, BENEFICIARY_HISTORY, PERSON_CROSSWALK
from data_ops.operations.accounts import set_aside
from data_ops.operations.bronze import delivered_rows
from data_ops.operations.quality import rules_for

from .frames import frame

FEEDS = {feed.table: feed for feed in (BENEFICIARY, BENEFICIARY_HISTORY)}
ACCOUNTS = [table for table in DOMAIN.tables if "bronze_beneficiary" in table.accounts_for]
# Any of them would be the January of no year that a member can have lived in.
NO_YEARS = ("99999", "0", "-5", "21", "2021.0", "20x1", "99999999999")


def ends(spark, table, years: tuple[str, ...], **same) -> dict[str, set[str]]:
    """Reference year as sent → what became of the parts of its row."""
    same |= {"BENE_ID": "p", "MDCR_ENTLMT_BUYIN_1_IND": "1"}
    sent = {"bronze_beneficiary": [same | {"RFRNC_YR": year, "_row_hash": year} for year in years]}
    bronze = [
        delivered_rows(spark, FEEDS[name], *sent.get(name, [])) for name in table.accounts_for
    ]
    nobody = {name: frame(spark, PERSON_CROSSWALK, []) for name in table.takes}  # was merged
    judged = set_aside(table.rows(*bronze), rules_for(DOMAIN.rules, table.name))
    account = table.build(judged, **nobody)
    found: dict[str, set[str]] = {year: set() for year in years}
    for row in account.select("_row_key", "_disposition").collect():
        found[row["_row_key"]].add(row["_disposition"])
    return found


@pytest.mark.parametrize("table", ACCOUNTS, ids=lambda table: table.name)
def test_a_text_that_is_no_year_is_set_aside(spark, table):
    found = ends(spark, table, ("2021", *NO_YEARS))
    assert found == {"2021": {"contributed"}} | dict.fromkeys(NO_YEARS, {"quarantined"})


@pytest.mark.parametrize("table", ACCOUNTS, ids=lambda table: table.name)
def test_a_number_that_is_no_year_stops_nothing(spark, table):
    assert ends(spark, table, ("2021", "2147483647")) == {
        "2021": {"contributed"},
        "2147483647": {"quarantined"},
    }


def test_a_text_that_is_no_year_spares_the_other_rows_of_a_file_without_a_manifest(spark):
    """The date that a file can speak of then is the end of its latest year."""
    found = ends(spark, DOMAIN.table("silver_enrollment"), ("2021", "20x1"), _delivered_at=None)
    assert found == {"2021": {"contributed"}, "20x1": {"quarantined"}}
