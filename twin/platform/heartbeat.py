"""The heartbeat monitor: who lives, who is lost, who is back (P-13, P-14, P-23).

Documented: the types and fields of the notice. The twin's own choice: a device is lost when no
beat came within its pulse and a slack; ``LastInfo`` answers a subscription, if that is switched
on at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from twin.messages import Message
from twin.platform import topics
from twin.platform.model import stamp
from twin.platform.notices import notice

Type = Literal["Live", "Lost", "ReLive", "LastInfo"]


@dataclass(frozen=True)
class Beat:
    """The last beat of a device: its pulse in milliseconds as sent, the sender's IP, its time."""

    device: str
    pulse: str
    sender: str
    time: datetime
    lost: bool = False

    def told(self, type_: Type, now: datetime) -> Message:
        return notice(topics.device(self.device, "heartbeat"), {
            "pulse": self.pulse, "from": self.sender, "last": stamp(self.time),
            "time": stamp(now), "type": type_, "deviceId": self.device})


class Heartbeats:
    """The last beat of every device that ever beat. ``slack``: seconds."""

    def __init__(self, slack: float) -> None:
        self._slack = timedelta(seconds=slack)
        self._beats: dict[str, Beat] = {}

    def take(self, device: str, pulse: str, sender: str, now: datetime) -> list[Message]:
        """A beat came: ``Live`` for the first one, ``ReLive`` after a loss, else nothing."""
        before = self._beats.get(device)
        beat = self._beats[device] = Beat(device, pulse, sender, now)
        if before is None:
            return [beat.told("Live", now)]
        return [beat.told("ReLive", now)] if before.lost else []

    def tick(self, now: datetime) -> list[Message]:
        """``Lost`` for all whose time is up."""
        late = [beat for beat in self._beats.values()
                if not beat.lost and self._deadline(beat) <= now]
        for beat in late:
            self._beats[beat.device] = replace(beat, lost=True)
        return [beat.told("Lost", now) for beat in late]

    def next_tick(self) -> datetime | None:
        """When the next device will be lost if it stays silent."""
        return min((self._deadline(beat) for beat in self._beats.values() if not beat.lost),
                   default=None)

    def last_infos(self, now: datetime) -> Iterator[Message]:
        """``LastInfo`` of every device."""
        return (beat.told("LastInfo", now) for beat in self._beats.values())

    def forget(self, device: str) -> None:
        self._beats.pop(device, None)

    def _deadline(self, beat: Beat) -> datetime:
        return beat.time + timedelta(milliseconds=int(beat.pulse)) + self._slack
