"""Every command in README and docs is proven by a test, or marked as not to be run here.

A block of shell commands is marked by a comment in the line above it. Of all others, each command
must have its proof in the table below; `data-ops` commands must also be understood as they stand,
and runs must go through as dry runs.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from data_ops.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
SHELL = re.compile(
    r"(?ms)(?:^ *<!-- (?P<mark>[a-z ]+) -->\n\n)?"
    r"^(?P<indent> *)```(?:bash|sh|shell|console)\n(?P<body>.*?)^(?P=indent)```"
)
MARKS = {"needs a workspace", "changes your machine"}

COMMANDS = "tests/integration/test_command_line.py"
CHECK, CI = "scripts/check_in_step.py", ".ci/run"
NEW = "tests/integration/test_new_domain.py"
# How a command begins → the file that runs it, and the text there which does.
PROOFS = {
    "data-ops run": (COMMANDS, "def test_a_run_from_nothing_builds_every_table"),
    "data-ops run member": (COMMANDS, 'data_ops("run", "member"'),
    "data-ops new-domain provider": (NEW, 'data_ops("new-domain", NAME)'),
    "data-ops run provider": (NEW, 'data_ops("run", NAME'),
    "data-ops pipeline": (NEW, 'data_ops("pipeline", NAME'),
    "data-ops check": (NEW, 'data_ops("check")'),
    "data-ops test": (CI, "./data-ops test"),
    "data-ops test tests/unit/domains/provider": (NEW, "tests/unit/domains/{NAME}"),
    "data-ops quarantine list": (COMMANDS, 'warm.lines("quarantine", "list"'),
    "data-ops quarantine replay": (COMMANDS, 'warm.lines("quarantine", "replay"'),
    "data-ops restore": (COMMANDS, 'warm.lines("restore", later.id'),
    "data-ops report": (COMMANDS, 'here("report"'),
    "data-ops generate": ("tests/unit/data_ops/test_generate.py", '["generate", "--members"'),
    "python bench/run.py": ("tests/unit/test_bench.py", '"bench/run.py"'),
    "nbdev_export": (CHECK, '"nbdev_export"'),
    "nbdev_clean": (CHECK, '"nbdev_clean"'),
    "python scripts/build_readme.py": (CHECK, "stale()"),
    "python scripts/build_docs.py": ("tests/site/conftest.py", "scripts/build_docs.py"),
    "python scripts/build_docs.py --serve": ("tests/site/test_use.py", "build_docs.serve"),
    "pytest": (CI, "./data-ops test"),
    "ruff check .": (CI, "ruff check ."),
    "black .": (CI, "black --check"),
    "mypy data_ops": (CI, "mypy data_ops"),
    "uv build": (CI, '"$UV" build'),
}


def plain(line: str) -> str:
    """A command without its comment and without what brings up its environment."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a quotation that goes on in the next line
        words = line.split()
    for wrapper in (["uv", "run"], ["./data-ops", "--exec"]):
        if words[:2] == wrapper:
            words = words[2:]
    return shlex.join(words).removeprefix("./")


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """(mark, commands) of each block of shell commands; those of a marked block do not matter."""
    for found in SHELL.finditer(text):
        if found["mark"]:
            yield found["mark"], []
        else:
            lines = found["body"].replace("\\\n", " ").splitlines()
            yield "", [command for line in lines if (command := plain(line))]


FOUND = {
    f"{page.name}: {command}": command
    for page in PAGES
    for _, commands in blocks(page.read_text(encoding="utf-8"))
    for command in commands
}
OURS = sorted({command for command in FOUND.values() if command.startswith("data-ops ")})


def proof(command: str) -> tuple[str, str] | None:
    """The proof of the longest beginning of a command that has one."""
    words = command.split()
    known = (" ".join(words[:length]) for length in range(len(words), 0, -1))
    return next((PROOFS[beginning] for beginning in known if beginning in PROOFS), None)


def of_a_new_domain(command: str) -> bool:
    """Does it speak of what is not there before its test has made it?"""
    return (proof(command) or ("",))[0] == NEW


RUNS = [one for one in OURS if one.split()[1] == "run" and not of_a_new_domain(one)]
NAMING = sorted({command for command in FOUND.values() if not of_a_new_domain(command)})


def understood(arguments: list[str]) -> None:
    """Raises if the command line does not know the command or one of its options."""
    command = typer.main.get_command(app)
    context = command.make_context("data-ops", arguments.copy())
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)


def test_blocks_are_found_with_their_marks():
    ours = "```bash\n./data-ops run  # all\n\n# a note\nuv run pytest \\\n  -k 'a b'\n```\n"
    marked = "<!-- needs a workspace -->\n\n```sh\nx\n```\n"
    assert list(blocks(ours + marked)) == [
        ("", ["data-ops run", "pytest -k 'a b'"]),
        ("needs a workspace", []),
    ]
    listed = "1. a\n\n    ```bash\n    b\n    ```\n```python\nc\n```"
    assert list(blocks(listed)) == [("", ["b"])]


def test_marks_are_those_that_readers_know():
    marks = {mark for page in PAGES for mark, _ in blocks(page.read_text(encoding="utf-8"))}
    assert marks <= MARKS | {""}


@pytest.mark.parametrize("command", FOUND.values(), ids=FOUND)
def test_every_command_has_its_proof(command):
    assert proof(
        command
    ), f"say in PROOFS what runs `{command}`, or mark its block as one of {MARKS}"


@pytest.mark.parametrize("beginning", PROOFS)
def test_a_proof_is_there_and_needed(beginning):
    file, text = PROOFS[beginning]
    assert text in (ROOT / file).read_text(encoding="utf-8").replace('\\"', '"')
    assert [command for command in FOUND.values() if command.startswith(beginning)]


@pytest.mark.parametrize("command", OURS)
def test_our_own_commands_are_understood_as_they_stand(command):
    understood(shlex.split(command)[1:])


@pytest.mark.parametrize("words", ["quarantine lost", "quarantine list --tables x", "walk"])
def test_what_is_not_there_is_not_understood(words):
    with pytest.raises(Exception, match=r"(?i)no such|unexpected"):
        understood(words.split())


@pytest.mark.parametrize("command", RUNS)
def test_a_run_goes_through_as_a_dry_run(command, tmp_path):
    words = [
        str(ROOT / "data/sample/rif") if word == "DIR" else word for word in shlex.split(command)
    ]
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run(
        [program, *words[1:], *(["--dry-run"] if "--dry-run" not in words else [])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout


@pytest.mark.parametrize("command", NAMING)
def test_files_that_a_command_names_are_there(command):
    words = [
        word for word in shlex.split(command)[1:] if re.match(r"(tests|nbs|scripts|docs)/", word)
    ]
    assert [word for word in words if not (ROOT / word).exists()] == []
