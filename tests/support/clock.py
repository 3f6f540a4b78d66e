"""A clock whose hands the test turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)


class FakeClock:
    """``agent.clock.Clock`` by hand: time stands still until ``advance``.

    ``trust`` is what :meth:`trusted` answers. A step of the wall clock leaves ``monotonic`` alone;
    a reboot starts it again under a new boot id, while the wall clock goes on.
    """

    def __init__(
        self, *, utc: datetime = START, monotonic: float = 1000.0, boot_id: str = "boot-1",
        trust: bool = True,
    ) -> None:
        self.trust = trust
        self._boots = 1
        self._boot_id = boot_id
        self._monotonic = monotonic
        self._utc = utc

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def monotonic(self) -> float:
        return self._monotonic

    def utc(self) -> datetime:
        return self._utc

    def trusted(self) -> bool:
        return self.trust

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._utc += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._utc += timedelta(seconds=seconds)

    def set_utc(self, utc: datetime) -> None:
        """Set the wall clock."""
        self._utc = utc

    def reboot(self, *, boot_id: str | None = None, monotonic: float = 0.0) -> None:
        """A new boot: another boot id, and the monotonic clock starts again."""
        self._boots += 1
        self._boot_id = boot_id or f"boot-{self._boots}"
        self._monotonic = monotonic
