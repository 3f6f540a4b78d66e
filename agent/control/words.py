"""The words an actuator speaks: its state, its errors, durations in them (P-11; decision 7). Pure.

An ack and a published state are texts of ours that people and programs on the platform read, so
they are short, on one line and free of whatever a foreign command may have held.
"""

from __future__ import annotations

from math import ceil

from agent.config.model import ActuatorConfig
from agent.values import shortest

ACK_LIMIT = 100
"""The longest ack, in characters."""
UNKNOWN = "unknown"
"""The state of an output that cannot be read."""


def state_word(spec: ActuatorConfig, level: float | None) -> str:
    """What ``level`` is called: the first configured word that sets it, else ``on`` or ``off``
    where levels go from 0 to 1, else the number. None is :data:`UNKNOWN`. A pulse or toggle names
    no state: it passes.
    """
    if level is None:
        return UNKNOWN
    for word, action in spec.commands.items():
        if action.kind == "set" and action.level == level:
            return word
    if spec.levels == (0.0, 1.0) and level in (0.0, 1.0):
        return "on" if level else "off"
    return shortest(level)


def error_text(reason: str) -> str:
    """The ack of a command that did nothing, or not what was asked: ``error: reason``, clipped."""
    return clipped(f"error: {reason}", ACK_LIMIT)


def clipped(text: str, limit: int) -> str:
    """``text`` on one line, without control characters, in at most ``limit`` characters."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def seconds(duration: float) -> str:
    """A duration for people, never shorter than it is: ``0.5 s``, ``12 s``, ``7200 s``."""
    if duration < 10:
        return f"{shortest(ceil(round(duration * 10, 6)) / 10)} s"
    return f"{ceil(duration)} s"
