"""What is there for people who edit: hooks before a commit, an editor's settings."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
HOOKS = {hook["id"]: hook for repo in CONFIG["repos"] for hook in repo["hooks"]}
VS_CODE = {
    name: json.loads((ROOT / ".vscode" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("settings", "extensions")
}


def test_the_hooks_are_the_projects_own_tools():
    assert {repo["repo"] for repo in CONFIG["repos"]} == {"local"}
    for key, hook in HOOKS.items():
        assert hook["language"] == "pygrep" or hook["entry"].startswith("./data-ops "), key


@pytest.mark.parametrize("key", [key for key, hook in HOOKS.items() if "--exec" in hook["entry"]])
def test_a_hooks_command_is_in_the_environment(key):
    command, *rest = HOOKS[key]["entry"].removeprefix("./data-ops --exec ").split()
    known = (ROOT / ".ci/run").read_text(encoding="utf-8") + (ROOT / "CONTRIBUTING.md").read_text(
        encoding="utf-8"
    )
    assert re.search(rf"\b{command}\b", known)
    assert all((ROOT / part).exists() for part in rest if part.endswith(".py"))


@pytest.mark.parametrize(
    ("path", "hooks"),
    [
        ("nbs/13_transformers.ipynb", {"clean", "in-step", "ruff"}),
        ("notebooks_jobs/member/gold.ipynb", {"clean-jobs", "in-step", "ruff", "bundle"}),
        ("data_ops/jobs.py", {"in-step", "ruff", "mypy"}),
        ("tests/conftest.py", {"ruff", "black", "mypy"}),
        ("resources/member.job.yml", {"bundle"}),
        ("databricks.yml", {"bundle"}),
        ("docs/architecture.md", set()),
    ],
)
def test_a_file_meets_the_hooks_that_concern_it(path, hooks):
    kind = {".py": "python", ".ipynb": "jupyter"}.get(Path(path).suffix, "other")

    def meets(hook: dict) -> bool:
        kinds = hook.get("types_or") or hook.get("types") or [kind]
        named = re.search(hook.get("files", ""), path)
        left_out = hook.get("exclude") and re.search(hook["exclude"], path)
        return bool(kind in kinds and named and not left_out)

    assert {key for key, hook in HOOKS.items() if meets(hook)} == hooks


def test_a_token_is_noticed_and_a_place_for_one_is_not():
    pattern = re.compile(HOOKS["no-token"]["entry"])
    assert pattern.search("DATABRICKS_TOKEN=" + "dapi" + "0123456789abcdef" * 2)
    assert not pattern.search("DATABRICKS_TOKEN=your-token; dapi-0123456789abcdef")


def test_generated_files_are_read_only_in_the_editor():
    assert VS_CODE["settings"]["files.readonlyInclude"] == {"data_ops/**": True, "README.md": True}
    assert "${workspaceFolder}/.venv" in VS_CODE["settings"]["python.defaultInterpreterPath"]
    assert {"databricks.databricks", "ms-toolsai.jupyter"} <= set(
        VS_CODE["extensions"]["recommendations"]
    )


def test_an_editors_border_of_cells_is_databricks_own():
    border = re.compile(VS_CODE["settings"]["jupyter.interactiveWindow.cellMarker.codeRegex"])
    assert border.match("# COMMAND ----------") and border.match("# %% next")
    assert border.match("# Databricks notebook source") and not border.match("# COMMAND")


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        (".vscode/settings.json", True),
        (".vscode/extensions.json", True),
        (".vscode/launch.json", False),
        (".env", False),
        (".env.example", True),
        (".databricks/bundle/dev/variable-overrides.json", False),
        ("dist/data_ops.whl", False),
    ],
)
def test_what_git_takes(path, taken):
    ignored = subprocess.run(["git", "check-ignore", "--no-index", "-q", path], cwd=ROOT)
    assert (ignored.returncode == 1) is taken
