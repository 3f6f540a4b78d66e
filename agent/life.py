"""How a program of several tasks begins to end: a signal, or a task that fails."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from types import FrameType

from agent.errors import AgentError

log = logging.getLogger("cht_agent.app")

_STOP_WITHIN = 4.5  # whatever hangs; a stop takes less than 5 s


def catch_signals(stop: asyncio.Event, reload: asyncio.Event) -> None:
    """SIGTERM and SIGINT set ``stop``, SIGHUP sets ``reload``. To be called on the loop.

    What has not ended 4.5 s after the first of them is ended by force.
    """
    loop = asyncio.get_running_loop()

    def begin_to_stop(_number: int, _frame: FrameType | None) -> None:
        # Not the loop's own handler: this one runs even while the loop is stuck, and a
        # thread then ends what does not end by itself. The safe-state helper comes after us.
        timer = threading.Timer(_STOP_WITHIN, os._exit, (1,))
        timer.daemon = True
        timer.start()
        loop.call_soon_threadsafe(stop.set)

    signal.signal(signal.SIGTERM, begin_to_stop)
    signal.signal(signal.SIGINT, begin_to_stop)
    loop.add_signal_handler(signal.SIGHUP, reload.set)


async def until_stop_or_failure(
    stop: asyncio.Event, background: Mapping[str, asyncio.Task[None]]
) -> None:
    """Raises AgentError when one of the tasks failed: none of them is to end by itself."""
    stopped = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((stopped, *background.values()), return_when="FIRST_COMPLETED")
    finally:
        stopped.cancel()
    for name, task in background.items():
        if task.done() and not task.cancelled() and (failure := task.exception()) is not None:
            log.critical("task %s failed; stopping", name, exc_info=failure)
            while isinstance(failure, BaseExceptionGroup):
                failure = failure.exceptions[0]
            kind = type(failure).__name__
            raise AgentError(f"task {name} failed: {kind}: {failure}") from failure


async def awaited(run: Callable[[], Awaitable[None]]) -> None:
    """Any awaitable as the coroutine that a task wants."""
    await run()


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel them, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
