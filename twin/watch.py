"""What a message means to somebody who watches: one readable line for each thing it says.

Pure: topic, payload and time of arrival in, lines out. Nothing here trusts the payload: what is
not understood is shown as such, and what could disturb a terminal is shown escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

_LONGEST = 120
_LATE = timedelta(seconds=2)
_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_COLOURS = {
    "rawdata": "\x1b[32m",
    "heartbeat": _DIM,
    "agent": _DIM,
    "ack": "\x1b[36m",
    "command": "\x1b[33m",
    "will": "\x1b[35m",
    "registry": "\x1b[35m",
    "call": "\x1b[34m",
    "answer": "\x1b[36m",
    "callout": "\x1b[34m",
    "dropped": "\x1b[31m",
    "rest": _DIM,
    "broker": _DIM,
    "unclear": "\x1b[31m",
}


_Teller = Callable[[bytes, datetime, str], list[str]]


class _Unclear(Exception):
    """The payload is not what its topic promises."""


def describe(topic: str, payload: bytes, when: datetime, *, colour: bool = False) -> list[str]:
    """The lines to show for a message that arrived at ``when`` (aware), without line ends."""
    kind, tell, name = _kind(topic)
    try:
        said = tell(payload, when, name)
    except _Unclear as unclear:
        kind, said = "unclear", [f"{plain(topic)}: {unclear}"]
    return [line(kind, text, when, colour=colour) for text in said]


def line(kind: str, text: str, when: datetime, *, colour: bool = False) -> str:
    """One line: the time, what kind of thing it is, the text."""
    stamp = f"{when:%H:%M:%S}.{when.microsecond // 1000:03d}"
    if not colour:
        return f"{stamp}  {kind:<9}  {text}"
    tint = _COLOURS.get(kind, "")
    return f"{_DIM}{stamp}{_RESET}  {tint}{kind:<9}  {text}{_RESET}"


def is_echo(topic: str) -> bool:
    """Whether it repeats to subscribers what a device has just said (P-07, P-08, P-12)."""
    return re.fullmatch(r"/v1/device/[^/]+/sensor/[^/]+/(rawdata|csv|ack)", topic) is not None


def _kind(topic: str) -> tuple[str, _Teller, str]:
    """What the topic carries (P-06…P-16, P-20), who can tell it, and the name it is about."""
    for pattern, kind, tell in _KINDS:
        if found := re.fullmatch(pattern, topic):
            return kind, tell, plain(found.groupdict().get("name", ""))
    return "other", _notice, plain(topic)


def _rawdata(payload: bytes, when: datetime, _name: str) -> list[str]:
    lines = []
    for element in _elements(payload):
        values = element.get("value")
        if not isinstance(values, list):
            raise _Unclear(f"a reading without an array of values: {_text(payload)}")
        lines.append(f"{_word(element, 'id')} {' '.join(plain(value) for value in values)}"
                     f"{_age(element.get('time'), when)}")
    return lines


def _acks(payload: bytes, when: datetime, _name: str) -> list[str]:
    return [f"{_word(element, 'id')} {_word(element, 'ack')}{_age(element.get('time'), when)}"
            for element in _elements(payload)]


def _commands(payload: bytes, _when: datetime, _name: str) -> list[str]:
    return [f"{_word(element, 'id')} {_word(element, 'cmd')}" for element in _elements(payload)]


def _heartbeat(payload: bytes, _when: datetime, _name: str) -> list[str]:
    beat = next(iter(_elements(payload)), {})
    if "type" in beat:
        return [f"the platform says: {_word(beat, 'type')}"]
    pulse = _word(beat, "pulse")
    if not re.fullmatch(r"\d{1,12}", pulse, re.ASCII):
        raise _Unclear(f"a pulse that is no number of milliseconds: {pulse}")
    return [f"alive; the next one within {int(pulse) / 1000:g} s"]


def _will(payload: bytes, _when: datetime, name: str) -> list[str]:
    return [f"{name} says: {_text(payload)}" if payload else f"{name} cleared: it is back"]


def _registry(_payload: bytes, _when: datetime, name: str) -> list[str]:
    return [f"a message for {name} (it holds a key and is not shown)"]


def _call(payload: bytes, _when: datetime, _name: str) -> list[str]:
    """T-01: what happens in a call, or what the application is asked."""
    event = _object(payload)
    who, kind = _masked(event.get("phone")), str(event.get("type", ""))
    if kind == "recordEvent":
        size = len(str(event.get("data", ""))) * 3 // 4
        said = f": {plain(event['text'])}" if "text" in event else ""
        return [f"{who} a recording of {size} bytes{said}"]
    return [f"{who} {_word(event, 'node' if kind.lower().endswith('request') else 'event')}"]


def _answer(payload: bytes, _when: datetime, _name: str) -> list[str]:
    """T-03: what the application wants said, and what then."""
    action = _object(payload)
    said = f"{action['text']} " if action.get("text") else ""
    if action.get("isWaitText") in (True, "true"):
        return [plain(f"{said}(wait)")]
    then = [name for name in ("collectDTMF", "collectDigits", "collectText")
            if action.get(name) in (True, "true")]
    if "maxRecordDuration" in action and not then:
        then.append("record")
    if "nextNode" in action:
        then.append(f"→ {action['nextNode']}")
    return [plain(f"{said}({', '.join([str(action.get('node', 'no node')), *then])})")]


def _callout(payload: bytes, _when: datetime, _name: str) -> list[str]:
    """T-13."""
    result = _object(payload)
    return [f"{_masked(result.get('phone'))} {_word(result, 'status')}"]


def _masked(phone: object) -> str:
    """A phone number as a log may show it: one knows it again, and cannot call it."""
    text = str(phone or "")
    return plain(f"{text[:4]}***{text[-2:]}" if len(text) > 6 else text or "withheld")


def _object(payload: bytes) -> dict[str, Any]:
    elements = _elements(payload)
    if len(elements) != 1:
        raise _Unclear(f"not one object: {_text(payload)}")
    return elements[0]


def _notice(payload: bytes, _when: datetime, name: str) -> list[str]:
    return [f"{name}  {_text(payload)}"]


_KINDS: list[tuple[str, str, _Teller]] = [
    (r"/v1/device/[^/]+/rawdata", "rawdata", _rawdata),
    (r"/v1/device/[^/]+/ack", "ack", _acks),
    (r"/v1/device/[^/]+/(sensor/[^/]+/)?command", "command", _commands),
    (r"/v1/device/[^/]+/heartbeat", "heartbeat", _heartbeat),
    (r"/v1/lwt/(?P<name>[^/]+)", "will", _will),
    (r"/v1/registry/(?P<name>[^/]+)", "registry", _registry),
    (r"phone-conn/callEvent/[^/]+", "call", _call),
    (r"phone-conn/callAction/[^/]+", "answer", _answer),
    (r"phone-conn/calloutResult/[^/]+", "callout", _callout),
    (r"phone-conn/(?P<name>callActionDebug)/[^/]+", "unclear", _notice),
    (r"/v1/device/[^/]+/(?P<name>active|sensor/[^/]+/(rawdata|ack|csv))", "notice", _notice),
]


def _elements(payload: bytes) -> list[dict[str, Any]]:
    """The objects of a JSON array, or the one object that stands alone."""
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        raise _Unclear(f"not JSON: {_text(payload)}") from None
    elements = content if isinstance(content, list) else [content]
    if not all(isinstance(element, dict) for element in elements):
        raise _Unclear(f"not an object or an array of them: {_text(payload)}")
    return elements


def _word(element: dict[str, Any], key: str) -> str:
    if key not in element:
        raise _Unclear(f"no {key} in {_text(json.dumps(element, ensure_ascii=False).encode())}")
    return plain(element[key])


def _age(time: object, when: datetime) -> str:
    """How long before its arrival it was measured, where that is worth a word."""
    if time is None:
        return "  (without a time)"
    try:
        measured = datetime.fromisoformat(str(time))
    except ValueError:
        return f"  (time not understood: {plain(time)})"
    age = when - (measured if measured.tzinfo else measured.replace(tzinfo=UTC))
    if abs(age) <= _LATE:
        return ""
    seconds = abs(age).total_seconds()
    return f"  (measured {seconds:.0f} s {'before' if age > timedelta(0) else 'in the future'})"


def _text(payload: bytes) -> str:
    return plain(payload.decode(errors="replace"))


def plain(value: object) -> str:
    """Anything as text of bounded length, with whatever is not printable escaped."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode()
                    for c in text[:_LONGEST])
    return f"{shown}…" if len(text) > _LONGEST else shown
