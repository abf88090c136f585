"""`data-ops run` as a person types it: mistakes, whole runs and those after them, a killed one."""

import json
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

from data_ops.bundle import load_bundle
from data_ops.config import DOMAINS, project_root
from data_ops.runs import get_domain
from data_ops.utils.spark import register_tables
from tests.integration import deltas
from tests.integration.commands import (
    assert_one_clear_line,
    command,
    data_ops,
    here,
    start,
    story,
    until,
)
from tests.integration.lakehouse import names_of
from tests.integration.parity import contents
from tests.integration.planted import TAIL, TOKEN, VALUES, leaks, plant
from tests.pages import Page, self_contained

TASKS = {
    job.key: {task.task_key for task in job.tasks}
    for job in load_bundle().jobs
    if job.key in DOMAINS
}
NUMBER = sum(map(len, TASKS.values()))


def report_of(done: subprocess.CompletedProcess) -> str:
    """The page that the last line of a run names."""
    return Path(done.stdout.splitlines()[-1].removeprefix("report: ")).read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------- mistakes

# case → arguments, what the line must name
MISTAKES = {
    "unknown environment": (["run", "member", "--env", "nowhere"], ["environment"]),
    "unknown job": (["run", "membre"], ["'membre'", "member"]),
    "unknown task": (["run", "member", "--task", "silver"], ["'silver'", "silver_enrollment"]),
    "unknown parameter": (
        ["run", "member", "--param", "full_refesh=true"],
        ["'full_refesh'", "full_refresh"],
    ),
    "parameter without a value": (["run", "member", "--param", "full_refresh"], ["name=value"]),
    "parameter of the wrong type": (
        ["run", "member", "--param", "full_refresh=maybe"],
        ["'full_refresh'", "bool", "correct the value"],
    ),
    "unknown table to refresh": (
        ["run", "member", "--refresh-table", "silver_demografics"],
        ["'silver_demografics'", "silver_demographics"],
    ),
    "a day that there is not": (["run", "--from", "2024-02-30"], ["date_from", "2024-01-31"]),
    "days the wrong way round": (
        ["run", "--from", "2024-02-01", "--to", "2024-01-01"],
        ["2024-02-01", "exchange"],
    ),
    "an unknown kind of days": (
        ["run", "--from", "2024-02-01", "--by", "payment"],
        ["'payment'", "service or delivery"],
    ),
    "a kind of days and no days": (["run", "--by", "delivery"], ["--by", "--from or --to"]),
    "missing source": (["run", "member", "--source", "no/such/folder"], ["no/such/folder"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_nothing_is_started(case, tmp_path):
    arguments, words = MISTAKES[case]
    done = here(*arguments, "--root", tmp_path / "root")
    assert_one_clear_line(done, "data-ops: ", *words)
    assert not (tmp_path / "root").exists()


def test_a_root_that_cannot_be_is_told_in_one_line(tmp_path):
    root = tmp_path / "file"
    root.write_text("no folder")
    for arguments in (("run", "member"), ("maintain",), ("quarantine", "list")):
        assert_one_clear_line(here(*arguments, "--root", root), "data-ops: ", "file")


def test_without_a_source_a_run_takes_the_one_that_the_environment_names(tmp_path):
    same = ("run", "member", "--root", tmp_path / "root", "--dry-run")
    assert f"source={tmp_path}," in here(*same, SOURCE=str(tmp_path)).stdout
    elsewhere = here(*same, "--env", "dev", SOURCE="/Volumes/dev_catalog/dev_ops/raw")
    assert f"source={project_root() / 'data/sample/rif'}," in elsewhere.stdout


def test_without_env_a_run_takes_the_environment_that_is_set(tmp_path):
    same = ("run", "member", "--root", tmp_path / "root", "--dry-run")
    assert "environment=staging," in here(*same, ENVIRONMENT="staging").stdout
    assert "environment=dev," in here(*same, "--env", "dev", ENVIRONMENT="staging").stdout
    assert_one_clear_line(here(*same, ENVIRONMENT="nowhere"), "data-ops: ", "environment")


def test_no_java_is_told_in_one_line(tmp_path):
    done = data_ops("run", "member", "--root", tmp_path, PATH="", JAVA_HOME="")
    assert_one_clear_line(done, "Java was not found", "install a Java 17")


def test_a_dry_run_shows_the_plan_and_starts_nothing(tmp_path):
    """Without Java, too."""
    arguments = ("run", "member", "--root", tmp_path / "root", "--dry-run")
    done = here(*arguments, "--param", "full_refresh=true", PATH="", JAVA_HOME="")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"^member/(\w+)", done.stdout, re.MULTILINE)) == TASKS["member"]
    assert "member/gold  after silver_eligibility" in done.stdout
    assert "full_refresh=true" in done.stdout
    assert f"source={project_root() / 'data/sample/rif'}," in done.stdout
    assert not (tmp_path / "root").exists()


# ------------------------------------------------------------------------------------ whole runs


@dataclass(frozen=True)
class Warm:
    """A lakehouse whose commands find this process's warm Spark: one start for them all."""

    spark: SparkSession
    root: Path
    schemas: str  # what their names begin with

    def names(self) -> dict[str, str]:
        """Job parameter → schema."""
        return {f"{name}_schema": f"{self.schemas}_{name}" for name in (*DOMAINS, "ops")}

    @contextmanager
    def local_spark(self, root: Path, log: Path | None = None) -> Iterator[SparkSession]:
        """In place of a Spark of the command's own."""
        for schema in self.names().values():
            place = f"LOCATION '{root}/warehouse/{schema}.db'"
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema} {place}")
        register_tables(self.spark, root)
        yield self.spark

    def __call__(self, *arguments: object, **changes: str) -> subprocess.CompletedProcess:
        with pytest.MonkeyPatch.context() as patch:
            for module in ("data_ops.utils.spark", "data_ops.runner"):
                patch.setattr(f"{module}.local_spark", self.local_spark)
            return here(*arguments, "--root", self.root, **changes)

    def lines(self, *arguments: str, **changes: str) -> list[str]:
        """What a command that goes well prints under its titles."""
        done = self(*arguments, **changes)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return done.stdout.splitlines()[1:]

    def forget(self) -> None:
        """Other tests may make tables under these names."""
        for schema in self.names().values():
            self.spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@dataclass
class Ran:
    """A run on a root, and what its tables hold afterwards."""

    root: Path
    source: Path
    done: subprocess.CompletedProcess
    versions: dict[str, int] = field(init=False)
    data: dict[str, list] = field(init=False)

    def __post_init__(self):
        found = deltas.tables(self.root)
        self.versions = {name: deltas.version(folder) for name, folder in found.items()}
        self.data = deltas.contents(self.root)

    @property
    def id(self) -> str:
        return Path(self.done.stdout.splitlines()[-1]).parent.name


@pytest.fixture(scope="module")
def warm(spark, tmp_path_factory):
    lakehouse = Warm(spark, tmp_path_factory.mktemp("whole") / "root", "local")
    yield lakehouse
    lakehouse.forget()


@pytest.fixture(scope="module")
def source(mutated_rif, tmp_path_factory):
    """The first delivery, and a file that is nobody's."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(mutated_rif[0] / "1", folder / "1")
    (folder / "notes.txt").write_text("call the sender\n")
    return folder


@pytest.fixture(scope="module")
def first(warm, source):
    """From nothing."""
    done = warm("run", "--source", source, DATABRICKS_TOKEN=TOKEN)
    return Ran(warm.root, source, done)


@pytest.fixture(scope="module")
def again(warm, first):
    """With nothing new."""
    return Ran(warm.root, first.source, warm("run", "--source", first.source))


def of_the_data(tables: dict) -> dict:
    """Without the operations tables, which each run adds to."""
    return {name: told for name, told in tables.items() if "_ops." not in name}


def plain(name: str) -> str:
    """A table's name without its schema."""
    return name.rpartition(".")[2]


def test_a_run_from_nothing_builds_every_table(first):
    assert (first.done.returncode, first.done.stderr) == (0, "")
    names = {name for job in TASKS for name in names_of(get_domain(job))}
    assert {plain(name) for name in of_the_data(first.versions)} == names
    empty = {plain(name) for name, rows in of_the_data(first.data).items() if not rows}
    assert empty < {name for name in names if name.endswith("_quarantine")} | NEVER_SENT


NEVER_SENT = {"bronze_beneficiary_history"}


def raw(source: Path, job: str) -> dict[str, int]:
    """Raw file → its rows, of the files of a domain."""
    patterns = [feed.pattern for feed in get_domain(job).feeds]
    ours = [
        path
        for path in source.rglob("*.csv")
        if any(re.fullmatch(one, path.name) for one in patterns)
    ]
    return {str(path): path.read_bytes().count(b"\n") - 1 for path in ours}


def test_the_closing_table_counts_rows(first):
    told = re.findall(r"^✓\s+(\w+)/(\w+)\s+([\d,]+)", first.done.stdout, re.MULTILINE)
    assert {(job, task) for job, task, _ in told} == {(j, t) for j in TASKS for t in TASKS[j]}
    counts = {(job, task): int(count.replace(",", "")) for job, task, count in told}
    for job in TASKS:
        assert counts[job, "bronze"] == sum(raw(first.source / "1", job).values())


def test_claims_run_after_members(first):
    begun = re.findall(r"^(running|done)\s+(\w+)/", first.done.stdout, re.MULTILINE)
    assert begun.index(("running", "claims")) > max(
        nth for nth, event in enumerate(begun) if event == ("done", "member")
    )


def test_a_run_with_nothing_new_makes_no_new_version_of_a_table(first, again):
    assert (again.done.returncode, again.done.stderr) == (0, "")
    assert of_the_data(again.versions) == of_the_data(first.versions)


def test_executed_notebooks_log_and_summary_are_kept(again):
    runs = sorted((again.root / "runs").iterdir())
    assert len(runs) == 2  # the run that was turned away left none
    for run in runs:
        for job, tasks in TASKS.items():
            assert {path.stem for path in (run / job).glob("*.ipynb")} == tasks
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        assert [task["state"] for task in summary["tasks"]] == ["done"] * NUMBER
        events = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
        assert {event["run_id"] for event in events} == {run.name}


def test_a_run_leaves_a_report_that_opens_from_disk_and_shows_nobody(first):
    html = report_of(first.done)
    assert self_contained(html) == [] and len(html) < 2_000_000
    text = Page(html).text
    covered = f"Part A {members_at_last(first, 'PART_A')}"
    for told in (f"{NUMBER} of {NUMBER}", "bronze_carrier", "gold_pmpm", covered, "notes.txt"):
        assert told in text


def members_at_last(ran: Ran, part: str) -> int:
    """Persons with that coverage in the latest month."""
    contract = get_domain("member").table("gold_member_months").contract
    month, kind = map(contract.names.index, ("coverage_month", "coverage_type"))
    rows = ran.data["local_member.gold_member_months"]
    last = max(row[month] for row in rows)
    return sum((row[month], row[kind]) == (last, part) for row in rows)


def test_the_report_of_a_run_with_nothing_new_says_so_and_where_the_files_went(again):
    text = Page(report_of(again.done)).text
    known = raw(again.source, "claims")
    assert "Nothing changed since run" in text
    assert f"known already: {sum(known.values()):,} rows, {len(known)} files" in text


def test_a_report_is_drawn_again_from_what_was_kept_without_spark(again):
    for run in sorted((again.root / "runs").iterdir()):
        before = (run / "report.html").read_text(encoding="utf-8")
        done = here("report", run.name, "--root", again.root, PATH="", JAVA_HOME="")
        assert (done.returncode, done.stderr, report_of(done)) == (0, "", before)


def test_an_unknown_run_has_no_report_and_is_told_with_those_there_are(first):
    known = {path.name for path in (first.root / "runs").iterdir()}
    done = here("report", "run-7", "--root", first.root)
    assert_one_clear_line(done, "'run-7'")
    assert any(name in done.stderr for name in known)


@pytest.mark.slow
def test_each_run_with_a_spark_of_its_own_makes_the_same_tables(first, tmp_path):
    """As a person types them."""
    root, typed = tmp_path / "root", ("run", "--source", first.source)
    ran = Ran(root, first.source, data_ops(*typed, "--root", root, DATABRICKS_TOKEN=TOKEN))
    assert (ran.done.returncode, ran.done.stderr) == (0, "")
    assert of_the_data(ran.data) == of_the_data(first.data)
    again = Ran(root, first.source, data_ops(*typed, "--root", root))
    assert (again.done.returncode, again.done.stderr) == (0, "")
    assert of_the_data(again.versions) == of_the_data(ran.versions)
    assert leaks(root, ran.done.stdout, again.done.stdout) == []


# --------------------------------------------------- other commands, and what comes later


def test_what_is_in_quarantine_is_listed_by_table_rule_and_file_without_a_persons_values(
    warm, again
):
    lines = warm.lines("quarantine", "list")
    counted = Counter(
        (plain(name).removesuffix("_quarantine"), rule)
        for name, path in deltas.tables(again.root).items()
        if name.endswith("_quarantine")
        for (reasons,) in deltas.rows(path, "_reasons")
        for rule in reasons
    )
    listed = Counter()
    for line in lines:
        table, rule, _, rows, *_ = line.split()
        listed[table, rule] += int(rows.replace(",", ""))
    assert listed == counted and listed["silver_enrollment", "keys_present"]
    assert [value for value in VALUES if value in "\n".join(lines)] == []


def test_a_replay_with_nothing_mended_releases_nothing(warm, again):
    found = {}
    for table, *counts in map(str.split, warm.lines("quarantine", "replay")):
        found[table] = [int(count.replace(",", "")) for count in counts]
    sizes = {
        plain(name).removesuffix("_quarantine"): len(rows)
        for name, rows in deltas.contents(warm.root).items()
        if name.endswith("_quarantine")
    }
    assert found == {table: [size, 0, 0, size] for table, size in sizes.items()}


@pytest.mark.slow
def test_a_dry_restore_names_every_table_that_changed_and_of_an_unknown_run_those_there_are(
    warm, first, again
):
    *lines, told = map(str.split, warm.lines("restore", first.id, "--dry-run"))
    changed = {name for name, rows in of_the_data(first.data).items() if rows}
    assert {name for name, *numbers in lines if numbers[-1] == "0"} == changed
    assert first.id in " ".join(told)
    assert_one_clear_line(warm("restore", "run-7"), "'run-7'", first.id)


@pytest.fixture(scope="module")
def later(warm, again, mutated_rif):
    """When gold has been built, the second delivery has come."""
    shutil.copytree(mutated_rif[0] / "2", again.source / "2")
    return Ran(warm.root, again.source, warm("run", "--source", again.source))


def test_a_delivery_after_gold_was_built_makes_the_tables_of_both_at_once(later, claims):
    """Deletes, corrections, claims of persons whose coverage has changed: as if never otherwise."""
    assert (later.done.returncode, later.done.stderr) == (0, "")
    at_once = claims("mutated")
    for job in TASKS:
        for name, rows in contents(at_once.of(job)).items():
            assert later.data[f"local_{job}.{name}"] == rows, name


@pytest.fixture(scope="module")
def restored(warm, later):
    """The later run was taken back."""
    warm.lines("restore", later.id)
    return of_the_data(deltas.contents(warm.root))


def test_a_run_is_undone_across_all_tables(first, restored):
    assert restored == of_the_data(first.data)


@pytest.mark.slow
def test_after_an_undo_the_next_run_does_it_again(warm, later, restored):
    done = warm("run", "--source", later.source)
    assert (done.returncode, done.stderr) == (0, "")
    assert of_the_data(deltas.contents(warm.root)) == of_the_data(later.data)


# ------------------------------------------------------------------------------------- leaks


def test_runs_that_succeed_show_neither_token_nor_person(first, again, later):
    runs = (first, again, later)
    said = [stream for ran in runs for stream in (ran.done.stdout, ran.done.stderr)]
    assert leaks(first.root, *said) == []


def test_a_run_that_meets_a_damaged_table_says_so_and_shows_neither_token_nor_person(
    again, tmp_path
):
    """The engine's own error would quote the row."""
    root = shutil.copytree(again.root, tmp_path / "root")
    more = tmp_path / "source/beneficiary_2019.csv"
    more.parent.mkdir()
    shutil.copy(again.source / "1/beneficiary_2020.csv", more)
    plant(more)
    for part in (root / "warehouse/local_member.db/silver_demographics").rglob("*.parquet"):
        part.write_bytes(TAIL.encode() * 9)
    bad = data_ops("run", "member", "--root", root, "--source", more.parent, DATABRICKS_TOKEN=TOKEN)
    assert bad.returncode == 1 and "silver_demographics" in bad.stderr
    assert leaks(root, bad.stdout, bad.stderr) == []
    html = report_of(bad)
    assert self_contained(html) == []
    assert "member/silver_demographics failed" in html[html.index("<h2>") : html.index("</h2>")]


# ---------------------------------------------------------------------------------------- killed


def test_ctrl_c_stops_a_run_in_one_line_and_leaves_no_process(tmp_path):
    """As soon as Spark is being started: a terminal tells the run, and Spark is no part of it."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # what ignores it hands that on
    running = start("run", "member", "--root", tmp_path / "root")
    signal.signal(signal.SIGINT, ours)
    run = psutil.Process(running.pid)
    family: list[psutil.Process] = []

    def spark_starts() -> bool:
        family[:] = run.children(recursive=True)
        return any("java" in command(process) for process in family)

    try:
        assert until(spark_starts, 300), story(running, tmp_path / "root")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=300)
        assert until(lambda: not any(map(command, family)), 20), list(map(command, family))
    finally:
        running.kill()
    done = subprocess.CompletedProcess(running.args, running.returncode, out, err)
    assert_one_clear_line(done, "data-ops: stopped", "the next run goes on from there")
    assert done.returncode == 130


@dataclass
class Killed:
    """A run that was killed at work, and what was left."""

    ran: Ran  # as far as it came
    kernel_and_java: bool  # were at work
    left: list[str]  # commands of its processes that went on
    beside: subprocess.CompletedProcess  # a second run, while it was at work


@pytest.fixture(scope="module")
def broken_off(spark, tmp_path_factory):
    lakehouse = Warm(spark, tmp_path_factory.mktemp("killed") / "root", "killed")
    yield lakehouse
    lakehouse.forget()


OF_MEMBERS = ("member_schema", "ops_schema")


def members(lakehouse: Warm, source: Path) -> list[object]:
    """The member job's run, into the lakehouse's schemas."""
    schemas = [("--param", f"{name}={lakehouse.names()[name]}") for name in OF_MEMBERS]
    return ["run", "member", "--source", source, *chain(*schemas)]


@pytest.fixture(scope="module")
def killed(broken_off, source):
    root, source = broken_off.root, source / "1"  # by now another delivery may lie beside it
    running = start(*members(broken_off, source), "--root", root)
    family: list[psutil.Process] = []
    try:
        begun = f"{broken_off.names()['member_schema']}.silver_demographics"
        come = until(lambda: begun in deltas.tables(root) or running.poll() is not None, 600)
        assert come and running.poll() is None, story(running, root)
        family = psutil.Process(running.pid).children(recursive=True)
        commands = " ".join(map(command, family))
        beside = here("run", "member", "--source", source, "--root", root)
        running.kill()
        until(lambda: not any(map(command, family)), 20)
        left = [told for told in map(command, family) if told]
    finally:
        running.kill()
        for process in filter(command, family):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        out, err = running.communicate()
    done = subprocess.CompletedProcess(running.args, running.returncode, out, err)
    at_work = "ipykernel" in commands and "java" in commands
    return Killed(Ran(root, source, done), at_work, left, beside)


def test_of_two_runs_on_one_root_the_second_is_turned_away(killed):
    assert_one_clear_line(killed.beside, "data-ops: another run is at work here", "--root")


def test_a_killed_run_leaves_no_process(killed):
    assert killed.kernel_and_java and killed.left == []


@pytest.fixture(scope="module")
def rerun(broken_off, killed):
    source = killed.ran.source
    return Ran(broken_off.root, source, broken_off(*members(broken_off, source)))


def test_a_rerun_of_a_killed_run_builds_the_same_tables(first, killed, rerun):
    assert killed.ran.versions and set(killed.ran.versions) < set(rerun.versions)
    assert (rerun.done.returncode, rerun.done.stderr) == (0, "")
    undisturbed = {n: rows for n, rows in first.data.items() if n.startswith("local_member.")}
    assert {
        name.replace("killed_", "local_"): rows for name, rows in of_the_data(rerun.data).items()
    } == undisturbed


def test_maintenance_makes_a_table_of_its_files_and_changes_no_row(broken_off, rerun):
    schemas = {name.upper(): schema for name, schema in broken_off.names().items()}
    told = {line.split()[0] for line in broken_off.lines("maintain", **schemas)}
    assert told == set(rerun.data) and deltas.contents(broken_off.root) == rerun.data
