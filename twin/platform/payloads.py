"""What clients publish, read strictly: readings (P-06), commands (P-10), acks (P-11), beats (P-13).

Documented: the fields and their types. The twin's own choice: whatever departs from them is
unfit, as a twin that mends mistakes would hide them; unknown fields are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from twin.platform.model import moment_of

T = TypeVar("T")


class Unfit(Exception):
    """The content is not what its topic asks for; one line that says how."""


@dataclass(frozen=True)
class Reading:
    """One element of a rawdata array. ``time`` None: not given, or not to be understood."""

    id: str
    value: tuple[str, ...]
    time: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    strange_time: str | None = None


@dataclass(frozen=True)
class Word:
    """One element of a command or ack array: the free text, and whether history keeps it."""

    id: str
    text: str
    save: bool = True


def content_of(payload: bytes) -> Any:
    """The JSON content of a payload. Raises Unfit."""
    try:
        return json.loads(payload.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unfit("not JSON") from None


def elements_of(content: Any, read: Callable[[Mapping[str, Any]], T]) -> list[T | Unfit]:
    """Each element of an array as ``read`` understands it, or why not. Raises Unfit when it is
    no array."""
    if not isinstance(content, list):
        raise Unfit("not an array")
    return [_attempt(element, read) for element in content]


def all_of(content: Any, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
    """The same where one bad element spoils them all. Raises Unfit."""
    found = []
    for element in elements_of(content, read):
        if isinstance(element, Unfit):
            raise element
        found.append(element)
    return found


def _attempt(element: Any, read: Callable[[Mapping[str, Any]], T]) -> T | Unfit:
    if not isinstance(element, Mapping):
        return Unfit("an element that is not an object")
    try:
        return read(element)
    except Unfit as unfit:
        return unfit


def reading(element: Mapping[str, Any]) -> Reading:
    """P-06. Raises Unfit."""
    name = text_at(element, "id")
    value = element.get("value")
    if not isinstance(value, list) or not value or not all(is_text(one) for one in value):
        raise Unfit(f"{quoted(name)}: value is not an array of strings")
    given = element.get("time")
    if given is not None and not is_text(given):
        raise Unfit(f"{quoted(name)}: time is not a string")
    time = moment_of(given) if given is not None else None
    lat, lon = _place(element, "lat", 90), _place(element, "lon", 180)
    return Reading(name, tuple(value), time, lat, lon, given if time is None else None)


def command(element: Mapping[str, Any]) -> Word:
    """P-10. Raises Unfit."""
    return _word(element, "cmd")


def ack(element: Mapping[str, Any]) -> Word:
    """P-11; its own ``time`` shows nowhere, as the notice carries the platform's (P-26)."""
    return _word(element, "ack")


def _word(element: Mapping[str, Any], key: str) -> Word:
    name, said = text_at(element, "id"), text_at(element, key)
    save = element.get("save", True)
    if not isinstance(save, bool):
        raise Unfit(f"{quoted(name)}: save is neither true nor false")
    _place(element, "lat", 90)
    _place(element, "lon", 180)
    return Word(name, said, save)


def pulse_of(content: Any) -> str:
    """P-13: the declared milliseconds between beats, as the string they are. Raises Unfit."""
    if not isinstance(content, Mapping):
        raise Unfit("not an object")
    pulse = text_at(content, "pulse")
    # Ten digits are 115 days: far beyond use, and safe to add to a time.
    if not re.fullmatch(r"[0-9]{1,10}", pulse) or not int(pulse):
        raise Unfit("pulse is not a number of milliseconds")
    return pulse


def text_at(element: Mapping[str, Any], key: str) -> str:
    """A string that must be there. Raises Unfit."""
    value = element.get(key)
    if not is_text(value):
        raise Unfit(f"no {key}, or not a string")
    return str(value)


def is_text(value: object) -> bool:
    """Whether it is a string that UTF-8 can carry: JSON lets half a surrogate pair through."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_within(value: object, limit: int) -> bool:
    """Whether it is a number from ``-limit`` to ``limit``; neither true nor false is one."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and -limit <= value <= limit)


def quoted(text: str) -> str:
    """What a client wrote, safe and short enough for a line of a log."""
    return f"{text!r:.60}"


def _place(element: Mapping[str, Any], key: str, limit: int) -> float | None:
    """P-25: a JSON number, if there. Raises Unfit."""
    value = element.get(key)
    if value is None:
        return None
    if not is_within(value, limit):
        raise Unfit(f"{key} is not a number from -{limit} to {limit}")
    return float(value)


def _no_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
