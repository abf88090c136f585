"""Each file is admitted, or set aside with a reason that its sender can act on."""

import gzip
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import strategies as st

from data_ops.operations import landing
from data_ops.operations.contracts import Feed
from data_ops.operations.landing import (
    RawFile,
    check_header,
    refuse_known,
    scan,
    stop_if_changed,
    survey,
)
from data_ops.utils.errors import ContractError, SourceError
from tests.cases import examples

PEOPLE = Feed("people", r"people.*\.csv(\.gz)?", ("ID", "NAME", "CITY"), optional=("CITY",))
PLANS = Feed("plans", r"plans.*\.csv", ("PLAN",))
GOOD = b"ID|NAME|CITY\n1|Ada|London\n2|Alan|\n"


@pytest.fixture
def deliver(tmp_path):
    """Calls write files and return the folder they lie in."""

    def write(**files: bytes | str) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return write


def looked_at(folder: Path, *feeds: Feed, known=()) -> dict[str, RawFile]:
    """The survey, by name of file; each stands there once."""
    files = survey(folder, feeds or (PEOPLE,), known)
    assert len({file.name for file in files}) == len(files)
    return {file.name: file for file in files}


def scanned(folder: Path, content: bytes, name: str = "people.csv") -> RawFile:
    """The scan of a file with this content."""
    (folder / name).write_bytes(content)
    return scan(RawFile(folder / name, name, "people"))


# What is counted

LINES = st.lists(st.sampled_from([b"1|Ada|x", b"1|Ada", b"|", b" ", b"", b"\xc3\xa9|\xff|"]))
BODIES = st.tuples(LINES, st.sampled_from([b"\n", b"\r\n"]), st.booleans()).map(
    lambda b: b[1].join(b[0]) + (b[1] if b[2] else b"")
)


def rows_of(body: bytes) -> int:
    """Lines that are not blank, as Python counts them."""
    return sum(1 for line in body.split(b"\n") if line.rstrip(b"\r"))


def test_rows_are_the_lines_below_the_header_that_are_not_blank(tmp_path):
    for body in examples(BODIES, 300):
        assert scanned(tmp_path, b"ID|NAME\n" + body).rows == rows_of(body)


def test_it_makes_no_difference_where_the_reading_pauses(tmp_path, monkeypatch):
    bodies = [body for body in examples(BODIES, 60) if body]
    whole = [scanned(tmp_path, b"ID|NAME\r\n" + body) for body in bodies]
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(landing, "_CHUNK", size)
        assert [scanned(tmp_path, b"ID|NAME\r\n" + body) for body in bodies] == whole


@pytest.mark.parametrize("body", [b"1|Ada\n\r", b"1|Ada\r\r\n\r\r\n2|Alan\r\r\n"])
def test_a_line_of_carriage_returns_is_blank(tmp_path, body):
    assert scanned(tmp_path, b"ID|NAME\n" + body).rows == rows_of(body)


def test_the_hash_is_of_the_content_packed_or_not(tmp_path):
    plain = scanned(tmp_path, GOOD)
    packed = scanned(tmp_path, gzip.compress(GOOD), "people.csv.gz")
    other = scanned(tmp_path, GOOD + b"3|Bo|\n", "people_2.csv")
    assert plain.file_hash == packed.file_hash != other.file_hash
    assert (packed.rows, packed.header) == (2, "ID|NAME|CITY")


# What is refused

CUT = gzip.compress(GOOD * 99)[:-9]
BAD = {
    "an empty file": ("people.csv", b"", "the file is empty"),
    "an empty archive": ("people.csv.gz", gzip.compress(b""), "the file is empty"),
    "an archive of no bytes": ("people.csv.gz", b"", "the file is empty"),
    "a header in Latin-1": (
        "people.csv",
        "ID|Größe\n1|4\n".encode("latin-1"),
        "the header is not UTF-8",
    ),
    "a header and no row": ("people.csv", b"ID|NAME\n", "a header and no row"),
    "a header without its line's end": ("people.csv", b"ID|NAME", "a header and no row"),
    "a header and blank lines": ("people.csv", b"ID|NAME\r\n\r\n\r\n", "a header and no row"),
    "a truncated archive": ("people.csv.gz", CUT, "truncated or damaged"),
    "a damaged archive": ("people.csv.gz", b"\x1f\x8b" + b"\0" * 40, "truncated or damaged"),
    "text that calls itself gz": ("people.csv.gz", GOOD, "truncated or damaged"),
    "commas": ("people.csv", b"ID,NAME,CITY\n1,Ada,London\n", r"no '\|': wrong delimiter"),
    "tabs": ("people.csv", b"ID\tNAME\n1\tAda\n", r"no '\|': wrong delimiter"),
    "no header": ("people.csv", b"1|Ada\n2|Bo\n", "0 of the feed's 2 columns: it is no header"),
    "another feed's header": ("people.csv", b"CITY|AGE\nx|1\n", "0 of the feed's 2 columns"),
    "a column twice": ("people.csv", b"ID|NAME|NAME\n1|a|b\n", "NAME stands twice"),
    "UTF-16": ("people.csv", "ID|NAME\n1|Ada\n".encode("utf-16"), "the header is not UTF-8"),
    "a row in Latin-1": (
        "people.csv",
        b"ID|NAME\n1|Ada\n" + "2|Müller\n3|Bö\n".encode("latin-1"),
        "line 3 is not UTF-8",
    ),
    "a row in Latin-1, far below": (
        "people.csv.gz",
        gzip.compress(b"ID|NAME\n" + b"1|Ada\n" * 1_000_000 + b"2|M\xfcller\n"),
        "line 1000002 is not UTF-8",
    ),
    "old Mac line ends": ("people.csv", b"ID|NAME\r1|Ada\r", "a header and no row"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_trusted_is_refused_with_the_reason(deliver, case):
    name, content, reason = BAD[case]
    file = looked_at(deliver(**{name: content}))[name]
    assert file.disposition == "refused"
    assert re.search(reason, file.reason)


GOOD_HEADERS = {
    "the columns in another order": b"CITY|NAME|ID",
    "an optional column less": b"NAME|ID",
    "a column more": b"ID|NAME|CITY|SHOE",
    "a byte-order mark": b"\xef\xbb\xbfID|NAME",
    "a carriage return": b"ID|NAME\r",
    "blanks around the names": b" ID | NAME ",
}


@pytest.mark.parametrize("case", GOOD_HEADERS)
def test_a_header_with_all_that_is_required_is_admitted(deliver, case):
    file = looked_at(deliver(**{"people.csv": GOOD_HEADERS[case] + b"\n1|2\n"}))["people.csv"]
    assert (file.disposition, file.reason, file.rows) == ("landed", "", 1)
    assert {"ID", "NAME"} <= set(file.columns("|"))


def test_a_feed_of_one_column_needs_no_separator(deliver):
    file = looked_at(deliver(**{"plans.csv": "PLAN\nH1\n"}), PLANS)["plans.csv"]
    assert file.disposition == "landed"


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    file = scan(RawFile(tmp_path / "gone.csv", "gone.csv", "people"))
    assert (file.disposition, file.reason) == (
        "refused",
        "cannot be read: No such file or directory",
    )


def test_what_is_refused_keeps_its_first_reason(tmp_path):
    file = scanned(tmp_path, b"")
    assert check_header(file, PEOPLE) is file


def test_a_file_of_another_kind_than_agreed_is_refused_and_stops_the_run(deliver):
    folder = deliver(**{"people_1.csv": GOOD, "people_2.csv": "ID|CITY\n1|x\n"})
    files = looked_at(folder)
    assert [file.breaks_contract for file in files.values()] == [False, True]
    assert files["people_2.csv"].disposition == "refused" and files["people_2.csv"].rows == 1
    with pytest.raises(ContractError) as stopped:
        stop_if_changed(files.values())
    assert str(stopped.value) == (
        "column NAME vanished: expected 3 columns, found 2 (people_2.csv): "
        "have it delivered as before, or change the feed's contract"
    )
    stop_if_changed([files["people_1.csv"]])


def test_a_file_that_was_landed_is_not_held_against_a_later_contract(deliver):
    folder = deliver(**{"people.csv": GOOD})
    wider = replace(PEOPLE, columns=(*PEOPLE.columns, "SHOE"))
    assert looked_at(folder, wider)["people.csv"].breaks_contract
    known = [scan(RawFile(folder / "people.csv", "people.csv")).file_hash]
    assert looked_at(folder, wider, known=known)["people.csv"].disposition == "duplicate"


def test_values_are_looked_at_packed_or_not(deliver):
    feed = replace(PEOPLE, columns=("ID", "NAME", "BORN_DT"))
    lines = b"ID|NAME|BORN_DT\n" + b"1|Ada|1815-12-10\n" * 20
    folder = deliver(**{"people_1.csv": lines, "people_2.csv.gz": gzip.compress(lines + b"\n")})
    files = looked_at(folder, feed)
    assert [file.breaks_contract for file in files.values()] == [True, True]
    assert files["people_2.csv.gz"].reason.startswith("column BORN_DT retyped")


def test_a_bad_file_does_not_keep_the_good_ones_out(deliver):
    folder = deliver(
        **{"people_1.csv": GOOD, "people_2.csv.gz": CUT, "people_3.csv": GOOD + b"3|Bo|"}
    )
    files = looked_at(folder)
    assert [file.disposition for file in files.values()] == ["landed", "refused", "landed"]


# What was seen before


def test_a_content_that_comes_twice_is_landed_once(deliver):
    folder = deliver(**{"people_1.csv": GOOD, "people_2.csv.gz": gzip.compress(GOOD)})
    files = looked_at(folder)
    assert files["people_1.csv"].disposition == "landed"
    assert files["people_2.csv.gz"].disposition == "duplicate"
    assert files["people_2.csv.gz"].reason == "same content as people_1.csv"


def test_a_content_landed_by_an_earlier_run_is_a_duplicate_under_any_name(deliver, tmp_path):
    known = scanned(tmp_path, GOOD).file_hash
    file = looked_at(deliver(**{"people_renamed.csv": GOOD}), known=[known])["people_renamed.csv"]
    assert (file.disposition, file.reason) == ("duplicate", "same content as an earlier run")


def test_which_of_two_is_the_duplicate_does_not_depend_on_the_order_they_come_in():
    files = [RawFile(Path(n), n, "people", file_hash="h") for n in ("b.csv", "a.csv")]
    for given in (files, files[::-1]):
        judged = {file.name: file.disposition for file in refuse_known(given)}
        assert judged == {"a.csv": "landed", "b.csv": "duplicate"}


def test_two_refused_files_are_no_duplicates_of_each_other(deliver):
    files = looked_at(deliver(**{"people_1.csv": b"", "people_2.csv": b""}))
    assert {file.disposition for file in files.values()} == {"refused"}


# A delivery


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: None, "the source folder does not exist"),
        (lambda folder: folder.write_text("a file"), "the source folder does not exist"),
        (lambda folder: folder.mkdir(), "the source folder is empty"),
        (lambda folder: (folder / "sub").mkdir(parents=True), "the source folder is empty"),
    ],
)
def test_a_folder_with_nothing_to_land_is_named(tmp_path, make, told):
    make(tmp_path / "raw")
    with pytest.raises(SourceError, match=f"{told} .*/raw"):
        survey(tmp_path / "raw", [PEOPLE])


def test_a_folder_without_a_file_of_the_domain_names_the_patterns(deliver):
    with pytest.raises(SourceError, match=r"no file of this domain's feeds .*people\.\*"):
        survey(deliver(**{"other.txt": "x"}), [PEOPLE])


def test_files_of_no_feed_are_told_and_not_read(deliver):
    files = looked_at(deliver(**{"people.csv": GOOD, "people.csv.bak": GOOD, "notes.txt": "x"}))
    assert {name for name, file in files.items() if file.disposition == "unclaimed"} == {
        "people.csv.bak",
        "notes.txt",
    }
    assert files["notes.txt"].feed is None and "no feed" in files["notes.txt"].reason


def test_each_file_goes_to_the_feed_of_its_name_in_subfolders_too(deliver):
    folder = deliver(**{"2024/01/people.csv": GOOD, "2024/plans_1.csv": "PLAN\nH1\n"})
    files = looked_at(folder, PEOPLE, PLANS)
    assert {name: file.feed for name, file in files.items()} == {
        "2024/01/people.csv": "people",
        "2024/plans_1.csv": "plans",
    }


def manifest(*names: str, timestamp: str = "2025-01-15T00:00:00Z") -> str:
    """CMS's manifest of these files."""
    entries = "".join(f'<entry name="{name}" type="X"/>' for name in names)
    return f'<m xmlns="http://cms.hhs.gov/x" timestamp="{timestamp}">{entries}</m>'


@pytest.mark.parametrize("timestamp", ["2025-01-15T03:00:00Z", "2025-01-14T22:00:00-05:00"])
def test_a_manifest_dates_the_files_beside_it_and_no_others(deliver, timestamp):
    folder = deliver(
        **{
            "january/manifest.xml": manifest(timestamp=timestamp),
            "january/people_1.csv": GOOD,
            "people_2.csv": GOOD + b"3|Bo|\n",
        }
    )
    files = looked_at(folder)
    assert files["january/people_1.csv"].delivered_at == datetime(2025, 1, 15, 3, tzinfo=UTC)
    assert files["people_2.csv"].delivered_at is None


def test_a_time_without_zone_is_utc_on_every_machine(deliver, monkeypatch):
    folder = deliver(
        **{"manifest.xml": manifest(timestamp="2025-01-15T03:00:00"), "people.csv": GOOD}
    )
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        file = looked_at(folder)["people.csv"]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert file.delivered_at == datetime(2025, 1, 15, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "no xml", "<m/>", "<m timestamp='yesterday'/>"])
def test_a_manifest_that_cannot_be_read_dates_nothing(deliver, text):
    files = looked_at(deliver(**{"manifest.xml": text, "people.csv": GOOD}))
    assert [(file.name, file.delivered_at) for file in files.values()] == [("people.csv", None)]


def test_what_the_manifest_lists_and_is_not_there_is_refused(deliver):
    listed = manifest("people_1.csv", "people_2.csv", "plans.csv")
    files = looked_at(deliver(**{"a/manifest.xml": listed, "a/people_1.csv": GOOD}))
    assert {name: file.disposition for name, file in files.items()} == {
        "a/people_1.csv": "landed",
        "a/people_2.csv": "refused",
    }
    assert files["a/people_2.csv"].reason == "the manifest lists it and it was not delivered"


def test_a_listed_file_may_come_packed(deliver):
    packed = {"manifest.xml": manifest("people.csv"), "people.csv.gz": gzip.compress(GOOD)}
    assert list(looked_at(deliver(**packed))) == ["people.csv.gz"]


def test_a_file_listed_as_packed_and_there_is_there(deliver):
    packed = {"manifest.xml": manifest("people.csv.gz"), "people.csv.gz": gzip.compress(GOOD)}
    assert list(looked_at(deliver(**packed))) == ["people.csv.gz"]


def test_a_delivery_of_a_manifest_alone_is_noticed(deliver):
    folder = deliver(**{"people_1.csv": GOOD, "february/manifest.xml": manifest("people_2.csv")})
    assert looked_at(folder)["february/people_2.csv"].disposition == "refused"
