"""GitHub's workflows: what they may do, what they are pinned to, and that no token is kept."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXTS = {
    path.name: path.read_text(encoding="utf-8")
    for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
}
# YAML 1.1 takes the key `on` for true.
WORKFLOWS = {
    name: yaml.safe_load(text.replace("\non:\n", "\n'on':\n")) for name, text in TEXTS.items()
}
JOBS = [
    pytest.param(name, key, job, id=f"{name}:{key}")
    for name, workflow in WORKFLOWS.items()
    for key, job in workflow["jobs"].items()
]
DEPLOY = WORKFLOWS["deploy.yml"]["jobs"]


def commands(job: dict) -> str:
    """All that a job types."""
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_read_and_nothing_else(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_a_job_that_may_more_may_only_show_who_it_is_and_to_an_environment(name, key, job):
    if "permissions" in job:
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert job["environment"] in ("staging", "prod")


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_a_job_ends(name, key, job):
    assert (
        job.get("uses", "").startswith("./.github/workflows/") or 0 < job["timeout-minutes"] <= 120
    )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_to_a_commit_with_its_version_beside_it(name):
    used = re.findall(r"uses: (.+)", TEXTS[name])
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert (
        used
        and [one for one in used if not one.startswith("./") and not pinned.fullmatch(one)] == []
    )


def test_an_action_is_pinned_to_one_commit_everywhere():
    used = {one for text in TEXTS.values() for one in re.findall(r"uses: ([\w-]+/.+)", text)}
    assert len({one.split("@")[0] for one in used}) == len(used)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_token_and_no_secret_is_kept(name):
    assert not re.search(r"secrets\s*[.\[]|(?i:token)\s*:(?! write)|dapi[0-9a-f]", TEXTS[name])


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_that_a_stranger_can_write_reaches_a_shell(name):
    assert "pull_request_target" not in TEXTS[name]
    for job in WORKFLOWS[name]["jobs"].values():
        assert "${{" not in "".join(step.get("run", "") for step in job.get("steps", []))


def test_a_pull_request_is_checked_and_deploys_nothing():
    assert set(WORKFLOWS["ci.yml"]["on"]) == {"pull_request", "workflow_call"}
    assert commands(WORKFLOWS["ci.yml"]["jobs"]["check"]) == "bash .ci/run"
    on = [name for name, workflow in WORKFLOWS.items() if "pull_request" in workflow["on"]]
    assert on == ["ci.yml"]


@pytest.mark.parametrize("target", ["staging", "prod"])
def test_a_deployment_comes_after_the_check_and_shows_who_it_is(target):
    job = DEPLOY[target]
    assert DEPLOY["check"]["uses"] == "./.github/workflows/ci.yml" and job["needs"] == "check"
    assert job["environment"] == target and f"bundle deploy -t {target}" in commands(job)
    assert job["env"]["DATABRICKS_AUTH_TYPE"] == "github-oidc"
    assert job["env"]["BUNDLE_VAR_service_principal"] == job["env"]["DATABRICKS_CLIENT_ID"]
    assert re.findall(r"-t (\w+)", commands(job)) == [target] * commands(job).count("-t ")


def test_main_goes_to_staging_and_is_run_there_and_a_tag_goes_to_prod():
    assert WORKFLOWS["deploy.yml"]["on"] == {"push": {"branches": ["main"], "tags": ["v*"]}}
    assert DEPLOY["staging"]["if"] == "github.ref_type == 'branch'"
    assert DEPLOY["prod"]["if"] == "github.ref_type == 'tag'"
    order = re.findall(r"bundle (\w+ ?\w*) -t|(fs cp)", commands(DEPLOY["staging"]))
    assert [one or other for one, other in order] == [
        *("validate", "deploy", "fs cp", "run member", "run claims"),
    ]


def test_the_sample_goes_to_stagings_raw_volume():
    from data_ops.config import load_settings

    copied = re.search(r"fs cp .* (\S+) dbfs:(\S+)", commands(DEPLOY["staging"]))
    assert (ROOT / copied[1]).is_dir()
    assert copied[2] == load_settings(environment="staging").source


def test_a_tag_that_is_not_the_version_stops():
    check = next(
        step["run"] for step in DEPLOY["prod"]["steps"] if "settings.ini" in step.get("run", "")
    )
    line = re.search(r'"(version = )', check)[1]
    settings = (ROOT / "settings.ini").read_text(encoding="utf-8").splitlines()
    assert [one for one in settings if one.startswith(line)]


def test_the_uv_of_the_workflows_is_the_uv_of_the_wrapper():
    wanted = re.search(r"uv_version=(\S+)", (ROOT / "data-ops").read_text(encoding="utf-8"))[1]
    given = {
        one for text in TEXTS.values() for one in re.findall(r'version: "(\d+\.\d+\.\d+)"', text)
    }
    assert given == {wanted}
