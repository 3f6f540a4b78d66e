"""Readings: published as rawdata, noticed as JSON or CSV (P-06, P-07, P-08)."""

from dataclasses import dataclass

from agent.protocol import _check, _json
from agent.protocol.batch import encode, join, require_fit, split, timed
from agent.protocol.errors import Malformed

__all__ = [
    "CsvNotice",
    "Rawdata",
    "RawdataNotice",
    "decode_csv_notice",
    "decode_rawdata",
    "decode_rawdata_notice",
    "element",
    "join",
    "split",
    "timed",
]


@dataclass(frozen=True)
class Rawdata:
    """One reading of the sensor ``id`` (P-06): one or several values, always texts.

    ``time`` is ISO 8601 (``times.format_time``), kept as it is when read; ``lat`` and ``lon`` are
    degrees. Raises ValueError for what the platform would not take, its size included; a reading
    without a time must leave room for one.
    """

    id: str
    value: tuple[str, ...]
    time: str | None = None
    lat: float | None = None
    lon: float | None = None

    def __post_init__(self) -> None:
        _check.identifier("sensor id", self.id)
        if not isinstance(self.value, tuple) or not self.value:
            raise ValueError("value must be a tuple of at least one text")
        characters = len(self.id)
        for value in self.value:
            characters += len(_check.text("value", value)) + 1
        if self.time is not None:
            characters += len(_check.filled("time", self.time))
        _check.position(self.lat, self.lon)
        require_fit(characters, lambda: element(self), timed=self.time is not None)


def element(rawdata: Rawdata) -> bytes:
    """``rawdata`` as one element of the array that is published."""
    return encode(
        {
            "id": rawdata.id,
            "lat": rawdata.lat,
            "lon": rawdata.lon,
            "value": rawdata.value,
            "time": rawdata.time,
        }
    )


def decode_rawdata(payload: bytes) -> tuple[Rawdata, ...]:
    """The readings of a published array; values may be numbers. Raises Malformed."""
    with _json.reading("rawdata"):
        return tuple(
            Rawdata(
                id=_json.filled(message, "id"),
                value=_json.texts(message, "value"),
                time=_json.optional_text(message, "time"),
                lat=_json.number(message, "lat"),
                lon=_json.number(message, "lon"),
            )
            for message in _json.load_objects(payload)
        )


@dataclass(frozen=True)
class RawdataNotice:
    """The platform tells of new data of a sensor (P-07)."""

    id: str
    device_id: str | None
    time: str | None
    value: tuple[str, ...]


def decode_rawdata_notice(payload: bytes) -> RawdataNotice:
    """Numbers and a single value without an array are taken too. Raises Malformed."""
    with _json.reading("rawdata notice"):
        message = _json.load_object(payload)
        return RawdataNotice(
            id=_json.filled(message, "id"),
            device_id=_json.optional_text(message, "deviceId"),
            time=_json.optional_text(message, "time"),
            value=_json.texts(message, "value"),
        )


@dataclass(frozen=True)
class CsvNotice:
    """The same in one line (P-08). ``value`` is all that follows the third comma (P-27): how
    several values are separated, or a comma inside one is written, is not documented."""

    time: str
    device_id: str
    id: str
    value: str


def decode_csv_notice(payload: bytes) -> CsvNotice:
    """One line ``time,device,sensor,value``. Raises Malformed."""
    with _json.reading("csv notice"):
        line = _json.decode_text(payload).rstrip("\r\n")
        if line.startswith("{"):
            _json.load_object(payload)  # names the platform's own answer, if it is one
            raise Malformed("a line is expected, not an object")
        match line.split(",", 3):
            case [time, device_id, sensor_id, value] if device_id and sensor_id:
                return CsvNotice(time, device_id, sensor_id, value)
        raise Malformed("time,device,sensor,value is expected")
