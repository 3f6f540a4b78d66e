"""The telephone service's REST: numbers, menus and call-outs, bytes ↔ values (T-20 to T-31)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.protocol import _check, _json
from agent.protocol.errors import Malformed
from agent.protocol.limits import MAX_ANSWER
from agent.protocol.telephone import MAX_TEXT, Voice

Node = Mapping[str, object]
"""A node of a menu, as JSON has it (T-24)."""

MAX_NUMBERS = 3
"""Numbers an account may rent (T-20)."""

_PHONE = re.compile(r"0[0-9]{6,14}")
_SERVICE_NUMBER = re.compile(r"[0-9]{5,15}")


@dataclass(frozen=True)
class ServiceNumber:
    """A rented number. ``sn_key`` is its secret name on MQTT (T-32). ``status``: ``Accessible``,
    ``Abnormal`` or ``Lock`` (T-42); None where it is not told."""

    number: str
    sn_key: str = field(repr=False)
    name: str = ""
    description: str = ""
    start: str | None = None
    status: str | None = None


def encode_names(name: str, description: str | None = None) -> bytes:
    """For renting and renaming (T-20, T-22). Raises ValueError for an empty name."""
    body = {"appName": _check.filled("the name", name)}
    if description is not None:
        body["appDesc"] = _check.text("the description", description)
    return _dump(body)


def decode_rented(payload: bytes) -> ServiceNumber:
    """Raises Malformed."""
    with _json.reading("rented number"):
        return _number(_json.load_object(payload))


def decode_numbers(payload: bytes) -> tuple[ServiceNumber, ...]:
    """Raises Malformed."""
    with _json.reading("list of numbers"):
        return tuple(_number(item) for item in _json.load_objects(payload, MAX_ANSWER))


def encode_menu(service_number: str, nodes: Sequence[Node]) -> bytes:
    """A whole menu (T-24). Raises ValueError."""
    return _dump({"serviceNumber": service(service_number), "ivrData": [dict(n) for n in nodes]})


def decode_menu(payload: bytes) -> tuple[Node, ...]:
    """The nodes of a menu as they were set (T-25). Raises Malformed."""
    with _json.reading("menu"):
        try:
            body = json.loads(_json.decode_text(payload, MAX_ANSWER))
        except (ValueError, RecursionError) as exc:
            raise Malformed("not JSON") from exc
        nodes = body.get("ivrData") if isinstance(body, dict) else body
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise Malformed("there is no array of nodes in it")
        return tuple(nodes)


@dataclass(frozen=True)
class Announcement:
    """A simple call-out: a text, said ``repeat`` times, between a welcome and a goodbye (T-27)."""

    text: str
    welcome: str | None = None
    bye: str | None = None
    repeat: int = 1
    delay: int = 0
    voice: Voice = "M"

    def __post_init__(self) -> None:
        for what, text in (("text", self.text), ("welcome", self.welcome), ("bye", self.bye)):
            if text is not None and not 0 < len(_check.text(what, text)) <= MAX_TEXT:
                raise ValueError(f"{what} must have 1 to {MAX_TEXT} characters")
        if not 1 <= self.repeat <= 99 or not 0 <= self.delay <= 99:
            raise ValueError("repeat is 1 to 99 and delay 0 to 99")


def encode_callout(
    service_number: str, phones: Sequence[str], said: Announcement | None = None
) -> bytes:
    """Phone people (T-27). ``said`` None: an interactive call, led over MQTT turn by turn (T-14).

    Raises ValueError for an illegal phone, which is not repeated in the text.
    """
    if not phones:
        raise ValueError("nobody to phone")
    ivr: dict[str, object] = {"node": "MAIN", "nextNode": "CUSTOM"}
    if said is not None:
        ivr = {
            "text": said.text,
            "welcomeText": said.welcome,
            "byeText": said.bye,
            "repeat": said.repeat,
            "betweenTextRepeatDelay": said.delay,
            "promptMode": said.voice,
        }
        ivr = {name: value for name, value in ivr.items() if value is not None}
    return _dump(
        {"serviceNumber": service(service_number), "phones": [*map(phone, phones)], "ivrData": ivr}
    )


def decode_callout(payload: bytes) -> str:
    """The ``groupId`` that the results will carry. Raises Malformed."""
    with _json.reading("call-out"):
        return _json.filled(_json.load_object(payload), "groupId")


Refused = Literal[
    "name", "syntax", "unbound", "key", "most", "foreign", "locked", "none", "unknown", "no menu",
    "other",
]  # fmt: skip

# Status and a part of the text that is stable (T-30). The first that fits counts.
_REFUSALS: tuple[tuple[int, str, Refused], ...] = (
    (400, "appname cannot be empty", "name"),
    (400, "syntax error", "syntax"),
    (403, "no binding phone number", "unbound"),
    (403, "authentication error", "key"),
    (403, "reach maximum rent count", "most"),
    (403, "cannot access servicenumber", "foreign"),
    (403, "in locking status", "locked"),
    (404, "no service number associates", "none"),
    (404, "service number not found", "unknown"),
    (404, "does not exist", "no menu"),
)


def refusal(status: int, payload: bytes) -> tuple[Refused, str]:
    """What kind of no it is, and the service's own words in one line, "" where it has none."""
    said = ""
    try:
        message = _json.load_object(payload)
        said = _json.optional_text(message, "msg") or ""
    except ValueError:
        pass  # an error of something in between, which speaks HTML
    said = " ".join(said.split())[:200]
    for code, part, kind in _REFUSALS:
        if code == status and part in said.lower():
            return kind, said
    return ("key" if status in (401, 403) and not said else "other"), said


def phone(number: str) -> str:
    """``number``, if the service takes it (T-28). Raises ValueError, which does not repeat it."""
    if not _PHONE.fullmatch(number):
        raise ValueError("a phone number is digits alone, with a leading 0 and the area code")
    return number


def service(number: str) -> str:
    """``number``, if it can be one of the service. Raises ValueError."""
    if not _SERVICE_NUMBER.fullmatch(number):
        raise ValueError("the service number is digits alone, with the area code")
    return number


def _number(item: _json.Object) -> ServiceNumber:
    # One document's example writes rentStaus; another's SNKey ends with a blank.
    status = _json.optional_text(item, "rentStatus") or _json.optional_text(item, "rentStaus")
    return ServiceNumber(
        _json.filled(item, "serviceNumber").strip(),
        _json.filled(item, "SNKey").strip(),
        _json.optional_text(item, "appName") or "",
        _json.optional_text(item, "appDesc") or "",
        _json.optional_text(item, "start"),
        status,
    )


def _dump(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
