"""Whether one alarm's condition holds, and since when. Pure; times are monotonic seconds.

A threshold alone would fire and clear with every ripple of a value near it. So it fires only after
``for``, clears only beyond ``clear``, and only after ``keep``. Without good data nothing begins and
nothing ends: a dead sensor must not look like a cool greenhouse. It is an alarm of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.config.alarms import AlarmConfig


@dataclass(frozen=True)
class RuleState:
    """``heard``: when there was good data last. ``beyond``: since when the condition holds.
    ``over``: since when a firing one is clear."""

    heard: float
    beyond: float | None = None
    firing: bool = False
    over: float | None = None
    missing: bool = False


def judge(alarm: AlarmConfig, state: RuleState, value: str | None, now: float) -> RuleState:
    """The state after looking at ``value`` (as published; None: there is no good one)."""
    holds = None if value is None else condition(alarm, value, firing=state.firing)
    if value is None or (holds is None and alarm.limit is not None):
        silent = alarm.missing is not None and now - state.heard >= alarm.missing
        return replace(state, over=None, missing=state.missing or silent)
    state = replace(state, heard=now, missing=False)
    if not state.firing:
        beyond = (now if state.beyond is None else state.beyond) if holds else None
        firing = beyond is not None and now - beyond >= alarm.hold_for
        return replace(state, beyond=beyond, firing=firing, over=None)
    if holds:
        return replace(state, over=None)
    over = now if state.over is None else state.over
    if now - over >= alarm.keep:
        return replace(state, firing=False, beyond=None, over=None)
    return replace(state, over=over)


def condition(alarm: AlarmConfig, value: str, *, firing: bool) -> bool | None:
    """Whether ``value`` is beyond the threshold; once ``firing``, beyond ``clear``.

    None: it cannot be compared.
    """
    number = _number(value)
    if alarm.equals is not None:
        wanted = _number(alarm.equals)
        same_number = number is not None and number == wanted
        return value == alarm.equals or same_number
    if alarm.above is not None:
        limit = alarm.clear if firing and alarm.clear is not None else alarm.above
        return None if number is None else number > limit
    if alarm.below is not None:
        limit = alarm.clear if firing and alarm.clear is not None else alarm.below
        return None if number is None else number < limit
    return False


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
