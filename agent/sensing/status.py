"""What the room tells of its sensors: for the status document and for ``cht-agent probe``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Quality = Literal["good", "stale", "fault"]


@dataclass(frozen=True)
class SensorStatus:
    """The latest reading of one sensor.

    ``values`` are as sent, in the order of ``quantities`` in the configuration; none while faulty.
    ``mono`` is when the last good ones were measured (monotonic seconds; kept in a fault; None:
    never). ``stale``: never read, or older than three periods. ``reads`` counts the answers of the
    device, changes it told of included, ``failures`` those among them that gave no value.
    ``left_out``: changes skipped because they came too fast.
    """

    id: str
    values: tuple[str, ...]
    units: tuple[str | None, ...]
    mono: float | None
    quality: Quality
    error: str | None
    reads: int
    failures: int
    left_out: int = 0
    quantities: tuple[str, ...] = ("value",)

    @property
    def unit(self) -> str | None:
        return unit_text(self.units)


@dataclass(frozen=True)
class ProbeResult:
    """One fresh read. ``took_s`` is the time the device took; with an ``error`` no values."""

    id: str
    values: tuple[str, ...]
    unit: str | None
    took_s: float
    error: str | None = None


def unit_text(units: Sequence[str | None]) -> str | None:
    """The units of a sensor in one text: ``°C``, or ``°C, %`` in the order of the values."""
    return ", ".join(unit or "-" for unit in units) if any(units) else None
