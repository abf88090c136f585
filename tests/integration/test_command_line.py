"""`data-ops run` as a person types it: whole runs, reruns, mistakes, and a run that is killed."""

import json
import re
import subprocess
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from data_ops.bundle import load_bundle
from data_ops.config import DOMAINS
from tests.integration import deltas
from tests.integration.commands import assert_one_clear_line, command, data_ops, start, until
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
    "missing source": (["run", "member", "--source", "no/such/folder"], ["no/such/folder"]),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_nothing_is_started(case, tmp_path):
    arguments, words = MISTAKES[case]
    done = data_ops(*arguments, "--root", tmp_path / "root")
    assert_one_clear_line(done, "data-ops: ", *words)
    assert not (tmp_path / "root").exists()


def test_no_java_is_told_in_one_line(tmp_path):
    done = data_ops("run", "member", "--root", tmp_path, PATH="", JAVA_HOME="")
    assert_one_clear_line(done, "Java was not found", "install a Java 17")


def test_a_dry_run_shows_the_plan_and_starts_nothing(tmp_path):
    """Without Java, too."""
    arguments = ("run", "member", "--root", tmp_path / "root", "--dry-run")
    done = data_ops(*arguments, "--param", "full_refresh=true", PATH="", JAVA_HOME="")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"^member/(\w+)", done.stdout, re.MULTILINE)) == TASKS["member"]
    assert "member/gold  after silver_eligibility" in done.stdout
    assert "full_refresh=true" in done.stdout
    assert not (tmp_path / "root").exists()


def test_a_parameter_of_the_wrong_type_is_told_in_one_line(tmp_path):
    done = data_ops("run", "member", "--root", tmp_path, "--param", "full_refresh=maybe")
    assert_one_clear_line(done, "'full_refresh'", "bool")
    html = report_of(done)
    assert self_contained(html) == []
    first = html[html.index("<h2>") : html.index("</h2>")]
    assert (
        "member/bronze failed: parameter" in first
        and "correct the value" in Page(html).text.lower()
    )


# ------------------------------------------------------------------------------------ whole runs


@dataclass
class Whole:
    """A run from nothing on the sample, and one that was started beside it."""

    root: Path
    first: subprocess.CompletedProcess
    beside: subprocess.CompletedProcess
    versions: dict[str, int]  # after the run
    data: dict[str, list]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole") / "root"
    running = start("run", "--root", root)
    try:
        assert until(lambda: (root / "runs").exists(), 60)
        beside = data_ops("run", "member", "--root", root)
        out, err = running.communicate(timeout=600)
    finally:
        running.kill()
    first = subprocess.CompletedProcess(running.args, running.returncode, out, err)
    found = deltas.tables(root)
    versions = {name: deltas.version(folder) for name, folder in found.items()}
    data = {name: deltas.data(folder) for name, folder in found.items()}
    return Whole(root, first, beside, versions, data)


@pytest.fixture(scope="module")
def second(whole):
    """A run after it, with nothing new."""
    return data_ops("run", "--root", whole.root)


def of_the_data(versions: dict[str, int]) -> dict[str, int]:
    """Without the operations tables, which each run adds to."""
    return {name: number for name, number in versions.items() if "_ops." not in name}


def test_a_run_from_nothing_builds_every_table(whole):
    assert (whole.first.returncode, whole.first.stderr) == (0, "")
    names = {name.rpartition(".")[2] for name in of_the_data(whole.versions)}
    assert names >= {"bronze_beneficiary", "silver_demographics", "silver_enrollment"}
    assert names >= {"silver_eligibility", "silver_member_status", "silver_demographics_quarantine"}
    assert names >= {"gold_member_current", "gold_member_months", "gold_coverage_gaps"}
    assert names >= {"silver_medical", "silver_pharmacy_quarantine", "gold_pmpm", "gold_encounters"}
    assert len(whole.data["local_member.gold_member_current"]) == 346


def test_the_closing_table_counts_rows(whole):
    rows = re.findall(r"^✓\s+(\w+)/(\w+)\s+([\d,]+)", whole.first.stdout, re.MULTILINE)
    assert {(job, task) for job, task, _ in rows} == {(j, t) for j in TASKS for t in TASKS[j]}
    counts = {(job, task): count for job, task, count in rows}
    assert (counts["member", "bronze"], counts["claims", "bronze"]) == ("1,850", "100,997")


def test_claims_run_after_members(whole):
    begun = re.findall(r"^(running|done)\s+(\w+)/", whole.first.stdout, re.MULTILINE)
    assert begun.index(("running", "claims")) > max(
        nth for nth, event in enumerate(begun) if event == ("done", "member")
    )


def test_executed_notebooks_log_and_summary_are_kept(whole, second):
    runs = sorted((whole.root / "runs").iterdir())
    assert len(runs) == 2  # the run that was turned away left none
    for run in runs:
        for job, tasks in TASKS.items():
            assert {path.stem for path in (run / job).glob("*.ipynb")} == tasks
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
        assert [task["state"] for task in summary["tasks"]] == ["done"] * NUMBER
        events = [json.loads(line) for line in (run / "run.log").read_text().splitlines()]
        assert {event["run_id"] for event in events} == {run.name}


def test_a_second_run_makes_no_new_version_of_a_table(whole, second):
    assert (second.returncode, second.stderr) == (0, "")
    after = {name: deltas.version(path) for name, path in deltas.tables(whole.root).items()}
    assert of_the_data(after) == of_the_data(whole.versions)


def test_a_run_leaves_a_report_that_opens_from_disk_and_shows_nobody(whole):
    html = report_of(whole.first)
    assert self_contained(html) == [] and len(html) < 2_000_000
    text = Page(html).text
    for told in (
        f"{NUMBER} of {NUMBER}",
        "bronze_carrier",
        "gold_pmpm",
        "Part A 300",
        "export_summary.csv.gz",
    ):
        assert told in text


def test_the_report_of_a_second_run_says_that_nothing_changed_and_where_the_files_went(second):
    text = Page(report_of(second)).text
    assert "Nothing changed since run" in text and "known already: 100,997 rows, 8 files" in text


def test_a_report_is_drawn_again_from_what_was_kept_without_spark(whole, second):
    for run in sorted((whole.root / "runs").iterdir()):
        before = (run / "report.html").read_text(encoding="utf-8")
        done = data_ops("report", run.name, "--root", whole.root, PATH="", JAVA_HOME="")
        assert (done.returncode, done.stderr, report_of(done)) == (0, "", before)


def test_an_unknown_run_has_no_report_and_is_told_with_those_there_are(whole):
    known = {path.name for path in (whole.root / "runs").iterdir()}
    done = data_ops("report", "run-7", "--root", whole.root)
    assert_one_clear_line(done, "'run-7'")
    assert any(name in done.stderr for name in known)


def test_of_two_runs_on_one_root_the_second_is_turned_away(whole):
    assert_one_clear_line(whole.beside, "data-ops: another run is at work here", "--root")


# ------------------------------------------------------------------------------ other commands


def test_what_is_in_quarantine_is_listed_by_table_rule_and_file_without_a_persons_values(whole):
    done = data_ops("quarantine", "list", "--root", whole.root)
    assert (done.returncode, done.stderr) == (0, "")
    counted = Counter(
        (name.rpartition(".")[2].removesuffix("_quarantine"), rule)
        for name, path in deltas.tables(whole.root).items()
        if name.endswith("_quarantine")
        for (reasons,) in deltas.rows(path, "_reasons")
        for rule in reasons
    )
    listed = Counter()
    for line in done.stdout.splitlines()[1:]:
        table, rule, _, rows, *_ = line.split()
        listed[table, rule] += int(rows.replace(",", ""))
    assert listed == counted


def test_a_replay_with_nothing_mended_releases_nothing(whole):
    done = data_ops("quarantine", "replay", "--root", whole.root)
    assert (done.returncode, done.stderr) == (0, "")
    found = {}
    for table, *counts in map(str.split, done.stdout.splitlines()[1:]):
        found[table] = [int(count.replace(",", "")) for count in counts]
    sizes = {
        name.rpartition(".")[2].removesuffix("_quarantine"): len(rows)
        for name, rows in whole.data.items()
        if name.endswith("_quarantine")
    }
    assert found == {table: [size, 0, 0, size] for table, size in sizes.items()}


def test_a_dry_restore_of_the_first_run_names_every_table_and_of_an_unknown_one_the_runs(
    whole, second
):
    first, *_ = sorted(path.name for path in (whole.root / "runs").iterdir())
    done = data_ops("restore", first, "--root", whole.root, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    changed = {name for name, rows in of_the_data(whole.data).items() if rows}
    assert {name for name, *numbers in lines if numbers[-1] == "0"} == changed
    assert_one_clear_line(data_ops("restore", "run-7", "--root", whole.root), "'run-7'", first)


def test_maintenance_makes_a_table_of_its_files_and_changes_no_row(whole):
    done = data_ops("maintain", "--root", whole.root)
    assert (done.returncode, done.stderr) == (0, "")
    told = {line.split()[0] for line in done.stdout.splitlines()[1:]}
    assert told == set(whole.data)
    found = {name: deltas.data(path) for name, path in deltas.tables(whole.root).items()}
    assert [name for name in of_the_data(found) if found[name] != whole.data[name]] == []


# ---------------------------------------------------------------------------------------- killed


def test_a_killed_run_leaves_no_process_and_a_rerun_builds_the_same_tables(whole, tmp_path):
    root = tmp_path / "root"
    running = start("run", "member", "--root", root)
    family: list[psutil.Process] = []
    try:
        enrollment = "local_member.silver_enrollment"
        assert until(lambda: enrollment in deltas.tables(root), 200)
        family = psutil.Process(running.pid).children(recursive=True)
        commands = " ".join(map(command, family))
        assert "ipykernel" in commands
        assert "java" in commands
        running.kill()
        assert until(lambda: not any(map(command, family)), 20), list(map(command, family))
    finally:
        running.kill()
        for process in filter(command, family):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        running.communicate()
    again = data_ops("run", "member", "--root", root)
    assert (again.returncode, again.stderr) == (0, "")
    found = {name: deltas.data(path) for name, path in deltas.tables(root).items()}
    ours = [name for name in found if "_ops." not in name]
    assert {*ours} == {name for name in whole.data if name.startswith("local_member.")}
    assert {name: len(found[name]) for name in ours} == {n: len(whole.data[n]) for n in ours}
    assert not [name for name in ours if found[name] != whole.data[name]]
