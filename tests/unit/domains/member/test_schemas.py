"""The member tables have the columns that were agreed on, and so do the feeds."""

import gzip
import re

import pytest

from data_ops.config import project_root
from data_ops.domains.member.domain import DOMAIN
from data_ops.domains.member.schemas import BENEFICIARY, BENEFICIARY_HISTORY

AGREED = project_root().parent / "shared/model/silver.sql"
SAMPLE = project_root() / "data/sample/rif"
OURS = ("silver_person_crosswalk",)  # of a feed that is the payer's own
SILVER = [
    table.contract
    for table in DOMAIN.tables
    if table.name.startswith("silver_") and table.name not in OURS
]
AUDIT = {
    "_source_system": "STRING",
    "_source_file": "STRING",
    "_ingest_ts": "TIMESTAMP",
    "_batch_id": "STRING",
    "_row_hash": "STRING",
}


def agreed(text: str) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Table → its columns with their types, and its key, from the CREATE TABLE statements."""
    found = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\);$", text, re.DOTALL | re.MULTILINE):
        key = re.search(r"PK \(([^)]*)\)|$", body).group(1)
        plain = re.sub(r"--[^\n]*|/\*.*?\*/", "", body)
        columns = re.findall(r"(\w+) ([A-Z]+(?:<\w+>|\([\d,]+\))?)", plain)
        found[name] = dict(columns) | AUDIT, re.findall(r"\w+", key or "")
    return found


@pytest.mark.skipif(not AGREED.is_file(), reason="the column contract is not beside the project")
@pytest.mark.parametrize("contract", SILVER, ids=lambda contract: contract.name)
def test_columns_types_and_key_are_those_agreed_on(contract):
    columns, key = agreed(AGREED.read_text(encoding="utf-8"))[contract.name]
    assert {column.name: column.type for column in contract.columns} == columns
    assert [name for name in contract.names if name not in AUDIT] == list(columns)[: -len(AUDIT)]
    assert list(contract.key) == key


def test_the_sample_has_every_column_of_the_feed_and_no_other():
    paths = sorted(SAMPLE.glob("beneficiary_20*.csv.gz"))
    assert paths
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            assert set(next(lines).strip().split("|")) == set(BENEFICIARY.columns), path.name


@pytest.mark.parametrize("feed", [BENEFICIARY, BENEFICIARY_HISTORY], ids=lambda feed: feed.name)
def test_a_feed_names_each_column_once_and_needs_none_that_it_has_not(feed):
    assert len(set(feed.columns)) == len(feed.columns)
    assert set(feed.optional) < set(feed.columns)


@pytest.mark.parametrize(
    ("name", "feed"),
    [
        ("beneficiary_2020.csv", "beneficiary"),
        ("beneficiary_2020.csv.gz", "beneficiary"),
        ("beneficiary_history.csv", "beneficiary_history"),
        ("beneficiary_interim.csv", None),
        ("beneficiary_2020.csv.bak", None),
        ("old_beneficiary_2020.csv", None),
    ],
)
def test_a_file_belongs_to_one_feed_by_its_name(name, feed):
    found = [feed.name for feed in DOMAIN.feeds if re.fullmatch(feed.pattern, name)]
    assert found == ([feed] if feed else [])
