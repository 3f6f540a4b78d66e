"""What the telephone service tells of calls (T-01, T-02, T-12, T-13).

Everything is somebody else's: unknown fields are passed over, impossible times kept as text. A
message without an ``id`` cannot be answered and is malformed.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Literal

from agent.protocol import _check, _json
from agent.protocol.errors import Malformed

MAX_CALL_EVENT = 32 * 1024 * 1024
"""Bytes of a callEvent worth parsing: a recording of 999 s (T-10) is 16 MB, and 21 MB in base64."""

_DIGITS = re.compile(r"([0-9*#]*)(?:/([0-9.]+))?")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Entered:
    """The call reached the node through CUSTOM; the caller has entered nothing (T-02)."""


@dataclass(frozen=True)
class Keys:
    """Digits, pressed or spoken one by one; they may be a PIN and are not shown."""

    digits: str = field(repr=False)


@dataclass(frozen=True)
class Silence:
    """Nothing was entered in time, or nothing but ``#`` (T-40)."""


@dataclass(frozen=True)
class Spoken:
    """What speech recognition understood, and how sure it was: samples say 0.7 and 0.9 (T-40).
    None: it did not say."""

    text: str
    confidence: float | None = None


Entry = Entered | Keys | Silence | Spoken


@dataclass(frozen=True)
class CallRequest:
    """The service asks what to do next and waits for a callAction with this ``id`` (T-01, T-03).

    ``node`` is the name given in our own last answer, or a node of the menu (T-36); ``answer`` what
    stands behind its first comma, None when there is none. ``phone`` None: withheld, or left out.
    """

    id: str
    callout: bool
    phone: str | None = field(repr=False)
    node: str
    answer: str | None = field(default=None, repr=False)
    time: str | None = None

    @property
    def entry(self) -> Entry:
        """What the caller did. Accepts what T-40 leaves open: digits may come with a confidence,
        and an empty answer is silence."""
        if self.answer is None:
            return Entered()
        answer = self.answer.strip()
        if answer.casefold() == "timeout":
            return Silence()
        if digits := _DIGITS.fullmatch(answer):
            pressed = digits[1].strip("#")
            return Keys(pressed) if pressed else Silence()
        text, slash, confidence = answer.rpartition("/")
        if slash and (sure := _confidence(confidence)) is not None:
            return Spoken(text.strip(), sure) if text.strip() else Silence()
        return Spoken(answer)


@dataclass(frozen=True)
class CallNotice:
    """The service has answered and begins to speak, or the call is over (T-38)."""

    id: str
    callout: bool
    phone: str | None = field(repr=False)
    event: Literal["established", "hung_up"]
    time: str | None = None


@dataclass(frozen=True)
class VoiceMemo:
    """A recording (T-10, T-41). ``data`` None: it did not decode, and ``raw`` keeps the text, such
    as a path or an address, which is never fetched. ``memo``: it is marked as a voice memo."""

    id: str
    phone: str | None = field(repr=False)
    data: bytes | None = field(repr=False)
    raw: str | None = field(default=None, repr=False)
    transcript: str | None = field(default=None, repr=False)
    memo: bool = False
    time: str | None = None


def decode_call_event(payload: bytes) -> CallRequest | CallNotice | VoiceMemo:
    """Raises Malformed, also for a ``type`` that is not one of the five: such a message is logged
    and never answered."""
    with _json.reading("callEvent"):
        message = _json.load_object(payload, MAX_CALL_EVENT)
        kind = _json.filled(message, "type")
        id = _json.filled(message, "id")
        phone = _phone(message)
        time = _json.optional_text(message, "time")
        callout = kind.startswith("callout")
        match kind:
            case "request" | "calloutRequest":
                node, comma, answer = _json.filled(message, "node").partition(",")
                return CallRequest(id, callout, phone, node, answer if comma else None, time)
            case "event" | "calloutEvent":
                return CallNotice(id, callout, phone, _event(message), time)
            case "recordEvent":
                data, raw = _recording(_json.text(message, "data"))
                return VoiceMemo(
                    id,
                    phone,
                    data,
                    raw,
                    _json.optional_text(message, "text"),
                    _json.optional_text(message, "recordType") == "1",
                    time,
                )
        raise Malformed(f"an unknown type {_check.shown(_discreet(kind))}")


def waiting_id(payload: bytes) -> str | None:
    """The id of a request that :func:`decode_call_event` refused: somebody may be waiting at the
    other end all the same. None when it asks for no answer, or does not say for which request."""
    try:
        with _json.reading("callEvent"):
            message = _json.load_object(payload)
            is_request = _json.filled(message, "type") in ("request", "calloutRequest")
            return _json.filled(message, "id") if is_request else None
    except Malformed:
        return None


Status = Literal["answered", "reject", "busy", "timeout", "notfound", "failed"]
STATUSES: tuple[Status, ...] = ("answered", "reject", "busy", "timeout", "notfound", "failed")


@dataclass(frozen=True)
class CalloutResult:
    """What became of one phone of a call-out (T-13, T-33). ``status`` is one of :data:`STATUSES`;
    an unknown one is kept as it may be told, and is a failure. ``answered`` may be voice mail.
    ``phone`` may come masked."""

    group: str
    phone: str | None = field(repr=False)
    status: str
    time: str | None = None
    code: str | None = None


def decode_callout_result(payload: bytes) -> CalloutResult:
    """Raises Malformed."""
    with _json.reading("calloutResult"):
        message = _json.load_object(payload)
        status = _json.filled(message, "status")
        return CalloutResult(
            _json.filled(message, "groupId"),
            _phone(message),
            status if status in STATUSES else _discreet(status)[:40],
            _json.optional_text(message, "time"),
            _json.optional_text(message, "statusCode"),
        )


def decode_debug(payload: bytes) -> str:
    """What was wrong with a callAction, in one line for the log (T-12). Its shape is not
    documented, so it may quote what we sent: longer numbers in it are masked. Raises Malformed."""
    with _json.reading("callActionDebug"):
        return _discreet(_json.decode_text(payload))[:200]


def _discreet(text: str) -> str:
    """As it may stand in a log: on one line, and without what may be a phone number or a PIN."""
    line = "".join(sign if sign.isprintable() else " " for sign in " ".join(text.split()))
    return _LONG_NUMBER.sub("****", line)


def _event(message: _json.Object) -> Literal["established", "hung_up"]:
    event = _json.filled(message, "event")
    match event.casefold():  # the documents write both CallHangUp and CallHangup
        case "callestablished":
            return "established"
        case "callhangup":
            return "hung_up"
    raise Malformed(f"an unknown event {_check.shown(_discreet(event))}")


def _phone(message: _json.Object) -> str | None:
    phone = (_json.optional_text(message, "phone") or "").strip()
    return phone or None


def _confidence(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found <= 1 else None


def _recording(text: str) -> tuple[bytes | None, str | None]:
    """The documents' own sample lacks its padding. They also speak of a path: one slash at the
    beginning is one, as no sound file begins so in base64."""
    is_path = text.startswith("/") and not text.startswith("//")
    if is_path or not _BASE64.fullmatch(text) or not text.strip():
        return None, text
    packed = "".join(text.split()).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True), None
    except binascii.Error:
        return None, text
