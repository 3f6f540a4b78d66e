"""Readings: kept, and told to those who subscribe, as JSON (P-07) and as text (P-08).

Documented: both forms. The twin's own choice: a notice for every reading, changed or not; several
values one after another in the text (P-27); the time of arrival where none is given or it cannot
be understood; the current value is the one with the latest time, so that what is sent late does
not replace it; ``interval`` of a query are minutes, of each the first reading.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from operator import attrgetter
from typing import Any

from twin.messages import Message
from twin.platform import topics
from twin.platform.model import Refused, Settings, moment_of, stamp
from twin.platform.notices import notice
from twin.platform.payloads import Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    """A reading the platform keeps."""

    device: str
    sensor: str
    time: datetime
    value: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None

    def shown(self) -> dict[str, Any]:
        """As REST and P-07 show it; where it was taken is in no notice (P-26)."""
        return {"id": self.sensor, "deviceId": self.device, "time": stamp(self.time),
                "value": list(self.value)}

    def placed(self) -> dict[str, Any]:
        """As a query shows it: with its place, if it has one."""
        place = {"lat": self.lat, "lon": self.lon}
        return self.shown() | {key: value for key, value in place.items() if value is not None}

    def as_json(self) -> Message:
        return notice(topics.sensor(self.device, self.sensor, "rawdata"), self.shown())

    def as_text(self) -> Message:
        line = ",".join([stamp(self.time), self.device, self.sensor, *self.value])
        return Message(topics.sensor(self.device, self.sensor, "csv"), line.encode("utf-8"))


class Sensing:
    """What every sensor has told, in the order of time.

    ``stored``: how many readings came that are not, with sensor, time and values, among those
    kept already; ``twice``: how many are. ``history_limit`` is how far back that is known.
    """

    def __init__(self, settings: Settings) -> None:
        self.stored = self.twice = 0
        self._settings = settings
        self._kept: dict[tuple[str, str], list[Record]] = {}

    def take(self, device: str, reading: Reading, now: datetime) -> list[Message]:
        """Keep a reading of a sensor that exists; its notices."""
        record = Record(device, reading.id, reading.time or now, reading.value,
                        reading.lat, reading.lon)
        kept = self._kept.setdefault((device, reading.id), [])
        if again := _is_among(kept, record):
            self.twice += 1
        else:
            self.stored += 1
        if again and self._settings.merge_duplicates:
            return []
        before = kept[-1].value if kept else None
        insort(kept, record, key=attrgetter("time"))
        del kept[:-self._settings.history_limit]
        if self._settings.only_changes and (kept[-1] is not record or record.value == before):
            return []
        return [record.as_json(), record.as_text()]

    def current(self, device: str) -> dict[str, Record]:
        """Sensor → its latest reading, of those that have one."""
        return {sensor: kept[-1] for (owner, sensor), kept in self._kept.items()
                if owner == device and kept}

    def latest(self) -> Iterator[Record]:
        """The latest reading of every sensor of every device."""
        return (kept[-1] for kept in self._kept.values() if kept)

    def history(self, device: str, sensor: str) -> list[Record]:
        return list(self._kept.get((device, sensor), ()))

    def forget(self, device: str, sensor: str | None = None) -> None:
        """A sensor was deleted, or the whole device."""
        for key in [key for key in self._kept if key[0] == device and sensor in (None, key[1])]:
            del self._kept[key]

    def query(
        self, device: str, sensor: str, start: str | datetime | None,
        end: str | datetime | None, interval: str | int | None,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """The latest reading (an empty object when there is none), or with any limit given an
        array of those within, both ends included. Raises Refused."""
        kept = self.history(device, sensor)
        if start is None and end is None and interval is None:
            return kept[-1].placed() if kept else {}
        first, last = _limit("start", start), _limit("end", end)
        within = [record for record in kept if (first is None or first <= record.time)
                  and (last is None or record.time <= last)]
        return [record.placed() for record in _thinned(within, _minutes(interval))]


def _is_among(kept: list[Record], record: Record) -> bool:
    first = bisect_left(kept, record.time, key=attrgetter("time"))
    same_time = takewhile(lambda one: one.time == record.time, islice(kept, first, None))
    return any(one.value == record.value for one in same_time)


def _limit(name: str, given: str | datetime | None) -> datetime | None:
    if given is None or isinstance(given, datetime):
        return given
    found = moment_of(given)
    if found is None:
        raise Refused(400, f"{name} is not a time")
    return found


def _minutes(given: str | int | None) -> timedelta | None:
    if given is None:
        return None
    try:
        # Half a million minutes are a year.
        if 0 < (minutes := int(given)) <= 525_600:
            return timedelta(minutes=minutes)
    except ValueError:
        pass
    raise Refused(400, "interval is not a number of minutes")


def _thinned(records: list[Record], interval: timedelta | None) -> Iterator[Record]:
    slot = None
    for record in records:
        if interval is None or slot != (slot := (record.time - _EPOCH) // interval):
            yield record
