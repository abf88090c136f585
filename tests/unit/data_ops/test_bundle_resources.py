"""What is deployed, read from the YAML: names, schedules, identities, the switch to clusters."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from data_ops.bundle import load_bundle, pick_jobs, resolve
from data_ops.config import CONFIGURED, DOMAINS, load_settings
from data_ops.runs import get_domain
from data_ops.utils.errors import BundleError

ROOT = Path(__file__).resolve().parents[3]
MAIN = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
FILES = sorted((ROOT / "resources").glob("*.yml"))
TARGETS = ("dev", "staging", "prod")
DEPLOYED = ("staging", "prod")


def variables(target: str) -> dict[str, str]:
    """`var.…` and `bundle.…` of a target."""
    own = MAIN["targets"][target]["variables"]
    given = {name: own.get(name, body.get("default")) for name, body in MAIN["variables"].items()}
    known = {f"var.{name}": str(value) for name, value in given.items() if value is not None}
    return known | {"bundle.name": MAIN["bundle"]["name"], "bundle.target": target}


def resources(target: str, kind: str) -> dict[str, dict]:
    """The resources of a kind as a target sees them."""
    found = {}
    for file in FILES:
        body = yaml.safe_load(file.read_text(encoding="utf-8"))["resources"].get(kind, {})
        found |= resolve(body, variables(target), file.name)
    return found


def read_by(key: str) -> set[str]:
    """The other domains whose tables a domain's functions take."""
    owners = {table.name: name for name in DOMAINS for table in get_domain(name).tables}
    taken = [name for table in get_domain(key).tables for name in table.takes]
    return {owners[name] for name in taken if name in owners} - {key}


# Targets


def test_dev_is_the_default_and_each_developers_own():
    assert MAIN["targets"]["dev"]["mode"] == "development" and MAIN["targets"]["dev"]["default"]
    assert set(MAIN["targets"]) == set(TARGETS)


@pytest.mark.parametrize("target", DEPLOYED)
def test_staging_and_prod_have_one_place_and_run_as_a_service_principal(target):
    body = resolve(MAIN["targets"][target], variables(target) | {"var.service_principal": "id"}, "")
    assert body["mode"] == "production"
    assert (
        body["workspace"]["root_path"]
        == f"/Workspace/Users/id/.bundle/databricks-data-ops/{target}"
    )
    assert body["run_as"] == {"service_principal_name": "id"}
    managing = [one for one in body["permissions"] if one["level"] == "CAN_MANAGE"]
    assert managing == [{"level": "CAN_MANAGE", "service_principal_name": "id"}]


def test_every_variable_says_what_it_is_and_has_a_value_in_every_target():
    assert all(body["description"] for body in MAIN["variables"].values())
    for target in TARGETS:
        assert {f"var.{name}" for name in MAIN["variables"]} <= set(variables(target))


def test_no_resource_body_stands_in_the_main_file():
    assert "resources" not in MAIN
    assert not [name for name, body in MAIN["targets"].items() if "resources" in body]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_file_holds_the_one_resource_that_it_is_named_for(file):
    stem, kind = file.name.split(".")[:2]
    body = yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]
    key = stem if kind == "job" else f"{stem}_{kind}"
    assert {name: list(held) for name, held in body.items()} == {f"{kind}s": [key]}


def test_a_key_is_given_once_whatever_the_kind():
    kinds = ("jobs", "pipelines", "schemas", "volumes")
    keys = [key for kind in kinds for key in resources("dev", kind)]
    assert len(set(keys)) == len(keys) == len(FILES)


@pytest.mark.parametrize("target", TARGETS)
def test_no_environment_names_another_ones_catalog_or_schema(target):
    told = str([resources(target, kind) for kind in ("jobs", "pipelines", "schemas", "volumes")])
    others = [name for name in TARGETS if name != target]
    assert f"{target}_catalog" in told
    assert re.findall(rf"\b(?:{'|'.join(others)})_\w+", told) == []


# Jobs


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("key", DOMAINS)
def test_a_jobs_parameters_are_what_the_environments_file_says(target, key):
    settings = load_settings(environment=target)
    given = {one["name"]: one["default"] for one in resources(target, "jobs")[key]["parameters"]}
    assert given["environment"] == target and given["run_id"] == "{{job.run_id}}"
    places = {name: value for name, value in given.items() if name in type(settings).model_fields}
    assert places == {name: getattr(settings, name) for name in places}
    schemas = {f"{domain}_schema" for domain in (key, "ops", *read_by(key))}
    assert {"catalog", "source", "data_source"} | schemas <= set(places)


@pytest.mark.parametrize(
    ("target", "status"), [("dev", "PAUSED"), ("staging", "PAUSED"), ("prod", "UNPAUSED")]
)
def test_schedules_are_paused_outside_prod(target, status):
    schedules = [job["schedule"] for job in resources(target, "jobs").values()]
    assert {one["pause_status"] for one in schedules} == {status}
    assert {one["timezone_id"] for one in schedules} == {"UTC"}


@pytest.mark.parametrize("key", sorted(resources("prod", "jobs")))
def test_a_job_runs_once_at_a_time_ends_and_tells_of_failure(key):
    job = resources("prod", "jobs")[key]
    assert job["max_concurrent_runs"] == 1 and job["queue"]["enabled"] is True
    assert job["timeout_seconds"] > job["health"]["rules"][0]["value"] > 0
    assert job["email_notifications"]["on_failure"] == ["data-engineering@example.com"]
    assert job["tags"] == {"project": "databricks-data-ops", "domain": key}
    for task in job["tasks"]:
        assert 0 < task["timeout_seconds"] < job["timeout_seconds"], task["task_key"]
        assert task["max_retries"] > 0 and task["min_retry_interval_millis"] >= 60000


@pytest.mark.parametrize("target", TARGETS)
def test_the_runner_takes_every_target(target):
    bundle = load_bundle(target)
    assert {job.key for job in bundle.jobs} >= set(DOMAINS)
    assert all(job.notebook(task).is_file() for job in bundle.jobs for task in job.tasks)


# Pipelines


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("key", DOMAINS)
def test_a_pipeline_is_told_all_that_its_definitions_ask_for(target, key):
    body, settings = resources(target, "pipelines")[f"{key}_pipeline"], load_settings(
        environment=target
    )
    told = {name.removeprefix("data_ops."): value for name, value in body["configuration"].items()}
    mine = [f"{domain}_schema" for domain in (key, *read_by(key))]
    assert {name: told[name] for name in mine} == {
        name: f"{getattr(settings, name)}_pipeline" for name in mine
    }
    others = set(CONFIGURED) - {f"{domain}_schema" for domain in DOMAINS}
    assert set(told) == others.union(mine)
    assert {name: told[name] for name in others} == {
        name: getattr(settings, name) for name in others
    }
    assert body["schema"] == told[f"{key}_schema"] and body["catalog"] == told["catalog"]
    events = body["event_log"]
    assert (events["catalog"], events["schema"]) == (told["catalog"], told["ops_schema"])


@pytest.mark.parametrize("key", DOMAINS)
def test_a_pipeline_finds_the_library_and_its_definitions(key):
    body = resources("dev", "pipelines")[f"{key}_pipeline"]
    assert body["serverless"] is True
    assert body["environment"]["dependencies"] == ["--editable ${workspace.file_path}"]
    include = body["libraries"][0]["glob"]["include"]
    assert include == f"{body['root_path']}/**"
    assert list((ROOT / "resources" / body["root_path"]).glob("*.py"))


# Schemas and volumes


@pytest.mark.parametrize("target", TARGETS)
def test_every_schema_that_a_job_or_pipeline_writes_is_deployed(target):
    settings = load_settings(environment=target)
    made = {body["name"] for body in resources(target, "schemas").values()}
    tables = {settings.schema_of(domain) for domain in (*DOMAINS, "ops")}
    assert made == tables | {body["schema"] for body in resources(target, "pipelines").values()}
    assert MAIN["experimental"]["skip_name_prefix_for_schema"] is True  # dev's names stay, too


@pytest.mark.parametrize("target", TARGETS)
def test_raw_files_have_a_volume_and_what_runs_leave_another(target):
    schemas, volumes = resources(target, "schemas"), resources(target, "volumes")
    where = {}
    for body in volumes.values():
        key = re.fullmatch(r"\$\{resources\.schemas\.(\w+)\.name\}", body["schema_name"])[1]
        schema = schemas[key]["name"]
        where[body["name"]] = f"/Volumes/{body['catalog_name']}/{schema}/{body['name']}"
    assert set(where) == {"raw", "runs"}
    assert where["raw"] == load_settings(environment=target).source


@pytest.mark.parametrize("kind", ["schemas", "volumes"])
def test_data_outlives_its_deployment_and_each_place_names_who_may_use_it(kind):
    for key, body in resources("prod", kind).items():
        assert body["lifecycle"]["prevent_destroy"] is True, key
        granted = {one["principal"]: set(one["privileges"]) for one in body["grants"]}
        assert granted["00000000-0000-0000-0000-000000000000"], key  # the service principal
        assert "SELECT" in granted.get("data-readers", {"SELECT"}), key
        assert granted.get("data-readers", set()) <= {"USE_SCHEMA", "SELECT"}, key


def test_readers_of_tables_do_not_read_raw_files():
    assert "data-readers" not in str(resources("prod", "volumes"))


# Classic clusters

CLASSIC = yaml.safe_load((ROOT / "resources/classic/compute.yml").read_text(encoding="utf-8"))


@pytest.fixture
def classic(tmp_path):
    """The bundle with its line for clusters switched on."""
    text = (ROOT / "databricks.yml").read_text(encoding="utf-8")
    switched = text.replace("  # - resources/classic/*.yml", "  - resources/classic/*.yml")
    assert switched != text
    (tmp_path / "databricks.yml").write_text(switched, encoding="utf-8")
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    return tmp_path


@pytest.mark.parametrize("target", TARGETS)
def test_on_clusters_the_jobs_are_the_same(classic, target):
    def shape(bundle):
        return [(job.key, job.tasks, job.parameters) for job in bundle.jobs]

    assert shape(load_bundle(target, classic)) == shape(load_bundle(target))


@pytest.mark.parametrize("target", TARGETS)
def test_on_clusters_every_task_has_its_cluster_and_the_wheel(target):
    jobs = CLASSIC["targets"][target]["resources"]["jobs"]
    for key in DOMAINS:
        tasks = {task["task_key"]: task for task in jobs[key]["tasks"]}
        deployed = resources(target, "jobs")[key]["tasks"]
        assert list(tasks) == [task["task_key"] for task in deployed]
        clusters = {one["job_cluster_key"]: one["new_cluster"] for one in jobs[key]["job_clusters"]}
        assert all(task["job_cluster_key"] in clusters for task in tasks.values())
        assert all(task["libraries"] == [{"whl": "../../dist/*.whl"}] for task in tasks.values())


def test_the_wheel_is_where_the_build_puts_it_and_alone_there():
    build = MAIN["artifacts"]["data_ops"]
    assert build["type"] == "whl" and build["build"].split()[:3] == ["uv", "build", "--wheel"]
    assert "--clear" in build["build"]
    assert (ROOT / "resources/classic" / "../../dist").resolve() == ROOT / "dist"


# What a target lays on a job

JOB = """
variables:
  hour: {default: "4"}
resources:
  jobs:
    load:
      name: load
      parameters:
        - {name: catalog, default: of_all}
        - {name: hour, default: "${var.hour}"}
      tasks:
        - task_key: one
          notebook_task: {notebook_path: ../one.ipynb}
        - task_key: two
          notebook_task: {notebook_path: ../two.ipynb}
targets:
  prod:
    variables: {hour: "5"}
    resources:
      jobs:
        load:
          name: load of prod
          parameters:
            - {name: catalog, default: of_prod}
            - {name: extra, default: "x"}
          tasks:
            - task_key: two
              depends_on: [{task_key: one}]
"""


@pytest.fixture
def small(tmp_path):
    """A bundle whose one resource file changes the job for prod."""
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/load.job.yml").write_text(JOB, encoding="utf-8")
    text = (
        "bundle: {name: x}\ninclude: [resources/*.yml]\ntargets: {dev: {default: true}, prod: }\n"
    )
    (tmp_path / "databricks.yml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_target_changes_what_it_names_and_leaves_the_rest(small):
    dev, prod = (load_bundle(target, small).jobs[0] for target in ("dev", "prod"))
    given = [{one.name: one.default for one in job.parameters} for job in (dev, prod)]
    assert given == [
        {"catalog": "of_all", "hour": "4"},
        {"catalog": "of_prod", "hour": "5", "extra": "x"},
    ]
    assert (dev.name, prod.name) == ("load", "load of prod")
    assert [task.after for task in dev.tasks] == [(), ()]
    assert [task.after for task in prod.tasks] == [(), ("one",)]
    assert [task.notebook_task for task in prod.tasks] == [task.notebook_task for task in dev.tasks]


def test_a_variable_without_a_value_is_told_by_name_and_file(small):
    file = small / "resources/load.job.yml"
    file.write_text(JOB.replace('{default: "4"}', "{}"), encoding="utf-8")
    with pytest.raises(BundleError, match=r"var\.hour.*load\.job\.yml"):
        load_bundle("dev", small)
    assert load_bundle("prod", small).jobs


def test_a_variable_of_the_environment_wins_as_it_does_for_the_databricks_cli(monkeypatch):
    monkeypatch.setenv("BUNDLE_VAR_catalog", "mine")
    for job in pick_jobs(load_bundle("dev")):
        assert {one.name: one.default for one in job.parameters}["catalog"] == "mine"
