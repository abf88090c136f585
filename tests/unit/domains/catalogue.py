"""The catalogue of rules that was agreed on, where it lies beside the project."""

import csv
from collections.abc import Collection

from data_ops.config import project_root

CATALOGUE = project_root().parent / "shared/model/dq_rules.tsv"


def agreed(tables: Collection[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(table, rule) → (severity, scope) of every rule of these tables."""
    with CATALOGUE.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {
        (row["table"], row["rule"]): (row["severity"], row["scope"])
        for row in rows
        if row["table"] in tables
    }
