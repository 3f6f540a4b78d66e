"""The platform's topics: which of them clients publish, which are its own notices.

Documented: all of them (P-06…P-16, P-20).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

Kind = Literal["rawdata", "command", "ack", "heartbeat"]

_UPLINK = re.compile(r"/v1/device/([^/]+)/(rawdata|command|ack|heartbeat)")
_NOTICE = re.compile(
    r"/v1/device/[^/]+/(active|sensor/[^/]+/(rawdata|csv|command|ack))|/v1/registry/[^/]+")
_WILL = re.compile(r"/v1/lwt/(.*)", re.DOTALL)


@dataclass(frozen=True)
class Uplink:
    """A topic on which a client tells the platform something about a device."""

    device: str
    kind: Kind


def uplink(topic: str) -> Uplink | None:
    """What a client's message is about; None when the topic is none of theirs."""
    found = _UPLINK.fullmatch(topic)
    return Uplink(found[1], cast("Kind", found[2])) if found else None


def is_notice(topic: str) -> bool:
    """Whether only the platform speaks there (the heartbeat topic belongs to both)."""
    return _NOTICE.fullmatch(topic) is not None


def will_name(topic: str) -> str | None:
    """The name in a will's topic (P-20), legal or not; None when it is no will's."""
    found = _WILL.fullmatch(topic)
    return found[1] if found else None


def is_will_name(name: str) -> bool:
    """P-20: at least four letters and digits, and nothing else."""
    return re.fullmatch(r"[A-Za-z0-9]{4,}", name) is not None


def device(name: str, kind: str) -> str:
    """``/v1/device/{dev}/{heartbeat|active}``."""
    return f"/v1/device/{name}/{kind}"


def sensor(name: str, sensor_id: str, kind: str) -> str:
    """``/v1/device/{dev}/sensor/{sen}/{rawdata|csv|command|ack}``."""
    return f"/v1/device/{name}/sensor/{sensor_id}/{kind}"


def registry(name: str) -> str:
    """P-16: product code and serial, joined without a separator (P-28)."""
    return f"/v1/registry/{name}"


def matches(pattern: str, topic: str) -> bool:
    """MQTT's own rule for topic filters: ``+`` is one level, ``#`` at the end is all below."""
    wanted, given = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given = given[:len(wanted)]
    return len(wanted) == len(given) and all(
        want in ("+", level) for want, level in zip(wanted, given, strict=True))
