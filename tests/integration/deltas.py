"""Delta tables read from their folders, without Spark: version and rows."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import duckdb


def tables(root: Path) -> dict[str, Path]:
    """schema.table → folder of every Delta table under a lakehouse's root."""
    logs = (root / "warehouse").glob("*.db/*/_delta_log")
    return {
        f"{log.parent.parent.name.removesuffix('.db')}.{log.parent.name}": log.parent
        for log in sorted(logs)
    }


def _commits(folder: Path) -> list[Path]:
    return sorted((folder / "_delta_log").glob("[0-9]*.json"))


def actions(folder: Path) -> Iterator[list[dict]]:
    """What each version did, the first one first."""
    for commit in _commits(folder):
        yield [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines()]


def version(folder: Path) -> int:
    """Number of the latest version."""
    return int(_commits(folder)[-1].stem)


def rows(folder: Path, columns: str = "*") -> list[tuple]:
    """The rows of the latest version in a fixed order; there are no deletion vectors locally."""
    files: dict[str, None] = {}
    for action in chain.from_iterable(actions(folder)):
        if "add" in action:
            assert not action["add"].get("deletionVector")
            files[action["add"]["path"]] = None
        elif "remove" in action:
            files.pop(action["remove"]["path"], None)
    if not files:
        return []
    paths = [str(folder / path) for path in files]
    with duckdb.connect() as connection:
        return (
            connection.read_parquet(paths, hive_partitioning=False)
            .select(columns)
            .order("ALL")
            .fetchall()
        )


def data(folder: Path) -> list[tuple]:
    """The rows without the columns that depend on the run; of quarantine, what was sent and why."""
    of_the_data = "NOT starts_with(c, '_') OR c IN ('_raw', '_reasons')"
    return rows(folder, f"COLUMNS(lambda c: {of_the_data})")


def contents(root: Path) -> dict[str, list[tuple]]:
    """schema.table → its rows without the columns that depend on the run."""
    return {name: data(folder) for name, folder in tables(root).items()}
