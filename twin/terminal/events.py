"""What the twin tells a phone: the messages of the control socket as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Spoken:
    """The service began to say this. ``voice``: ``M`` or ``F`` (T-07). ``seconds``: how long it
    takes to say; 0.0 when the twin does not tell."""

    text: str
    voice: str = "M"
    seconds: float = 0.0


@dataclass(frozen=True)
class Music:
    """The music that plays while the application takes its time (T-11)."""


@dataclass(frozen=True)
class Listening:
    """The service takes in something: ``keys``, ``speech`` or a ``recording``, for so many
    seconds if that is known."""

    kind: str
    seconds: float | None = None


@dataclass(frozen=True)
class Ended:
    """The call is over."""

    why: str


@dataclass(frozen=True)
class Trouble:
    """The twin refused what it was told."""

    text: str


@dataclass(frozen=True)
class Other:
    """Something this phone has no special word for, such as ``ringing``."""

    name: str


Event = Spoken | Music | Listening | Ended | Trouble | Other


def event_of(message: Mapping[str, object]) -> Event:
    """The event a message stands for; a twin that says more than we know is no fault."""
    if "error" in message:
        return Trouble(str(message["error"]))
    match message.get("event"):
        case "spoken":
            return Spoken(str(message.get("text", "")), str(message.get("voice", "M")),
                          _seconds(message) or 0.0)
        case "music":
            return Music()
        case "listening":
            return Listening(str(message.get("for", "keys")), _seconds(message))
        case "ended":
            return Ended(str(message.get("why", "")))
        case name:
            return Other("" if name is None else str(name))


def _seconds(message: Mapping[str, object]) -> float | None:
    seconds = message.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
