"""Kernels that are forks of one process."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from data_ops.runner import kernels
from data_ops.utils.errors import TaskError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they start from nothing")


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def run(coroutine):
    """In a thread of its own, as a task has: a browser's tests leave a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_a_kernel_takes_no_port_and_no_name_that_might_be_anothers(tmp_path):
    with kernels(tmp_path / "words") as born:
        one, other = born(kernel_name="python3"), born(kernel_name="python3")
    assert (one.transport, other.transport) == ("ipc", "ipc")
    assert one.ip != other.ip


def test_a_kernel_answers_and_is_gone_with_what_it_is_a_fork_of(tmp_path):
    before = set(children())

    async def answer() -> str:
        await kernel.start_kernel()
        client = kernel.client()
        client.start_channels()
        await client.wait_for_ready(timeout=60)
        reply = await client.execute("pass", reply=True, timeout=60)
        client.stop_channels()
        return reply["content"]["status"]

    with kernels(tmp_path / "words") as born:
        kernel = born(kernel_name="python3")
        assert run(answer()) == "ok"
        ours = [process for process in children() if process not in before]
        assert len(ours) == 2
    _, alive = psutil.wait_procs(ours, timeout=20)
    assert alive == []


def test_that_there_is_nothing_to_be_a_fork_of_is_told(tmp_path):
    before = set(children())
    with kernels(tmp_path / "words") as born:
        for process in set(children()) - before:
            process.kill()
            process.wait()
        with pytest.raises(TaskError, match="no kernel can be had"):
            run(born(kernel_name="python3").start_kernel())
