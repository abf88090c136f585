"""A new domain's whole life in a copy of the project: written, exported, tested, checked, run."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_ops.config import project_root
from tests.integration import deltas
from tests.integration.commands import assert_one_clear_line, environment

NAME = "scaffolded"  # nobody's own
LEFT_OUT = (".git", ".venv", ".lakehouse", "_docs", "_proc", "dist", "__pycache__", ".*_cache")
GOOD, UNKNOWN = {("A1", "person"), ("A2", "organization")}, ("A4", "unknown")


@dataclass
class Project:
    """A copy of the project, whose commands are this environment's programs."""

    root: Path

    def __call__(self, program: str, *arguments: object) -> subprocess.CompletedProcess:
        return subprocess.run(
            [Path(sys.executable).with_name(program), *map(str, arguments)],
            cwd=self.root,
            env=environment(PYTHONPATH=str(self.root)),
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )

    def data_ops(self, *arguments: object) -> subprocess.CompletedProcess:
        return self("data-ops", *arguments)

    def files(self) -> dict[str, bytes]:
        """File → its content, without what programs keep for themselves."""
        paths = [path for path in self.root.rglob("*") if path.is_file()]
        names = {path: path.relative_to(self.root) for path in paths}
        kept = {
            path: name
            for path, name in names.items()
            if not any(part == "__pycache__" or part.startswith(".") for part in name.parts)
        }
        return {name.as_posix(): path.read_bytes() for path, name in kept.items()}


def done(process: subprocess.CompletedProcess) -> str:
    """What a command that went well has printed."""
    assert process.returncode == 0, (process.stdout + process.stderr)[-3000:]
    return process.stdout


@dataclass
class Written:
    """A project in which a domain was scaffolded and exported, and the files that were new."""

    project: Project
    new: set[str]


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    root = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(project_root(), root, ignore=shutil.ignore_patterns(*LEFT_OUT))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)  # a test of the project asks git
    project = Project(root)
    before = project.files()
    told = done(project.data_ops("new-domain", NAME, "--dry-run"))
    assert project.files() == before

    said = done(project.data_ops("new-domain", NAME))
    assert said.startswith(told) and "next: nbdev_export" in said
    after = project.files()
    new, changed = (
        {line.split()[1] for line in told.splitlines() if line.startswith(word)}
        for word in ("new", "changed")
    )
    assert set(after) - set(before) == new
    assert {name for name in before if after[name] != before[name]} == changed
    done(project("nbdev_export"))
    return Written(project, new)


@pytest.fixture(scope="module")
def lakehouse(written, tmp_path_factory) -> Path:
    """A run of the new domain's job on its first file."""
    root = tmp_path_factory.mktemp("new") / "lakehouse"
    assert f"{NAME}/gold" in done(written.project.data_ops("run", NAME, "--root", root))
    return root


def test_a_domain_is_written_once(written):
    exported = written.project.files()
    again = written.project.data_ops("new-domain", NAME)
    assert_one_clear_line(again, f"'{NAME}' is a domain already", "choose another name")
    assert again.returncode == 2 and written.project.files() == exported


def test_a_new_domain_is_in_step_and_its_bundle_holds(written):
    done(written.project("python", "scripts/check_in_step.py"))
    assert done(written.project.data_ops("check")).startswith("ok: ")


def test_its_job_brings_the_first_file_to_gold(lakehouse):
    assert_tables(lakehouse, f"local_{NAME}", "local_ops")


@pytest.mark.slow
def test_its_own_tests_and_those_of_the_frame_pass(written):
    notebooks = sorted(name for name in written.new if name.startswith("nbs/"))
    assert len(notebooks) == 5
    frame = [f"tests/unit/data_ops/test_{name}.py" for name in FRAME]
    tests = [f"tests/unit/domains/{NAME}", *notebooks, *frame, "tests/unit/docs_site"]
    done(written.project("pytest", *tests))


@pytest.mark.slow
def test_its_pipeline_makes_the_same_tables(written, lakehouse):
    done(written.project.data_ops("pipeline", NAME, "--root", lakehouse))
    assert_tables(lakehouse, f"local_{NAME}_pipeline", "local_ops_pipeline")

    early = written.project.data_ops("pipeline", "claims", "--root", lakehouse)
    assert_one_clear_line(early, "local_member_pipeline.", "does not exist yet", "pipeline of")


# What the frame asks of a domain, beside the domain's own tests.
FRAME = "architecture bundle_resources config job_notebooks pipelines rule_checks".split()


def assert_tables(root: Path, schema: str, ops: str) -> None:
    """The sample's rows are where they belong, and each raw row has met one end."""
    found = deltas.tables(root)

    def rows(table: str, columns: str, owner: str = schema) -> list[tuple]:
        return deltas.rows(found[f"{owner}.{table}"], columns)

    sent = (project_root() / "scripts/new_domain/files/data/sample/rif/newdomain.csv").read_bytes()
    assert len(rows(f"bronze_{NAME}", "_row_hash")) == sent.count(b"\n") - 1 == 5
    assert set(rows(f"silver_{NAME}", f"{NAME}_id, kind")) == {*GOOD, UNKNOWN}
    aside = rows(f"silver_{NAME}_quarantine", f"{NAME}_id, _reasons")
    assert aside == [("A3", ["start_before_end"])]
    kinds = [("organization", 1, 0), ("person", 1, 1), ("unknown", 1, 1)]
    assert rows(f"gold_{NAME}_kinds", "kind, ids, open_ids") == kinds

    ledger = rows("row_ledger", "table_name, disposition, row_count", ops)
    ends = {end: count for table, end, count in ledger if table == f"silver_{NAME}" and count}
    assert ends == {"contributed": 3, "quarantined": 1, "superseded": 1}
    assert (f"bronze_{NAME}", "landed", 5) in ledger
    verdicts = dict(rows("quality_metrics", "rule, verdict", ops))
    assert verdicts["kind_known"] == "warned"
