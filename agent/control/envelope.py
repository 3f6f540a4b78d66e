"""The safety envelope: which changes of level a command may cause (decision 8). Pure.

Only commands ask :func:`permit`. A transition to the safe state (start, exit, lost link, maximum
on-time) asks nobody: safety wins over minimum times and rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent.config.model import ActuatorConfig
from agent.control.words import seconds

ROUNDING = 1e-6
"""Seconds by which sums of floats may differ: a pulse exactly as long as ``min_on`` is allowed."""


@dataclass(frozen=True)
class History:
    """What an output did lately; times are monotonic seconds.

    ``level`` None: not known (not open, or the pin does not follow). ``off_since`` is then the
    moment it was lost, so that ``min_off`` is waited for in full. ``changes``: when commands
    changed the level, oldest first, no more than the rate limit looks at.
    """

    level: float | None = None
    on_since: float | None = None
    off_since: float | None = None
    changes: tuple[float, ...] = ()

    def moved(self, level: float | None, now: float) -> History:
        """The history after the level became ``level``."""
        if level is None:
            return replace(self, level=None, on_since=None, off_since=now)
        if level != 0:
            since = self.on_since if self.level else now
            return replace(self, level=level, on_since=since, off_since=None)
        since = self.off_since if self.level == 0 else now
        return replace(self, level=level, on_since=None, off_since=since)

    def counted(self, now: float, keep: int) -> History:
        """The history after a command changed the level, with the last ``keep`` changes."""
        return replace(self, changes=(*self.changes, now)[-keep:])

    def unrated(self) -> History:
        """The same for what no command asks for: rates do not bind it."""
        return replace(self, changes=())


def permit(
    spec: ActuatorConfig,
    level: float,
    history: History,
    others_on: Mapping[str, str],
    now: float,
) -> str | None:
    """Why a command may not bring the output to ``level`` now; None when it may.

    ``others_on``: the other members of its interlock group that are not surely off, with their
    state words.
    """
    reason = interlocked(level, others_on)
    if reason is not None or level == history.level:
        return reason
    if level == 0:
        left = _left(spec.min_on, history.on_since, now)
        if spec.min_on is not None and left > 0:
            return f"on for at least {seconds(spec.min_on)}, {seconds(left)} left"
    elif history.level and level * history.level < 0 and spec.min_off is not None:
        return f"it turns the other way: off for at least {seconds(spec.min_off)} first"
    elif not history.level:
        left = _left(spec.min_off, history.off_since, now)
        if spec.min_off is not None and left > 0:
            return f"off for at least {seconds(spec.min_off)}, {seconds(left)} left"
    limit = spec.rate_limit
    if limit is not None and len(history.changes) >= limit.count:
        left = _left(limit.per, history.changes[-limit.count], now)
        if left > 0:
            return (
                f"at most {limit.count} changes in {seconds(limit.per)}, {seconds(left)} left"
            )
    return None


def interlocked(level: float, others_on: Mapping[str, str]) -> str | None:
    """Why the interlock group forbids ``level``: one that is, or may be, on."""
    if level != 0:
        for name, state in others_on.items():
            return f"interlock: {name} is {state}"
    return None


def _left(least: float | None, since: float | None, now: float) -> float:
    if least is None or since is None:
        return 0.0
    left = least - (now - since)
    return left if left > ROUNDING else 0.0
