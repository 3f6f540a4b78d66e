"""When a sensor is read next. Pure arithmetic on the monotonic clock, in seconds.

All sensors count their periods from one origin, so that those of equal (or dividing) periods are
due at the same moment and the agent wakes once for all of them.
"""

from __future__ import annotations

import math

STALE_PERIODS = 3
"""A reading older than this many periods is stale (design, decision 10)."""

LONGEST_BACK_OFF = 60.0


def next_slot(origin: float, period: float, now: float) -> float:
    """The next multiple of ``period`` after ``origin`` at least half a period from ``now``.

    It depends on nothing remembered: a late wake-up shifts no later slot, slots missed in a
    suspend are gone rather than made up for, and a timer that fires a little early reads once.
    """
    return origin + math.ceil((now - origin) / period + 0.5) * period


def back_off(period: float, failures: int) -> float:
    """Seconds to wait after so many failed openings in a row: doubled from ``period`` to 60 s."""
    doublings = min(max(failures - 1, 0), 16)
    return max(period, min(period * 2.0**doublings, LONGEST_BACK_OFF))


def is_late(period: float, since: float, now: float) -> bool:
    """Whether what was due or measured at ``since`` is overdue at ``now``."""
    return now - since > STALE_PERIODS * period
