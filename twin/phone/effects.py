"""What the telephone service does to the world, and what its log tells beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from twin.messages import Message


class Why(StrEnum):
    """Why a call is over. The first two are how calls should end."""

    CALLER = "the caller hung up"
    END = "the service hung up"
    UNANSWERED = "the application did not answer"
    TOO_LONG = "the call lasted too long"
    LOOP = "the menu jumps for ever without a word"
    NO_NUMBER = "the number is not in service"
    NO_MENU = "the number has no menu"
    NOT_TAKEN = "the call was not taken"


@dataclass(frozen=True)
class Publish:
    """The service sends an MQTT message."""

    message: Message


@dataclass(frozen=True)
class Spoken:
    """The service begins to say ``text``, for ``seconds``, as a man (``M``) or a woman (``F``)."""

    call_id: str
    text: str
    voice: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Music:
    """Music starts: the application was asked and takes its time (T-11)."""

    call_id: str


@dataclass(frozen=True)
class Listening:
    """The service takes in ``keys``, ``speech`` or a ``recording`` from now on.

    ``seconds``: until it gives up, counted from now. Keys are taken while the text still plays
    (T-37), so for them this comes with the text.
    """

    call_id: str
    kind: str
    seconds: float


@dataclass(frozen=True)
class Ringing:
    """A phone rings: a call-out has reached it."""

    call_id: str
    phone: str


@dataclass(frozen=True)
class Recorded:
    """A recording of so many seconds is complete; its message follows (T-10)."""

    call_id: str
    seconds: float


@dataclass(frozen=True)
class Ended:
    """The call is over; nothing about it comes after this."""

    call_id: str
    why: Why


Effect = Publish | Spoken | Music | Listening | Ringing | Recorded | Ended


@dataclass(frozen=True)
class Note:
    """For the log: something was dropped or put right, and why. Holds no phone number."""

    at: datetime
    what: str
    topic: str = ""
