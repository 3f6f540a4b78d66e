"""Changes a device tells of: from its thread to the loop, in order, and never faster than bearable.

A floating input can change ten thousand times a second. The first changes pass, then the latest
state alone does, a few times a second; so the last state always arrives.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from agent.hardware.ports import Sample

log = logging.getLogger("cht_agent.sensing")

BURST = 10
RATE = 10.0
"""Tokens per second. With a full bucket of ``BURST`` no second sees more than twenty changes."""

WAITING_LIMIT = 64
"""Changes kept while the loop is busy; beyond them only the latest is."""

CALM = 60.0
"""Seconds without a storm after which the next one is worth a log line."""


@dataclass(frozen=True)
class Budget:
    """A token bucket: ``tokens`` at the monotonic time ``at``."""

    tokens: float = BURST
    at: float = -math.inf

    def spend(self, now: float) -> tuple[Budget, bool]:
        """The budget after asking for one token, and whether it was granted."""
        tokens = float(BURST) if self.at == -math.inf else self.tokens + (now - self.at) * RATE
        tokens = min(tokens, float(BURST))
        # A whisker below one is one: the token was waited for exactly as long as it takes.
        granted = tokens >= 1 - 1e-6
        return Budget(max(tokens - granted, 0.0), now), granted

    def ready_at(self) -> float:
        """When the next token will be there."""
        return self.at + max(0.0, 1 - self.tokens) / RATE


@dataclass(frozen=True)
class Change:
    """A state a device told of, and the monotonic time of its edge."""

    at: float
    sample: Sample


class Edges:
    """The way from a device's callback to the loop, for one sensor.

    ``hop`` is called in the device's thread, once for many changes, and must have :meth:`flush`
    called on the loop. ``due`` is when flush wants to be called again by itself.
    """

    def __init__(self, sensor: str, hop: Callable[[], None]) -> None:
        self.due = math.inf
        self.left_out = 0
        self._sensor = sensor
        self._hop = hop
        self._lock = Lock()
        self._waiting: deque[Change] = deque()
        self._hopped = False
        self._budget = Budget()
        self._last_storm = -math.inf

    def put(self, at: float, sample: Sample) -> None:
        """A change. Any thread; never blocks for long."""
        change = Change(at, sample)
        with self._lock:
            if len(self._waiting) >= WAITING_LIMIT:
                self._waiting.pop()
                self.left_out += 1
            self._waiting.append(change)
            needed = not self._hopped
            self._hopped = True
        if needed:
            self._hop()

    def flush(self, now: float) -> list[Change]:
        """The changes to report now, oldest first. On the loop."""
        self.due = math.inf
        passed: list[Change] = []
        while True:
            with self._lock:
                if not self._waiting:
                    self._hopped = False
                    return passed
                change = self._waiting[0]
                self._budget, granted = self._budget.spend(now)
                if not granted:
                    # No hop until the token is there: a storm then costs its own thread alone.
                    self.left_out += len(self._waiting) - 1
                    self._waiting = deque([self._waiting[-1]])
                    self.due = self._budget.ready_at()
                    break
                self._waiting.popleft()
            passed.append(change)
        if now - self._last_storm > CALM:
            log.warning(
                "sensor %s: changes faster than %d times a second, so only its latest state is "
                "reported; a floating input needs a pull resistor, a bouncing one a debounce time",
                self._sensor,
                round(RATE),
                extra={"SENSOR": self._sensor},
            )
        self._last_storm = now
        return passed
