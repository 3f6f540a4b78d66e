"""What is to be made of a command: apply it, refuse it, or know it again (P-09; decision 7). Pure.

Commands arrive over QoS 0 from a platform that may hand out the last one again at every
subscription, to a machine whose clock may be unset, wrong or stepping. Three things keep an old
command from moving a pin:

- its key: the platform's time, word and actuator together are applied once, ever; what is older
  than all the keys still remembered is not taken for new;
- its age, judged strictly just after a SUBACK (where replays come), generously later;
- a trusted clock's refusal is final for that key: a clock that steps back makes nothing young.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from agent.config.model import Action, ActuatorConfig
from agent.control.words import clipped, seconds
from agent.values import shortest

STRICT_WINDOW = 10.0
"""Seconds after a SUBACK in which a command must prove that it is not a replay."""
AHEAD_STRICT = 2.0
"""Seconds the platform's clock may be ahead of ours inside that window."""
AHEAD = 60.0
"""Seconds it may be ahead later."""
ZONE = 8 * 3600.0
"""Taipei's offset: a platform that writes its local time as if it were UTC is this far ahead."""

_NUMBER = re.compile(r"-?[0-9]{0,6}\.?[0-9]{1,17}")

Source = Literal["platform", "phone", "local"]
Key = tuple[str, str, str]
"""(actuator, time as the platform wrote it, word): one command of the platform."""


@dataclass(frozen=True)
class Command:
    """One wish for one actuator, from anywhere.

    ``time_text`` is the platform's time as it came, ``time`` what it means (aware), None when it
    is missing or impossible (``…:118.136Z``). Raises ValueError for a ``time`` that is naive or
    has no text: that would be a bug of ours.
    """

    actuator: str
    cmd: str
    time: datetime | None = None
    time_text: str | None = None
    source: Source = "platform"

    def __post_init__(self) -> None:
        if self.time is not None and (self.time.tzinfo is None or not self.time_text):
            raise ValueError("a command's time must be aware and come with its text")

    @property
    def key(self) -> Key | None:
        """What makes it the same command again; None for one that cannot be told apart."""
        if self.source != "platform" or not self.time_text:
            return None
        return (self.actuator, self.time_text, self.cmd)


@dataclass(frozen=True)
class Context:
    """What is known at the moment of deciding.

    ``subscribed_mono``: the last SUBACK of this connection, None before it. ``applied``: keys
    acted on, with their first ack (None: the agent died in between). ``refused``: keys refused
    for their time, with the reason. ``horizon``: the time, as written, up to which the actuator's
    keys may be forgotten; None: none is.
    """

    now_mono: float
    now_utc: datetime
    trusted: bool
    subscribed_mono: float | None
    applied: Mapping[Key, str | None]
    refused: Mapping[Key, str]
    horizon: str | None = None


@dataclass(frozen=True)
class Apply:
    """Do it."""

    action: Action


@dataclass(frozen=True)
class Refuse:
    """Do nothing and say why. ``for_time``: a trusted clock found its time wrong, which is final
    for its key."""

    reason: str
    for_time: bool = False


@dataclass(frozen=True)
class Duplicate:
    """Do nothing and say again what was said the first time, if that is known."""

    first_ack: str | None


def decide(
    command: Command, spec: ActuatorConfig, context: Context
) -> Apply | Refuse | Duplicate:
    """Judge ``command`` for the actuator ``spec``. The envelope is asked later, when it applies."""
    key = command.key
    if key is not None:
        if key in context.applied:
            return Duplicate(context.applied[key])
        if key in context.refused:
            return Refuse(context.refused[key], for_time=True)
    action = action_of(command.cmd, spec)
    if action is None:
        return Refuse(_unknown(command.cmd, spec))
    if command.source == "platform":
        reason = _stale(command, spec.max_command_age, context)
        if reason is not None:
            return Refuse(reason, for_time=context.trusted and command.time is not None)
    return Apply(action)


def action_of(cmd: str, spec: ActuatorConfig) -> Action | None:
    """The action behind a word: an entry of the table, or a plain number where allowed."""
    action = spec.commands.get(cmd)
    if action is None and spec.numbers and _NUMBER.fullmatch(cmd):
        level = float(cmd) + 0.0  # no minus zero
        if spec.levels[0] <= level <= spec.levels[1]:
            return Action("set", level)
    return action


def _unknown(cmd: str, spec: ActuatorConfig) -> str:
    low, high = map(shortest, spec.levels)
    known = [*spec.commands, *([f"a number {low} to {high}"] if spec.numbers else [])]
    return f"unknown command {clipped(cmd, 24)!r}; known: {', '.join(known)}"


def _stale(command: Command, max_age: float, context: Context) -> str | None:
    """Why the command's time forbids it, None when it may be live."""
    subscribed = context.subscribed_mono
    strict = subscribed is None or context.now_mono - subscribed < STRICT_WINDOW
    if not context.trusted:
        return "clock not set yet, it may be an old one" if strict else None
    if command.time is None:
        return "no valid time, it may be an old one" if strict else None
    age = (context.now_utc - command.time).total_seconds()
    if age > max_age:
        return f"too old: {seconds(age)}, at most {seconds(max_age)}"
    if _forgotten(command.time, context):
        return "older than all that are remembered, it may be a repetition"
    if -age <= (AHEAD_STRICT if strict else AHEAD):
        return None
    if not strict and -AHEAD <= age + ZONE <= max_age:
        return None
    return f"its time is {seconds(-age)} in the future"


def _forgotten(time: datetime, context: Context) -> bool:
    """Whether the key of this moment may have been applied and forgotten."""
    try:
        horizon = datetime.fromisoformat(context.horizon or "")
    except ValueError:
        return False
    horizon = horizon if horizon.tzinfo else horizon.replace(tzinfo=UTC)
    # A horizon that is still to come was written by a clock that is ahead: it makes nothing old.
    return time <= horizon <= context.now_utc
