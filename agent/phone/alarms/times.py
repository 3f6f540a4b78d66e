"""Moments that outlive a restart and a wrong clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo


@dataclass(frozen=True)
class Stamp:
    """A moment: the boot it was in, monotonic seconds of that boot, and the UTC time if the clock
    could be trusted then."""

    boot: str
    mono: float
    utc: datetime | None = None


@dataclass(frozen=True)
class Now:
    """The present moment. ``utc`` is wrong while not ``trusted``. ``zone`` None: this machine's."""

    boot: str
    mono: float
    utc: datetime
    trusted: bool
    zone: tzinfo | None = None

    def stamp(self) -> Stamp:
        return Stamp(self.boot, self.mono, self.utc if self.trusted else None)

    def since(self, stamp: Stamp) -> float:
        """Seconds since ``stamp``.

        For one of an earlier boot the wall clock tells, where it was right then and is now. Else
        it is what can be sure: no less than this boot has lasted. So a limit on calls is kept too
        strictly rather than too loosely.
        """
        if stamp.boot == self.boot:
            return max(0.0, self.mono - stamp.mono)
        if stamp.utc is not None and self.trusted:
            return max(self.mono, (self.utc - stamp.utc).total_seconds())
        return self.mono

    def local(self) -> datetime:
        """What a clock on the wall shows here."""
        return self.utc.astimezone(self.zone)
