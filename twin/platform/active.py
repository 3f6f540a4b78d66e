"""The platform's own watch over how often a device sends readings (P-15, P-24).

Documented: the states and which fields each carries. The twin's own choice, as thresholds are
undocumented: periods begin with the first reading; at the end of one, too few readings are
``abnormal`` and none is ``offline``; enough of them, or the first after ``offline``, is
``online``; only a change is told. ``lastDataTime`` is when the reading arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from twin.messages import Message
from twin.platform import topics
from twin.platform.model import Settings, stamp
from twin.platform.notices import notice

Status = Literal["start", "online", "abnormal", "offline", "stop"]


@dataclass(frozen=True)
class Watched:
    """A device under watch. ``ends``: of the running period, None while nothing is expected."""

    device: str
    status: Status = "start"
    records: int = 0
    last: datetime | None = None
    ends: datetime | None = None

    def told(self, now: datetime) -> Message:
        content: dict[str, Any] = {"deviceId": self.device, "status": self.status}
        if self.status == "abnormal":
            content["record"] = self.records
        if self.last is not None and self.status not in ("start", "stop"):
            content["lastDataTime"] = stamp(self.last)
        return notice(topics.device(self.device, "active"),
                      content | {"createTime": stamp(now)})


class Watch:
    """All devices under watch."""

    def __init__(self, settings: Settings) -> None:
        self._period = timedelta(seconds=settings.active_period)
        self._enough = settings.active_records
        self._watched: dict[str, Watched] = {}

    def start(self, device: str, now: datetime) -> list[Message]:
        """Nothing when it is under watch already."""
        if device in self._watched:
            return []
        self._watched[device] = Watched(device)
        return [self._watched[device].told(now)]

    def stop(self, device: str, now: datetime) -> list[Message]:
        """Nothing when it is not under watch."""
        watched = self._watched.pop(device, None)
        return [] if watched is None else [replace(watched, status="stop").told(now)]

    def seen(self, device: str, now: datetime) -> list[Message]:
        """A reading of the device came."""
        watched = self._watched.get(device)
        if watched is None:
            return []
        silent = watched.ends is None
        after = replace(watched, records=1 if silent else watched.records + 1, last=now,
                        ends=now + self._period if silent else watched.ends,
                        status="online" if silent else watched.status)
        self._watched[device] = after
        return [after.told(now)] if silent else []

    def tick(self, now: datetime) -> list[Message]:
        """Judge every period that has ended."""
        told = []
        for watched in list(self._watched.values()):
            while watched.ends is not None and watched.ends <= now:
                judged = self._judged(watched)
                if judged.status != watched.status:
                    told.append(judged.told(now))
                watched = replace(judged, records=0, ends=None if judged.status == "offline"
                                  else watched.ends + self._period)
            self._watched[watched.device] = watched
        return told

    def _judged(self, watched: Watched) -> Watched:
        if watched.records == 0:
            return replace(watched, status="offline")
        return replace(watched,
                       status="abnormal" if watched.records < self._enough else "online")

    def next_tick(self) -> datetime | None:
        return min((watched.ends for watched in self._watched.values() if watched.ends),
                   default=None)

    def forget(self, device: str) -> None:
        self._watched.pop(device, None)
