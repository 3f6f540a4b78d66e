"""Bad input from outside: told once, then counted, so that a flood of it cannot flood the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from agent.clock import Clock

AGAIN_AFTER = 3600.0
"""Seconds after which what still goes on is told again, with the count so far."""


class Noticing:
    """Counts by ``kind`` and logs the 1st, 10th, 100th … of each, and the first after an hour.

    A kind is a name from the program, never from outside: there must be only a few of them.
    """

    def __init__(self, log: logging.Logger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._counts: dict[str, int] = {}
        self._told: dict[str, float] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind there were: a live, read-only view."""
        return MappingProxyType(self._counts)

    def note(self, kind: str, message: str) -> None:
        """Count one more of ``kind``; ``message`` is logged as a warning when it is its turn."""
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        now = self._clock.monotonic()
        if _power_of_ten(count) or now - self._told[kind] >= AGAIN_AFTER:
            self._told[kind] = now
            self._log.warning("%s%s", message, f" ({count} times so far)" if count > 1 else "")


def _power_of_ten(count: int) -> bool:
    return str(count).rstrip("0") == "1"
