"""What the menu engine is told and what it answers. All of it frozen: a call is a value, and every
turn makes a new one (decision 9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Literal

from agent.protocol.telephone import CallAction

Quality = Literal["good", "stale", "fault"]


@dataclass(frozen=True)
class Heard:
    """The latest of one sensor, as a caller may hear it.

    ``values`` are as published, one for each of ``quantities`` and ``units``; none while faulty.
    ``age``: seconds since the last good ones were measured; None: never.
    """

    values: tuple[str, ...]
    units: tuple[str | None, ...] = (None,)
    quantities: tuple[str, ...] = ("value",)
    age: float | None = None
    quality: Quality = "good"


Seen = Mapping[str, Heard]
"""Sensor id → its latest. A sensor that is not there was never heard of."""


@dataclass(frozen=True)
class Moment:
    """Now: ``mono`` monotonic seconds, ``utc`` the aware wall clock and whether it can be trusted,
    ``zone`` what the caller's clock shows."""

    mono: float
    utc: datetime
    trusted: bool
    zone: tzinfo


# --- what a call waits for, beside a turn of the caller ------------------------------------------


@dataclass(frozen=True)
class CheckPin:
    """Is this the PIN? Answered by PinRight, PinWrong or PinLocked."""

    digits: str = field(repr=False)


@dataclass(frozen=True)
class Act:
    """Give the actuator this command, and see whether it did; answered by Acted."""

    actuator: str
    cmd: str


@dataclass(frozen=True)
class FreshRead:
    """Measure these sensors now; answered by ReadDone, whatever came of it."""

    sensors: tuple[str, ...]


Work = CheckPin | Act | FreshRead


@dataclass(frozen=True)
class PinRight:
    pass


@dataclass(frozen=True)
class PinWrong:
    pass


@dataclass(frozen=True)
class PinLocked:
    """Nobody's PIN is looked at any more, for a while."""


@dataclass(frozen=True)
class Acted:
    """``ok``: the output was read back and is as told. ``text``: its state, or why not."""

    ok: bool
    text: str


@dataclass(frozen=True)
class ReadDone:
    pass


Outcome = PinRight | PinWrong | PinLocked | Acted | ReadDone


# --- what happened, for the call log --------------------------------------------------------------


@dataclass(frozen=True)
class Visited:
    """The caller reached ``target`` (a menu, a reading, a memo)."""

    target: str


@dataclass(frozen=True)
class Refused:
    """The caller was kept from ``target``."""

    target: str
    why: Literal["unlisted", "wrong pin", "pin locked"]


@dataclass(frozen=True)
class Authorised:
    """The PIN was right."""


@dataclass(frozen=True)
class Commanded:
    """An actuator was told, after confirmation; ``result`` is the read-back, or why not."""

    target: str
    actuator: str
    cmd: str
    ok: bool
    result: str


@dataclass(frozen=True)
class Cancelled:
    """The caller said no to ``target``."""

    target: str


Reason = Literal["goodbye", "denied", "attempts", "pin", "max turns", "error"]


@dataclass(frozen=True)
class Ended:
    """Our last answer ended the call."""

    reason: Reason


@dataclass(frozen=True)
class Unsent:
    """The connection was gone: the caller never heard the answer."""


Effect = Visited | Refused | Authorised | Commanded | Cancelled | Ended | Unsent


# --- a call ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choosing:
    """Of the menu the call is in; ``speech``: by words, else by a key."""

    speech: bool = False


@dataclass(frozen=True)
class AskingPin:
    """The PIN opens the way to ``target``. ``unsure``: that was chosen by speech."""

    target: str
    unsure: bool = False
    speech: bool = False


@dataclass(frozen=True)
class Entering:
    """A number for the action ``target``."""

    target: str
    unsure: bool = False
    speech: bool = False


@dataclass(frozen=True)
class Confirming:
    """Yes or no to ``act``, for the action ``target``; ``number``: what was entered for it."""

    target: str
    act: Act
    number: str | None = None


@dataclass(frozen=True)
class Recording:
    """The memo ``target`` was recorded when the next request comes."""

    target: str


@dataclass(frozen=True)
class Working:
    """The request ``id`` is answered when ``work`` is done; the call goes on from ``at``, where
    a text is the target of a reading. ``lead``: what is to be said before its answer; ``passed``:
    the readings in that."""

    id: str
    work: Work
    at: AskingPin | Confirming | str
    lead: tuple[str, ...] = field(default=(), repr=False)
    passed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leaving:
    """Nothing is asked any more; the last text may still have to be said to its end."""

    reason: Reason


Place = Choosing | AskingPin | Entering | Confirming | Recording | Working | Leaving


@dataclass(frozen=True)
class Call:
    """One call between two turns.

    ``secret``: the random part of its token. ``path``: the menus that were gone through, the
    present one last. ``misses``: wrong keys and silences at this place, ``all_misses`` in the call.
    ``said``: the last text, to be repeated; ``rest``: the parts of it that were not said yet.
    ``helper``: the node of the uploaded menu that leads on, lent to this call. ``heard``: when
    the caller was last heard of, or answered after a wait (monotonic seconds).
    """

    secret: str
    phone: str | None = field(repr=False)
    heard: float
    path: tuple[str, ...] = ("main",)
    place: Place = Choosing()
    authorised: bool = False
    misses: int = 0
    all_misses: int = 0
    pin_tries: int = 0
    turns: int = 0
    said: str = field(default="", repr=False)
    rest: tuple[str, ...] = field(default=(), repr=False)
    helper: str | None = None


@dataclass(frozen=True)
class Step:
    """What one request leads to: an answer, or work before it can be answered.

    ``call`` None: the call is over with this answer. ``wait_text``: to be said when the work
    takes longer than a second (T-11).
    """

    call: Call | None
    answer: CallAction | None = None
    work: Work | None = None
    wait_text: str | None = None
    effects: tuple[Effect, ...] = ()
