"""What checking costs: silver with all its rules ÷ silver without, on a million raw lines.

    uv run python -m bench.cost_of_checking [--rows 1000000] [--repeats 3] [--json FILE]

Both sides are a step of the plain script: they read the same bronze rows, finish the same account
and write the same table; one judges every rule of the table, counts and sets aside, the other has
no rule at all. They take turns in one Spark session; the ratio is of the medians, the spread is
told beside it.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pyspark.sql import functions as F

from bench.plain_spark import Script
from data_ops.config import project_root
from data_ops.domains.claims.domain import DOMAIN
from data_ops.domains.member.domain import DOMAIN as MEMBER
from data_ops.operations import quality
from data_ops.utils.spark import local_spark

TABLE = DOMAIN.table("silver_professional")
SIDES = {"without": replace(DOMAIN, rules=()), "with": DOMAIN}
# What tells claims and people apart: a copy has its own.
IDS = ("_row_hash", "BENE_ID", "CLM_ID", "CLM_GRP_ID", "CARR_CLM_CNTL_NUM", "person_id")


def multiply(script: Script, rows: int) -> int:
    """Bronze claims of the sample and their members, repeated as others, one line in a thousand
    with a date that is none; returns the rows."""
    copies = -(-rows // sum(script.table(name).count() for name in TABLE.accounts_for))
    numbers = script.spark.range(copies).withColumnRenamed("id", "_copy")
    for name in (*TABLE.accounts_for, "silver_demographics", "silver_eligibility"):
        again = script.table(name).crossJoin(F.broadcast(numbers))
        ids = {one: F.concat(one, F.lit("x"), "_copy") for one in IDS if one in again.columns}
        if name in TABLE.accounts_for:
            bad = F.expr("pmod(xxhash64(CLM_ID, LINE_NUM, _copy), 1000) = 0")
            ids["CLM_FROM_DT"] = F.when(bad, "31-Nix-2020").otherwise(F.col("CLM_FROM_DT"))
        again.withColumns(ids).drop("_copy").write.saveAsTable(f"bench_{name}")
        script.names[name] = f"bench_{name}"
    return sum(script.table(name).count() for name in TABLE.accounts_for)


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
        script = Script(spark, project_root() / "data/sample/rif")
        script.run(MEMBER)
        script.land(DOMAIN)
        rows = multiply(script, options.rows)
        seconds: dict[str, list[float]] = {name: [] for name in SIDES}
        script.from_bronze(SIDES["without"], TABLE)  # the JVM warms up on neither
        for _ in range(options.repeats):
            for name, domain in SIDES.items():
                began = time.monotonic()
                script.from_bronze(domain, TABLE)
                seconds[name].append(round(time.monotonic() - began, 1))
                print(f"{name:8} {seconds[name][-1]:8.1f} s", flush=True)
    ratio = statistics.median(seconds["with"]) / statistics.median(seconds["without"])
    told = {
        "rows": rows,
        "rules": len(quality.rules_for(DOMAIN.rules, TABLE.name)),
        "seconds": seconds,
        "cost_of_checking": round(ratio, 3),
    }
    print(json.dumps(told))
    if options.json:
        options.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
