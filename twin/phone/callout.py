"""Reads an order to phone people (T-27, T-28, T-34), and tells how a phone can take a call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from twin.phone.errors import syntax_errors
from twin.phone.fields import Fields
from twin.phone.turn import CUSTOM, END, MAIN, Line, Turn, plays, reserved

How = Literal["answer", "busy", "reject", "voicemail", "timeout", "notfound", "failed"]
"""What a phone does that is called."""
HOWS: tuple[str, ...] = get_args(How)

_PHONE = re.compile(r"0\d+", re.ASCII)
_MOBILE = "09"


@dataclass(frozen=True)
class Order:
    """Whom to phone from which number. ``turn``: what to say; None for an interactive call."""

    number: str
    phones: tuple[str, ...]
    turn: Turn | None


@dataclass(frozen=True)
class Bell:
    """A phone of a group that rings until it is taken or ``until``."""

    call_id: str
    group: str
    sn_key: str
    phone: str
    turn: Turn | None
    until: datetime


def read_order(body: Any) -> Order:
    """Raises TasError with everything that is wrong. A phone named twice is called once."""
    fields = Fields(body if isinstance(body, dict) else {})
    number = service_number(fields)
    phones = fields.raw("phones")
    if not phones:
        fields.wrong("missing 'phones'")
    elif not isinstance(phones, list) or not all(
            isinstance(phone, str) and _PHONE.fullmatch(phone) for phone in phones):
        fields.wrong("'phones' is not an array of numbers with a leading 0")
    turn = _what_to_say(fields)
    if fields.errors:
        raise syntax_errors(fields.errors)
    return Order(number, tuple(dict.fromkeys(phones)), turn)


def service_number(fields: Fields) -> str:
    number = fields.string("serviceNumber")
    if not number and not fields.errors:
        fields.wrong("missing 'serviceNumber'")
    return number


def status_of(how: How, phone: str) -> str:
    """The word calloutResult has for it (T-33): voice mail answers too, and a mobile that is busy
    cannot be told from one that refuses."""
    match how:
        case "answer" | "voicemail":
            return "answered"
        case "busy" if phone.startswith(_MOBILE):
            return "reject"
    return how


def _what_to_say(fields: Fields) -> Turn | None:
    content = fields.raw("ivrData")
    if not isinstance(content, dict):
        fields.wrong("'ivrData' is not an object" if content else "missing 'ivrData'")
        return None
    data = Fields(content, "ivrData: ")
    # T-27: with nextNode there, nothing else counts.
    turn = _ask_application(data) if "nextNode" in data else _announcement(data)
    for error in data.errors:
        fields.wrong(error)
    return turn


def _ask_application(data: Fields) -> Turn | None:
    if reserved(data.string("node")) != MAIN:
        data.wrong("'node' of an interactive call is MAIN")
    if reserved(data.string("nextNode")) != CUSTOM:
        data.wrong("'nextNode' of an interactive call is CUSTOM")
    return None


def _announcement(data: Fields) -> Turn:
    text, voice = data.string("text"), data.voice()
    if not text and not data.errors:
        data.wrong("missing 'text'")
    lines = plays(text, voice, data.number("repeat", 1, 99, 1),
                  data.number("betweenTextRepeatDelay", 0, 99, 0))
    welcome, bye = data.string("welcomeText"), data.string("byeText")
    return Turn(MAIN, (*_once(welcome, voice), *lines, *_once(bye, voice)), next_node=END)


def _once(text: str, voice: str) -> tuple[Line, ...]:
    return plays(text, voice)
