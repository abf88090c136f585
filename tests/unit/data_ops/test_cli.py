"""The command line's own words: help in a sensible order, the nearest name for a mistyped one."""

import pytest
import typer
from typer.testing import CliRunner

from data_ops import cli
from data_ops.cli import app
from data_ops.config import project_root

RUNNER = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"})


def said(*arguments: str) -> tuple[int, str]:
    """Exit status and words, without the frames around them."""
    done = RUNNER.invoke(app, arguments)
    return done.exit_code, " ".join(done.output.replace("│", " ").split())


MISTYPED = {
    "rn": "No such command 'rn'. Did you mean 'run'?",
    "quarantine lst": "No such command 'lst'. Did you mean 'list'?",
    "run --ful-refresh": "No such option: --ful-refresh (Possible options: --full-refresh,",
    "check --targt dev": "No such option: --targt (Possible options: --target)",
}


@pytest.mark.parametrize("line", MISTYPED)
def test_a_mistyped_name_is_told_with_the_nearest(line):
    status, words = said(*line.split())
    assert status == 2 and MISTYPED[line] in words


def test_help_begins_with_what_one_needs_first():
    _, words = said("--help")
    places = [words.index(f" {name} ") for name in ("run", "test", "check", "report", "quarantine")]
    assert places == sorted(places)


def commands():
    """The words of every command, those of groups too."""
    for name, command in typer.main.get_command(app).commands.items():
        inner = getattr(command, "commands", {})
        yield from (((name, one), that) for one, that in inner.items())
        if not inner:
            yield (name,), command


@pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in commands()]
)
def test_every_command_says_what_it_does_and_what_its_options_mean(words, command):
    assert command.help
    told = [getattr(one, "help", "") for one in command.params if one.param_type_name == "option"]
    assert all(told)
    if words != ("test",):  # hands its arguments on to pytest
        status, told = said(*words, "--help")
        assert status == 0 and f"Usage: root {' '.join(words)} " in told


@pytest.fixture
def stopped(monkeypatch):
    """(the run that Ctrl-C hits as it begins, the lakehouse it was to take)."""
    monkeypatch.delenv("DATA_OPS_ROOT", raising=False)
    roots = []

    def interrupted(jobs, root, *rest):
        roots.append(root)
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "make_plan", interrupted)
    return lambda *arguments: (CliRunner().invoke(cli.app, ["run", *arguments]), roots.pop())


def test_ctrl_c_is_told_in_one_line(stopped):
    done, _ = stopped()
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr.startswith("data-ops: stopped; what was written stays")


def test_the_lakehouse_is_the_projects_wherever_one_stands(stopped, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert stopped()[1] == project_root() / ".lakehouse"
    assert stopped("--root", "here")[1].resolve() == tmp_path / "here"
    monkeypatch.setenv("DATA_OPS_ROOT", str(tmp_path / "there"))
    assert stopped()[1] == tmp_path / "there"
