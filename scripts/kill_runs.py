"""Kill runs at their commits, and show that the tables come out as if nothing had been.

    uv run python -m scripts.kill_runs [--kills 50] [--seed 1] [--persons 30] [--jobs member claims]

A run is started on a delivery full of corrections and faults that came after another, or on both
from nothing, by turns. As soon as tables show a commit or a few, the runner, a task's kernel or the
Spark server gets SIGKILL; which of them, after how many commits, and whether commits of the data or
of the records count, is drawn from the seed. The run is started again, and killed again, until one
comes to its end: then its tables must be those of a run that nobody disturbed, and its ledger must
balance. This is repeated in new lakehouses until there were as many kills as asked for.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from data_ops.config import project_root
from scripts.mutate_rif import mutate
from tests import jvm
from tests.integration import deltas

DATA_OPS = Path(sys.executable).with_name("data-ops")
SAMPLE = project_root() / "data/sample/rif"
VICTIMS = ("runner", "task", "server")
MOST_COMMITS = 3  # of tables that were hit least so far, until a run is killed
AT_RECORDS = 0.2  # of the kills: every run makes these commits, and makes them first
PATIENCE = 600  # seconds for a run to end


@dataclass
class Tally:
    """What was killed, and at which table's commit."""

    names: frozenset[str]  # of the tables with data
    victims: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)
    lakehouses: int = 0

    @property
    def kills(self) -> int:
        """All of them."""
        return sum(self.victims.values())

    def next_in_turn(self) -> set[str]:
        """Tables with data that no more kills hit than any other."""
        fewest = min(self.tables[name] for name in self.names)
        return {name for name in self.names if self.tables[name] == fewest}


def is_record(name: str) -> bool:
    """Is it a table of operations?"""
    return "_ops." in name


def versions(root: Path) -> dict[str, int]:
    """Latest version of each table; of none that has no commit yet."""
    found = {}
    for name, folder in deltas.tables(root).items():
        with suppress(IndexError):
            found[name] = deltas.version(folder)
    return found


def family(runner: subprocess.Popen) -> dict[str, list[psutil.Process]]:
    """The processes of a run by what they are."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(runner.pid)
        found: dict[str, list[psutil.Process]] = {"runner": [parent], "task": [], "server": []}
        for child in parent.children(recursive=True):
            with suppress(psutil.Error):
                command = " ".join(child.cmdline())
                if "ipykernel" in command:
                    found["task"].append(child)
                elif "java" in child.name():
                    found["server"].append(child)
        return found
    return {}


def start(root: Path, source: Path, jobs: list[str]) -> subprocess.Popen:
    """A run, with its words in a file."""
    words = root.with_suffix(".out").open("a", encoding="utf-8")
    command = [str(DATA_OPS), "run", *jobs, "--root", str(root), "--source", str(source)]
    return subprocess.Popen(command, stdout=words, stderr=words, cwd=project_root())


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Are all of them gone in time?"""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def commits(root: Path, before: dict[str, int], run: subprocess.Popen) -> Iterator[str]:
    """Tables as they show a new version, until the run ends."""
    seen = dict(before)
    while run.poll() is None:
        for name, version in versions(root).items():
            if version > seen.get(name, -1):
                seen[name] = version
                yield name
        time.sleep(0.01)


def disturbed(root: Path, source: Path, jobs: list[str], dice: random.Random, tally: Tally) -> bool:
    """Start a run and kill a part of it at one of its commits; True if it came to its end."""
    run, in_turn = start(root, source, jobs), tally.next_in_turn()
    due, victim = dice.randint(1, min(MOST_COMMITS, len(in_turn))), dice.choice(VICTIMS)
    at_records = dice.random() < AT_RECORDS
    seen = (
        name
        for name in commits(root, versions(root), run)
        if (is_record(name) if at_records else name in in_turn)
    )
    for nth, table in enumerate(seen, start=1):
        processes = family(run)
        if nth < due or not processes.get(victim):
            continue
        time.sleep(dice.random() * 0.2)  # not only in the moment after a commit
        try:
            dice.choice(processes[victim]).kill()
        except psutil.NoSuchProcess:  # it has just ended: the next commit will do
            continue
        tally.victims[victim] += 1
        tally.tables[table] += 1
        everyone = [one for group in processes.values() for one in group]
        run.wait(PATIENCE)
        if not gone(everyone, 60):
            raise SystemExit(f"processes outlived a run whose {victim} was killed: {everyone}")
        return run.returncode == 0  # what was killed had done its work and was on the way out
    if run.returncode:
        raise SystemExit(f"a run that nobody disturbed failed; see {root.name}.out")
    return True


def contents(root: Path) -> dict[str, list[tuple]]:
    """Rows of every table but those of operations, without what depends on the run."""
    return {name: rows for name, rows in deltas.contents(root).items() if not is_record(name)}


def landed(root: Path) -> dict[str, list[int]]:
    """Rows of each landed file by the ledger: one entry a file, however many runs it took."""
    ledger = deltas.tables(root)["local_ops.row_ledger"]
    found: dict[str, list[int]] = {}
    for name, ending, rows in deltas.rows(ledger, "input_name, disposition, row_count"):
        if ending == "landed":
            found.setdefault(name, []).append(rows)
    return {name: found[name] for name in sorted(found)}


def unbalanced(root: Path) -> list[str]:
    """Tables whose latest account does not add up to the rows of bronze."""
    tables = deltas.tables(root)
    columns = "table_name, input_name, run_id, recorded_at, row_count"
    accounts: dict[tuple[str, str], dict[str, int]] = {}
    for table, source, run, at, rows in deltas.rows(tables["local_ops.row_ledger"], columns):
        if table.startswith("silver_"):
            runs = accounts.setdefault((table, source), {})
            runs[f"{at} {run}"] = runs.get(f"{at} {run}", 0) + rows
    sizes = {name.rpartition(".")[2]: len(deltas.rows(path, "1")) for name, path in tables.items()}
    latest = {names: runs[max(runs)] for names, runs in accounts.items()}
    return [
        f"{table} accounts for {rows:,} rows of {source}, which has {sizes[source]:,}"
        for (table, source), rows in latest.items()
        if rows != sizes[source]
    ]


def differences(root: Path, undisturbed: Path) -> list[str]:
    """What a lakehouse of killed runs has otherwise than that of an undisturbed one."""
    found, wanted = contents(root), contents(undisturbed)
    told = [f"{name} is only in one" for name in sorted(found.keys() ^ wanted.keys())]
    told += [
        f"{name} has {len(found[name]):,} rows, expected {len(wanted[name]):,}, or other values"
        for name in sorted(found.keys() & wanted.keys())
        if found[name] != wanted[name]
    ]
    if landed(root) != landed(undisturbed):
        told.append("the ledger has other landed files, or one of them twice")
    return told + unbalanced(root)


def undisturbed_run(root: Path, source: Path, jobs: list[str]) -> None:
    """A run that nobody disturbs."""
    if start(root, source, jobs).wait(PATIENCE):
        said = root.with_suffix(".out").read_text(encoding="utf-8")[-2000:]
        raise SystemExit(f"a run that nobody disturbed failed:\n{said}")


def kill_runs(
    work: Path, source: Path, undisturbed: Path, jobs: list[str], kills: int, seed: int
) -> Tally:
    """Kill runs until there were `kills`; raises SystemExit, naming what differs, if one shows."""
    names = frozenset(name for name in deltas.tables(undisturbed) if not is_record(name))
    dice, tally = random.Random(seed), Tally(names)
    while tally.kills < kills:
        tally.lakehouses += 1
        root = work / f"killed_{tally.lakehouses}"
        if tally.lakehouses % 2:  # what is new is merged into what is there
            shutil.copytree(work / "begun", root)
        while tally.kills < kills and not disturbed(root, source, jobs, dice, tally):
            print(f"{tally.kills} of {kills} killed: {dict(tally.victims)}", flush=True)
        undisturbed_run(root, source, jobs)
        found = differences(root, undisturbed)
        if found:
            raise SystemExit("\n".join([f"{root.name} is not as it would be undisturbed:", *found]))
        print(f"{root.name}: as if nothing had been", flush=True)
    return tally


def main() -> None:
    """Read the options, prepare the deliveries, kill, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--persons", type=int, default=30)
    parser.add_argument("--jobs", nargs="*", default=["member", "claims"])
    options = parser.parse_args()
    os.environ.setdefault("DATA_OPS_JAVA_OPTIONS", jvm.SHORT_LIVED)
    work = Path(tempfile.mkdtemp(prefix="kill_runs_"))
    print(f"at work in {work}, which stays if something differs", flush=True)
    source, begun, undisturbed = work / "source", work / "begun", work / "undisturbed"
    mutate(SAMPLE, source, persons=options.persons, each=1)
    later = (source / "2").rename(work / "2")
    undisturbed_run(begun, source, options.jobs)
    later.rename(source / "2")
    undisturbed_run(Path(shutil.copytree(begun, undisturbed)), source, options.jobs)
    began = time.monotonic()
    tally = kill_runs(work, source, undisturbed, options.jobs, options.kills, options.seed)
    shutil.rmtree(work)
    told = {"kills": tally.kills, "by victim": tally.victims, "tables hit": len(tally.tables)}
    told |= {"lakehouses": tally.lakehouses, "minutes": round((time.monotonic() - began) / 60)}
    told |= {"tables never hit": sorted(tally.names - tally.tables.keys())}
    print(json.dumps(told | {"by table": tally.tables}, indent=1))


if __name__ == "__main__":
    main()
