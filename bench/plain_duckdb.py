"""The member domain's tables by DuckDB: the other rival of bench/run.py.

    uv run python -m bench.plain_duckdb --source DIR --to DIR

reads the beneficiary files and writes six tables as Parquet. The SQL is that of the tests' own
second reading (tests/independent.py). It leaves out: bronze, quarantine, rules, records, the
crosswalk, columns that only say where a row came from, and the whole claims domain.
"""

import argparse
import json
import time
from pathlib import Path

import duckdb

from tests import independent

# The table → its query, and the names that its columns have in our table.
SPAN = "start_date AS {0}_start_date, end_date AS {0}_end_date"
TABLES = {
    "silver_demographics": (independent.DEMOGRAPHICS, "*"),
    "silver_enrollment": (
        independent.ENROLLMENT,
        f"person_id, coverage_type, plan_id, {SPAN.format('enrollment')}",
    ),
    "silver_eligibility": (
        independent.ISLANDS,
        "person_id, payer, plan_id, coverage_type, span_count, " + SPAN.format("eligibility"),
    ),
    "silver_member_status": (independent.MEMBER_STATUS, "*"),
    "gold_member_months": (
        independent.MEMBER_MONTHS,
        """* RENAME (covered_first_day AS first_day_flag, covered_15th AS mid_month_flag,
                     covered_full_month AS full_month_flag)""",
    ),
    "gold_coverage_gaps": (
        independent.GAPS,
        "* RENAME (gap_start AS gap_start_date, gap_end AS gap_end_date, days AS gap_days)",
    ),
}


def read(con: duckdb.DuckDBPyConnection, source: Path) -> None:
    """`sent`: every row of the beneficiary files, as the SQL expects it."""
    fields = ", ".join(f"nullif(trim({name}), '') AS {name}" for name in independent.COLUMNS)
    files = sorted(str(path) for path in source.rglob("beneficiary_2*.csv*"))
    con.execute(f"""
        CREATE TABLE sent AS
        SELECT filename AS file, row_number() OVER () AS line_number, true AS fits, {fields}
        FROM read_csv({files}, delim = '|', quote = '', header = true, all_varchar = true,
                      filename = true)
        """)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    con = duckdb.connect()
    con.execute("SET threads = 2")
    read(con, options.source)
    con.execute(independent.LATEST + independent.MONTHLY + independent.PERSON_ROWS)
    for name, (sql, columns) in TABLES.items():
        con.execute(f"COPY (SELECT {columns} FROM ({sql})) TO '{options.to / name}.parquet'")
    print(json.dumps({"seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
