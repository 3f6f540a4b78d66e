"""The only source of time: a monotonic clock for schedules and ages, a wall clock for stamps.

Nothing else in the agent asks the system for the time, so that tests turn the hands themselves
and a step of the wall clock disturbs no schedule, age or order (design, decision 6).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from agent import RELEASED

TIMESYNC_DIR = Path("/run/systemd/timesync")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """What the rooms know of time."""

    @property
    def boot_id(self) -> str:
        """Names the boot that :meth:`monotonic` counts from."""

    def monotonic(self) -> float:
        """Seconds since the boot; never steps; the same in every process of one boot."""

    def utc(self) -> datetime:
        """The wall clock, aware, in UTC. Wrong while not :meth:`trusted`."""

    def trusted(self) -> bool:
        """Whether :meth:`utc` may be sent to the platform."""


class SystemClock:
    """The machine's own clocks.

    ``trust="auto"`` trusts the wall clock once systemd-timesyncd has set it; where timesyncd does
    not run, as soon as it shows a date later than this program's release. Once trusted it stays
    so. ``"always"`` never doubts. (adjtimex would tell more, but a hardened unit may not call it.)
    ``error``: the seconds by which the wall clock is to be wrong, as that of a simulated machine
    may be.
    """

    def __init__(
        self,
        trust: Literal["auto", "always"] = "auto",
        timesync_dir: Path = TIMESYNC_DIR,
        error: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._error = error
        self._trusted = trust == "always"
        self._timesync_dir = timesync_dir
        self._released = datetime.fromisoformat(RELEASED).replace(tzinfo=UTC)
        try:
            self._boot_id = BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            # No procfs: a reading must then never be taken for one of another process's boot.
            self._boot_id = f"unknown-{os.getpid()}-{time.time_ns()}"

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def monotonic(self) -> float:
        return time.monotonic()

    def utc(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._error())

    def trusted(self) -> bool:
        if not self._trusted:
            if self._timesync_dir.is_dir():
                self._trusted = (self._timesync_dir / "synchronized").exists()
            else:
                self._trusted = self.utc() > self._released
        return self._trusted
