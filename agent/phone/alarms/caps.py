"""How often people may be phoned, and when they may not be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from agent.config.alarms import CallsConfig, QuietHours, Severity
from agent.phone.alarms.model import Dial
from agent.phone.alarms.times import Now

DAY = 86_400.0


def wait_for(person: str, dials: Iterable[Dial], calls: CallsConfig, now: Now) -> float:
    """Seconds until ``person`` may be phoned; 0: now. Dry runs count among themselves."""
    counted = [dial for dial in dials if dial.placed and dial.dry == calls.dry_run]
    ages = sorted(now.since(dial.at) for dial in counted)
    own = sorted(now.since(dial.at) for dial in counted if dial.person == person)
    return max(
        _wait(own, calls.person_per_minute, 60.0),
        _wait(own, calls.person_per_hour, 3_600.0),
        _wait(own, calls.person_per_day, DAY),
        _wait(ages, calls.per_day, DAY),
    )


def roughly(seconds: float) -> str:
    """A wait in words for people: ``43 min``, ``24 h``."""
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"


def used(dials: Iterable[Dial], calls: CallsConfig, now: Now) -> int:
    """How many calls of the last 24 hours count."""
    return sum(
        dial.placed and dial.dry == calls.dry_run and now.since(dial.at) < DAY for dial in dials
    )


def quiet(severity: Severity, hours: QuietHours | None, now: Now) -> str | None:
    """Why one of ``severity`` may not ring now; None: it may.

    While the clock is not set nobody knows whether it is night, so a warning waits for it; a
    critical one never waits.
    """
    if severity == "critical" or hours is None:
        return None
    if not now.trusted:
        return "the clock is not set, so it may be within quiet hours"
    at = now.local().time()
    if hours.start <= hours.end:
        within = hours.start <= at < hours.end
    else:
        within = at >= hours.start or at < hours.end
    return f"quiet hours until {hours.end:%H:%M}" if within else None


def _wait(ages: list[float], most: int, window: float) -> float:
    """``ages`` of earlier calls, the youngest first."""
    return 0.0 if len(ages) < most else max(0.0, window - ages[most - 1])
