"""What a run costs, as ratios taken side by side on this machine.

    uv run python bench/run.py --members 10000 --json FILE [--repeats 3] [--small 1000] [--keep DIR]

generates the members, then takes turns, `--repeats` times: a whole run, the same with nothing new,
the same with 1 % of the claims new, the plain PySpark script, DuckDB, and a run of `--small`
members. Prints a table and writes JSON: each key with min, median and max. The rivals' tables are
compared with the run's in the same go; a difference ends the bench with exit code 1.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path

import duckdb
import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from data_ops.config import load_settings
from data_ops.runs import domain_tables
from data_ops.utils.spark import local_spark
from tests.integration import deltas

PROJECT = Path(__file__).resolve().parents[1]
DATA_OPS = Path(sys.executable).with_name("data-ops")
GIB = 1 << 30
MEANINGS = {
    "overhead_vs_spark": "a whole run ÷ the plain PySpark script",
    "ratio_vs_duckdb": "the member job ÷ DuckDB, member domain",
    "rerun_nothing": "a run with nothing new ÷ the whole run",
    "rerun_1pct": "a run with 1 % new claims ÷ the whole run",
    "row_cost_growth": "seconds a raw row at full size ÷ at the small size",
    "task_overhead_s": "seconds of a task beside its tables, of tasks alone at work",
    "task_nothing_s": "seconds of a task that has nothing to do",
    "first_row_s": "seconds from the command to the first row in bronze",
    "driver_peak_gib": "memory of runner and kernels, GiB",
    "server_peak_gib": "memory of Spark, GiB",
    "write_amplification": "bytes written ÷ bytes of the tables",
}


@dataclass
class Measured:
    """One command, watched."""

    seconds: float
    began: float  # seconds since 1970
    driver: float  # GiB at most
    server: float


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------- measuring


@contextmanager
def watched(process: subprocess.Popen) -> Iterator[dict[str, float]]:
    """Peaks of memory of a command's processes, Java apart from the others."""
    peaks, over, java = {"driver": 0.0, "server": 0.0}, threading.Event(), set()

    def look() -> None:
        while not over.wait(0.5):
            now = {"driver": 0, "server": 0}
            try:
                parent = psutil.Process(process.pid)
                for one in (parent, *parent.children(recursive=True)):
                    if one.ppid() in java:
                        continue  # such as chmod, which looks for a moment as large as Java itself
                    if one.name() == "java":
                        java.add(one.pid)
                    now["server" if one.pid in java else "driver"] += one.memory_info().rss
            except psutil.Error:
                continue
            for kind, held in now.items():
                peaks[kind] = max(peaks[kind], held / GIB)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def command(*words: str | Path) -> Measured:
    """Run a command to its end. Raises SystemExit with its last words if it fails."""
    began, clock = time.time(), time.monotonic()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(list(map(str, words)), cwd=PROJECT, stdout=told, stderr=told)
        with watched(process) as peaks:
            code = process.wait()
        seconds = time.monotonic() - clock
        if code:
            told.seek(0)
            sys.exit(f"{' '.join(map(str, words))} ended with {code}:\n{told.read()[-2000:]}")
    return Measured(seconds, began, peaks["driver"], peaks["server"])


def run_all(source: Path, root: Path) -> Measured:
    return command(DATA_OPS, "run", "--source", source, "--root", root)


# --------------------------------------------------------------------------------- what was left


def summary(root: Path) -> dict:
    """What the latest run says of its tasks."""
    latest = max(root.glob("runs/*/summary.json"), key=lambda path: path.stat().st_mtime)
    return json.loads(latest.read_text())


def job_seconds(told: dict, job: str) -> float:
    tasks = [task for task in told["tasks"] if task["task"].startswith(f"{job}/")]
    ends = [task["began"] + task["seconds"] for task in tasks]
    return max(ends) - min(task["began"] for task in tasks)


def worked(root: Path, run_id: str) -> dict[str, tuple[float, float]]:
    """Table → when the run began and ended its work on it, in seconds since 1970."""
    columns = "run_id, table_name, epoch(started_at), epoch(finished_at)"
    logged = deltas.rows(deltas.tables(root)["local_ops.run_log"], columns)
    return {table: (began, ended) for run, table, began, ended in logged if run == run_id}


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that are part of one span or more."""
    total, until = 0.0, 0.0
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def overheads(told: dict, spans: dict[str, tuple[float, float]]) -> list[float]:
    """Seconds of each task beside the work on its tables. Passed over are tasks that had another
    beside them, as they also wait for a core, and those that look for files."""
    tasks = [(task["began"], task["began"] + task["seconds"], task) for task in told["tasks"]]
    found = []
    for began, ended, task in tasks:
        beside = [other for first, last, other in tasks if first < ended and began < last]
        names = [table["table"] for table in task["tables"]]
        if beside == [task] and not any(name.startswith("bronze_") for name in names):
            found.append(task["seconds"] - covered(spans[name] for name in names))
    return found


def bronze(root: Path) -> list[Path]:
    return [path for path in deltas.tables(root).values() if path.name.startswith("bronze_")]


def adds(actions: list[dict]) -> list[dict]:
    """The files that a version added."""
    return [action["add"] for action in actions if "add" in action]


def first_row(root: Path) -> float:
    """When the first row of bronze was there, in seconds since 1970."""
    versions = (version for table in bronze(root) for version in deltas.actions(table))
    filled = (version for version in versions if adds(version))
    told = (one["commitInfo"] for version in filled for one in version if "commitInfo" in one)
    return min(info["timestamp"] for info in told) / 1000


def raw_rows(root: Path) -> int:
    """Rows of bronze, which is only added to."""
    versions = (version for table in bronze(root) for version in deltas.actions(table))
    return sum(json.loads(file["stats"])["numRecords"] for one in versions for file in adds(one))


def amplification(root: Path) -> float:
    """Bytes of all files that were written, change data among them, ÷ bytes of the tables."""
    written, held = 0, 0
    for table in deltas.tables(root).values():
        alive: dict[str, int] = {}
        for action in chain.from_iterable(deltas.actions(table)):
            new = action.get("add") or action.get("cdc")
            written += new["size"] if new else 0
            if "add" in action:
                alive[new["path"]] = new["size"]
            elif "remove" in action:
                alive.pop(action["remove"]["path"], None)
        held += sum(alive.values())
    return written / held


# -------------------------------------------------------------------------------------- equality


def fingerprints(spark: SparkSession) -> dict[str, tuple[int, int]]:
    """Table → (rows, sum of their hashes) of silver, quarantine and gold: columns that depend on
    the data alone, whoever made the table."""
    settings, found = load_settings(environment="local", catalog="spark_catalog"), {}
    for name in domain_tables(settings):
        df = spark.table(name)
        plain = [column for column in df.columns if not column.startswith("_")]
        if ".bronze_" not in name:
            hashed = F.xxhash64(*plain).cast("decimal(38, 0)")
            row = df.agg(F.count("*"), F.coalesce(F.sum(hashed), F.lit(0))).collect()[0]
            found[name] = (row[0], int(row[1]))
    return found


def differing(run: Path, plain: Path) -> list[str]:
    """Tables that are not the same in both lakehouses."""
    told = []
    for root in (run, plain):
        with local_spark(root, root / "compare.log") as spark:
            told.append(fingerprints(spark))
    return sorted(name for name in told[0] if told[0][name] != told[1][name])


def differing_from_duckdb(run: Path, parquet: Path) -> list[str]:
    """Tables that DuckDB made otherwise, in the columns that it makes."""
    settings, con, told = load_settings(environment="local"), duckdb.connect(), []
    with local_spark(run, run / "compare.log") as spark:
        for path in sorted(parquet.glob("*.parquet")):
            theirs = con.execute(f"SELECT * FROM '{path}'")
            columns = [column[0] for column in theirs.description]
            mine = parquet / f"{path.stem}.ours"
            table = spark.table(f"spark_catalog.{settings.schema_of('member')}.{path.stem}")
            table.select(*columns).write.mode("overwrite").format("parquet").save(str(mine))
            ours = f"SELECT {', '.join(columns)} FROM '{mine}/*.parquet'"
            rest = f"(FROM '{path}' EXCEPT ALL {ours}) UNION ALL ({ours} EXCEPT ALL FROM '{path}')"
            if con.execute(f"SELECT count(*) FROM ({rest})").fetchall()[0][0]:
                told.append(path.stem)
    return told


# ---------------------------------------------------------------------------------------- rounds


def link(source: Path, target: Path) -> None:
    """The same files in another folder, at no cost."""
    shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)


@dataclass
class Bench:
    """Members on disk, and what was measured so far."""

    folder: Path
    members: int
    small: int
    found: dict[str, list[float]] = field(default_factory=lambda: {key: [] for key in MEANINGS})
    seconds: dict[str, list[float]] = field(default_factory=dict)
    different: set[str] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)

    def generate(self) -> None:
        for name, members in {"large": self.members, "small": self.small}.items():
            if not (self.folder / name).exists():
                say(f"generating {members:,} members")
                options = ["--members", members, "--to", self.folder / name]
                rates = ["--defects", 0.001, "--late", 0.01 if name == "large" else 0]
                took = command(DATA_OPS, "generate", *map(str, [*options, *rates])).seconds
                self.seconds[f"generate {members}"] = [took]

    def took(self, what: str, measured: Measured) -> Measured:
        self.seconds.setdefault(what, []).append(measured.seconds)
        say(f"{what}: {measured.seconds:.0f} s")
        return measured

    def note(self, **values: float) -> None:
        for key, value in values.items():
            self.found[key].append(value)

    def once(self, number: int) -> None:
        """One turn of all that are compared."""
        turn = self.folder / f"turn-{number}"
        shutil.rmtree(turn, ignore_errors=True)
        source, root, plain = turn / "raw", turn / "run", turn / "plain"
        link(self.folder / "large/1", source / "1")
        if number % 2:  # who is first changes
            script = self.plain(source, plain)
            whole = self.took("run", run_all(source, root))
        else:
            whole = self.took("run", run_all(source, root))
            script = self.plain(source, plain)
        told = summary(root)
        self.note(
            overhead_vs_spark=whole.seconds / script.seconds,
            first_row_s=first_row(root) - whole.began,
            driver_peak_gib=whole.driver,
            server_peak_gib=whole.server,
            write_amplification=amplification(root),
            task_overhead_s=statistics.median(overheads(told, worked(root, told["run_id"]))),
        )
        self.rows["large"] = raw_rows(root)
        say("comparing with the script")
        self.different |= set(differing(root, plain))
        shutil.rmtree(plain)
        self.duckdb(source, root, turn / "duckdb", told)
        again = self.took("nothing new", run_all(source, root))
        self.note(rerun_nothing=again.seconds / whole.seconds)
        self.note(task_nothing_s=statistics.median(t["seconds"] for t in summary(root)["tasks"]))
        link(self.folder / "large/2", source / "2")
        more = self.took("1 % new", run_all(source, root))
        self.note(rerun_1pct=more.seconds / whole.seconds)
        shutil.rmtree(root)
        few = self.took("small run", run_all(self.folder / "small/1", root))
        self.rows["small"] = raw_rows(root)
        per_row = (whole.seconds / self.rows["large"], few.seconds / self.rows["small"])
        self.note(row_cost_growth=per_row[0] / per_row[1])
        shutil.rmtree(turn)

    def plain(self, source: Path, root: Path) -> Measured:
        script = [sys.executable, "-m", "bench.plain_spark"]
        return self.took("script", command(*script, "--source", source, "--root", root))

    def duckdb(self, source: Path, root: Path, to: Path, told: dict) -> None:
        script = [sys.executable, "-m", "bench.plain_duckdb"]
        took = self.took("duckdb", command(*script, "--source", source, "--to", to))
        self.note(ratio_vs_duckdb=job_seconds(told, "member") / took.seconds)
        self.different |= {f"{name} (DuckDB)" for name in differing_from_duckdb(root, to)}

    def report(self) -> dict:
        told = {
            key: {
                "min": round(min(values), 3),
                "median": round(statistics.median(values), 3),
                "max": round(max(values), 3),
            }
            for key, values in self.found.items()
        }
        facts = {"members": self.members, "small": self.small, "rows": self.rows}
        seconds = {what: [round(one, 1) for one in many] for what, many in self.seconds.items()}
        return told | facts | {"seconds": seconds, "different": sorted(self.different)}


def show(told: dict) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "min", "median", "max", ""):
        table.add_column(title, justify="left" if not title else "right")
    for key, meaning in MEANINGS.items():
        table.add_row(
            key, *(f"{told[key][name]:.2f}" for name in ("min", "median", "max")), meaning
        )
    Console(width=120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--small", type=int, default=0, help="default: a tenth of --members")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for the members; used again if there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(
            (options.keep or Path(scratch)).resolve(),
            options.members,
            options.small or max(1, options.members // 10),
        )
        bench.folder.mkdir(parents=True, exist_ok=True)
        bench.generate()
        for number in range(options.repeats):
            bench.once(number)
            if options.json:  # what is known so far
                options.json.write_text(json.dumps(bench.report(), indent=2))
    told = bench.report()
    show(told)
    if bench.different:
        sys.exit(f"tables differ: {', '.join(told['different'])}")


if __name__ == "__main__":
    main()
