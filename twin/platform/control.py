"""Commands and their acknowledgements: passed on, each with the time the platform got it.

Documented: the forms (P-09…P-12), the time (P-26), ``save`` (P-25). The twin's own choice: none
but the bound of the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from twin.messages import Message
from twin.platform import topics
from twin.platform.model import Settings, stamp
from twin.platform.notices import notice
from twin.platform.payloads import Word

_FIELD = {"command": "cmd", "ack": "ack"}


@dataclass(frozen=True)
class Spoken:
    """A command or an ack as the platform got it at ``time``."""

    kind: Literal["command", "ack"]
    device: str
    sensor: str
    time: datetime
    text: str

    def as_notice(self) -> Message:
        """P-09 and P-12: neither place nor ``save`` are shown (P-26)."""
        return notice(topics.sensor(self.device, self.sensor, self.kind),
                      {"id": self.sensor, "deviceId": self.device, "time": stamp(self.time),
                       _FIELD[self.kind]: self.text})


class Exchange:
    """All commands, or all acks: the last of each sensor, and the history of those saved."""

    def __init__(self, kind: Literal["command", "ack"], settings: Settings) -> None:
        self._kind = kind
        self._limit = settings.history_limit
        self._last: dict[tuple[str, str], Spoken] = {}
        self._saved: dict[tuple[str, str], list[Spoken]] = {}

    def take(self, device: str, word: Word, now: datetime) -> Message:
        """Keep what was said about a sensor that exists; its notice."""
        spoken = Spoken(self._kind, device, word.id, now, word.text)
        self._last[device, word.id] = spoken
        if word.save:  # P-25: else it lasts until the next one
            saved = self._saved.setdefault((device, word.id), [])
            saved.append(spoken)
            del saved[:-self._limit]
        return spoken.as_notice()

    def latest(self) -> Iterator[Spoken]:
        """The last one of every sensor, saved or not."""
        return iter(self._last.values())

    def last(self, device: str, sensor: str) -> Spoken | None:
        return self._last.get((device, sensor))

    def history(self, device: str, sensor: str) -> list[Spoken]:
        return list(self._saved.get((device, sensor), ()))

    def forget(self, device: str, sensor: str | None = None) -> None:
        """A sensor was deleted, or the whole device."""
        for kept in (self._last, self._saved):
            for key in [key for key in kept if key[0] == device and sensor in (None, key[1])]:
                del kept[key]
