"""The command line as a person's shell starts it."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import psutil

from data_ops import cli
from data_ops.config import Settings, project_root
from tests import jvm

DATA_OPS = Path(sys.executable).with_name("data-ops")
_PLAIN = {"COLUMNS": "200", "NO_COLOR": "1"}
_OURS = {*map(str.upper, Settings.model_fields), "SPARK_REMOTE", "SPARK_CONNECT_AUTHENTICATE_TOKEN"}


def environment(**changes: str) -> dict[str, str]:
    """The environment of a person who has set nothing of ours but a JVM that starts fast."""
    plain = {name: value for name, value in os.environ.items() if name not in _OURS}
    plain = {name: value for name, value in plain.items() if not name.startswith("DATA_OPS_")}
    same = _PLAIN | {"DATA_OPS_ENV_FILE": os.devnull}
    same |= {"DATA_OPS_JAVA_OPTIONS": jvm.SHORT_LIVED, "DATA_OPS_CORES": "1"}
    return plain | same | changes


def start(*arguments: object, **changes: str) -> subprocess.Popen:
    return subprocess.Popen(
        [DATA_OPS, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**changes),
        cwd=project_root(),
    )


def data_ops(*arguments: object, **changes: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [DATA_OPS, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=1200,  # ends a hang, measures nothing
        env=environment(**changes),
        cwd=project_root(),
    )


def here(*arguments: object, **changes: str) -> subprocess.CompletedProcess:
    """The same command in this process, which has what a start would have to bring."""
    typed, out, err = ["data-ops", *map(str, arguments)], StringIO(), StringIO()
    with (
        patch.dict(os.environ, _PLAIN | changes),
        patch.object(sys, "argv", typed),
        redirect_stdout(out),
        redirect_stderr(err),
        own_log(),
    ):
        try:
            status = cli.main()
        except SystemExit as end:
            status = end.code
    return subprocess.CompletedProcess(typed, status or 0, out.getvalue(), err.getvalue())


@contextmanager
def own_log() -> Iterator[None]:
    """What becomes of the package's logger inside the block is undone after it."""
    logger = logging.getLogger("data_ops")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)  # it also forgets what was enabled meanwhile


def until(true: Callable[[], object], seconds: float) -> bool:
    """Does it become true in time?"""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def story(running: subprocess.Popen, root: Path) -> str:
    """What a run that has to be given up said, and what its logs say; it is ended."""
    running.kill()
    logs = [path.read_text(errors="replace")[-2000:] for path in root.glob("runs/*/*.log")]
    return "\n".join([*running.communicate(), *logs])


def command(process: psutil.Process) -> str:
    """Its command line; nothing if it is gone, or dead and not yet forgotten."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def assert_one_clear_line(done: subprocess.CompletedProcess, *words: str) -> None:
    told = done.stderr.strip().splitlines()
    assert done.returncode not in (0, None)
    assert len(told) == 1, done.stderr
    assert [word for word in words if word not in told[0]] == []
    assert "Traceback" not in done.stdout + done.stderr
