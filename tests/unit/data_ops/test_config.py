"""Who wins, what is refused, and that a secret is never shown."""

import logging
import traceback

import pytest
import yaml

from data_ops.config import (
    CONFIGURED,
    DOMAINS,
    ENVIRONMENTS,
    Settings,
    get_settings,
    load_settings,
    project_root,
    read_configs,
)
from data_ops.utils.errors import ConfigError
from data_ops.utils.logging import JsonFormatter

SECRET = "dapi-0123456789abcdef"


PLACES = "catalog: c\nmember_schema: m\nclaims_schema: c\nops_schema: o\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project as the working directory; calls write its files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_OPS_ENV_FILE", ".env")
    (tmp_path / "configs").mkdir()
    (tmp_path / "databricks.yml").touch()

    def write(**files: str):
        for name, text in files.items():
            path = tmp_path / (".env" if name == "env" else f"configs/{name}.yml")
            if name in ("dev", "staging", "prod") and (":" in text or not text):
                text = PLACES + text  # of two lines for one name the later counts
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


# Who wins

LAYERS = ["base.yml", "dev.yml", ".env", "environment", "argument"]


@pytest.mark.parametrize("top", LAYERS)
def test_each_source_wins_over_all_below_it(project, monkeypatch, top):
    on = set(LAYERS[: LAYERS.index(top) + 1])
    project(
        base="data_source: base.yml" if "base.yml" in on else "",
        dev="data_source: dev.yml" if "dev.yml" in on else "",
        env="DATA_SOURCE=.env" if ".env" in on else "",
    )
    if "environment" in on:
        monkeypatch.setenv("DATA_SOURCE", "environment")
    arguments = {"data_source": "argument"} if "argument" in on else {}
    assert load_settings(environment="dev", **arguments).data_source == top


def test_where_no_source_speaks_the_default_holds(project):
    project(base="")
    assert load_settings().data_source == "sample"


@pytest.mark.parametrize("source", [".env", "environment", "argument"])
def test_the_environment_chooses_the_yaml_file_wherever_it_is_named(project, monkeypatch, source):
    project(staging="catalog: mine", env="ENVIRONMENT=staging" if source == ".env" else "")
    if source == "environment":
        monkeypatch.setenv("ENVIRONMENT", "staging")
    arguments = {"environment": "staging"} if source == "argument" else {}
    assert load_settings(**arguments).catalog == "mine"


def test_another_environments_file_is_not_read(project):
    project(dev="catalog: of_dev", prod="catalog: of_prod")
    assert load_settings(environment="dev").catalog == "of_dev"


def test_the_folder_of_the_yaml_files_can_be_named(project, tmp_path):
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "local.yml").write_text("catalog: other")
    project(local="catalog: usual")
    assert load_settings(config_dir=tmp_path / "else").catalog == "other"


def test_the_settings_of_a_process_are_read_once(project, request):
    get_settings.cache_clear()
    request.addfinalizer(get_settings.cache_clear)
    project(local="catalog: first")
    assert get_settings().catalog == "first"
    project(local="catalog: second")
    assert get_settings().catalog == "first"


def test_settings_cannot_be_changed(project):
    with pytest.raises(ValueError, match="frozen"):
        load_settings().catalog = "other"


def test_the_project_is_found_from_a_folder_below_it(project, tmp_path, monkeypatch):
    project(local="catalog: found")
    below = tmp_path / "notebooks_jobs" / "member"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project_root() == tmp_path and load_settings().catalog == "found"


def test_env_file_beside_the_bundle_counts_from_a_folder_below_it(project, tmp_path, monkeypatch):
    monkeypatch.delenv("DATA_OPS_ENV_FILE")
    project(env="DATA_SOURCE=of_env")
    (tmp_path / "nbs").mkdir()
    monkeypatch.chdir(tmp_path / "nbs")
    assert load_settings().data_source == "of_env"


def test_the_env_file_can_be_given_as_an_argument(project, tmp_path):
    (tmp_path / "other.env").write_text("DATA_SOURCE=other")
    assert load_settings(_env_file=tmp_path / "other.env").data_source == "other"


# The four environments as they are shipped

CATALOGS = {
    "local": "spark_catalog",
    "dev": "dev_catalog",
    "staging": "staging_catalog",
    "prod": "prod_catalog",
}


def test_there_are_four_environments():
    assert set(ENVIRONMENTS) == set(CATALOGS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("domain", ["member", "claims", "ops"])
def test_tables_are_named_by_catalog_environment_and_domain(environment, domain):
    name = load_settings(environment=environment).table(domain, "gold_x")
    assert name == f"{CATALOGS[environment]}.{environment}_{domain}.gold_x"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_workspaces_raw_files_lie_in_its_own_volume(environment):
    source = load_settings(environment=environment).source
    assert source == f"/Volumes/{environment}_catalog/{environment}_ops/raw"


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domains_schema_follows_from_its_name_unless_the_environments_file_says_otherwise(
    project, domain
):
    (project(dev="") / "configs/dev.yml").write_text("catalog: c\nops_schema: o")
    assert load_settings(environment="dev").schema_of(domain) == f"dev_{domain}"
    project(dev=f"{domain}_schema: other")
    assert load_settings(environment="dev").schema_of(domain) == "other"


def test_what_jobs_and_pipelines_are_told_are_settings():
    assert set(CONFIGURED) <= set(Settings.model_fields)
    assert {f"{domain}_schema" for domain in (*DOMAINS, "ops")} <= set(CONFIGURED)


# What is refused

UNKNOWN = [
    ("base", "catalogue: x", "'catalogue'.*configs/base.yml"),
    ("dev", "catalogue: x", "'catalogue'.*configs/dev.yml"),
]


@pytest.mark.parametrize(("file", "text", "told"), UNKNOWN)
def test_a_key_that_no_setting_has_is_refused_naming_file_and_key(project, file, text, told):
    project(**{file: text})
    with pytest.raises(ConfigError, match=told):
        load_settings(environment="dev")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("MEMBER_SCEMA", "MEMBER_SCHEMA"),
        ("Enviroment", "ENVIRONMENT"),
        ("CATALOGUE", "CATALOG"),
        ("DATABRICKS_TOKENS", "DATABRICKS_TOKEN"),
    ],
)
def test_a_name_in_the_env_file_that_is_nearly_a_settings_is_refused(project, wrong, meant):
    project(env=f"{wrong}={SECRET}")
    with pytest.raises(ConfigError, match=rf"'{wrong.upper()}' \(\.env.*{meant}\?") as caught:
        load_settings()
    assert SECRET not in str(caught.value)


def test_the_env_file_may_hold_names_of_other_tools(project):
    others = [
        "AWS_REGION",
        "DATABRICKS_CONFIG_PROFILE",
        "DATABRICKS_TOKEN_FILE",
        "SOURCE_DATE_EPOCH",
    ]
    project(env="\n".join([*(f"{name}=x" for name in others), "DATA_SOURCE=payer"]))
    assert load_settings().data_source == "payer"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("catalog: [a", r"not valid YAML \(dev\.yml:\d"),
        ("catalog: 'a\n", r"not valid YAML \(dev\.yml"),
        ("- catalog", r"not a mapping .*\(dev\.yml\)"),
        ("just words", r"not a mapping .*\(dev\.yml\)"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_naming_it(project, text, told):
    project(dev=text)
    with pytest.raises(ConfigError, match=told):
        read_configs("dev")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"enviroment": "dev"}, "unknown setting 'enviroment'"),
        ({"environment": "qa"}, "'environment' is wrong: .*'staging'"),
        ({"log_level": "LOUD"}, "'log_level' is wrong: .*'WARNING'"),
        ({"catalog": 3}, "'catalog' is wrong: .*string"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line_naming_it(project, wrong, told):
    with pytest.raises(ConfigError, match=told) as caught:
        load_settings(**wrong)
    assert "\n" not in str(caught.value)


def test_a_value_of_the_wrong_kind_in_yaml_is_refused(project):
    project(base="log_level: LOUD")
    with pytest.raises(ConfigError, match="'log_level' is wrong"):
        load_settings()


def test_a_domain_without_a_schema_is_refused_naming_it():
    with pytest.raises(ConfigError, match="'pharmacy'"):
        load_settings().table("pharmacy", "x")


def test_an_environment_without_its_file_is_refused_unless_its_places_are_given(project):
    with pytest.raises(ConfigError, match="'prod' does not say its catalog .*configs/prod.yml"):
        load_settings(environment="prod")
    places = yaml.safe_load(PLACES)
    assert load_settings(environment="prod", **places).catalog == "c"
    del places["ops_schema"]
    with pytest.raises(ConfigError, match="ops_schema"):
        load_settings(environment="prod", **places)


def test_yaml_cannot_name_an_environment_and_give_anothers_values(project):
    project(base="environment: prod", local="catalog: of_local", prod="catalog: of_prod")
    try:
        settings = load_settings()
    except ConfigError:
        return
    assert (settings.environment, settings.catalog) in {
        ("local", "of_local"),
        ("prod", "of_prod"),
    }


# The token


@pytest.fixture(params=["environment", ".env", "argument"])
def with_token(request, project, monkeypatch):
    """Settings that hold the token, from each place it may come from."""
    if request.param == "environment":
        monkeypatch.setenv("DATABRICKS_TOKEN", SECRET)
    if request.param == ".env":
        project(env=f"DATABRICKS_TOKEN={SECRET}")
    return load_settings(**({"databricks_token": SECRET} if request.param == "argument" else {}))


def test_the_token_is_there_for_who_asks_for_it(with_token):
    assert with_token.databricks_token.get_secret_value() == SECRET


@pytest.mark.parametrize(
    "show",
    [repr, str, lambda s: repr(s.model_dump()), lambda s: s.model_dump_json(), lambda s: f"{s!r}"],
)
def test_the_token_is_never_shown(with_token, show):
    assert SECRET not in show(with_token)


def test_the_token_is_not_in_a_log_line(with_token):
    record = logging.LogRecord("data_ops", 20, "", 0, f"start with {with_token}", None, None)
    assert SECRET not in JsonFormatter().format(record)


@pytest.mark.parametrize("where", ["token", "other"])
def test_the_token_is_in_no_error_and_no_traceback(project, where):
    wrong = {"databricks_token": [SECRET]} if where == "token" else {"environment": SECRET}
    with pytest.raises(ConfigError) as caught:
        load_settings(**wrong)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_token_is_not_in_the_error_of_a_yaml_file_that_holds_it(project):
    project(local=f"databricks_token: '{SECRET}\n  x: [")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
