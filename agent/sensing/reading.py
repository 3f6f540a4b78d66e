"""A reading, as it leaves a sensor for delivery, status and (later) the phone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """The values of one sensor at one moment, filtered and formatted, worth reporting.

    ``mono`` is seconds on the monotonic clock; the UTC time is found when the clock can be trusted.
    ``urgent``: an edge or a state, to be kept at once when the link is down (decision 5).
    """

    sensor: str
    values: tuple[str, ...]
    mono: float
    lat: float | None = None
    lon: float | None = None
    urgent: bool = False
