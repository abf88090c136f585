"""What the bench makes of a run's traces, by hand; slow: the bench itself, on a few members."""

import json
import subprocess
import sys

import pytest

from bench import run
from data_ops.config import project_root


def commit(table, version: int, *actions: dict, at: int = 1000) -> None:
    """One version of a Delta table, as its log tells it."""
    log = table / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    lines = [{"commitInfo": {"timestamp": at}}, *actions]
    (log / f"{version:020}.json").write_text("\n".join(map(json.dumps, lines)))


def add(path: str, size: int, rows: int = 0) -> dict:
    return {"add": {"path": path, "size": size, "stats": json.dumps({"numRecords": rows})}}


@pytest.fixture
def root(tmp_path):
    bronze = tmp_path / "warehouse/local_claims.db/bronze_pde"
    commit(bronze, 0, at=5_000)  # created
    commit(bronze, 1, add("a", 100, rows=7), at=9_000)
    gold = tmp_path / "warehouse/local_claims.db/gold_pmpm"
    commit(gold, 0, add("a", 50), at=20_000)
    commit(
        gold,
        1,
        {"remove": {"path": "a"}},
        add("b", 60),
        {"cdc": {"path": "c", "size": 40}},
        at=30_000,
    )
    return tmp_path


def test_bytes_written_are_counted_with_those_that_were_replaced_and_the_change_data(root):
    assert run.amplification(root) == (100 + 50 + 60 + 40) / (100 + 60)


def test_the_first_row_is_there_with_the_first_file_not_with_the_table(root):
    assert run.first_row(root) == 9.0


def test_raw_rows_are_those_of_bronze(root):
    assert run.raw_rows(root) == 7


TOLD = {
    "tasks": [
        {"task": "member/bronze", "began": 10.0, "seconds": 5.0, "tables": [{"table": "bronze_a"}]},
        {"task": "member/gold", "began": 15.5, "seconds": 4.0, "tables": [{"table": "gold_a"}]},
        {"task": "claims/one", "began": 20.0, "seconds": 5.0, "tables": [{"table": "silver_a"}]},
        {"task": "claims/two", "began": 24.9, "seconds": 5.0, "tables": [{"table": "silver_b"}]},
        {
            "task": "claims/gold",
            "began": 30.0,
            "seconds": 9.0,
            "tables": [{"table": "gold_b"}, {"table": "gold_c"}, {"table": "gold_d"}],
        },
    ]
}
WORKED = {
    "bronze_a": (1010.0, 1011.0),
    "gold_a": (1016.0, 1019.0),
    "silver_a": (1020.0, 1021.0),
    "silver_b": (1025.0, 1026.0),
    "gold_b": (1031.0, 1034.0),
    "gold_c": (1032.0, 1033.0),
    "gold_d": (1035.0, 1037.0),
}


def test_a_job_lasts_from_its_first_tasks_beginning_to_its_last_ones_end():
    assert run.job_seconds(TOLD, "member") == 9.5


def test_overhead_is_what_a_task_that_was_alone_took_beside_the_work_on_its_tables():
    """4 s with 3 s of work; 9 s with 5 s, of which one second was spent on two tables at once."""
    assert run.overheads(TOLD, WORKED) == [1.0, 4.0]


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0.0),
        ([(5.0, 7.0)], 2.0),
        ([(8.0, 9.0), (5.0, 7.0)], 3.0),
        ([(5.0, 9.0), (6.0, 7.0)], 4.0),
        ([(5.0, 7.0), (6.0, 9.0)], 4.0),
    ],
)
def test_seconds_that_are_part_of_two_spans_count_once(spans, seconds):
    assert run.covered(spans) == seconds


@pytest.mark.slow
def test_a_few_members_are_benched_and_all_tables_are_the_rivals(tmp_path):
    told = tmp_path / "figures.json"
    sizes = ["--members", "20", "--small", "10", "--repeats", "1", "--json", told]
    done = subprocess.run(
        [sys.executable, "bench/run.py", *map(str, sizes)],
        cwd=project_root(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(told.read_text())
    assert figures["different"] == []
    assert all({"min", "median", "max"} <= figures[key].keys() for key in run.MEANINGS)
