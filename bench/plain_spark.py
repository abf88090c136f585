"""The same tables by one plain PySpark script: the rival of bench/run.py.

    uv run python -m bench.plain_spark --source DIR --root DIR

It is what one would write by hand with the domain's functions at hand: read the files, build one
table after the other, judge every rule, set aside, count, write. It leaves out what a run is for:
notebooks and their executed copies, tasks side by side, records, finding what is new, merging,
constraints, change data feed, the report.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_ops.config import load_settings
from data_ops.domains.claims.domain import DOMAIN as CLAIMS
from data_ops.domains.member.domain import DOMAIN as MEMBER
from data_ops.operations import accounts, bronze, quality
from data_ops.operations.contracts import Domain, Table, bronze_contract
from data_ops.operations.landing import survey
from data_ops.utils.spark import kept, local_spark, named

NOW = datetime.now(UTC)


class Script:
    """Tables by their plain names, in the schemas that a run would use."""

    def __init__(self, spark: SparkSession, source: Path):
        self.spark, self.source = spark, source
        self.settings = load_settings(environment="local", catalog="spark_catalog")
        self.names: dict[str, str] = {}  # plain name → where it lies
        self.counts: dict[str, dict[str, int]] = {}

    def table(self, name: str) -> DataFrame:
        return self.spark.table(self.names[name])

    def write(self, df: DataFrame, domain: Domain, name: str) -> None:
        self.names[name] = f"{self.settings.schema_of(domain.name)}.{name}"
        df.write.format("delta").mode("overwrite").saveAsTable(self.names[name])

    def land(self, domain: Domain) -> None:
        """Every line of every good file, counted on the way in and in the table."""
        schema = self.settings.schema_of(domain.name)
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        files = survey(self.source, domain.feeds)
        for feed in domain.feeds:
            good = [f for f in files if f.feed == feed.name and f.disposition == "landed"]
            if good:
                rows = bronze.read_files(self.spark, feed, good, "sample", "plain", NOW)
            else:
                fields = ", ".join(f"`{c.name}` {c.type}" for c in bronze_contract(feed).columns)
                rows = self.spark.createDataFrame([], fields)
            self.write(rows, domain, feed.table)
            lines, found = sum(f.rows for f in good), self.table(feed.table).count()
            if lines != found:
                raise SystemExit(f"{feed.table}: {lines} lines, {found} rows")

    def as_of(self, domain: Domain, table: Table) -> str:
        """The latest date that the table's feeds speak of."""
        feeds = [f for f in domain.feeds if f.table in table.accounts_for or not table.rows]
        found = [
            self.table(f.table).agg(F.expr(f.as_of).cast("date")).collect()[0][0] for f in feeds
        ]
        return f"DATE'{max(day for day in found if day)}'"

    def judge(self, domain: Domain, table: Table, wanted: DataFrame, as_of: str) -> None:
        """Set rules, each counted; a broken one that must hold ends the script."""
        rules = quality.rules_for(domain.rules, table.name)
        names = {name for rule in rules for name in (*quality.tables_of(rule), rule.table)}
        frames = {name: wanted if name == table.name else self.table(name) for name in names}
        for name, (_, failed) in quality.count_failing(self.spark, rules, frames, as_of).items():
            severity = next(rule.severity for rule in rules if rule.name == name)
            if failed and severity == "fail":
                raise SystemExit(f"{table.name}: {name} fails {failed} times")

    def from_bronze(self, domain: Domain, table: Table) -> None:
        assert table.rows is not None
        feeds = {feed.table: feed for feed in domain.feeds}
        rules = quality.rules_for(domain.rules, table.name)
        sent = {n: accounts.raw_rows(self.table(n), feeds[n]) for n in table.accounts_for}
        taken = {name: self.table(name) for name in table.takes}
        with named(table.rows(**sent)) as rows:
            judged = accounts.set_aside(rows, rules, table.whole)
            with kept(table.build(judged, **taken)) as account:
                told = accounts.tally(account, rules).collect()
                aside_rows = sum(row.quarantined for row in told)
                for row in told:
                    self.counts[f"{table.name} from {row['_input']}"] = row.asDict()
                wanted = accounts.accepted(account, table.contract)
                sets = any("{as_of}" in rule.sql for rule in rules if rule.scope == "set")
                self.judge(domain, table, wanted, self.as_of(domain, table) if sets else "NULL")
                if rules:
                    raw = [(self.table(name), feeds[name]) for name in table.accounts_for]
                    aside = accounts.kept_out(account, table.contract, raw, aside_rows)
                    self.write(aside, domain, f"{table.name}_quarantine")
                self.write(wanted, domain, table.name)

    def from_tables(self, domain: Domain, table: Table) -> None:
        rules = quality.rules_for(domain.rules, table.name)
        dated = any("{as_of}" in rule.sql for rule in rules)
        as_of = self.as_of(domain, table) if dated else "NULL"
        with kept(table.build(**{name: self.table(name) for name in table.takes})) as wanted:
            counted = [
                F.count("*").alias("rows"),
                *quality.tallies([rule for rule in rules if rule.scope == "row"], as_of),
            ]
            self.counts[table.name] = wanted.agg(*counted).collect()[0].asDict()
            self.judge(domain, table, wanted, as_of)
            self.write(wanted.select(*table.contract.names), domain, table.name)

    def run(self, domain: Domain) -> None:
        self.land(domain)
        for table in domain.tables:
            (self.from_bronze if table.rows else self.from_tables)(domain, table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args()
    options.root.mkdir(parents=True, exist_ok=True)
    with local_spark(options.root, options.root / "spark.log") as spark:
        script = Script(spark, options.source)
        for domain in (MEMBER, CLAIMS):
            script.run(domain)
    print(f"{len(script.counts)} inputs counted")


if __name__ == "__main__":
    main()
