"""A new domain's name, number and files: what is refused, and what is written, without Spark."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_ops.config import DOMAINS, project_root
from data_ops.new_domain import (
    changed_files,
    check_name,
    first_number,
    new_files,
    write_domain,
)
from data_ops.utils.errors import BundleError, ParameterError

ROOT = project_root()
NAME = "scaffolded"
PARTS = ("scripts/new_domain", "resources", "configs", "nbs", "data_ops")
CONFIG, CLASSIC = "nbs/02_config.ipynb", "resources/classic/compute.yml"


@pytest.fixture
def project(tmp_path):
    """A copy of the parts of the project that the command reads."""
    for name in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", ".*", "[3-9]?_*.ipynb")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """File → its content."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


# Names

REFUSED = {
    "no name for a domain": [
        *("", "Provider", "provider-network", "my provider", "2nd", "_x", "x_", "a__b", "né"),
        *("../x", "provider.x"),
    ],
    "longer than 20 letters": ["a" * 21],
    "a word of Python or YAML": ["class", "lambda", "on", "null", "yes"],
    "ends in one of": ["x_pipeline", "x_quarantine", "x_rows"],
    "a domain already": list(DOMAINS),
    "silver_medical, which claims has": ["medical"],
    "bronze_carrier, which claims has": ["carrier"],
    "bronze_beneficiary, which member has": ["beneficiary"],
    # keys of the bundle, names of the templates, names of the library
    "a word of the project": ["ops", "runs", "raw", "maintenance", "pipeline", "rows", "quality"],
}


@pytest.mark.parametrize(("told", "name"), [(told, n) for told in REFUSED for n in REFUSED[told]])
def test_a_name_that_cannot_be_a_domains_is_refused_in_one_line(told, name):
    with pytest.raises(ParameterError, match=told) as caught:
        check_name(name, ROOT)
    assert "\n" not in str(caught.value) and "(NAME): " in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["a", "prior_auth", "network2", "a" * 20])
def test_other_names_are_taken(name):
    check_name(name, ROOT)


def test_where_the_templates_are_not_the_command_says_where_it_works(tmp_path):
    with pytest.raises(ParameterError, match="templates are not here.*checkout"):
        check_name(NAME, tmp_path)


# Numbers


@given(st.sets(st.integers(0, 99)))
def test_five_free_numbers_are_found_or_there_are_none(taken):
    try:
        first = first_number(taken)
    except ParameterError:
        free = [start for start in range(30, 70, 5) if not taken & set(range(start, start + 5))]
        assert free == []
        return
    assert 30 <= first <= 65 and not taken & set(range(first, first + 5))


def test_a_ten_is_begun_before_another_is_filled():
    assert first_number(set(range(50))) == 50
    assert first_number({*range(45), 50, 60}) == 45


# Files


def test_a_dry_run_names_what_a_run_writes_and_writes_nothing(project):
    before = contents(project)
    told = write_domain(NAME, project, dry_run=True)
    assert contents(project) == before
    assert write_domain(NAME, project) == told
    after = contents(project)
    new, changed = told
    assert set(after) - set(before) == set(new)
    assert {name for name in before if after[name] != before[name]} == set(changed)


def test_nothing_of_the_templates_is_left_in_a_file(project):
    for name, text in new_files(NAME, project).items():
        assert "newdomain" not in (name + text).lower() and "N0_" not in name + text, name


def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_written(project):
    there = project / f"docs/{NAME}.md"
    there.parent.mkdir()
    there.write_text("mine", encoding="utf-8")
    before = contents(project)
    with pytest.raises(ParameterError, match=rf"there already \(docs/{NAME}.md\)"):
        write_domain(NAME, project)
    assert contents(project) == before


def test_the_domain_is_entered_after_those_that_are_there(project):
    text = changed_files(NAME, project)[CONFIG]
    lines = [line for cell in json.loads(text)["cells"] for line in cell["source"]]
    (line,) = [line for line in lines if line.startswith("DOMAINS")]
    known = {}
    exec(line, known)
    assert known["DOMAINS"] == (*DOMAINS, NAME)
    now = (project / CONFIG).read_text(encoding="utf-8")
    assert text.replace(f', \\"{NAME}\\"', "") == now


def test_classic_clusters_are_given_to_every_task_and_the_rest_stays(project):
    before = yaml.safe_load((project / CLASSIC).read_text(encoding="utf-8"))
    after = yaml.safe_load(changed_files(NAME, project)[CLASSIC])
    jobs = after["targets"]["dev"]["resources"]["jobs"]
    added = jobs.pop(NAME)
    assert after == before
    deployed = yaml.safe_load(new_files(NAME, project)[f"resources/{NAME}.job.yml"])
    tasks = [task["task_key"] for task in deployed["resources"]["jobs"][NAME]["tasks"]]
    assert [task["task_key"] for task in added["tasks"]] == tasks
    assert added["job_clusters"] == jobs["member"]["job_clusters"]


@pytest.mark.parametrize("file", [CONFIG, CLASSIC])
def test_a_place_that_is_not_as_expected_is_told_by_its_file(project, file):
    path = project / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("DOMAINS: tuple", "DOMAINS : tuple").replace("staging: *", "x: *"))
    before = contents(project)
    with pytest.raises(BundleError, match=file):
        write_domain(NAME, project)
    assert contents(project) == before


@pytest.mark.parametrize("name", ["a", "prior_auth", "a" * 20])
def test_what_is_written_is_in_the_house_style_whatever_the_name(project, name):
    new, _ = write_domain(name, project)
    package = project / "data_ops/domains" / name  # as nbdev_export makes it: then it is sorted in
    package.mkdir()
    (package / "domain.py").touch()
    for command in (["ruff", "check"], ["black", "--check", "--quiet"]):
        program = Path(sys.executable).with_name(command[0])
        files = [file for file in new if file.endswith((".py", ".ipynb"))]
        done = subprocess.run(
            [program, *command[1:], "--config", "pyproject.toml", *files],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
