"""Blocking work beside the loop: results and errors come back, nothing waits for a stuck one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from agent.threads import Worker, in_daemon_thread
from tests.support.waiting import wait_until


def test_results_and_errors_come_back() -> None:
    def fail() -> None:
        raise OSError("no")

    async def scenario() -> None:
        assert await in_daemon_thread("a", lambda: threading.current_thread().name) == "a"
        with pytest.raises(OSError, match="no"):
            await in_daemon_thread("b", fail)
        worker = Worker("c")
        assert await worker.run(lambda: threading.current_thread().name) == "c"
        with pytest.raises(OSError, match="no"):
            await worker.run(fail)
        assert await worker.run(lambda: 7) == 7  # it survives a failure

    asyncio.run(scenario())


def test_the_loop_goes_on_meanwhile() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        task = asyncio.create_task(in_daemon_thread("waits", lambda: gate.wait(5)))
        await asyncio.sleep(0.01)
        assert not task.done()
        gate.set()
        assert await task

    asyncio.run(scenario())


def test_a_worker_does_its_jobs_in_order_even_unwanted_ones() -> None:
    async def scenario() -> None:
        worker = Worker("w")
        done: list[int] = []
        gate = threading.Event()
        first = worker.run(lambda: gate.wait(5))
        unwanted = worker.run(lambda: done.append(1))
        last = worker.run(lambda: done.append(2))
        unwanted.cancel()
        gate.set()
        await last
        assert first.result()
        assert done == [1, 2]

    asyncio.run(scenario())


def test_giving_up_does_not_wait_for_the_thread() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await in_daemon_thread("stuck", lambda: gate.wait(5))
        assert time.monotonic() - begun < 1

    asyncio.run(scenario())
    gate.set()  # the loop is gone now: the late result must not hurt anybody
    wait_until(lambda: not any(t.name == "stuck" for t in threading.enumerate()))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_result_after_the_loops_end_is_nobodys() -> None:
    gate = threading.Event()
    worker = Worker("late")

    async def scenario() -> None:
        worker.run(lambda: gate.wait(5))

    asyncio.run(scenario())
    gate.set()

    async def again() -> int:
        return await worker.run(lambda: 3)

    assert asyncio.run(again()) == 3


def test_a_stuck_thread_does_not_hold_up_the_exit() -> None:
    program = (
        "import asyncio, time\n"
        "from agent.threads import Worker, in_daemon_thread\n"
        "async def main():\n"
        "    Worker('w').run(lambda: time.sleep(60))\n"
        "    asyncio.create_task(in_daemon_thread('t', lambda: time.sleep(60)))\n"
        "    await asyncio.sleep(0.05)\n"
        "asyncio.run(main())\n"
    )
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
    assert time.monotonic() - begun < 10
