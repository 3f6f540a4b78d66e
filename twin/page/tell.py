"""What a message that passed at the platform means to the page. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from twin.page.stage import Faults

Event = tuple[str, dict[str, Any]]
"""Name and data."""

_HIDDEN = "•••"
_KEY_FIELD = re.compile(r'("[^"\\]*key"\s*:\s*")(?:[^"\\]|\\.)*(?="|$)', re.IGNORECASE)
_SN_KEY = re.compile(r"(phone-conn/\w+/).+")
_KINDS = (
    (re.compile(r"/v1/device/[^/]+/(rawdata|ack|command|heartbeat|active)"), None),
    (re.compile(r"/v1/device/[^/]+/sensor/[^/]+/(\w+)"), None),
    (re.compile(r"/v1/lwt/[^/]+"), "will"),
    (re.compile(r"/v1/registry/[^/]+"), "registry"),
    (re.compile(r"phone-conn/(\w+)/.+"), None),
)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without these, and without what stands in a field whose name ends in ``key``."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return _KEY_FIELD.sub(rf"\1{_HIDDEN}", text)


def kind_of(topic: str) -> str:
    """What the topic carries: ``rawdata``, ``ack``, ``will``, ``callEvent`` …, or ``other``."""
    for pattern, kind in _KINDS:
        if found := pattern.fullmatch(topic):
            return kind or found[1]
    return "other"


def message(entry: Mapping[str, Any], number: int, secrets: Iterable[str]) -> dict[str, Any]:
    """The data of a ``message`` event, from an entry of the twin's watch."""
    topic = str(entry["topic"])
    kind = kind_of(topic)
    dropped = entry.get("dropped")
    return {"n": number, "time": str(entry["time"]), "from": _sender(kind, str(entry["way"])),
            "topic": _SN_KEY.sub(rf"\1{_HIDDEN}", topic), "kind": kind,
            "text": hidden(str(entry["text"]), secrets),
            "dropped": None if dropped is None else hidden(str(dropped), secrets)}


def log(who: str, text: str, secrets: Iterable[str]) -> dict[str, Any]:
    """The data of a ``log`` event that happens now."""
    return {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "who": who,
            "text": hidden(text, secrets)}


def faults(faults: Faults) -> dict[str, Any]:
    """The data of a ``faults`` event."""
    return asdict(faults)


def meant(entry: Mapping[str, Any], sensors: Collection[str],
          actuators: Collection[str]) -> Iterator[Event]:
    """What it tells of these sensors and actuators, if it came from the agent."""
    kind = kind_of(str(entry["topic"]))
    if entry["way"] != "came" or kind not in ("rawdata", "ack"):
        return
    for element in _elements(str(entry["text"])):
        id = element.get("id")
        if kind == "ack" and id in actuators and not _is_error(element.get("ack")):
            yield "actuator", {"id": id, "state": str(element.get("ack"))}
        elif kind == "rawdata" and isinstance(values := element.get("value"), list) and values:
            texts = [str(value) for value in values]
            if id in actuators:
                yield "actuator", {"id": id, "state": texts[0]}
            elif id in sensors:
                time = str(element.get("time") or entry["time"])
                yield "reading", {"id": id, "time": time, "values": texts, "state": "good"}


def _sender(kind: str, way: str) -> str:
    if kind == "command":
        return "application"
    if way == "came":
        return "agent"
    return "phone" if kind.startswith("call") else "platform"


def _is_error(ack: object) -> bool:
    return not isinstance(ack, str) or ack.startswith("error")


def _elements(text: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return []
    elements = content if isinstance(content, list) else [content]
    return [each for each in elements if isinstance(each, dict)]
