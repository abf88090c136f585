"""The wheel: what is in it, what it asks for, and that it needs none of the tools that made it."""

import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from data_ops.config import DOMAINS

ROOT = Path(__file__).resolve().parents[3]
LIMIT = 300_000  # bytes; twice what it is
ASKED_FOR = {"pydantic", "pydantic-settings", "pyyaml", "sqlglot"}
# Of the extras, and of the notebooks' tools: no cluster has them.
ELSEWHERE = (
    "typer rich papermill ipykernel psutil jupytext nbformat matplotlib delta nbdev fastcore execnb"
)
OFFLINE = re.compile(r"(?i)failed to (?:fetch|download)|dns error|not found in the cache")


def uv(*arguments: str | Path, cwd: Path) -> str:
    """What uv prints; skips the test where there is no uv, or no package index in reach."""
    program = os.environ.get("UV") or shutil.which("uv")
    if not program:
        pytest.skip("uv is not on PATH; ./data-ops test brings it")
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode and OFFLINE.search(done.stderr):
        pytest.skip("no package index is in reach")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as a deployment builds it."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--quiet", "--out-dir", folder, ROOT, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel):
    """Its METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_it_is_small_and_holds_the_package_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {re.sub(r"-.*", "", name.split("/")[0]) for name in names} == {
        "data_ops",
        "databricks_data_ops",
    }
    packaged = {name for name in names if name.startswith("data_ops/")}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "data_ops").rglob("*.py")}
    assert packaged == there
    assert wheel.stat().st_size < LIMIT


def test_it_asks_for_few_packages_each_pinned_and_none_of_them_spark(metadata):
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert {re.split(r"[=<>\[ ]", line)[0] for line in needed} == ASKED_FOR
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in needed)


def test_the_extra_local_brings_spark_delta_papermill_and_the_command_line(metadata):
    lines = [line for line in metadata.get_all("Requires-Dist") if "extra == 'local'" in line]
    brought = {re.split(r"[=<>\[ ]", line)[0] for line in lines}
    assert {"pyspark", "delta-spark", "papermill", "typer", "rich", "jupytext"} <= brought
    assert set(metadata.get_all("Provides-Extra")) == {"local", "dev"}
    assert "nbdev" not in str(metadata.get_all("Requires-Dist"))


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory) -> Path:
    """The Python of an environment with the wheel and what it asks for, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    uv("venv", "--quiet", "--python", sys.executable, "venv", cwd=folder)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv("pip", "install", "--quiet", "--python", python, wheel, cwd=folder)
    return python


def run(python: Path | str, code: str, folder: Path, **variables: str) -> str:
    """What a piece of code prints, in a folder of its own; fails with its error."""
    command, kept = [str(python), "-c", code], ("PATH", "SYSTEMROOT", "HOME")
    env = {name: os.environ[name] for name in kept if name in os.environ} | variables
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_configuration_works_without_spark_and_without_nbdev(clean, tmp_path):
    code = """
import importlib.util, data_ops
from data_ops.config import load_settings
found = [n for n in ("pyspark", "nbdev", "fastcore", "pandas") if importlib.util.find_spec(n)]
print(load_settings().table("member", "gold_member_months"), found, data_ops.__file__)
"""
    name, found, place = run(clean, code, tmp_path).split()
    assert (name, found) == ("spark_catalog.local_member.gold_member_months", "[]")
    assert Path(place).is_relative_to(clean.parents[1])


def test_with_spark_the_jobs_pipelines_and_domains_need_nothing_else(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = f"""
import sys
sys.modules.update(dict.fromkeys("{ELSEWHERE}".split()))
import data_ops.jobs, data_ops.pipelines
from data_ops.config import DOMAINS
from data_ops.runs import get_domain
print(data_ops.__file__, *(len(get_domain(name).tables) for name in DOMAINS))
"""
    place, *tables = run(sys.executable, code, tmp_path, PYTHONPATH=str(tmp_path / "site")).split()
    assert Path(place).is_relative_to(tmp_path / "site")
    assert len(tables) == len(DOMAINS) and all(int(count) > 1 for count in tables)
