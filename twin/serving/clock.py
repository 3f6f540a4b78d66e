"""The twin's time: the real one, and whatever a test put upon it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _real() -> datetime:
    return datetime.now(UTC)


class Clock:
    """``real`` time (UTC) plus an offset. It never goes back: when the real one does, it goes on
    from where it was.

    While it is held (``go_to``) it stands still, so that what falls due on the way to a later
    time happens at its own time.
    """

    def __init__(self, real: Callable[[], datetime] = _real) -> None:
        self._real = real
        self._ahead = timedelta(0)
        self._held: datetime | None = None
        self._last = real()

    def now(self) -> datetime:
        now = self._held or self._real() + self._ahead
        if now < self._last:
            self._ahead += self._last - now
            now = self._last
        self._last = now
        return now

    def go_to(self, when: datetime) -> None:
        """Stand still at ``when``; never at a time before now."""
        self._held = max(when, self.now())

    def go_on(self) -> None:
        """Run again, from where it stands."""
        self.now()  # what is left behind is what it goes on from
        self._held = None
