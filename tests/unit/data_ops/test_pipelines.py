"""What would be registered in a workspace: a stand-in for Lakeflow writes down what it gets."""

import gzip
import importlib.util
import shutil
from types import SimpleNamespace

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from data_ops import pipelines
from data_ops.config import DOMAINS, load_settings, project_root
from data_ops.operations.quality import on, rules_for, set_rule
from data_ops.pipelines import Pipeline, _within, expectations
from data_ops.runs import get_domain

SOURCE = str(project_root() / "data/sample/rif")


class StandIn:
    """`dp` of Lakeflow: datasets by name, and the expectations that were put on each query."""

    def __init__(self):
        self.datasets: dict[str, tuple[str, dict]] = {}
        self.expected: dict[str, dict[str, dict[str, str]]] = {}
        self._on_query: dict[object, dict[str, dict[str, str]]] = {}

    def _register(self, kind: str, name: str, facts: dict):
        def decorate(query):
            assert name not in self.datasets
            self.datasets[name] = (kind, facts)
            self.expected[name] = self._on_query.get(query, {})
            return query

        return decorate

    def table(self, name, **facts):
        return self._register("table", name, facts)

    def temporary_view(self, name, **facts):
        return self._register("temporary_view", name, facts)

    def materialized_view(self, name, **facts):
        return self._register("materialized_view", name, facts)

    def _expect(self, kind: str, conditions: dict[str, str]):
        def decorate(query):
            self._on_query.setdefault(query, {})[kind] = conditions
            return query

        return decorate

    def expect_all(self, conditions):
        return self._expect("expect_all", conditions)

    def expect_all_or_drop(self, conditions):
        return self._expect("expect_all_or_drop", conditions)

    def expect_all_or_fail(self, conditions):
        return self._expect("expect_all_or_fail", conditions)


@pytest.fixture(scope="module", params=DOMAINS)
def registered(request):
    """(domain, stand-in) after every file of dlt/<domain>/ was executed as it is."""
    domain, dp = get_domain(request.param), StandIn()
    spark = SimpleNamespace(createDataFrame=lambda *given: None)
    whole = Pipeline(domain, load_settings(environment="local", source=SOURCE), spark, dp)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data_ops.pipelines.pipeline", lambda name: whole)
        for file in sorted((project_root() / "dlt" / domain.name).glob("*.py")):
            spec = importlib.util.spec_from_file_location(file.stem, file)
            spec.loader.exec_module(importlib.util.module_from_spec(spec))
    return domain, dp


def test_every_feed_is_a_streaming_table_and_every_table_a_materialized_view(registered):
    domain, dp = registered
    kinds = {name: kind for name, (kind, _) in dp.datasets.items()}
    assert {name for name, kind in kinds.items() if kind == "table"} == {
        feed.table for feed in domain.feeds
    }
    wanted = {table.name for table in domain.tables}
    for table in domain.tables:
        if table.rows:
            wanted |= {f"{table.name}_quarantine", f"{table.name}_tally"}
        if any(rule.scope == "set" for rule in rules_for(domain.rules, table.name)):
            wanted.add(f"{table.name}_set_rules")
    assert {name for name, kind in kinds.items() if kind == "materialized_view"} == wanted


def test_no_dataset_names_a_format_or_clusters(registered):
    """Open-source Spark can do neither; the default source is Delta."""
    for kind, facts in registered[1].datasets.values():
        assert not {"format", "cluster_by"} & facts.keys(), kind


def test_columns_and_grain_are_the_contracts(registered):
    domain, dp = registered
    for table in domain.tables:
        _, facts = dp.datasets[table.name]
        assert facts["comment"] == table.contract.grain
        for column in table.contract.columns:
            assert f"`{column.name}` {column.type} COMMENT " in facts["schema"]


def test_each_row_rule_is_the_expectation_that_its_severity_asks_for(registered):
    domain, dp = registered
    kinds = {"warn": "expect_all", "quarantine": "expect_all_or_drop", "fail": "expect_all_or_fail"}
    for table in domain.tables:
        dataset = f"{table.name}_judged" if table.rows else table.name
        wanted: dict[str, set[str]] = {}
        for rule in rules_for(domain.rules, table.name):
            if rule.scope == "row":
                wanted.setdefault(kinds[rule.severity], set()).add(rule.name)
        found = {kind: set(conditions) for kind, conditions in dp.expected[dataset].items()}
        assert found == wanted, table.name


def test_each_set_rule_is_an_expectation_on_its_row_of_counts(registered):
    domain, dp = registered
    kinds = {"warn": "expect_all", "fail": "expect_all_or_fail"}
    for table in domain.tables:
        wanted: dict[str, set[str]] = {}
        for rule in rules_for(domain.rules, table.name):
            if rule.scope == "set":
                wanted.setdefault(kinds[rule.severity], set()).add(rule.name)
        told = dp.expected.get(f"{table.name}_set_rules", {})
        assert {kind: set(conditions) for kind, conditions in told.items()} == wanted, table.name


def test_a_set_rules_expectation_is_its_verdict_in_a_job():
    rules = on(
        "silver_x",
        set_rule("share", "warn", "SELECT 1 FROM silver_x", "why", tolerance=0.05),
        set_rule("few", "warn", "SELECT 1 FROM silver_x", "why", tolerance=3),
        set_rule("any", "warn", "SELECT 1 FROM silver_x", "why"),
        set_rule("never", "fail", "SELECT 1 FROM silver_x", "why"),
    )
    told = {**_within(list(rules), "warn"), **_within(list(rules), "fail")}
    assert told["share"] == "rule <> 'share' OR failed = 0 OR failed <= 0.05 * checked"
    assert told["few"] == "rule <> 'few' OR failed = 0 OR failed <= 3.0"
    assert told["any"] == "rule <> 'any' OR failed = 0"
    assert told["never"] == "rule <> 'never' OR failed = 0"


def test_nothing_else_carries_an_expectation(registered):
    domain, dp = registered
    allowed = {f"{t.name}_judged" if t.rows else t.name for t in domain.tables}
    allowed |= {f"{table.name}_set_rules" for table in domain.tables}
    assert {name for name, found in dp.expected.items() if found} <= allowed


def test_null_counts_as_failing_and_a_row_set_aside_is_no_row_of_the_table():
    dp = StandIn()
    rules = rules_for(get_domain("member").rules, "silver_demographics")

    def query(): ...

    expectations(dp, rules, "_as_of", "_disposition <> 'contributed'")(query)
    told = dp._on_query[query]
    assert told["expect_all_or_drop"] == {
        "person_id_present": "NOT array_contains(_reasons, 'person_id_present')",
        "effective_from_present": "NOT array_contains(_reasons, 'effective_from_present')",
    }
    sex = "(_disposition <> 'contributed') OR coalesce((sex IN ('male','female','unknown')), false)"
    assert told["expect_all"]["sex_valid"] == sex
    assert "_as_of" in told["expect_all"]["birth_date_plausible"]
    assert not any("{as_of}" in sql for found in told.values() for sql in found.values())


def test_where_there_are_no_expectations_the_query_is_left_as_it_is():
    def query(): ...

    rules = rules_for(get_domain("member").rules, "silver_demographics")
    assert expectations(object(), rules, "_as_of")(query) is query


def test_a_stream_stops_at_a_file_that_came_after_the_others_were_looked_at(
    spark, tmp_path, monkeypatch
):
    sample = project_root() / "data/sample/rif"
    for name in ("beneficiary_2024.csv.gz", "manifest.xml"):
        shutil.copy(sample / name, tmp_path)
    (tmp_path / "beneficiary_2020.csv.gz").write_bytes(
        (sample / "beneficiary_2020.csv.gz").read_bytes()[:5000]
    )
    monkeypatch.setattr(
        pipelines, "stream_files", lambda path, **options: spark.read.options(**options).text(path)
    )
    settings = load_settings(environment="local", source=str(tmp_path))
    lines = Pipeline(get_domain("member"), settings, spark, StandIn())._lines()
    whole = str(tmp_path / "beneficiary_2024.csv.gz")
    with gzip.open(whole, "rt", encoding="utf-8") as file:
        expected = sorted(line.rstrip("\n") for line in file)
    assert sorted(row.value for row in lines.where(F.col("_path") == whole).collect()) == expected
    shutil.copy(sample / "beneficiary_2023.csv.gz", tmp_path)
    again = Pipeline(get_domain("member"), settings, spark, StandIn())
    assert again._lines().agg(F.max("value")).collect()
    shutil.copy(sample / "beneficiary_2022.csv.gz", tmp_path)
    with pytest.raises(PySparkException, match="came late"):
        again._lines().agg(F.max("value")).collect()
