"""Bad input never vanishes and never corrupts: small deliveries cut from the sample and damaged."""

import gzip
import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from data_ops.operations.quality import on, row_rule, set_rule
from data_ops.runs import Outcome
from data_ops.utils.errors import DataOpsError, QualityError, SourceError
from data_ops.utils.logging import configure
from tests.integration.commands import own_log
from tests.integration.lakehouse import SAMPLE, Lakehouse

with gzip.open(SAMPLE / "beneficiary_2021.csv.gz", "rt", encoding="utf-8") as _text:
    HEADER, *LINES = _text.read().splitlines()
COLUMNS = HEADER.split("|")
TABLES = ("silver_demographics", "silver_enrollment", "silver_eligibility", "gold_coverage_gaps")


def person(nth: int, **changes: str) -> dict[str, str]:
    """The sample's nth person of 2021, column by column."""
    return dict(zip(COLUMNS, LINES[nth].split("|"), strict=True)) | changes


def text(*rows: dict[str, str], columns: list[str] = COLUMNS, separator: str = "|") -> str:
    lines = [separator.join(columns)]
    lines += [separator.join(row[name] for name in columns) for row in rows]
    return "\n".join(lines) + "\n"


def truncated(content: str) -> bytes:
    whole = gzip.compress(content.encode())
    return whole[: len(whole) * 2 // 3]


def deliver(folder: Path, **files: str | bytes) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name.replace("__", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


REORDERED = list(reversed(COLUMNS))
WIDER = [*COLUMNS[:3], "SHOE_SIZE", *COLUMNS[3:]]

# file → content
MIXED = {
    "beneficiary_2001__csv": text(person(0), person(1)),
    "beneficiary_2002__csv": text(person(2), person(3), columns=REORDERED),
    "beneficiary_2003__csv": text(person(4, SHOE_SIZE="44"), columns=WIDER),
    "beneficiary_2004__csv": "",
    "beneficiary_2005__csv": HEADER + "\n",
    "beneficiary_2006__csv": text(person(5), separator=","),
    "beneficiary_2007__csv": text(person(6), person(7)).partition("\n")[2],
    "beneficiary_2008__csv__gz": truncated(text(*map(person, range(7, 40)))),
    "beneficiary_2009__csv": text(person(0), person(1)),
    "notes__txt": "call the sender",
}
# file → disposition, rows, what the reason says
ACCOUNT = {
    "beneficiary_2001.csv": ("landed", 2, ""),
    "beneficiary_2002.csv": ("landed", 2, ""),
    "beneficiary_2003.csv": ("landed", 1, ""),
    "beneficiary_2004.csv": ("refused", 0, "empty"),
    "beneficiary_2005.csv": ("refused", 0, "no row"),
    "beneficiary_2006.csv": ("refused", 1, "wrong delimiter"),
    "beneficiary_2007.csv": ("refused", 1, "it is no header"),
    "beneficiary_2008.csv.gz": ("refused", 0, "truncated"),
    "beneficiary_2009.csv": ("duplicate", 2, "same content as beneficiary_2001.csv"),
    "notes.txt": ("unclaimed", 0, "no feed"),
}

# Values that must appear in no log line, message or operations table.
SECRETS = ("Zyxwvutsky", "Quuxbert", "1S99Q99QQ99", "31-Feb-1877", "-7777777")
NOBODY = {"BENE_SRNM_NAME": SECRETS[0], "BENE_GVN_NAME": SECRETS[1], "MBI_NUM": SECRETS[2]}
SECOND = {
    "beneficiary_2010__csv": text(
        person(50, BENE_BIRTH_DT=SECRETS[3], BENE_ID=SECRETS[4], **NOBODY),
        person(51, DEATH_DT="soon"),
        person(53, BENE_ID=" ", **NOBODY),
    )
    + "|".join(NOBODY.values())
    + "\n",
    "beneficiary_2011__csv": text(person(0), person(1)),  # landed earlier as 2001
    "beneficiary_2012__csv": text(person(52, RFRNC_YR="MMXXI", BENE_ID="-8888888", **NOBODY)),
}

BROKEN = on(
    "silver_demographics",
    row_rule("nobody_is_called_so", "fail", f"last_name <> '{SECRETS[0]}'", "a rule to be broken"),
)
BROKEN_SET = on(
    "gold_coverage_gaps",
    set_rule(
        "no_such_gap", "fail", "SELECT 1 FROM gold_coverage_gaps UNION ALL SELECT 1", "broken"
    ),
)
RAISING = on(
    "silver_demographics",
    row_rule("raises", "fail", "raise_error(last_name) IS NULL", "Spark's message quotes the name"),
)


@dataclass
class Deliveries:
    """Two deliveries after each other, and what was seen on the way."""

    lakehouse: Lakehouse
    first: list[Outcome] = field(default_factory=list)
    second: list[Outcome] = field(default_factory=list)
    errors: dict[str, DataOpsError] = field(default_factory=dict)
    before: dict = field(default_factory=dict)  # state of the tables before the rules were broken
    after: dict = field(default_factory=dict)  # and after
    log: str = ""

    def attempt(self, name: str, rules: tuple, *tables: str) -> None:
        """Build under rules that are sure to stop it."""
        domain = self.lakehouse.domain
        strict = replace(domain, rules=domain.rules + rules)
        self.lakehouse.domain = strict
        try:
            with pytest.raises(DataOpsError) as stopped:
                self.lakehouse.build(*tables)
            self.errors[name] = stopped.value
        finally:
            self.lakehouse.domain = domain

    def state(self) -> dict:
        versions = self.lakehouse.versions()
        contents = {name: rows(self.lakehouse, name) for name in TABLES}
        return {"versions": versions, "contents": contents}


def rows(lakehouse: Lakehouse, table: str) -> list[str]:
    return sorted(map(str, lakehouse.table(table).collect()))


@pytest.fixture(scope="module")
def deliveries(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deliveries")
    log = io.StringIO()
    with own_log():
        configure("DEBUG", log)
        told = Deliveries(Lakehouse(spark, deliver(folder / "first", **MIXED), name="bad"))
        told.first = told.lakehouse.land() + told.lakehouse.build(
            "silver_person_crosswalk", *TABLES
        )
        told.lakehouse.source = deliver(folder / "second", **SECOND)
        told.second = told.lakehouse.land()
        told.before = told.state()
        told.attempt("row", BROKEN, "silver_demographics")
        told.attempt("raised", RAISING, "silver_demographics")
        told.after = told.state()
        told.second += told.lakehouse.build("silver_demographics", "silver_enrollment")
        told.attempt("set", BROKEN_SET, "silver_eligibility", "gold_coverage_gaps")
        told.log = log.getvalue()
    return told


def ledger(deliveries: Deliveries, run: str) -> dict[str, tuple]:
    """File → what became of it, in the first or the second run that landed files."""
    table = deliveries.lakehouse.table("row_ledger")
    found = table.where("table_name IN ('bronze_beneficiary', 'files')").collect()
    runs = sorted({row.run_id for row in found}, key=lambda name: int(name.rpartition("-")[2]))
    wanted = runs[("first", "second").index(run)]
    return {
        row.input_name: (row.disposition, row.row_count, row.reason)
        for row in found
        if row.run_id == wanted
    }


# ------------------------------------------------------------------------------------- deliveries


def test_a_folder_that_is_not_there_is_named(spark, tmp_path):
    with pytest.raises(SourceError, match=f"does not exist.*{tmp_path}/nowhere.*--source"):
        Lakehouse(spark, tmp_path / "nowhere").land()


def test_an_empty_folder_is_an_error(spark, tmp_path):
    with pytest.raises(SourceError, match="source folder is empty"):
        Lakehouse(spark, tmp_path).land()


def test_a_folder_of_other_files_is_an_error(spark, tmp_path):
    with pytest.raises(SourceError, match="no file of this domain's feeds"):
        Lakehouse(spark, deliver(tmp_path / "x", notes__txt="call")).land()


def test_a_delivery_without_a_good_file_is_an_error_and_on_record(spark, tmp_path):
    folder = deliver(tmp_path / "x", beneficiary_2001__csv="", beneficiary_2002__csv=HEADER)
    lakehouse = Lakehouse(spark, folder, name="none")
    with pytest.raises(SourceError, match=r"no file could be landed.*beneficiary_2001\.csv"):
        lakehouse.land()
    found = lakehouse.table("row_ledger").select("input_name", "disposition").collect()
    assert sorted(map(tuple, found)) == [
        ("beneficiary_2001.csv", "refused"),
        ("beneficiary_2002.csv", "refused"),
    ]
    assert lakehouse.table("bronze_beneficiary").isEmpty()


def test_a_refresh_that_would_lose_a_file_stops_and_leaves_what_is_there(spark, tmp_path):
    folder = deliver(tmp_path / "x", **dict(list(MIXED.items())[:2]))
    lakehouse = Lakehouse(spark, folder, name="refresh")
    lakehouse.land()
    before, versions = lakehouse.table("bronze_beneficiary").collect(), lakehouse.versions()
    (folder / "beneficiary_2001.csv").rename(tmp_path / "beneficiary_2001.csv")
    (folder / "beneficiary_2002.csv").write_bytes(b"DML_IND,BENE_ID\n")
    for refresh in ({"full_refresh": True}, {"refresh": ("bronze_beneficiary",)}):
        with pytest.raises(SourceError, match=r"would lose .*\(and 1 more files\).*_2001\.csv"):
            lakehouse.land(**refresh)
    assert lakehouse.versions() == versions
    assert lakehouse.table("bronze_beneficiary").collect() == before
    deliver(tmp_path / "x/again", **dict(list(MIXED.items())[:2]))
    (folder / "beneficiary_2002.csv").unlink()
    outcome = lakehouse.land(full_refresh=True)[0]
    assert (outcome.inserted, outcome.rows_out) == (4, 4)


def test_a_manifest_that_comes_after_its_files_dates_them(spark, tmp_path):
    """By name the original would be the later one."""
    folder = tmp_path / "x"
    for name, city in (("z", "Boston"), ("a", "Salem")):
        deliver(folder / name, beneficiary_2021__csv=text(person(0, CITY_NAME=city)))
    lakehouse = Lakehouse(spark, folder, name="late_manifest")

    def cities() -> list[str]:
        lakehouse.build("silver_person_crosswalk", "silver_demographics")
        return [row.city for row in lakehouse.table("silver_demographics").collect()]

    lakehouse.land()
    assert cities() == ["Boston"]
    for name, day in (("z", "2024-01-31T08:00:00"), ("a", "2024-02-29T08:00:00+02:00")):
        (folder / name / "manifest.xml").write_text(f'<dataSetManifest timestamp="{day}"/>')
    assert lakehouse.land()[0].state == "written"
    assert cities() == ["Salem"]
    found = lakehouse.table("bronze_beneficiary").selectExpr("CAST(_delivered_at AS STRING)")
    assert {row[0] for row in found.collect()} == {"2024-01-31 08:00:00", "2024-02-29 06:00:00"}
    before = lakehouse.versions()
    assert lakehouse.land()[0].state == "up_to_date"
    assert lakehouse.versions() == before


def test_a_byte_order_mark_is_no_part_of_the_header(spark, tmp_path):
    folder = deliver(tmp_path / "x", beneficiary_2001__csv="\ufeff" + text(person(0)))
    lakehouse = Lakehouse(spark, folder, name="mark")
    lakehouse.land()
    found = lakehouse.table("bronze_beneficiary").select("DML_IND", "BENE_ID").collect()
    assert list(map(tuple, found)) == [(person(0)["DML_IND"], person(0)["BENE_ID"])]


@pytest.mark.parametrize("file", ACCOUNT)
def test_a_file_is_landed_or_set_aside_with_a_reason(file, deliveries):
    disposition, number, reason = ledger(deliveries, "first")[file]
    assert (disposition, number) == ACCOUNT[file][:2]
    assert ACCOUNT[file][2] in reason
    assert bool(reason) == (disposition != "landed")


def test_the_ledger_names_every_file_once(deliveries):
    assert ledger(deliveries, "first").keys() == ACCOUNT.keys()


def test_good_files_go_on_beside_bad_ones(deliveries):
    states = {outcome.table: (outcome.state, outcome.rows_out) for outcome in deliveries.first}
    assert states["bronze_beneficiary"] == ("written", 5)
    assert states["silver_demographics"] == ("written", 5)


def test_columns_are_taken_by_name_whatever_their_order_and_number(deliveries):
    found = deliveries.lakehouse.table("bronze_beneficiary").where(
        "_source_file <= 'beneficiary_2003.csv'"
    )
    told = {row.BENE_ID: row for row in found.collect()}
    for nth in range(5):
        sent = person(nth)
        row = told[sent["BENE_ID"]]
        assert {name: row[name] or "" for name in COLUMNS} == sent
    extra = told[person(4)["BENE_ID"]]
    assert json.loads(extra["_rescued_data"]) == {"SHOE_SIZE": "44"}
    assert told[person(2)["BENE_ID"]]["_rescued_data"] is None


def test_a_file_landed_earlier_is_refused_under_any_name(deliveries):
    told = ledger(deliveries, "second")
    assert told["beneficiary_2011.csv"] == ("duplicate", 2, "same content as an earlier run")
    assert told["beneficiary_2010.csv"][:2] == ("landed", 4)
    assert deliveries.lakehouse.table("bronze_beneficiary").count() == 10


# ------------------------------------------------------------------------------------------- rows


def test_a_bad_date_loses_a_date_and_no_row(deliveries):
    table = deliveries.lakehouse.table("silver_demographics")
    found = {row.person_id: row for row in table.collect()}
    assert found[SECRETS[4]].birth_date is None
    assert found[SECRETS[4]].mbi == SECRETS[2]
    assert found[person(51)["BENE_ID"]].death_date is None


def test_rows_of_nobody_or_of_no_time_are_set_aside_as_they_were_sent(deliveries):
    table = deliveries.lakehouse.table("silver_demographics_quarantine")
    told = {tuple(sorted(row["_reasons"])): row["_raw"] for row in table.collect()}
    assert told.keys() == {
        ("effective_from_present",),
        ("person_id_present",),
        ("effective_from_present", "person_id_present"),
    }
    assert json.loads(told["effective_from_present",])["RFRNC_YR"] == "MMXXI"
    assert json.loads(told["person_id_present",])["BENE_SRNM_NAME"] == SECRETS[0]
    assert told["effective_from_present", "person_id_present"] == "|".join(NOBODY.values())


@pytest.mark.parametrize("table", ["silver_demographics", "silver_enrollment"])
def test_every_row_meets_one_end(table, deliveries):
    outcome = next(outcome for outcome in deliveries.second if outcome.table == table)
    ends = {entry.disposition: entry.row_count for entry in outcome.entries}
    assert sum(ends.values()) == 10
    assert ends["quarantined"] == 3


def test_a_warning_counts_the_bad_date(deliveries):
    outcome = next(o for o in deliveries.second if o.table == "silver_demographics")
    told = {metric.rule: (metric.failed, metric.verdict) for metric in outcome.metrics}
    assert told["birth_date_plausible"] == (1, "warned")


# ------------------------------------------------------------------------------------- fail rules


def test_a_broken_fail_rule_is_named_with_its_count(deliveries):
    error = deliveries.errors["row"]
    assert isinstance(error, QualityError)
    assert "nobody_is_called_so (1)" in str(error)
    assert "silver_demographics" in str(error)


def test_a_broken_fail_rule_leaves_table_and_quarantine_as_they_were(deliveries):
    assert deliveries.after == deliveries.before


def test_a_broken_set_rule_stops_a_gold_table(deliveries):
    assert isinstance(deliveries.errors["set"], QualityError)
    assert "no_such_gap" in str(deliveries.errors["set"])
    version = deliveries.lakehouse.versions()["gold_coverage_gaps"]
    assert version == deliveries.before["versions"]["gold_coverage_gaps"]


def test_failures_are_on_record(deliveries):
    failed = deliveries.lakehouse.table("run_log").where("state = 'failed'")
    told = {row.table_name: row.message for row in failed.collect()}
    assert told.keys() == {"silver_demographics", "gold_coverage_gaps"}
    metrics = deliveries.lakehouse.table("quality_metrics").where("verdict = 'failed'")
    assert {row.rule for row in metrics.collect()} == {"nobody_is_called_so", "no_such_gap"}


# -------------------------------------------------------------------------------------------- PHI


def test_no_value_of_the_data_in_a_log_line(deliveries):
    assert '"event": "task failed"' in deliveries.log
    assert not [secret for secret in SECRETS if secret in deliveries.log]


@pytest.mark.parametrize("which", ["row", "raised", "set"])
def test_no_value_of_the_data_in_an_error(which, deliveries):
    message = str(deliveries.errors[which])
    assert message
    assert not [secret for secret in SECRETS if secret in message]


@pytest.mark.parametrize("table", ["run_log", "row_ledger", "quality_metrics"])
def test_no_value_of_the_data_in_an_operations_table(table, deliveries):
    told = "\n".join(rows(deliveries.lakehouse, table))
    assert "silver_demographics" in told
    assert not [secret for secret in SECRETS if secret in told]
