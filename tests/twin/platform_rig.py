"""A platform with one device, and short words for what it is told and tells."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from twin.messages import Message
from twin.platform import Due, Platform, Settings

DEV = "7432"
NOW = datetime(2016, 3, 30, 8, 28, 47, 532900, tzinfo=UTC)
STAMP = "2016-03-30T08:28:47.532Z"
PROJECT = "PKGREENHOUSE"
DEVICE = "DKGREENHOUSE"


def platform(*sensors: str, **settings: Any) -> Platform:
    """A project with the device 7432 and these sensors."""
    made = Platform(Settings(**settings), Random(7))
    made.add_project("greenhouse", PROJECT)
    made.add_device(PROJECT, "pi in the greenhouse", device_id=DEV, device_key=DEVICE)
    for sensor in sensors:
        made.create_sensor(PROJECT, DEV, {"id": sensor, "name": sensor, "type": "gauge"})
    return made


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def send(to: Platform, kind: str, content: Any, now: datetime = NOW) -> list[Due]:
    """The device publishes; ``content`` as bytes, or as what JSON makes of it."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return to.receive(Message(f"/v1/device/{DEV}/{kind}", payload), now)


def told(dues: Iterable[Due], kind: str = "") -> list[Any]:
    """The notices on topics that end so: JSON decoded, the text form as text."""
    return [due.message.payload.decode() if due.message.topic.endswith("/csv")
            else json.loads(due.message.payload)
            for due in dues if due.message.topic.endswith(kind)]


def topics(dues: Iterable[Due]) -> list[str]:
    return [due.message.topic for due in dues]


def whys(of: Platform) -> list[str]:
    return [note.what for note in of.notes]
