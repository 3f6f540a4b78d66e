"""What a message from a client does: rawdata, commands, acks, beats (P-06…P-14).

Documented: that too large payloads vanish (P-04) and what each message leads to. The twin's own
choice: a bad element of an array is dropped alone, and everything dropped is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from twin.messages import Message
from twin.platform import payloads, topics
from twin.platform.active import Watch
from twin.platform.control import Exchange
from twin.platform.devices import Device, Directory
from twin.platform.heartbeat import Heartbeats
from twin.platform.model import Settings
from twin.platform.payloads import Reading, Unfit, Word, quoted
from twin.platform.sensing import Sensing
from twin.platform.topics import Uplink

T = TypeVar("T", Reading, Word)
Drop = Callable[[str], None]


class Rules:
    """Everything the platform knows of its devices, and what their messages change."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self.settings = settings
        self.directory = directory
        self.sensing = Sensing(settings)
        self.commands = Exchange("command", settings)
        self.acks = Exchange("ack", settings)
        self.heartbeats = Heartbeats(settings.heartbeat_slack)
        self.watch = Watch(settings)

    def receive(self, message: Message, now: datetime, sender: str, drop: Drop) -> list[Message]:
        """The notices a client's message leads to; ``drop`` is told why there are none."""
        uplink = topics.uplink(message.topic)
        if uplink is None:
            if strange := _strange(message.topic):
                drop(strange)
            return []
        if uplink.kind != "heartbeat" and len(message.payload) > self.settings.payload_limit:
            drop(f"{len(message.payload)} bytes, over {self.settings.payload_limit}")
            return []
        try:
            return self._understood(uplink, payloads.content_of(message.payload), now, sender,
                                    drop)
        except Unfit as unfit:
            drop(str(unfit))
            return []

    def _understood(
        self, uplink: Uplink, content: Any, now: datetime, sender: str, drop: Drop
    ) -> list[Message]:
        if uplink.kind == "heartbeat" and isinstance(content, dict) and "type" in content:
            return []  # our own notice come back (P-14)
        device = self.directory.get(uplink.device)
        if device is None:
            drop("no such device")
            return []
        if uplink.kind == "heartbeat":
            return self.heartbeats.take(device.id, payloads.pulse_of(content), sender, now)
        if uplink.kind == "rawdata":
            readings = _fit(payloads.elements_of(content, payloads.reading), drop)
            return self.readings(device, readings, now, drop)
        if uplink.kind == "command":
            words = _fit(payloads.elements_of(content, payloads.command), drop)
            return self.words(self.commands, device, words, now, drop)
        words = _fit(payloads.elements_of(content, payloads.ack), drop)
        return self.words(self.acks, device, words, now, drop)

    def readings(
        self, device: Device, readings: Iterable[Reading], now: datetime, drop: Drop
    ) -> list[Message]:
        """Keep readings of the sensors there are; their notices."""
        told = []
        for reading in _existing(device, readings, drop):
            if reading.strange_time is not None:
                drop(f"{quoted(reading.id)}: time not understood, taken as now")
            told += self.sensing.take(device.id, reading, now)
            told += self.watch.seen(device.id, now)
        return told

    def words(
        self, exchange: Exchange, device: Device, words: Iterable[Word], now: datetime, drop: Drop
    ) -> list[Message]:
        """Keep commands or acks for the sensors there are; their notices."""
        return [exchange.take(device.id, word, now) for word in _existing(device, words, drop)]

    def tick(self, now: datetime) -> list[Message]:
        """What the passing of time alone leads to."""
        return self.heartbeats.tick(now) + self.watch.tick(now)

    def next_tick(self) -> datetime | None:
        times = (self.heartbeats.next_tick(), self.watch.next_tick())
        return min((time for time in times if time is not None), default=None)

    def replayed(self, pattern: str, now: datetime) -> list[Message]:
        """What somebody who subscribes to ``pattern`` is told at once, by the settings."""
        known: list[Message] = []
        if self.settings.replay_on_subscribe:
            for record in self.sensing.latest():
                known += [record.as_json(), record.as_text()]
            known += [spoken.as_notice() for spoken in self.commands.latest()]
        if self.settings.last_info:
            known += self.heartbeats.last_infos(now)
        return [message for message in known if topics.matches(pattern, message.topic)]

    def forget_sensor(self, device_id: str, sensor_id: str | None = None) -> None:
        """The data of a deleted sensor, or of all sensors of the device."""
        for kept in (self.sensing, self.commands, self.acks):
            kept.forget(device_id, sensor_id)

    def forget_device(self, device_id: str) -> None:
        self.forget_sensor(device_id)
        self.heartbeats.forget(device_id)
        self.watch.forget(device_id)


def _fit(elements: list[T | Unfit], drop: Drop) -> Iterator[T]:
    for element in elements:
        if isinstance(element, Unfit):
            drop(str(element))
        else:
            yield element


def _existing(device: Device, elements: Iterable[T], drop: Drop) -> Iterator[T]:
    for element in elements:
        if element.id in device.sensors:
            yield element
        else:
            drop(f"no such sensor: {quoted(element.id)}")


def _strange(topic: str) -> str | None:
    """Why nobody should publish there; nothing for what the broker alone deals with."""
    will = topics.will_name(topic)
    if will is not None:
        return None if topics.is_will_name(will) else (
            "the name of a will has four or more letters and digits, and nothing else")
    return None if topics.is_notice(topic) else "no topic of the platform's"
