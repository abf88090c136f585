"""Tasks of a run that do not end as they should: real kernels, no Spark."""

import signal
from contextlib import nullcontext
from functools import partial

import nbformat
import pytest

from data_ops import runner
from data_ops.bundle import Job
from data_ops.plan import Plan

ENDLESS = "import time\ntime.sleep(600)"


# Each kernel waits for another.
MEETS = """import os, pathlib, time
place = pathlib.Path(os.environ["DATA_OPS_ROOT"], "met")
place.mkdir(parents=True, exist_ok=True)
(place / str(os.getpid())).touch()
deadline = time.monotonic() + 60
while len(list(place.iterdir())) < 2:
    assert time.monotonic() < deadline, "nobody came"
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def born(tmp_path_factory):
    """Kernels for all runs: what they are forks of takes its time to be ready."""
    with runner.kernels(tmp_path_factory.mktemp("kernels") / "kernels.log") as forks:
        yield forks


@pytest.fixture
def run(born, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "kernels", lambda words: nullcontext(born))
    return partial(run_of_two, tmp_path, monkeypatch)


def run_of_two(tmp_path, monkeypatch, source: str, follows: bool = True, **task):
    """What becomes of a task whose notebook has one cell, and of another with the same."""
    cells = [nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "one.ipynb")
    notebook = {"notebook_path": "one.ipynb"}
    tasks = [
        {"task_key": "one", "notebook_task": notebook, **task},
        {"task_key": "next", "notebook_task": notebook},
    ]
    if follows:
        tasks[1]["depends_on"] = [{"task_key": "one"}]
    job = Job(key="job", file=tmp_path / "job.yml", name="job", tasks=tasks)
    monkeypatch.setattr(runner, "local_spark", lambda root, log: nullcontext())
    for name in ("DATA_OPS_ROOT", "DATA_OPS_LOG"):  # a run sets them for its kernels
        monkeypatch.setenv(name, "")
    plan = Plan((job,), {"job": {}}, tmp_path / "lakehouse", "run-1")
    return runner.run_jobs(plan)


def test_a_task_is_stopped_after_its_timeout_seconds_and_what_follows_is_skipped(run):
    one, following = run(ENDLESS, timeout_seconds=2)
    assert one.state == "failed"
    assert one.message == (
        "it was stopped after the 2 s that its timeout_seconds gives it (job/one);"
        " a new run goes on from here"
    )
    assert following.state == "skipped"


def test_a_task_without_timeout_seconds_has_no_limit(run):
    assert [one.state for one in run("1 + 1")] == ["done", "done"]


def test_tasks_that_do_not_wait_for_each_other_run_side_by_side(run):
    found = run(MEETS, follows=False)
    assert [one.state for one in found] == ["done", "done"]


def test_a_kernel_that_dies_is_told(run):
    killed = f"import os\nos.kill(os.getpid(), {int(signal.SIGKILL)})"
    one, following = run(killed)
    assert one.message.startswith("its kernel was killed, or ran out of memory (job/one)")
    assert following.state == "skipped"


SPARK_LOG = """import os, pathlib
log = pathlib.Path(os.environ["DATA_OPS_ROOT"], "runs", "run-1", "spark.log")
log.write_text("ERROR Executor: {error}: no bytes left\\n")
from data_ops.utils.errors import TaskError
"""


@pytest.mark.parametrize(
    "error", ["java.lang.OutOfMemoryError", "org.apache.spark.memory.SparkOutOfMemoryError"]
)
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("RuntimeError('gone')", "Spark ran out of memory (job/one): give it more in"),
        ("TaskError('Spark has ended: see spark.log')", "Spark ran out of memory (job/one): give"),
        ("TaskError('rule key_unique failed')", "rule key_unique failed"),
    ],
)
def test_a_spark_that_ran_out_of_memory_is_told_and_no_other_error_is_taken_for_it(
    run, error, raised, told
):
    source = f"{SPARK_LOG.format(error=error)}raise {raised}"
    one, following = run(source)
    assert one.message.startswith(told)
    assert following.state == "skipped"
