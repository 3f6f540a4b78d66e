"""Does what falls due at its time: late messages, and whatever the rules want to be woken for."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count

from twin.messages import Message
from twin.platform import Due
from twin.serving.clock import Clock

_LEAST = 0.001
"""Seconds; a rule that wants to be woken at once, again and again, must not stop all else."""


class Timetable:
    """``next_tick`` says when the rules want ``tick``; ``send`` takes messages that are due.

    ``arrange`` after everything that may have changed either.
    """

    def __init__(
        self, clock: Clock, next_tick: Callable[[datetime], datetime | None],
        tick: Callable[[datetime], None], send: Callable[[Message], None],
    ) -> None:
        self._clock = clock
        self._next_tick = next_tick
        self._tick = tick
        self._send = send
        self._late: list[tuple[datetime, int, Message]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, dues: Iterable[Due]) -> None:
        """Send what is due, and the rest in time."""
        for due in dues:
            heapq.heappush(self._late, (due.at, next(self._order), due.message))
        self._send_due(self._clock.now())

    def arrange(self) -> None:
        """Wake up when there is something to do."""
        self.stop()
        if (when := self._next()) is not None:
            wait = max((when - self._clock.now()).total_seconds(), _LEAST)
            self._timer = asyncio.get_running_loop().call_later(wait, self._wake)

    def advance(self, seconds: float) -> None:
        """Let so much time pass now: each thing on the way happens, in order, at its time."""
        end = self._clock.now() + timedelta(seconds=seconds)
        self._clock.go_to(self._clock.now())
        try:
            while (when := self._next()) is not None and when <= end:
                self._clock.go_to(max(when, self._clock.now() + timedelta(seconds=_LEAST)))
                self._now()
            self._clock.go_to(end)
        finally:
            self._clock.go_on()
        self.arrange()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        self._now()
        self.arrange()

    def _now(self) -> None:
        now = self._clock.now()
        self._send_due(now)
        wanted = self._next_tick(now)
        if wanted is not None and wanted <= now:
            self._tick(now)

    def _send_due(self, now: datetime) -> None:
        while self._late and self._late[0][0] <= now:
            self._send(heapq.heappop(self._late)[2])

    def _next(self) -> datetime | None:
        times = [self._next_tick(self._clock.now()), self._late[0][0] if self._late else None]
        return min((time for time in times if time is not None), default=None)
