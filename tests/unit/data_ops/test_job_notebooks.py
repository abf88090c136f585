"""Job notebooks: they find the library, and a workspace's widgets give them what papermill does."""

import ast
import json
import os
from pathlib import Path

import pytest
from nbdev.clean import clean_nb
from nbdev.config import get_config
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from pydantic import SecretStr

from data_ops import jobs
from data_ops.bundle import load_bundle, pick_jobs
from data_ops.config import DOMAINS, Settings, load_settings, schemas_of
from data_ops.delta.upkeep import Upkeep
from data_ops.jobs import parameters
from data_ops.plan import task_parameters
from data_ops.runs import Outcome
from data_ops.utils.errors import ParameterError

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = sorted(ROOT.glob("notebooks_jobs/*/*.ipynb"))
BUILDING = [path for path in NOTEBOOKS if path.parent.name in DOMAINS]
KEY = "application/vnd.databricks.v1+notebook"
SECRET = "dapi-0123456789abcdef"


def name_of(path: Path) -> str:
    """`member/bronze`."""
    return f"{path.parent.name}/{path.stem}"


# They find the library


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_the_notebooks_environment_is_the_project_itself(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"][KEY]
    environment = metadata["environmentMetadata"]
    assert environment["environment_version"] == "4" and environment["base_environment"] == ""
    (dependency,) = environment["dependencies"]
    option, _, place = dependency.partition(" ")
    assert option == "--editable" and (path.parent / place).resolve() == ROOT
    assert not metadata.get("widgets")  # the values somebody gave last


def test_cleaning_leaves_the_environment_and_takes_the_rest():
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    notebook["metadata"]["language_info"] = {"name": "python"}
    config = get_config(path=ROOT)
    clean_nb(notebook, allowed_metadata_keys=config.allowed_metadata_keys.split())
    assert set(notebook["metadata"]) == {"kernelspec", KEY}


# What stands in for a workspace


class Widgets:
    """Texts by name, as a job gives them to its tasks."""

    def __init__(self, given: dict[str, str]):
        self.values = dict(given)

    def text(self, name: str, default: str) -> None:
        assert isinstance(default, str)
        self.values.setdefault(name, default)

    def get(self, name: str) -> str:
        return self.values[name]


class Exited(Exception):
    """What notebook.exit raises: nothing after it is run."""


class NotebookTools:
    """`dbutils.notebook`."""

    def exit(self, value: str) -> None:
        raise Exited(value)


class Secrets:
    """`dbutils.secrets`: scopes of keys."""

    def get(self, scope: str, key: str) -> str:
        return {("sender", "sftp-password"): SECRET}[scope, key]


class Dbutils:
    """`dbutils` of a notebook task with these parameters."""

    def __init__(self, **given: str):
        self.widgets, self.notebook, self.secrets = Widgets(given), NotebookTools(), Secrets()


# A notebook's cells, run as a kernel runs them


def run_cells(notebook, namespace: dict) -> object:
    """Run all code cells; the value of the last line, which a kernel would show."""
    shown = None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "cell", "exec"), namespace)
            if last is not None:
                shown = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
    return shown


@pytest.fixture
def calls(monkeypatch):
    """What notebooks ask of the library, in place of doing it."""
    asked = []

    def record(run, what):
        options = (run.settings, run.run_id, run.domain.name, run.full_refresh, run.refresh)
        asked.append((*options, what))
        return [Outcome("a_table", rows_in=3, rows_out=2)]

    monkeypatch.setattr(jobs, "get_session", lambda: None)
    monkeypatch.setattr(jobs, "configure", lambda level: None)
    monkeypatch.setattr(jobs.arrivals, "land", lambda run, source: record(run, source))
    monkeypatch.setattr(jobs.tasks, "build_all", lambda run, tables: record(run, tables))
    return asked


def cases():
    """Each task that builds tables, as dev deploys it."""
    for job in pick_jobs(load_bundle("dev")):
        for task in job.tasks:
            yield pytest.param(job, task, id=f"{job.key}/{task.task_key}")


GIVEN = [{}, {"full_refresh": "true"}, {"refresh_tables": "silver_enrollment  gold_pmpm"}]


@pytest.mark.parametrize("given", GIVEN, ids=["as deployed", "full refresh", "some tables"])
@pytest.mark.parametrize(("job", "task"), list(cases()))
def test_a_workspace_and_papermill_make_a_notebook_ask_for_the_same(calls, job, task, given):
    values = {one.name: one.default for one in job.parameters} | given
    values = task_parameters(task, values, "run-1")
    notebook = load_notebook_node(str(job.notebook(task)))

    in_workspace = run_cells(notebook, {"dbutils": Dbutils(**values)})
    by_papermill = run_cells(parameterize_notebook(notebook, values, report_mode=True), {})

    assert len(calls) == 2 and calls[0] == calls[1]
    settings, run_id, domain, full_refresh, refresh, what = calls[0]
    assert (settings.environment, settings.catalog) == ("dev", "dev_catalog")
    assert (run_id, domain, full_refresh) == ("run-1", job.key, "full_refresh" in given)
    assert refresh == tuple(given.get("refresh_tables", "").split())
    assert str(what) == "/Volumes/dev_catalog/dev_ops/raw" if task.task_key == "bronze" else what
    assert in_workspace.rows == by_papermill.rows and in_workspace.rows[0]["rows_in"] == 3


@pytest.mark.parametrize("path", BUILDING, ids=name_of)
def test_without_parameters_a_notebook_runs_for_the_local_environment(calls, path):
    notebook = load_notebook_node(str(path))
    run_cells(notebook, {"dbutils": Dbutils()})
    run_cells(notebook, {})
    assert [call[0].environment for call in calls] == ["local", "local"]
    assert [call[0] for call in calls[:1]] == [call[0] for call in calls[1:]]


def test_a_notebook_opened_in_a_workspace_makes_its_widgets_and_asks_for_an_environment(
    calls, monkeypatch
):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    notebook, dbutils = load_notebook_node(str(BUILDING[0])), Dbutils()
    with pytest.raises(ParameterError, match="'local' .*set it to dev"):
        run_cells(notebook, {"dbutils": dbutils})
    assert dbutils.widgets.values["environment"] == "local"
    dbutils.widgets.values["environment"] = "dev"
    run_cells(notebook, {"dbutils": dbutils})
    assert [call[0].environment for call in calls] == ["dev"]


def test_maintenance_asks_for_every_table_of_the_environment_in_both(monkeypatch):
    asked = []

    def keep_up_all(spark, names):
        asked.append(names)
        return [Upkeep(name, 9, 1, 8) for name in names]

    monkeypatch.setattr(jobs, "get_session", lambda: None)
    monkeypatch.setattr(jobs, "keep_up_all", keep_up_all)
    notebook = load_notebook_node(str(ROOT / "notebooks_jobs/maintenance/maintain.ipynb"))
    values = {"environment": "dev", "member_schema": "mine"}
    in_workspace = run_cells(notebook, {"dbutils": Dbutils(**values)})
    by_papermill = run_cells(parameterize_notebook(notebook, values, report_mode=True), {})
    assert asked[0] == asked[1] and in_workspace.rows == by_papermill.rows
    assert {"dev_catalog.dev_ops.run_log", "dev_catalog.mine.silver_enrollment"} < set(asked[0])
    assert "dev_catalog.dev_claims.silver_medical_quarantine" in asked[0]


def test_a_parameter_of_the_wrong_kind_is_told_by_name_in_both(calls):
    notebook = load_notebook_node(str(NOTEBOOKS[0]))
    with pytest.raises(ParameterError, match="'full_refresh' is not a bool"):
        run_cells(notebook, {"dbutils": Dbutils(full_refresh="maybe")})
    given = parameterize_notebook(notebook, {"full_refresh": "maybe"}, report_mode=True)
    with pytest.raises(ParameterError, match="'full_refresh' is not a bool"):
        run_cells(given, {})
    assert calls == []


# Secrets

REFERENCE = "{{secrets/sender/sftp-password}}"


def with_secret(**namespace) -> dict:
    """A notebook's names, one of which is a secret."""
    return {"__annotations__": {"password": SecretStr}, "password": REFERENCE} | namespace


def test_a_secret_comes_from_its_scope_and_is_not_shown():
    got = parameters(with_secret(dbutils=Dbutils()))
    assert got["password"].get_secret_value() == SECRET
    assert SECRET not in f"{got} {got!r} {got['password']}"


def test_a_job_may_name_another_secret_than_the_notebook():
    with pytest.raises(KeyError):
        parameters(with_secret(dbutils=Dbutils(password="{{secrets/other/key}}")))


def test_on_a_laptop_a_secret_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("SENDER_SFTP_PASSWORD", SECRET)
    assert parameters(with_secret())["password"].get_secret_value() == SECRET


def test_a_secret_that_is_not_there_is_told_by_its_variable(monkeypatch):
    monkeypatch.delenv("SENDER_SFTP_PASSWORD", raising=False)
    with pytest.raises(ParameterError, match="'password'.*set SENDER_SFTP_PASSWORD"):
        parameters(with_secret())


@pytest.mark.parametrize("value", [SECRET, "", "secrets/a/b", "{{secrets/a}}", f"{REFERENCE} "])
@pytest.mark.parametrize("dbutils", [None, Dbutils()])
def test_a_secret_itself_is_refused_and_not_told(value, dbutils):
    given = with_secret(password=value, dbutils=dbutils and Dbutils(password=value))
    with pytest.raises(ParameterError, match="'password' is no reference") as caught:
        parameters(given)
    assert SECRET not in str(caught.value)


# The developer's own file

LINES = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()


def test_the_example_of_env_names_every_setting_but_each_domains_and_holds_no_secret():
    named = {line.lstrip("# ").partition("=")[0].lower() for line in LINES if "=" in line}
    assert set(Settings.model_fields) - set(schemas_of("local")) <= named
    assert {name for name in named if name.endswith("_schema")} <= set(Settings.model_fields)
    assert "DATABRICKS_TOKEN=" in [line.lstrip("# ") for line in LINES]


def test_the_example_of_env_can_be_used_as_it_is(tmp_path):
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(LINES), encoding="utf-8")
    assert load_settings(_env_file=env_file) == load_settings(_env_file=os.devnull)


def test_git_takes_no_env_file():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored and ".databricks/" in ignored
