"""What becomes of the lines of a delivery: every odd file at once, in one read."""

import gzip
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import strategies as st

from data_ops.operations.bronze import bronze_rows, read_files
from data_ops.operations.contracts import Feed, bronze_contract
from data_ops.operations.landing import survey
from data_ops.utils.errors import ContractError
from tests.cases import examples

pytestmark = pytest.mark.classic

PEOPLE = Feed("people", r"people.*\.csv(\.gz)?", ("ID", "NAME", "CITY"), optional=("CITY",))
MANIFEST = '<m timestamp="2025-01-15T03:00:00Z"/>'


def land(spark, folder: Path):
    """(files as surveyed, bronze rows of those admitted)."""
    files = survey(folder, [PEOPLE])
    admitted = [file for file in files if file.disposition == "landed"]
    now = datetime(2025, 2, 1, tzinfo=UTC)
    rows = read_files(spark, PEOPLE, admitted, "sender", "r-1", now)
    stamps = ("_delivered_at", "_ingest_ts")
    told = [f"CAST({name} AS STRING)" if name in stamps else name for name in rows.columns]
    return files, rows.selectExpr(*told).toDF(*rows.columns).collect()


# name, content, rows of (ID, NAME, CITY, _rescued_data, _corrupt_record)
ADA = ("1", "Ada", "London", None, None)
CASES = [
    ("plain", "ID|NAME|CITY\n1|Ada|London\n", [ADA]),
    ("other_order", "CITY|ID|NAME\nLondon|1|Ada\n", [ADA]),
    ("column_less", "ID|NAME\n1|Ada\n", [("1", "Ada", None, None, None)]),
    (
        "column_more",
        "ID|SHOE|NAME|HAT\n1|44|Ada|\n",
        [("1", "Ada", None, '{"SHOE":"44","HAT":null}', None)],
    ),
    (
        "too_few_and_too_many",
        "ID|NAME|CITY\n1|Ada\n1|Ada|London|x\n1|Ada|London\n",
        [(None, None, None, None, "1|Ada"), (None, None, None, None, "1|Ada|London|x"), ADA],
    ),
    ("empty_fields", "ID|NAME|CITY\n1||\n||\n", [("1", *[None] * 4), (None,) * 5]),
    ("as_sent", 'ID|NAME|CITY\n "1" |a\\|b\n', [(' "1" ', "a\\", "b", None, None)]),
    ("unicode", "ID|NAME|CITY\n1|Zoë 李|Łódź\n", [("1", "Zoë 李", "Łódź", None, None)]),
    ("no_final_line_end", "ID|NAME|CITY\n1|Ada|London", [ADA]),
    ("crlf", "ID|NAME|CITY\r\n1|Ada|London\r\n", [ADA]),
    ("blank_lines", "ID|NAME|CITY\n\n1|Ada|London\n\n\n", [ADA]),
    ("crlf_and_blank", "ID|NAME|CITY\r\n\r\n1|Ada|London\r\n\r\n", [ADA]),
    ("crlf_in_an_lf_file", "ID|NAME|CITY\n1|Ada|London\r\n", [ADA]),
    ("byte_order_mark", "\ufeffID|NAME|CITY\n1|Ada|London\n", [ADA]),
    ("header_again", "ID|NAME|CITY\n1|Ada|London\nID|NAME|CITY\n1|Ada|London\n", [ADA, ADA]),
]
TEXTS = {case[0]: case[1] for case in CASES}
NAMES = (
    "a b",
    "a+b",
    "é",
    "a%20b",
    "a#b",
    "a[1]",
    "a{x}",
    "a*b",
    "a?b",
    "a;b",
    "a=b",
    "a,b",
    "a\\b",
)


@pytest.fixture(scope="module")
def landed(spark, tmp_path_factory):
    """File name → (file as surveyed, its bronze rows), of one delivery read at once."""
    folder = tmp_path_factory.mktemp("delivery")
    (folder / "manifest.xml").write_text(MANIFEST)
    contents = {f"people_{name}.csv": text for name, text in TEXTS.items()}
    contents |= {f"odd/people {name}.csv": f"ID|NAME\n{name}|x\n" for name in NAMES}
    contents["a/b/people.csv.gz"] = gzip.compress(b"ID|NAME\n1|packed\n")
    contents |= {"people_empty.csv": "", "people_zz_copy.csv": TEXTS["plain"]}
    contents["people_cut.csv.gz"] = gzip.compress(b"ID|NAME\n1|x\n" * 99)[:-9]
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    files, rows = land(spark, folder)
    found = defaultdict(list)
    for row in rows:
        found[row._source_file].append(row)
    assert set(found) <= {file.name for file in files}
    return {file.name: (file, found[file.name]) for file in files}


@pytest.mark.parametrize(("name", "text", "wanted"), CASES, ids=TEXTS)
def test_each_line_becomes_the_row_it_says_and_is_counted_as_one(landed, name, text, wanted):
    file, rows = landed[f"people_{name}.csv"]
    found = [(r.ID, r.NAME, r.CITY, r._rescued_data, r._corrupt_record) for r in rows]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert file.rows == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_be_called_what_it_likes(landed, name):
    file, (row,) = landed[f"odd/people {name}.csv"]
    assert (row.ID, row._file_hash) == (name, file.file_hash)


def test_a_packed_file_in_a_folder_below_is_read_like_any_other(landed):
    _, (row,) = landed["a/b/people.csv.gz"]
    assert (row.ID, row.NAME) == ("1", "packed")


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("people_empty.csv", "refused"),
        ("people_cut.csv.gz", "refused"),
        ("people_zz_copy.csv", "duplicate"),
    ],
)
def test_of_a_file_set_aside_there_is_no_row(landed, name, disposition):
    file, rows = landed[name]
    assert (file.disposition, rows) == (disposition, [])


def test_a_row_knows_where_it_came_from_and_when(landed):
    file, (row,) = landed["people_unicode.csv"]
    line = TEXTS["unicode"].splitlines()[1]
    assert {name: value for name, value in row.asDict().items() if name.startswith("_")} == {
        "_rescued_data": None,
        "_corrupt_record": None,
        "_data_source": "sender",
        "_delivered_at": "2025-01-15 03:00:00",
        "_file_hash": file.file_hash,
        "_source_system": "cms_rif",
        "_source_file": "people_unicode.csv",
        "_ingest_ts": "2025-02-01 00:00:00",
        "_batch_id": "r-1",
        "_row_hash": sha256(line.encode()).hexdigest()[:32],
    }
    assert tuple(row.asDict()) == bronze_contract(PEOPLE).names


LINE = st.sampled_from(["1|Ada", "1", "1|Ada|x", "|", " ", "é|", ""])
FILES = st.tuples(st.lists(LINE, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))


def test_bronze_has_the_rows_that_were_counted_before_it_was_read(spark, tmp_path):
    for number, (lines, end) in enumerate(examples(FILES, 100)):
        text = end.join(["ID|NAME", *lines, f"{number}|last"])
        (tmp_path / f"people_{number}.csv").write_bytes(text.encode())
    files, rows = land(spark, tmp_path)
    counted = {file.name: file.rows for file in files}
    found = dict.fromkeys(counted, 0)
    for row in rows:
        found[row._source_file] += 1
    assert found == counted and len(counted) == 100


def test_a_colon_in_a_files_name_does_not_stop_the_others(spark, tmp_path):
    (tmp_path / "people_10:30.csv").write_text("ID|NAME\n1|Ada\n")
    (tmp_path / "people_other.csv").write_text("ID|NAME\n2|Alan\n")
    _, rows = land(spark, tmp_path)
    assert "2" in {row.ID for row in rows}


def test_a_source_may_be_given_relative_to_the_working_directory(spark, tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "people.csv").write_text("ID|NAME\n1|Ada\n")
    monkeypatch.chdir(tmp_path)
    _, rows = land(spark, Path("raw"))
    assert [row.ID for row in rows] == ["1"]


# Bronze rows by hand


def test_rows_by_hand_look_as_if_read_and_say_only_what_was_given(spark):
    df = bronze_rows(spark, PEOPLE, {"ID": "1"}, {"NAME": "Ada", "_source_file": "x.csv"})
    contract = bronze_contract(PEOPLE)
    assert df.dtypes == [(column.name, column.type.lower()) for column in contract.columns]
    first, second = df.collect()
    assert (first.ID, first.NAME, first._source_file) == ("1", None, "people.csv")
    assert (second.ID, second.NAME, second._source_file) == (None, "Ada", "x.csv")
    assert first._row_hash != second._row_hash


def test_a_column_that_the_feed_does_not_have_is_refused_by_hand_too(spark):
    with pytest.raises(ContractError, match=r"'NAMEE' \(bronze_people\)"):
        bronze_rows(spark, PEOPLE, {"NAMEE": "Ada"})
