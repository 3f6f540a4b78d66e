"""What we tell the telephone service to do (T-03 to T-11), and its topics.

The service ignores an illegal callAction without a word, and the caller hears nothing: such a
message cannot be built.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from agent.protocol import _check
from agent.protocol.batch import encode

MAX_TEXT = 200
"""Characters of a text, a Chinese one counting one (T-05)."""
RESERVED = ("MAIN", "CUSTOM", "END", "CONFIG")
MAX_RECORDING = 999

Voice = Literal["M", "F"]

_NODE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")
_TOPIC = re.compile(r"phone-conn/(callEvent|callActionDebug|calloutResult)/[^/+#]+")


@dataclass(frozen=True)
class Keypad:
    """Collect up to ``most`` keys; ``timeout`` seconds from the end of the text (T-09, T-37). 10 is
    the least that both documents allow."""

    most: int = 1
    timeout: int = 10

    def __post_init__(self) -> None:
        _between("maxDTMF", self.most, 1, 20)
        _between("collectDTMFTimeout", self.timeout, 1, 60)


@dataclass(frozen=True)
class SpokenDigits:
    """Understand spoken digits (T-08)."""


@dataclass(frozen=True)
class Speech:
    """Understand what is said (T-08)."""


@dataclass(frozen=True)
class Recording:
    """Record up to ``seconds`` (T-10); ``transcript``: send what was understood, too (T-41)."""

    seconds: int
    transcript: bool = False

    def __post_init__(self) -> None:
        _between("maxRecordDuration", self.seconds, 1, MAX_RECORDING)


Collect = Keypad | SpokenDigits | Speech | Recording


@dataclass(frozen=True)
class CallAction:
    """The one final answer to the request ``id`` (T-03).

    ``node`` names this turn and comes back with what the caller does (T-36). ``next_node`` is where
    the call goes then: ``MAIN``, ``END`` or a node of the menu that was pushed; it must be there
    unless something is collected (T-06), and may be there after a recording, as nobody says whether
    a request follows one (T-40). ``delay``: seconds between repeats.
    """

    id: str
    node: str
    text: str | None = field(default=None, repr=False)
    next_node: str | None = None
    collect: Collect | None = None
    repeat: int = 1
    delay: int = 0
    voice: Voice = "M"

    def __post_init__(self) -> None:
        _check.filled("id", self.id)
        if not is_node(self.node):
            raise ValueError(f"{_check.shown(self.node)} cannot be a node of ours")
        if not (self.next_node in (None, "MAIN", "END") or is_node(str(self.next_node))):
            raise ValueError(f"{_check.shown(self.next_node)} cannot be jumped to")
        goes_on = isinstance(self.collect, Recording) and self.next_node is not None
        if (self.next_node is None) == (self.collect is None) and not goes_on:
            raise ValueError("a callAction either collects something or goes to a next node")
        _speech(self.text, self.repeat, self.delay, self.voice)


@dataclass(frozen=True)
class WaitAction:
    """Said at once where the final answer takes longer; then music, for 4 minutes at most (T-11).
    It has no node."""

    id: str
    text: str
    repeat: int = 1
    delay: int = 0
    voice: Voice = "M"

    def __post_init__(self) -> None:
        _check.filled("id", self.id)
        _check.filled("text", self.text)
        _speech(self.text, self.repeat, self.delay, self.voice)


def is_node(name: str) -> bool:
    """Whether we may name a node so. One document forbids ``_``, so we never send it; reserved
    words are avoided in any case (T-04)."""
    return _NODE.fullmatch(name) is not None and name.upper() not in RESERVED


def encode_call_action(action: CallAction | WaitAction) -> bytes:
    """The payload for :func:`call_action_topic`. Defaults are left out, but for the collection's
    timeout, whose default lies below the documented minimum (T-09)."""
    body: dict[str, object] = {"id": action.id}
    if isinstance(action, WaitAction):
        body["isWaitText"] = True
    else:
        body["node"] = action.node
    if action.text is not None:
        body["text"] = action.text
    if action.repeat != 1:
        body["repeat"] = action.repeat
        body["betweenTextRepeatDelay"] = action.delay
    if action.voice != "M":
        body["promptMode"] = action.voice
    if isinstance(action, CallAction):
        if action.next_node is not None:
            body["nextNode"] = action.next_node
        body |= _collecting(action.collect)
    return encode(body)


def call_event_topic(sn_key: str) -> str:
    """Where requests, events and recordings come (T-01)."""
    return f"phone-conn/callEvent/{_key(sn_key)}"


def call_action_topic(sn_key: str) -> str:
    """Where answers go (T-03)."""
    return f"phone-conn/callAction/{_key(sn_key)}"


def call_action_debug_topic(sn_key: str) -> str:
    """Where the service tells what was wrong with an answer (T-12)."""
    return f"phone-conn/callActionDebug/{_key(sn_key)}"


def callout_result_topic(sn_key: str) -> str:
    """Where the results of call-outs come (T-13)."""
    return f"phone-conn/calloutResult/{_key(sn_key)}"


def kind_of(topic: str) -> Literal["callEvent", "callActionDebug", "calloutResult"] | None:
    """What comes on a topic that we subscribed; None for any other. Its last level is a secret."""
    match = _TOPIC.fullmatch(topic)
    return match[1] if match else None  # type: ignore[return-value]


def _collecting(collect: Collect | None) -> dict[str, object]:
    match collect:
        case Keypad(most, timeout):
            return {"collectDTMF": True, "maxDTMF": most, "collectDTMFTimeout": timeout}
        case SpokenDigits():
            return {"collectDigits": True}
        case Speech():
            return {"collectText": True}
        case Recording(seconds, transcript):
            record: dict[str, object] = {"maxRecordDuration": seconds}
            return record | ({"recordToText": True} if transcript else {})
        case None:
            return {}


def _speech(text: str | None, repeat: int, delay: int, voice: str) -> None:
    if text is not None:
        _check.text("text", text)
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text of {len(text)} characters; {MAX_TEXT} are the most")
    _between("repeat", repeat, 1, 99)
    _between("betweenTextRepeatDelay", delay, 0, 99)
    if voice not in ("M", "F"):
        raise ValueError("promptMode is M or F")


def _between(what: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}")


def _key(sn_key: str) -> str:
    """A SNKey is opaque (T-32), but one level of a topic. Never shown."""
    if not sn_key or re.search(r"[/+#\s\x00]", sn_key):
        raise ValueError("the SNKey must be a text without / + # and blanks")
    return sn_key
