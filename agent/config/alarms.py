"""``[[alarm]]``, ``[contacts]`` and ``[calls]`` as the rooms see them: checked, complete, frozen.

Durations are seconds. Phone numbers are secrets: nothing here shows one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.config.menus import Language, Voice

Severity = Literal["warning", "critical"]

LIMIT = "limit"
"""In ``say``: the threshold, spoken like a reading."""


@dataclass(frozen=True)
class AlarmConfig:
    """One ``[[alarm]]``: it fires when ``sensor`` says for ``hold_for`` seconds what it must not.

    One of ``above``, ``below`` and ``equals``, or none: then only missing data is an alarm.
    ``quantity`` counts the values of the sensor from 0. ``clear``: the value from which on it is
    over (None: the threshold itself), for ``keep`` seconds. ``missing``: no good reading for so
    long is an alarm of its own; None: never. ``say`` and ``say_missing``: what is said of the one
    and of the other. ``call``: contacts, in the order they are phoned.
    """

    id: str
    sensor: str
    quantity: int = 0
    unit: str | None = None
    above: float | None = None
    below: float | None = None
    equals: str | None = None
    hold_for: float = 0.0
    clear: float | None = None
    keep: float = 0.0
    missing: float | None = 900.0
    severity: Severity = "warning"
    say: str | None = None
    say_missing: str | None = None
    call: tuple[str, ...] = ()
    publish_state: bool = False

    @property
    def limit(self) -> str | float | None:
        """What the value is compared with; None: only missing data is watched for."""
        return next((of for of in (self.above, self.below, self.equals) if of is not None), None)


@dataclass(frozen=True)
class QuietHours:
    """From ``start`` to ``end`` on the local clock, over midnight where ``end`` is earlier."""

    start: time
    end: time


@dataclass(frozen=True)
class TestDay:
    """When the monthly test call is made: a day of the month (1–28) and a time of that day."""

    __test__ = False  # no test of ours, whatever its name makes pytest think

    day: int
    at: time


@dataclass(frozen=True)
class CallsConfig:
    """``[calls]``: whether and how people are phoned. Off unless ``enabled``.

    ``dry_run``: everything but the call itself. A person is phoned at most ``person_per_minute``,
    ``person_per_hour`` and ``person_per_day`` times, all together ``per_day`` times in 24 hours.
    ``collect``: what fires within it shares a call. ``rounds``: how often the list of people is
    gone through. ``acknowledged_for``: how long an acknowledgement holds. ``site``: the name
    of this place, said first.
    """

    enabled: bool = False
    dry_run: bool = False
    person_per_minute: int = 1
    person_per_hour: int = 5
    person_per_day: int = 20
    per_day: int = 20
    collect: float = 30.0
    rounds: int = 2
    acknowledged_for: float = 14_400.0
    quiet_hours: QuietHours | None = None
    monthly_test: TestDay | None = None
    language: Language = "zh"
    voice: Voice = "F"
    site: str | None = None
