"""Calling later: the port to the loop, and the one shape this room needs of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Cancellable(Protocol):
    """A call that has not happened yet."""

    def cancel(self) -> object:
        """Forget it; nothing happens when it is too late."""


class Timers(Protocol):
    """Who calls later: an asyncio loop, or a test that turns the hands itself."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Cancellable:
        """Call ``callback`` after ``delay`` seconds of monotonic time."""


class Alarm:
    """At most one pending call; setting it again replaces it."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._pending: Cancellable | None = None

    @property
    def pending(self) -> bool:
        return self._pending is not None

    def set(self, delay: float, callback: Callable[[], object]) -> None:
        def ring() -> None:
            self._pending = None
            callback()

        self.cancel()
        self._pending = self._timers.call_later(delay, ring)

    def cancel(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
