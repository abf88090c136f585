"""`./data-ops` on machines that lack something: what it takes, and what it says in one line."""

import subprocess
from shutil import which

import pytest

from data_ops.config import project_root

TOOLS = ("sh", "dirname", "sed", "uname", "mkdir", "rm")
JAVA = """echo 'openjdk version "{}" 2022' >&2"""
OLD_UV = "echo 'uv 0.4.26'"
GOOD_UV = 'case $1 in --version) echo uv 0.5.1 ;; *) echo "$@" ;; esac'


@pytest.fixture
def machine(tmp_path):
    """Calls the wrapper on a machine that has the programs given, name=script, and no other."""

    def call(*arguments: str, variables: dict[str, str] | None = None, **programs: str):
        for name in TOOLS:
            (tmp_path / name).symlink_to(which(name))
        for name, script in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        home = {"PATH": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
        return subprocess.run(
            [project_root() / "data-ops", *arguments],
            env=home | (variables or {}),
            capture_output=True,
            text=True,
        )

    return call


def assert_told(done: subprocess.CompletedProcess, *words: str) -> None:
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("data-ops: ") and [word for word in words if word not in line] == []


def test_whoever_has_uv_and_an_environment_is_handed_on(machine):
    done = machine("check", "--plan", uv=GOOD_UV)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"run --project {project_root()} -- data-ops check --plan\n"


def test_any_command_can_be_run_in_the_environment(machine):
    done = machine("--exec", "ruff", "check", uv=GOOD_UV)
    assert done.stdout == f"run --project {project_root()} -- ruff check\n"


def test_without_uv_and_python_both_are_named(machine):
    assert_told(machine("check"), "neither uv nor a Python 3.8", "PATH")


@pytest.mark.parametrize("uv", [OLD_UV, "exit 1"])
def test_a_uv_that_is_too_old_or_does_not_run_is_none(machine, uv):
    assert_told(machine("check", uv=uv), "neither uv nor a Python 3.8")


def test_a_python_that_is_too_old_is_none(machine):
    assert_told(machine("check", python3="exit 1"), "neither uv nor a Python 3.8")


@pytest.mark.parametrize("arguments", [("run",), ("test",)])
def test_no_java_is_told_with_what_to_install(machine, arguments):
    assert_told(machine(*arguments, uv=GOOD_UV), "Java 17 or newer", "not there", "install: ")


def test_an_old_java_is_told_with_its_version(machine):
    done = machine("run", uv=GOOD_UV, java=JAVA.format("11.0.2"))
    assert_told(done, "java is 11.0.2")
    assert "JAVA_HOME" not in done.stderr


def test_an_old_java_that_java_home_names_is_told_so(machine, tmp_path):
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").write_text("#!/bin/sh\n" + JAVA.format("1.8.0_301"))
    (home / "bin/java").chmod(0o755)
    good = JAVA.format("17.0.2")
    done = machine("run", variables={"JAVA_HOME": str(home)}, uv=GOOD_UV, java=good)
    assert_told(done, "is 1.8.0_301", "let JAVA_HOME name it")


@pytest.mark.parametrize("version", ["17.0.2", "21", "25-ea"])
def test_a_newer_java_will_do(machine, version):
    assert machine("run", uv=GOOD_UV, java=JAVA.format(version)).returncode == 0


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("run", "--help"), ("check",), ("new-domain", "dental")]
)
def test_what_needs_no_java_does_without(machine, arguments):
    assert machine(*arguments, uv=GOOD_UV).returncode == 0
