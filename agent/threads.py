"""Blocking work beside the loop, on daemon threads: a stuck one never delays the exit.

asyncio's own executor will not do: its threads are joined when the program ends, so one resolver
or SD card that hangs would hold up SIGTERM (design, decision 1).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def _settle(future: asyncio.Future[T], result: T | None, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]


def _perform(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], work: Callable[[], T]
) -> None:
    result: T | None = None
    error: BaseException | None = None
    try:
        result = work()
    except BaseException as exc:
        error = exc
    with contextlib.suppress(RuntimeError):  # the loop has ended; nobody is waiting
        loop.call_soon_threadsafe(_settle, future, result, error)


async def in_daemon_thread(name: str, work: Callable[[], T]) -> T:
    """Run ``work`` on a daemon thread of its own and await what it returns or raises.

    Cancelling the caller abandons the thread; ``work`` must undo its own late success.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    threading.Thread(target=_perform, args=(loop, future, work), name=name, daemon=True).start()
    return await future


class Worker:
    """One daemon thread that does what it is given, in order. Made on the loop that awaits it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Queue ``work``; the future holds its result. The thread starts with the first job."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put(lambda: _perform(loop, future, work))
        return future

    def _serve(self) -> Any:
        while True:
            self._jobs.get()()
