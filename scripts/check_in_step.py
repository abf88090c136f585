#!/usr/bin/env python3
"""Is everything that is made from the notebooks in step with them, and are the notebooks clean?

    python scripts/check_in_step.py

prints one line for each file that is not and exits 1; changes nothing. It exports and cleans a
copy of the notebooks and compares, so it says the same on a clean checkout and in the middle of
work. Starting from an empty package, it also finds the modules that no notebook exports any
more, which nbdev_export leaves behind.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from build_readme import ROOT, stale

NOTEBOOKS = ("nbs", "notebooks_jobs")
PACKAGE = "data_ops"


def make_copy(copy: Path) -> None:
    """The notebooks and nbdev's settings, with a package that holds its version only."""
    (copy / PACKAGE).mkdir()
    for name in ("settings.ini", f"{PACKAGE}/__init__.py"):
        shutil.copy(ROOT / name, copy / name)
    for name in filter(lambda name: (ROOT / name).is_dir(), NOTEBOOKS):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns(".*"))


def nbdev(copy: Path, command: str, *arguments: str) -> None:
    """Run one of nbdev's commands in the copy; its output is shown only if it fails or warns."""
    program = Path(sys.executable).with_name(command)
    done = subprocess.run(
        [program, *arguments], cwd=copy, capture_output=True, text=True, check=False
    )
    if done.returncode or done.stderr:
        print(done.stdout + done.stderr, file=sys.stderr)
    if done.returncode:
        sys.exit(f"{command} failed: see its message above")


def files(folder: Path, pattern: str) -> dict[str, bytes]:
    """Name and content of the files that count."""
    paths = {path.relative_to(folder): path for path in sorted(folder.rglob(pattern))}
    return {
        name.as_posix(): path.read_bytes()
        for name, path in paths.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def unexported(copy: Path) -> list[str]:
    """Modules that are not what the notebooks export."""
    wanted, there = files(copy / PACKAGE, "*.py"), files(ROOT / PACKAGE, "*.py")
    problems = []
    for name in sorted(wanted | there):
        if name not in there:
            problems.append(f"{PACKAGE}/{name} is missing: run nbdev_export")
        elif name not in wanted:
            problems.append(f"{PACKAGE}/{name} is exported by no notebook: remove it")
        elif wanted[name] != there[name]:
            problems.append(f"{PACKAGE}/{name} is not what its notebook says: run nbdev_export")
    return problems


def unclean(copy: Path) -> list[str]:
    """Notebooks that nbdev_clean would change, and job notebooks with outputs."""
    problems = []
    for folder in NOTEBOOKS:
        cleaned = files(copy / folder, "*.ipynb")
        for name, content in files(ROOT / folder, "*.ipynb").items():
            path = f"{folder}/{name}"
            if content != cleaned[name]:
                problems.append(f"{path} is not clean: run nbdev_clean --fname {path}")
            cells = json.loads(content)["cells"]
            if folder == "notebooks_jobs" and any(cell.get("outputs") for cell in cells):
                problems.append(f"{path} has outputs: job notebooks carry none")
    return problems


def main() -> int:
    """Check all, say all."""
    with TemporaryDirectory() as name:
        copy = Path(name)
        make_copy(copy)
        nbdev(copy, "nbdev_export")
        for folder in NOTEBOOKS:
            nbdev(copy, "nbdev_clean", "--fname", folder)
        problems = [*unexported(copy), *unclean(copy), *filter(None, [stale()])]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
