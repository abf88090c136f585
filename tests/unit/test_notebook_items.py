"""Notebooks as tests: which cells run, what a failing one reports, and that no trace is left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSES = ["#| export\nleft = [1]", "assert left == [1]"]
FAILS = ["base = 0", "top = 1\n\ntop / base\nnever = 2", "raise AssertionError('too late')"]
NOTEBOOKS = {
    "00_passes": PASSES,
    "01_fails": FAILS,
    "02_flags": ["#| eval: false\n1 / 0", "#| notest\n1 / 0", "#| databricks\n1 / 0"],
    "03_spark": ["raise Exception('no path\\n\\nJVM stacktrace:\\n' + 99 * 'at org.apache\\n')"],
    "04_syntax": ["ok = 1\nx = = 2"],
    "05_alone": ["import os", "assert 'left' not in globals()", "assert os.path.exists('../nbs')"],
    "index": PASSES,
    "_draft": FAILS,
    "notes": FAILS,
}
SETTINGS = "[DEFAULT]\nrepo = x\nlib_path = x\nnbs_path = nbs\ntst_flags = notest databricks\n"
PYTEST = """
import sys, pytest
before = sys.modules["__main__"], sys.path[:]
pytest.main(["-p", "tests.notebooks", "-rA", "nbs"])
print("left as found:", (sys.modules["__main__"], sys.path) == before)
print("Spark was loaded:", "pyspark" in sys.modules)
"""


def notebook(cells: list[str]) -> str:
    """The text of a notebook with these code cells."""
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    python = {"kernelspec": {"language": "python", "name": "python3", "display_name": "x"}}
    content = {"cells": [code | {"source": source} for source in cells], "metadata": python}
    return json.dumps(content | {"nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What pytest says of a project's notebooks, in a process of its own."""
    root = tmp_path_factory.mktemp("project")
    (root / "settings.ini").write_text(SETTINGS)
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "nbs").mkdir()
    for name, cells in NOTEBOOKS.items():
        (root / "nbs" / f"{name}.ipynb").write_text(notebook(cells))
    command, env = [sys.executable, "-c", PYTEST], os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=root, env=env, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("name", ["00_passes", "02_flags", "05_alone", "index"])
def test_notebooks_that_run_through_pass_and_flagged_cells_are_left_out(report, name):
    assert f"PASSED nbs/{name}.ipynb::{name}" in report


def test_numbered_notebooks_and_the_index_are_tests_and_no_others(report):
    assert "3 failed, 4 passed" in report
    assert "draft" not in report and "notes" not in report


def test_a_failing_cell_is_shown_alone_with_its_line_marked(report):
    section = report.split("notebook 01_fails.ipynb")[1].split("notebook 03_spark.ipynb")[0]
    assert section.splitlines()[1:7] == [
        "  top = 1",
        "  ",
        "> top / base",
        "  never = 2",
        "",
        "ZeroDivisionError: division by zero",
    ]
    assert "too late" not in report and "Traceback" not in section


def test_an_error_of_spark_comes_without_the_insides_of_the_jvm(report):
    assert "Exception: no path" in report and "\nat org.apache" not in report


def test_a_cell_that_is_no_python_is_shown_with_its_line_marked(report):
    assert "> x = = 2" in report and "SyntaxError: invalid syntax" in report


def test_the_process_is_left_as_it_was_and_no_spark_is_started_unasked(report):
    assert "left as found: True" in report and "Spark was loaded: False" in report
