"""The phases of a call, and what can happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from twin.phone.turn import Line, Turn


class Phase(Enum):
    SPEAKING = auto()
    KEYS = auto()
    SPEECH = auto()
    RECORDING = auto()
    ASKING = auto()
    HOLDING = auto()
    """A wait text plays."""
    MUSIC = auto()
    OVER = auto()


class TimeUp:
    """What the call waited for, ``due``, has come."""


class HangUp:
    """The other end is gone."""


@dataclass(frozen=True)
class Key:
    """``0``-``9``, ``*`` or ``#``."""

    key: str


@dataclass(frozen=True)
class Words:
    """Something is said; ``confidence`` None leaves it to the settings."""

    text: str
    confidence: float | None = None


@dataclass(frozen=True)
class Memo:
    """Something is said into a recording, for so many seconds."""

    text: str
    seconds: float


@dataclass(frozen=True)
class Final:
    """The application's answer."""

    turn: Turn


@dataclass(frozen=True)
class Wait:
    """The application's wait text."""

    lines: tuple[Line, ...]


Input = TimeUp | HangUp | Key | Words | Memo | Final | Wait
