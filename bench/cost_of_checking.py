"""What checking costs: silver with all its rules ÷ silver without, on a million raw lines.

    uv run python bench/cost_of_checking.py [--rows 1000000] [--repeats 3] [--json FILE]

Both sides read the same bronze rows, finish the same account and write the same table; one judges
every rule of the table, counts and sets aside, the other has no rule at all. They take turns in one
Spark session; the ratio is of the medians, the spread is told beside it.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from data_ops.arrivals import land
from data_ops.config import load_settings, project_root
from data_ops.domains.claims.domain import DOMAIN
from data_ops.domains.member.domain import DOMAIN as MEMBER
from data_ops.operations import accounts, quality
from data_ops.runs import Run
from data_ops.tasks import build_all
from data_ops.utils.spark import kept, local_spark, named

TABLE = DOMAIN.table("silver_professional")
RULES = quality.rules_for(DOMAIN.rules, TABLE.name)
FEEDS = {feed.table: feed for feed in DOMAIN.feeds}


def prepare(spark: SparkSession, rows: int) -> dict[str, DataFrame]:
    """Bronze of the sample, repeated under new claim and member ids, and the member tables."""
    settings = load_settings(environment="local", source=str(project_root() / "data/sample/rif"))
    member, claims = (Run(spark, settings, "bench", domain) for domain in (MEMBER, DOMAIN))
    for run in (member, claims):
        land(run, Path(settings.source))
    build_all(member, [table.name for table in MEMBER.tables if table.name.startswith("silver")])
    frames = {name: spark.table(member.name(name)) for name in TABLE.takes}
    found = {name: spark.table(claims.name(name)) for name in TABLE.accounts_for}
    copies = -(-rows // sum(df.count() for df in found.values()))
    numbers = spark.range(copies).withColumnRenamed("id", "_copy")
    for name, df in found.items():
        again = df.crossJoin(F.broadcast(numbers))
        ids = {one: F.concat_ws("x", one, "_copy") for one in ("CLM_ID", "_row_hash")}
        again.withColumns(ids).drop("_copy").write.saveAsTable(f"bench_{name}")
        frames[name] = spark.table(f"bench_{name}")
    return frames


def build(spark: SparkSession, frames: dict[str, DataFrame], rules: tuple) -> float:
    """Seconds from bronze to a written table, judged by `rules`."""
    began = time.monotonic()
    raw = {name: accounts.raw_rows(frames[name], FEEDS[name]) for name in TABLE.accounts_for}
    with named(TABLE.rows(**raw)) as sent:
        judged = accounts.set_aside(sent, rules, TABLE.whole)
        with kept(TABLE.build(judged, **{name: frames[name] for name in TABLE.takes})) as account:
            accounts.tally(account, rules).collect()
            wanted = accounts.accepted(account, TABLE.contract)
            tables = {
                name: frames.get(name, wanted) for rule in rules for name in quality.tables_of(rule)
            }
            quality.count_failing(spark, rules, tables | {TABLE.name: wanted}, "DATE'2026-01-01'")
            if rules:
                aside = [(frames[name], FEEDS[name]) for name in TABLE.accounts_for]
                accounts.kept_out(account, TABLE.contract, aside).write.mode(
                    "overwrite"
                ).saveAsTable("bench_aside")
            wanted.write.mode("overwrite").saveAsTable("bench_table")
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        local_spark(Path(folder), Path(folder) / "log") as spark,
    ):
        frames = prepare(spark, options.rows)
        rows = sum(frames[name].count() for name in TABLE.accounts_for)
        seconds: dict[str, list[float]] = {"without": [], "with": []}
        build(spark, frames, ())  # the JVM warms up on neither
        for _ in range(options.repeats):
            for name, rules in (("without", ()), ("with", RULES)):
                seconds[name].append(round(build(spark, frames, rules), 1))
                print(f"{name:8} {seconds[name][-1]:8.1f} s", flush=True)
    ratio = statistics.median(seconds["with"]) / statistics.median(seconds["without"])
    told = {
        "rows": rows,
        "rules": len(RULES),
        "seconds": seconds,
        "cost_of_checking": round(ratio, 3),
    }
    print(json.dumps(told))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
