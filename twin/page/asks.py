"""What a browser may ask for, as values: read from the body of ``POST /do``. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.page.stage import BrokerState, NetworkState, PowerState

LONGEST = 4096
"""Bytes of a body."""
_WRONGEST = 366 * 86400.0
_PHONE = re.compile(r"0\d{5,19}", re.ASCII)


class BadAsk(Exception):
    """Not understood; one line that says what would be."""


@dataclass(frozen=True)
class Command:
    """``cmd`` to the actuator, as an application sends it."""

    actuator: str
    cmd: str


@dataclass(frozen=True)
class Press:
    """Somebody presses a button of the board."""

    button: str


@dataclass(frozen=True)
class Plug:
    """A sensor's wire is pulled out (False) or put back."""

    sensor: str
    plugged: bool


@dataclass(frozen=True)
class Network:
    """The network between agent and platform."""

    state: NetworkState


@dataclass(frozen=True)
class Broker:
    """The broker of the platform."""

    state: BrokerState


@dataclass(frozen=True)
class Power:
    """The power of the agent's machine."""

    state: PowerState


@dataclass(frozen=True)
class Clock:
    """The wall clock of the agent's machine is wrong by so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Dial:
    """Call ``to`` (None: the agent's number) from this number (empty: withheld)."""

    caller: str
    to: str | None


@dataclass(frozen=True)
class Talk:
    """Something on the line, in the words of the control socket: ``{"keys": "1#"}``,
    ``{"say": "…"}``, ``{"silence": True}``, ``{"hangup": True}``."""

    words: Mapping[str, str | bool]


@dataclass(frozen=True)
class Take:
    """A call-out that rings is answered, or refused."""

    answer: bool


Ask = Command | Press | Plug | Network | Broker | Power | Clock | Dial | Talk | Take


def read(body: bytes) -> Ask:
    """Raises BadAsk."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BadAsk("the body is not a JSON object")
    return _ask(content)


def _ask(content: Mapping[str, Any]) -> Ask:
    match content:
        case {"do": "command", "actuator": str(actuator), "cmd": str(cmd)}:
            return Command(actuator, cmd)
        case {"do": "press", "button": str(button)}:
            return Press(button)
        case {"do": ("plug" | "unplug") as which, "sensor": str(sensor)}:
            return Plug(sensor, which == "plug")
        case {"do": "network", "state": ("ok" | "cut" | "blackhole") as network}:
            return Network(network)
        case {"do": "broker", "state": ("up" | "killed") as broker}:
            return Broker(broker)
        case {"do": "agent", "state": ("up" | "off") as power}:
            return Power(power)
        case {"do": "clock", "seconds": int() | float() as seconds} if _is_wrong_by(seconds):
            return Clock(float(seconds))
        case {"do": "dial", "from": str(caller)}:
            return Dial(_number(caller, empty=True), _to(content.get("to")))
        case {"do": "keys", "keys": str(keys)} if re.fullmatch(r"[0-9*#]{1,64}", keys):
            return Talk({"keys": keys})
        case {"do": "say", "text": str(text)} if 0 < len(text) <= 200:
            return Talk({"say": text})
        case {"do": ("silence" | "hangup") as what}:
            return Talk({what: True})
        case {"do": ("answer" | "decline") as how}:
            return Take(how == "answer")
    raise BadAsk("not understood: no such thing to do, or a field of it is missing or wrong")


def _is_wrong_by(seconds: float) -> bool:
    return not isinstance(seconds, bool) and math.isfinite(seconds) and abs(seconds) <= _WRONGEST


def _to(number: object) -> str | None:
    return None if number in (None, "") else _number(str(number))


def _number(text: str, *, empty: bool = False) -> str:
    if (empty and not text) or _PHONE.fullmatch(text):
        return text
    raise BadAsk("a phone number is digits only, from the leading 0 of the area code on")
