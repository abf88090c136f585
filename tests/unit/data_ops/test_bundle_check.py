"""`data-ops check` against a corpus of broken bundles: the project's own, each with one slip.

Every slip has to be told, alone, in one line that says where it is and what to do.
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from data_ops.bundle_check import check_bundle, plan_lines
from data_ops.cli import app
from data_ops.utils.errors import BundleError

ROOT = Path(__file__).resolve().parents[3]
MAIN, MEMBER, CLAIMS = "databricks.yml", "resources/member.job.yml", "resources/claims.job.yml"
PIPELINE, EXTRA = "resources/member.pipeline.yml", "resources/more.yml"
JOBS = "notebooks_jobs"
BRONZE, SPEND = f"{JOBS}/member/bronze.ipynb", f"{JOBS}/claims/gold_spend.ipynb"


def copy(root: Path) -> Path:
    """The project's bundle in another folder."""
    for name in ("resources", "configs", "notebooks_jobs", "dlt"):
        shutil.copytree(ROOT / name, root / name)
    for name in (MAIN, "pyproject.toml", "settings.ini"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def bundle(tmp_path):
    """A bundle to spoil."""
    return copy(tmp_path)


def write(root: Path, file: str, text: str) -> None:
    """A file of a bundle."""
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text, encoding="utf-8")


def told(root: Path, target: str = "") -> list[str]:
    """The lines that a check prints."""
    return list(map(str, check_bundle(root, target).faults))


# The corpus


@dataclass(frozen=True)
class Slip:
    """An edit of the good bundle, and what is to be said of it."""

    file: str
    old: str  # nothing: the file is written anew
    new: str
    at: str  # how the line that is named starts, marks of a list and quotes aside
    says: str  # part of what is told
    where: str = ""  # the file that is named; default: the one that is edited

    def make(self, root: Path) -> None:
        """Put the slip into a bundle."""
        text = (root / self.file).read_text(encoding="utf-8") if self.old else ""
        assert self.old in text, "the slip does not fit the bundle any more"
        write(root, self.file, text.replace(self.old, self.new, 1) if self.old else self.new)

    def place(self, root: Path) -> str:
        """file:line of a bundle with the slip."""
        file = self.where or self.file
        lines = (root / file).read_text(encoding="utf-8").splitlines()
        starts = (n for n, line in enumerate(lines, 1) if line.lstrip(' -"').startswith(self.at))
        return f"{file}:{next(starts)}: "


def extra(*lines: str) -> str:
    """A file with one more job."""
    return "\n".join(["resources:", "  jobs:", "    extra:", *(f"      {line}" for line in lines)])


def alone(*lines: str) -> str:
    """A file with one more job, of one task."""
    return extra("name: extra", "tasks:", "  - task_key: alone", *(f"    {line}" for line in lines))


def notebook(path: str, *base: str) -> str:
    """A file with one more job, of one notebook."""
    parameters = ["  base_parameters:", *(f"    {line}" for line in base)] if base else []
    return alone("notebook_task:", f"  notebook_path: {path}", *parameters)


def library(path: str) -> str:
    """A file with one more job, that runs a wheel."""
    task = ["python_wheel_task:", "  package_name: data_ops", "  entry_point: main"]
    return alone(*task, "libraries:", f"  - whl: {path}")


def one_more(kind: str, *lines: str) -> str:
    """A file with one more resource."""
    return "\n".join(
        ["resources:", f"  {kind}:", "    more:", *(f"      {line}" for line in lines)]
    )


CORPUS = {
    # YAML
    "a tab": Slip(
        MEMBER, "      name: m", "\tname: m", "\tname: m", "not valid YAML, found character"
    ),
    "a key twice": Slip(
        MAIN, "  name: d", "  name: x\n  name: d", "name: d", "'name' stands here a second time"
    ),
    "braces without quotes": Slip(
        MEMBER, '"{{job.run_id}}"', "{{job.run_id}}", "default: {{", "in quotes"
    ),
    "a list that is none": Slip(EXTRA, "", extra("tasks: x"), "tasks", "tasks is not a list"),
    "an empty entry": Slip(
        EXTRA, "", extra("queue:", "tasks:", "  - # x"), "# x", "an entry of tasks is empty"
    ),
    "an empty job": Slip(EXTRA, "", extra(), "extra", "job extra is empty"),
    # Sections of databricks.yml
    "no name": Slip(MAIN, "  name: databricks-data-ops\n", "", "bundle:", "the bundle has no name"),
    "a misspelt section": Slip(
        MAIN, "\nvariables:", "\nvariabels:", "variabels", "did you mean 'variables'?"
    ),
    "a resource outside resources": Slip(
        EXTRA, "", "jobs: {extra: {name: extra}}", "jobs", "the bundle has no field 'jobs'"
    ),
    "a misspelt field of a target": Slip(
        MAIN, "    mode: dev", "    mod: dev", "mod: dev", "did you mean 'mode'?"
    ),
    "a mode that is none": Slip(
        MAIN, "mode: development", "mode: developing", "mode: developing", "mean 'development'?"
    ),
    "a permission that is none": Slip(
        EXTRA, "", "permissions: [{level: CAN_MANGE}]", "permissions", "mean 'CAN_MANAGE'?"
    ),
    "two targets are the default": Slip(
        MAIN, "  prod:\n", "  prod:\n    default: true #\n", "default: true #", "leave one"
    ),
    "a production target without a place": Slip(
        MAIN,
        "      root_path:",
        "      # root_path:",
        "mode: production",
        "set workspace.root_path",
    ),
    "a development target for all": Slip(
        MAIN,
        "    mode: development",
        "    mode: development\n    workspace: {root_path: /Workspace/Shared/x}",
        "workspace: {root",
        "put ${workspace.current_user.userName} into root_path",
    ),
    # Files that are included
    "a pattern that takes no file": Slip(
        MAIN, "- resources/*.yml", "- resource/*.yml", "resource/*", "mend it: it leaves out"
    ),
    "an included file that is not there": Slip(
        MAIN, "include:", "include:\n  - x/y.yml", "x/y.yml", "'x/y.yml' is not there"
    ),
    "an included file that is not YAML": Slip(
        MAIN,
        "include:",
        "include:\n  - settings.*",
        "settings.*",
        "settings.ini, which is not YAML",
    ),
    # References
    "a misspelt variable": Slip(
        MEMBER, "${var.catalog}", "${var.catlog}", "default: ${var.catlog}", "mean 'catalog'?"
    ),
    "a variable without a value": Slip(
        MAIN, "      catalog: staging_catalog\n", "", "catalog:", "has no value in target staging"
    ),
    "a value for no variable": Slip(
        MAIN,
        "      catalog: prod",
        "      fresh: 1\n      catalog: prod",
        "fresh",
        "is no variable",
    ),
    "a variable of itself": Slip(
        MAIN, "    default: cms", "    default: ${var.data_source}", "default: ${var", "for itself"
    ),
    "a misspelt kind of reference": Slip(
        MEMBER, "${var.catalog}", "${vars.catalog}", "default: ${vars", "did you mean 'var'?"
    ),
    "a reference with blanks": Slip(
        MEMBER, "${var.catalog}", "${ var.catalog }", "default: ${ var", "without blanks"
    ),
    "a misspelt field of the bundle": Slip(
        MEMBER, "${bundle.target}_m", "${bundle.targt}_m", "default: ${bundle.targt", "'target'?"
    ),
    "a misspelt field of the workspace": Slip(
        PIPELINE, "${workspace.file_path}", "${workspace.file_pth}", "editable", "'file_path'?"
    ),
    "a resource that is not there": Slip(
        EXTRA,
        "",
        alone("pipeline_task:", "  pipeline_id: ${resources.pipelines.members.id}"),
        "pipeline_id",
        "there is no resource pipelines.members",
    ),
    # Types
    "a misspelt field of a job": Slip(
        MEMBER, "max_concurrent_runs", "max_concurent_runs", "max_concurent", "mean 'max_concurrent"
    ),
    "a misspelt field of a task": Slip(
        CLAIMS, "depends_on", "depend_on", "depend_on", "did you mean 'depends_on'?"
    ),
    "a misspelt field of a pipeline": Slip(
        PIPELINE, "serverless", "serverles", "serverles:", "did you mean 'serverless'?"
    ),
    "a word for a number": Slip(
        MEMBER, "runs: 1", "runs: one", "max_concurrent_runs", "'one'; write a whole"
    ),
    "a word for a truth": Slip(EXTRA, "", extra("queue: {enabled: 2}"), "queue", "true or false"),
    "a status that is none": Slip(
        EXTRA,
        "",
        extra("continuous:", "  pause_status: PAUSE"),
        "pause_status",
        "did you mean 'PAUSED'?",
    ),
    "a field that is missing": Slip(
        EXTRA,
        "",
        one_more("volumes", "name: x", "catalog_name: ${var.catalog}"),
        "more",
        "'schema_name'",
    ),
    "a kind that is none": Slip(EXTRA, "", one_more("job", "name: x"), "job:", "mean 'jobs'?"),
    "a key that two have": Slip(
        EXTRA,
        "",
        "resources: {experiments: {member: {name: x}}}",
        "resources",
        "the key 'member' is already that of jobs in resources/member.job.yml",
    ),
    # What lies on disk
    "a misspelt notebook": Slip(
        MEMBER, "er/bronze.ipynb", "er/bronce.ipynb", "notebook_path: ", "mean 'bronze.ipynb'?"
    ),
    "a notebook without its ending": Slip(
        MEMBER, "er/bronze.ipynb", "er/bronze", "notebook_path: ", "did you mean 'bronze.ipynb'?"
    ),
    "a file that is no notebook": Slip(
        EXTRA, "", notebook("../dlt/claims/1_bronze.py"), "notebook_path", "is no notebook"
    ),
    "a notebook outside": Slip(
        EXTRA, "", notebook("../../x/y.ipynb"), "notebook_path", "lies outside the bundle's folder"
    ),
    "a pattern of a pipeline": Slip(
        PIPELINE, "include: ../dlt/member/*", "include: ../dlt/x/*", "include", "matches no file"
    ),
    "the folder of a pipeline": Slip(
        PIPELINE, "root_path: ../dlt/member", "root_path: ../dlt/membr", "root_path", "mean 'member"
    ),
    "a Python file": Slip(
        EXTRA, "", alone("spark_python_task: {python_file: x.py}"), "spark_python", "is not there"
    ),
    "a file of requirements": Slip(
        PIPELINE, "--editable ${workspace.file_path}", "-r ../x.txt", "r ../x.txt", "is not there"
    ),
    "a folder to install from": Slip(
        PIPELINE,
        "--editable ${workspace.file_path}",
        "-e ../x",
        "e ../x",
        "folder '../x' is not there",
    ),
    "a stale pattern of a wheel": Slip(
        EXTRA,
        "",
        library("../dist/data_ops-*.whl"),
        "whl",
        "the wheel will be databricks_data_ops-",
    ),
    "a former version of the wheel": Slip(
        EXTRA, "", library("../dist/databricks_data_ops-0.0.*.whl"), "whl", "the wheel will be"
    ),
    "a wheel that nothing builds": Slip(
        EXTRA, "", library("../wheels/*.whl"), "whl", "add what builds it to `artifacts`"
    ),
    "a wheel of an empty folder": Slip(
        MAIN, "    type: whl", "    type: whl\n    path: resources", "data_ops", "nothing to build"
    ),
    # Tasks
    "a task that waits for none": Slip(
        MEMBER,
        "            - task_key: silver_enrollment",
        "            - task_key: silver_enrolment",
        "task_key: silver_enrolment",
        "is no task of job member; did you mean 'silver_enrollment'?",
    ),
    "tasks that wait for each other": Slip(
        MEMBER,
        "        - task_key: bronze\n",
        "        - task_key: bronze\n          depends_on: [{task_key: gold}]\n",
        "depends_on: [",
        "tasks wait for each other: ",
    ),
    "a task twice": Slip(
        MEMBER,
        "      tasks:\n",
        "      tasks:\n        - {task_key: gold}\n",
        "task_key: gold",
        "task_key 'gold' stands twice in tasks",
    ),
    "a task that does nothing": Slip(EXTRA, "", alone(), "task_key", "says not what it runs"),
    "an environment that is none": Slip(
        EXTRA,
        "",
        alone("environment_key: x", "sql_task: {warehouse_id: x}"),
        "environment_key",
        "job extra has no environment_key 'x'",
    ),
    "a cluster that is none": Slip(
        EXTRA,
        "",
        alone("job_cluster_key: x", "sql_task: {warehouse_id: x}"),
        "job_cluster_key",
        "job extra has no job_cluster_key 'x'; define it under job_clusters",
    ),
    # Parameters
    "a parameter that no notebook has": Slip(
        MEMBER,
        "        - name: full_refresh",
        "        - {name: fresh, default: x}\n        - name: full_refresh",
        "{name: fresh",
        "no notebook of the job has a parameter 'fresh'",
    ),
    "a parameter that nobody gives": Slip(
        MEMBER,
        '        - name: refresh_tables\n          default: ""\n',
        "",
        "parameters:",
        "job member gives no 'refresh_tables', which bronze.ipynb, ",
    ),
    "a base parameter too many": Slip(
        MEMBER,
        "member/bronze.ipynb",
        "member/bronze.ipynb\n            base_parameters: {since: x}",
        "base_parameters",
        "bronze.ipynb has no parameter 'since'",
    ),
    "a value of another type": Slip(
        MEMBER, '"false"', '"maybe"', 'default: "maybe"', "'maybe', which is no bool; correct"
    ),
    "a default of another type": Slip(
        BRONZE,
        "bool = False",
        'bool = \\"maybe\\"',
        "full_refresh",
        "'maybe', which is no bool; correct",
    ),
    "a type that no job can give": Slip(
        BRONZE, "run_id: str", "run_id: list[str]", "run_id", "it is a list[str]; use one of str"
    ),
    "a parameters cell that is no Python": Slip(
        BRONZE, "run_id: str", "run_id str", "environment", "the parameters cell is no Python"
    ),
    "a parameter that is asked for": Slip(
        MEMBER,
        "member/bronze.ipynb",
        'member/bronze.ipynb\n            base_parameters: {run_id: "{{job.parameters.run}}"}',
        "base_parameters",
        "job member has no parameter 'run'",
    ),
    "a parameter of another job": Slip(
        EXTRA,
        "",
        alone(
            "run_job_task:",
            "  job_id: ${resources.jobs.member.id}",
            "  job_parameters: {full_refersh: x}",
        ),
        "job_parameters",
        "job member has no parameter 'full_refersh'; did you mean 'full_refresh'?",
    ),
    # Tables
    "a table that comes later": Slip(
        CLAIMS,
        "          depends_on:\n            - task_key: gold_spend\n",
        "",
        "task_key: gold_care",
        "does not wait for 'gold_spend', which writes it; add 'gold_spend' to its depends_on",
    ),
    "a table that no task writes": Slip(
        f"{JOBS}/member/silver_eligibility.ipynb",
        ', \\"silver_member_status\\"',
        "",
        "task_key: gold",
        "task 'gold' reads silver_member_status, which no task writes",
        MEMBER,
    ),
    "a table that no domain has": Slip(
        SPEND, "gold_pmpm", "gold_pmpn", "jobs.build", "no table 'gold_pmpn' can be built; did you"
    ),
    "tables in the wrong order": Slip(
        SPEND,
        '\\"gold_claims_all\\", \\"gold_pmpm\\"',
        '\\"gold_pmpm\\", \\"gold_claims_all\\"',
        "jobs.build",
        "gold_pmpm is built before gold_claims_all, which it reads",
    ),
    "a domain that is none": Slip(
        BRONZE, 'als(), \\"member', 'als(), \\"membr', "jobs.land", "there is no domain 'membr'"
    ),
    # Environments
    "a catalog of prod in dev": Slip(
        MAIN, "catalog: dev_", "catalog: prod_", "catalog: prod_", "dev names prod_catalog"
    ),
    "a folder of dev in staging": Slip(
        MAIN,
        "source: /Volumes/staging_catalog/staging_ops/raw",
        "source: /Volumes/dev_catalog/dev_ops/raw #",
        "source: /Volumes/dev_catalog/dev_ops/raw #",
        "target staging names dev_catalog, the catalog of dev",
    ),
    "a schema of another name": Slip(
        MEMBER,
        "${bundle.target}_ops",
        "ops",
        "default: ops",
        "but configs/<target>.yml says '<target>_ops'",
    ),
    "a domain's schema of another name": Slip(
        MEMBER,
        "${bundle.target}_member",
        "members",
        "default: members",
        "but the domain's is '<target>_member'",
    ),
    "a value of another name in configs/": Slip(
        "configs/staging.yml",
        "data_source: cms",
        "data_source: x",
        "default: cms",
        "data_source is 'cms', but configs/staging.yml says 'x'",
        MAIN,
    ),
    "a setting that is none": Slip(
        "configs/prod.yml", "source", "catalogue: x\nsource", "catalogue", "mean 'catalog'?"
    ),
    "a catalog that two have": Slip(
        "configs/staging.yml",
        "catalog: staging_catalog",
        "catalog: prod_catalog",
        "catalog: prod_catalog",
        "staging and prod have the same catalog 'prod_catalog'",
    ),
    "an environment without values": Slip(
        MAIN,
        "  prod:\n",
        "  test: {variables: {catalog: x, source: y}}\n  prod:\n",
        "test:",
        "no configs/",
    ),
    "a name that no pipeline reads": Slip(
        PIPELINE, "data_ops.catalog", "data_ops.catlog", "data_ops.catlog", "no pipeline reads"
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_a_slip_is_told_alone_in_one_line_with_its_place(bundle, name):
    slip = CORPUS[name]
    slip.make(bundle)
    [line] = told(bundle)
    assert line.startswith(slip.place(bundle)) and slip.says in line
    assert "; " in line and "\n" not in line and str(bundle) not in line


def test_the_good_bundle_has_no_fault_in_any_target(bundle):
    assert told(bundle) == []
    assert check_bundle(bundle).summary.endswith("; targets dev, staging, prod")


def test_all_slips_are_told_at_once_in_the_order_of_their_places(bundle):
    for name in (
        "a misspelt variable",
        "a word for a number",
        "a misspelt field of a target",
        "tables in the wrong order",
        "a misspelt field of a pipeline",
    ):
        CORPUS[name].make(bundle)
    places = [line.split(": ")[0].split(":") for line in told(bundle)]
    assert [file for file, _ in places] == [MAIN, SPEND, MEMBER, MEMBER, PIPELINE]
    assert places == sorted(places, key=lambda place: (place[0], int(place[1])))


def test_a_fault_of_some_targets_names_them(bundle):
    text = "targets:\n  dev: {resources: {jobs: {member: {queu: {enabled: true}}}}}"
    write(bundle, EXTRA, text)
    [line] = told(bundle)
    assert line.startswith(f"{EXTRA}:2: job member has no field 'queu' (target dev); did you mean")
    assert told(bundle, "prod") == []


@pytest.mark.parametrize("value, faults", [("true", 0), ("new", 1)])
def test_a_value_that_is_handed_on_has_to_be_of_the_type_of_the_notebook(tmp_path, value, faults):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "fresh: bool = 0"}
    write(tmp_path, "a.ipynb", json.dumps({"cells": [cell], "nbformat": 4}))
    write(tmp_path, MAIN, MODEL)
    task = notebook("../a.ipynb", 'fresh: "{{job.parameters.kind}}"')
    write(tmp_path, EXTRA, f"{task}\n      parameters: [{{name: kind, default: '{value}'}}]")
    assert len(told(tmp_path)) == faults


def test_a_secret_is_handed_over_by_reference_only_and_never_shown(bundle):
    CORPUS["a parameter that is asked for"].make(bundle)
    for file, old, new in [
        (BRONZE, "run_id: str", "key: SecretStr"),
        (MEMBER, "run_id: ", "key: "),
    ]:
        write(bundle, file, (bundle / file).read_text().replace(old, new))
    text = (bundle / MEMBER).read_text().replace("{{job.parameters.run}}", "{{secrets/payer/key}}")
    write(bundle, MEMBER, text)
    assert told(bundle) == []
    write(bundle, MEMBER, text.replace("{{secrets/payer/key}}", "dapi0123"))
    [line] = told(bundle)
    assert "'key' is no reference to a secret; write {{secrets/scope/key}}" in line
    assert "dapi0123" not in line


def test_a_schema_that_development_would_rename_is_told(tmp_path):
    write(tmp_path, MAIN, MODEL)
    for name in ("dev", "prod"):
        write(tmp_path, f"configs/{name}.yml", f"catalog: {name}_catalog\nops_schema: {name}_ops")
    schema = ["name: ${bundle.target}_ops", "catalog_name: ${bundle.target}_catalog"]
    write(tmp_path, EXTRA, one_more("schemas", *schema))
    [line] = told(tmp_path)
    what = "schema is 'dev_<user>_dev_ops', but configs/dev.yml does not name it"
    assert line == f"{EXTRA}:4: {what}; set experimental.skip_name_prefix_for_schema"
    write(tmp_path, MAIN, MODEL + "experimental: {skip_name_prefix_for_schema: true}")
    assert told(tmp_path) == []


def test_a_target_that_there_is_not_is_an_error(bundle):
    with pytest.raises(BundleError, match="no target 'qa'.*use one of dev, staging, prod"):
        check_bundle(bundle, "qa")


def test_a_folder_without_a_bundle_is_told(tmp_path):
    assert told(tmp_path) == [
        "databricks.yml:1: there is no such file; run this in the folder of databricks.yml"
    ]


# Shapes that are right


MODEL = """
bundle: {name: model, uuid: 00000000-0000-0000-0000-000000000000}
include:
  - resources/*.yml
  - resources/*/*.yml
targets:
  dev: {mode: development, default: true, workspace: {host: https://example.com}}
  prod:
    mode: production
    workspace: {root_path: "/Workspace/Users/${workspace.current_user.userName}/${bundle.name}"}
    permissions: [{user_name: a@example.com, level: CAN_MANAGE}]
    run_as: {service_principal_name: x}
"""
PROJECT = "[project]\nname = 'my.model'\nversion = '1.2'\n"
GOOD = {
    "nothing but a name": {MAIN: "bundle: {name: x}"},
    "targets by the name they had once": {
        MAIN: "bundle: {name: x}\nvariables: {a: {}}\nenvironments: {dev: {variables: {a: b}}}"
    },
    "a wheel, by its artifact": {
        MAIN: MODEL + "artifacts: {model: {type: whl, build: uv build --wheel}}",
        "pyproject.toml": PROJECT,
        EXTRA: extra(
            "name: ${bundle.target} wheel",
            "trigger: {periodic: {interval: 1, unit: DAYS}}",
            "email_notifications: {on_failure: [a@example.com]}",
            "tasks:",
            "  - task_key: one",
            "    python_wheel_task:",
            "      package_name: my_model",
            "      entry_point: main",
            "      parameters: [--at, '{{job.start_time.iso_date}}']",
            "    environment_key: default",
            "  - task_key: two",
            "    depends_on: [{task_key: one}]",
            "    job_cluster_key: small",
            "    libraries: [{whl: ../dist/my_model-1.2-*.whl}, {pypi: {package: x==1}}]",
            "    spark_python_task: {python_file: ../src/two.py}",
            "job_clusters:",
            "  - job_cluster_key: small",
            "    new_cluster: {spark_version: x, num_workers: 1, spark_conf: {a.b: true}}",
            "environments:",
            "  - environment_key: default",
            "    spec:",
            "      environment_version: '4'",
            "      dependencies: [../dist/*.whl, requests>=2, -r ../needs.txt, -e ..]",
        ),
        "src/two.py": "",
        "needs.txt": "",
    },
    "SQL and dbt": {
        MAIN: MODEL,
        EXTRA: extra(
            "parameters: [{name: catalog, default: x}]",
            "tasks:",
            "  - task_key: sql",
            "    sql_task: {warehouse_id: abc, file: {path: ../src/one.sql}}",
            "  - task_key: dbt",
            "    environment_key: default",
            "    dbt_task: {project_directory: ../, commands: ['dbt run -t ${bundle.target}']}",
            "environments: [{environment_key: default, spec: {client: '1'}}]",
        ),
        "src/one.sql": "SELECT :catalog",
    },
    "tasks that repeat, decide and start others": {
        MAIN: MODEL,
        EXTRA: extra(
            "parameters: [{name: day, default: '{{job.trigger.time.iso_date}}'}]",
            "tasks:",
            "  - task_key: list",
            "    notebook_task: {notebook_path: ../src/list.py}",
            "  - task_key: decide",
            "    depends_on: [{task_key: list}]",
            "    condition_task: {op: GREATER_THAN, left: '{{tasks.list.values.n}}', right: '0'}",
            "  - task_key: repeat",
            "    depends_on: [{task_key: decide, outcome: 'true'}]",
            "    for_each_task:",
            "      inputs: '{{tasks.list.values.names}}'",
            "      task:",
            "        task_key: each",
            "        notebook_task:",
            "          notebook_path: ../src/list.py",
            "          base_parameters: {name: '{{input}}'}",
            "  - task_key: start",
            "    run_job_task: {job_id: '${resources.jobs.other.id}', job_parameters: {a: b}}",
            "  - task_key: refresh",
            "    pipeline_task: {pipeline_id: '${resources.pipelines.flow.id}'}",
        ),
        "resources/other.yml": "resources: {jobs: {other: {parameters: [{name: a, default: ''}]}}}",
        "resources/flow.pipeline.yml": one_more(
            "pipelines",
            "name: flow",
            "catalog: x",
            "schema: y",
            "serverless: true",
            "root_path: ../src",
            "libraries: [{glob: {include: ../src/**}}, {notebook: {path: ../src/list.py}}]",
            "environment: {dependencies: ['--editable ${workspace.file_path}']}",
        ).replace("more:", "flow:"),
        "src/list.py": "# Databricks notebook source\n",
    },
    "a notebook that is in git, or in the workspace": {
        MAIN: MODEL,
        EXTRA: extra(
            "git_source: {git_url: https://example.com/x, git_provider: gitHub, git_branch: main}",
            "tasks: [{task_key: a, notebook_task: {notebook_path: a/b, source: GIT}}]",
        ),
        "resources/other.yml": notebook("/Workspace/Shared/x").replace("extra:", "other:"),
    },
    "a schema, a volume, and their names": {
        MAIN: MODEL,
        EXTRA: one_more("schemas", "name: x", "catalog_name: main", "grants: []"),
        "resources/v.yml": one_more(
            "volumes",
            "name: files",
            "catalog_name: ${resources.schemas.more.catalog_name}",
            "schema_name: ${resources.schemas.more.name}",
            "lifecycle: {prevent_destroy: true}",
        ).replace("more:", "files:"),
    },
    "dashboards, alerts and apps with files": {
        MAIN: MODEL,
        EXTRA: one_more("dashboards", "display_name: x", "file_path: ../src/x.lvdash.json"),
        "resources/a.yml": "resources: {alerts: {a: {file_path: ../src/a.dbalert.json}}}",
        "resources/b.yml": "resources: {apps: {b: {name: b, source_code_path: ../src}}}",
        "src/x.lvdash.json": "{}",
        "src/a.dbalert.json": "{}",
    },
    "anchors, merges and words": {
        MAIN: MODEL + "definitions:\n  usual: &usual\n    timeout_seconds: 60\n",
        EXTRA: "x-tags: &tags {at: 12:30}\n" + extra("tags: {<<: *tags, on: yes}", "tasks: []"),
    },
    "variables that are mappings, lists, looked up or nested": {
        MAIN: MODEL + "variables:\n"
        "  cluster: {type: complex, default: {spark_version: x, num_workers: 2}}\n"
        "  who: {type: complex, default: [a@example.com]}\n"
        "  warehouse: {lookup: {warehouse: Shared}}\n"
        "  name_dev: {default: d}\n"
        "  name_prod: {default: p}\n",
        EXTRA: extra(
            "name: ${var.name_${bundle.target}} costs $${literally}",
            "email_notifications: {on_failure: '${var.who}', on_success: ['${var.who[0]}']}",
            "tasks:",
            "  - task_key: a",
            "    new_cluster: ${var.cluster}",
            "    sql_task: {warehouse_id: '${var.warehouse}', query: {query_id: x}}",
        ),
    },
    "resources of one target, and what it adds to others": {
        MAIN: MODEL.replace(
            "    mode: production\n",
            "    mode: production\n"
            "    presets: {name_prefix: p_, trigger_pause_status: UNPAUSED, tags: {a: b}}\n"
            "    resources:\n"
            "      jobs:\n"
            "        extra: {tasks: [{task_key: a, max_retries: 3}]}\n"
            "        late: {name: late, tasks: []}\n",
        ),
        EXTRA: extra("tasks: [{task_key: a, notebook_task: {notebook_path: ../a.ipynb}}]"),
        "a.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    },
    "code beside the bundle": {
        "here/" + MAIN: "bundle: {name: x}\nsync: {paths: [../shared, .]}\n"
        "resources: {jobs: {a: {tasks: [{task_key: a, spark_python_task: "
        "{python_file: ../shared/a.py}}]}}}",
        "shared/a.py": "",
    },
    "a wheel that is put there by hand": {
        MAIN: MODEL,
        EXTRA: library("../dist/cowsay-6.1-*.whl"),
        "dist/.gitignore": "*",
    },
    "Python that makes the jobs": {
        MAIN: MODEL + "python: {venv_path: .venv, resources: ['resources:load_resources']}",
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_what_databricks_takes_is_no_fault(tmp_path, name):
    for file, text in GOOD[name].items():
        write(tmp_path, file, text)
    assert told(tmp_path / "here" if (tmp_path / "here").is_dir() else tmp_path) == []


def test_a_variable_of_the_environment_counts(bundle, monkeypatch):
    CORPUS["a variable without a value"].make(bundle)
    assert len(told(bundle)) == 1
    monkeypatch.setenv("BUNDLE_VAR_catalog", "staging_catalog")
    assert told(bundle, "staging") == []


# The plan


def plan(root: Path, target: str) -> list[str]:
    """The lines of a plan."""
    return plan_lines(check_bundle(root, target).targets[0])


def test_a_plan_names_what_would_be_created(bundle):
    text = one_more("schemas", "name: ${bundle.target}_ops", "catalog_name: ${var.catalog}")
    write(bundle, EXTRA, text)
    raw = [
        "name: raw",
        "catalog_name: ${var.catalog}",
        "schema_name: ${resources.schemas.more.name}",
    ]
    write(bundle, "resources/raw.yml", one_more("volumes", *raw).replace("more:", "files:", 1))
    lines = plan(bundle, "staging")
    wheel = (
        r"artifact  .*/staging/artifacts/\.internal/databricks_data_ops-[\d.]+-py3-none-any\.whl"
    )
    assert lines[0].startswith("target staging (production), run as ")
    assert any(line.startswith("files ") and line.endswith("/staging/files") for line in lines)
    assert any(re.fullmatch(wheel, line) for line in lines)
    assert "schema    staging_catalog.staging_ops" in lines
    assert "volume    /Volumes/staging_catalog/staging_ops/raw" in lines
    assert any(line.startswith("job       member  (5 tasks, ") for line in lines)
    assert "pipeline  member  (into staging_catalog.staging_member_pipeline)" in lines


def test_in_development_names_are_ones_own_and_schedules_paused(tmp_path):
    schedule = "schedule: {quartz_cron_expression: 0 0 4 * * ?, timezone_id: UTC}"
    write(tmp_path, MAIN, MODEL.replace("{name: model,", "{name: m,"))
    write(tmp_path, EXTRA, extra("name: nightly", schedule.replace("0 0 4 * * ?", "'0 0 4 * * ?'")))
    assert plan(tmp_path, "dev") == [
        "target dev (development), run as whoever deploys: 1 resources",
        "files  /Workspace/Users/<user>/.bundle/m/dev/files",
        "job    [dev <user>] nightly  (0 tasks, 0 0 4 * * ?, paused)",
    ]
    assert plan(tmp_path, "prod") == [
        "target prod (production), run as x: 1 resources",
        "files  /Workspace/Users/<user>/m/files",
        "job    nightly  (0 tasks, 0 0 4 * * ?, running)",
    ]


# The command


def run(root: Path, monkeypatch, *options: str):
    """`data-ops check` in the folder of a bundle."""
    monkeypatch.chdir(root)
    return CliRunner().invoke(app, ["check", *options])


def test_the_command_says_ok_and_what_it_looked_at(bundle, monkeypatch):
    done = run(bundle, monkeypatch)
    assert done.exit_code == 0 and done.output.startswith("ok: ")
    assert done.output.rstrip().endswith("targets dev, staging, prod")
    assert run(bundle, monkeypatch, "-t", "prod").output.rstrip().endswith("targets prod")


def test_the_command_ends_with_1_and_a_line_for_each_fault(bundle, monkeypatch):
    CORPUS["a catalog of prod in dev"].make(bundle)
    CORPUS["a type that no job can give"].make(bundle)
    for options in ([], ["--plan"], ["-t", "dev"]):
        done = run(bundle, monkeypatch, *options)
        assert done.exit_code == 1 and done.output.splitlines() == told(bundle)


def test_the_command_shows_the_plan(bundle, monkeypatch):
    done = run(bundle, monkeypatch, "--plan", "-t", "staging")
    assert done.exit_code == 0 and done.output.splitlines() == plan(bundle, "staging")


# Whatever is written


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """One copy for all examples."""
    return copy(tmp_path_factory.mktemp("bundle"))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_edit_is_told_by_places_that_exist_and_never_breaks_the_check(scratch, data):
    file = data.draw(st.sampled_from([MAIN, MEMBER, PIPELINE]))
    good = (scratch / file).read_text(encoding="utf-8")
    lines = good.splitlines()
    nth = data.draw(st.integers(0, len(lines) - 1))
    edits = [
        "",
        "  " + lines[nth],
        lines[nth][2:],
        lines[nth] + " x",
        lines[nth].split(":")[0] + ":",
    ]
    edits += [
        lines[nth] + "\n" + lines[nth],
        lines[nth].replace("- ", ""),
        "- " + lines[nth].strip(),
    ]
    edited = [*lines[:nth], data.draw(st.sampled_from(edits)), *lines[nth + 1 :]]
    try:
        write(scratch, file, "\n".join(edited))
        faults = check_bundle(scratch).faults
        lengths = {f.file: len((scratch / f.file).read_text("utf-8").splitlines()) for f in faults}
        assert all(1 <= fault.line <= lengths[fault.file] for fault in faults)
        assert list(faults) == sorted(faults)
    finally:
        write(scratch, file, good)
