"""Generated members are each another, and what held for the sample's persons holds for them."""

import csv
import gzip
import json
import shutil
from collections import Counter, defaultdict
from contextlib import nullcontext
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_ops.arrivals import land
from data_ops.cli import app
from data_ops.config import project_root
from data_ops.generate import DEFECTS, Models, generate
from data_ops.operations.amplify import Population, members, model_files
from data_ops.utils.errors import ParameterError, SourceError
from tests.integration.lakehouse import Lakehouse

SAMPLE = project_root() / "data/sample/rif"
CLEAN = Population(members=40, hot=0.05, switching=0.5)
SPOILED = Population(members=40, defects=0.03, late=0.05)


def rows(folder: Path, feed: str) -> list[dict[str, str]]:
    """All rows of a feed's files, read by Python."""
    found = []
    for path in sorted(folder.glob(f"**/{feed}*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += csv.DictReader(lines, delimiter="|", quoting=csv.QUOTE_NONE)
    return found


def day(text: str) -> datetime:
    return datetime.strptime(text, "%d-%b-%Y")


@pytest.fixture(scope="module")
def clean(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "raw"
    generate(spark, SAMPLE, folder, CLEAN)
    return folder


@pytest.fixture(scope="module")
def spoiled(spark, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoiled") / "raw"
    generate(spark, SAMPLE, folder, SPOILED)
    return folder


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Two of the sample's files."""
    folder = tmp_path_factory.mktemp("few")
    for name in ("beneficiary_2024", "pde"):
        shutil.copy(SAMPLE / f"{name}.csv.gz", folder)
    return folder


def test_every_file_has_the_samples_columns(clean):
    for feed in ("beneficiary_2024", *DEFECTS):
        if found := rows(clean, feed):
            assert list(found[0]) == list(rows(SAMPLE, feed)[0]), feed


def test_each_member_is_one_person_of_his_own(clean):
    found = rows(clean, "beneficiary_20")
    numbers = {row["BENE_ID"]: {row["MBI_NUM"], row["BENE_CRNT_HIC_NUM"]} for row in found}
    assert 36 <= len(numbers) <= 40  # a model may be in one year's file alone
    assert len(set.union(*numbers.values())) == 2 * len(numbers)
    assert len({(row["BENE_ID"], row["RFRNC_YR"]) for row in found}) == len(found)


def test_claims_are_those_of_members_and_no_two_claims_share_an_id(clean):
    known = {row["BENE_ID"] for row in rows(clean, "beneficiary_20")}
    for feed in ("carrier", "outpatient", "pde"):
        owners = defaultdict(set)
        for row in rows(clean, feed):
            owners[row["PDE_ID" if feed == "pde" else "CLM_ID"]].add(row["BENE_ID"])
        assert {len(owner) for owner in owners.values()} == {1}
        assert set.union(*owners.values()) <= known


def balances(folder: Path) -> Counter:
    """Does what was paid for a claim's lines add up to what was paid for the claim?"""
    paid, lines = {}, defaultdict(Decimal)
    for row in rows(folder, "carrier"):
        paid[row["CLM_ID"]] = Decimal(row["CLM_PMT_AMT"])
        lines[row["CLM_ID"]] += Decimal(row["LINE_NCH_PMT_AMT"])
    return Counter(abs(paid[claim] - lines[claim]) <= Decimal("0.01") for claim in paid)


def test_amounts_are_multiplied_and_sums_that_held_hold_to_the_cent(clean):
    paid = defaultdict(set)
    for row in rows(SAMPLE, "carrier"):
        paid[row["CLM_ID"]].add((row["CLM_PMT_AMT"], row["LINE_NUM"], row["LINE_NCH_PMT_AMT"]))
    factors = defaultdict(set)
    for row in rows(clean, "carrier"):
        was = {line: (claim, own) for claim, line, own in paid[row["CLM_ID"][:-8]]}
        claim, own = map(Decimal, was[row["LINE_NUM"]])
        if claim and own:
            factors[row["BENE_ID"]] |= {
                Decimal(row["CLM_PMT_AMT"]) / claim,
                Decimal(row["LINE_NCH_PMT_AMT"]) / own,
            }
    assert {len(found) for found in factors.values()} == {1}  # one severity a member
    assert len(set.union(*factors.values())) > 3
    assert balances(clean)[True] > 0


def test_a_members_days_all_move_by_the_same_number(clean):
    began = {row["CLM_ID"]: day(row["CLM_FROM_DT"]) for row in rows(SAMPLE, "outpatient")}
    moved = defaultdict(set)
    for row in rows(clean, "outpatient"):
        assert day(row["CLM_FROM_DT"]) <= day(row["CLM_THRU_DT"]) <= day(row["NCH_WKLY_PROC_DT"])
        moved[row["BENE_ID"]].add((began[row["CLM_ID"][:-8]] - day(row["CLM_FROM_DT"])).days)
    assert {len(days) for days in moved.values()} == {1}
    assert len(set.union(*moved.values())) > 5 and max(set.union(*moved.values())) < 28


def test_a_hot_members_claims_come_ten_times(clean):
    copies = Counter(row["PDE_ID"][-1] for row in rows(clean, "pde"))
    assert copies["0"] > copies["1"] == copies["9"] > 0


def test_who_changes_his_plan_has_the_other_one_from_january_on_and_fills_under_it(clean):
    months = "JAN FEB MAR APR MAY JUN JUL AUG SEPT OCT NOV DEC".split()
    plans = {}
    for row in rows(clean, "beneficiary_20"):
        for number, name in enumerate(months, start=1):
            plans[row["BENE_ID"], int(row["RFRNC_YR"]), number] = row[f"PTD_CNTRCT_{name}_ID"]
    changes = defaultdict(set)
    for (person, year, number), plan in plans.items():
        before = plans.get((person, year - 1, 12) if number == 1 else (person, year, number - 1))
        if before and plan and before != plan and plan[0] == before[0] == "Z":
            changes[person].add(number)
    assert any(months == {1} for months in changes.values())
    fills = [(row, day(row["SRVC_DT"])) for row in rows(clean, "pde")]
    same = [
        plans.get((row["BENE_ID"], at.year, at.month)) == row["PLAN_CNTRCT_REC_ID"]
        for row, at in fills
    ]
    assert sum(same) > 0.9 * len(same)


def test_a_few_members_bring_most_of_the_spend(spark):
    """Of Medicare's: one in a hundred a fifth, one in twenty half, the lower half 3 in 100."""
    models = Models(spark, model_files(SAMPLE, DEFECTS))
    spend = Counter()
    for feed, column in {"carrier": "CLM_PMT_AMT", "outpatient": "CLM_PMT_AMT"}.items():
        claims = {(r["BENE_ID"], r["CLM_ID"]): Decimal(r[column]) for r in rows(SAMPLE, feed)}
        for (person, _), paid in claims.items():
            spend[person] += paid
    known = {row._model: float(spend[row._person]) for row in models.ids.collect()}
    drawn = members(spark, Population(members=20_000), models.number, 2)
    chosen = drawn.select("_model", "_severity", "_use").collect()
    ranked = sorted((known[r._model] * r._severity * r._use for r in chosen), reverse=True)
    share = [sum(ranked[: int(len(ranked) * part)]) / sum(ranked) for part in (0.01, 0.05, 0.5)]
    assert 0.17 < share[0] < 0.30 and 0.42 < share[1] < 0.58 and 0.93 < share[2] < 0.98, share


def test_one_seed_makes_one_population_however_it_is_spread(spark, few, tmp_path):
    plan = Population(members=6, defects=0.02)
    for name, seed in {"once": 1, "again": 1, "other": 2}.items():
        plan = Population(members=6, defects=0.02, seed=seed)
        generate(spark, few, tmp_path / name, plan, format="csv")
    files = {
        name: {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*.*")
        }
        for name in ("once", "again", "other")
    }
    assert files["once"] == files["again"] != files["other"]
    few, many = (members(spark, plan, 300, parts).where("_member < 6") for parts in (1, 5))
    assert sorted(few.collect()) == sorted(many.collect())


def test_defects_are_those_of_the_truth(spoiled):
    truth = json.loads((spoiled / "truth.json").read_text())["injected"]
    first, second = spoiled / "1", spoiled / "2"
    carrier, later = rows(first, "carrier"), rows(second, "carrier")
    claims = {row["CLM_ID"] for row in carrier + later if row["CLM_PMT_AMT"] == "12,50"}
    assert len(claims) == truth["carrier"]["unreadable_amount"] > 0
    voids = {row["CLM_ID"] for row in later if row["CARR_CLM_ENTRY_CD"] == "3"}
    assert len(voids) == truth["carrier"]["void"] > 0
    assert {claim[:-1] for claim in voids} <= {row["CLM_ID"] for row in carrier + later}
    denied = {row["CLM_ID"] for row in carrier + later if row["CARR_CLM_PMT_DNL_CD"] == "0"}
    assert len(denied) == truth["carrier"]["denied_claim"] > 0
    reversed_ = [row for row in rows(second, "pde") if row["ADJSTMT_DLTN_CD"] == "D"]
    assert len(reversed_) == truth["pde"]["reversal"] > 0
    merged = {row["NEW_BENE_ID"] for row in rows(first, "person_crosswalk")}
    assert len(merged) == truth["person_crosswalk"].get("merged", 0)
    known = {row["BENE_ID"] for row in rows(spoiled, "beneficiary_20")}
    old = {row["OLD_BENE_ID"] for row in rows(first, "person_crosswalk")}
    strangers = {row["CLM_ID"] for row in carrier + later if row["BENE_ID"] not in known | old}
    assert len(strangers) == truth["carrier"]["orphan"] > 0


def test_a_share_of_the_claims_comes_in_the_second_delivery(spark, few, tmp_path):
    generate(spark, few, tmp_path / "raw", Population(members=30, late=0.1))
    first, second = (rows(tmp_path / "raw" / name, "pde") for name in "12")
    assert 0.05 < len(second) / len(first + second) < 0.15
    assert not {row["PDE_ID"] for row in first} & {row["PDE_ID"] for row in second}


def test_a_run_lands_every_file(spark, spoiled):
    lakehouse = Lakehouse(spark, spoiled, name="generated").of("claims")
    land(lakehouse.context(), spoiled)
    ledger = lakehouse.table("row_ledger").where("file_hash <> ''").collect()
    found = Counter(row.disposition for row in ledger)
    assert set(found) <= {"landed", "unclaimed"}
    feeds = {feed.table: feed.name for feed in lakehouse.domain.feeds}
    for table, feed in feeds.items():
        assert lakehouse.table(table).count() == len(rows(spoiled, feed)), table


@pytest.mark.parametrize(
    ("plan", "format", "message"),
    [
        (Population(members=0), "csv", "0 members cannot be made"),
        (Population(members=10), "xml", "format 'xml' is not known"),
    ],
)
def test_what_cannot_be_made_is_told(spark, tmp_path, plan, format, message):
    with pytest.raises(ParameterError, match=message):
        generate(spark, SAMPLE, tmp_path / "raw", plan, format)


def test_a_folder_with_something_in_it_is_left_alone(spark, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ParameterError, match="the target is not empty"):
        generate(spark, SAMPLE, tmp_path, CLEAN)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_source_without_members_is_told(spark, tmp_path):
    (tmp_path / "pde.csv").write_text("BENE_ID|PDE_ID\n1|2\n")
    with pytest.raises(SourceError, match="no beneficiary file"):
        generate(spark, tmp_path, tmp_path / "raw", CLEAN)


def test_the_command_writes_the_files_and_says_what_to_do_with_them(
    spark, few, tmp_path, monkeypatch
):
    monkeypatch.setattr("data_ops.utils.spark.local_spark", lambda root: nullcontext(spark))
    target = str(tmp_path / "raw")
    done = CliRunner().invoke(
        app, ["generate", "--members", "5", "--to", target, "--source", str(few)]
    )
    assert done.exit_code == 0, done.output
    assert f"run them: data-ops run --source {target}" in done.output
    assert len(rows(tmp_path / "raw", "beneficiary_2024")) == 5


def test_a_mistake_is_told_before_spark_is_started(tmp_path):
    done = CliRunner().invoke(app, ["generate", "--members", "0", "--to", str(tmp_path / "raw")])
    assert isinstance(done.exception, ParameterError)
