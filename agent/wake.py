"""Waking a task: now, or at a moment to come, whichever is sooner."""

from __future__ import annotations

import asyncio


class Wake:
    """An event that can also be set by time; one task waits for it.

    Cheaper than an asyncio.Event under an asyncio.timeout, and says what is meant: callers ask to
    be attended to within ``delay``; the soonest wish wins.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._called = False

    def call(self, delay: float = 0.0) -> None:
        """Wake the waiter in ``delay`` seconds at the latest; remembered if nobody waits yet."""
        if self._called:
            return
        if delay <= 0:
            self._ring()
            return
        if self._loop is None:
            self._loop = asyncio.get_running_loop()  # asked once: it costs a system call
        due = self._loop.time() + delay
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._ring)

    async def wait(self) -> None:
        """Return when called; from then on only new calls count."""
        if not self._called:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._called = False

    def _ring(self) -> None:
        self._called = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
