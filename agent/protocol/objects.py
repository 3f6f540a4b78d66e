"""The platform's objects as its REST shows them: devices, and the sensors they have (P-18).

An actuator is a sensor there as well: its commands and its state need one of its id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.protocol import _check, _json
from agent.protocol.errors import Malformed
from agent.protocol.limits import MAX_ANSWER


@dataclass(frozen=True)
class Device:
    """A device there is. ``attributes``: those that are a key and a text; no others count."""

    id: str
    name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check.identifier("device id", self.id)


@dataclass(frozen=True)
class Sensor:
    """A sensor there is, or shall be; ``type`` is gauge, counter, switch, text, snapshot, or what
    a later platform may bring."""

    id: str
    type: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        _check.identifier("sensor id", self.id)


def encode_device(name: str, attributes: Mapping[str, str]) -> bytes:
    """The body that creates a device."""
    listed = [{"key": key, "value": value} for key, value in attributes.items()]
    return _body({"name": name, "desc": "cht-agent", "type": "general", "attributes": listed})


def encode_sensor(sensor: Sensor) -> bytes:
    """The body that creates a sensor; its name is its id."""
    body = {"id": sensor.id, "name": sensor.id, "desc": "", "type": sensor.type}
    return _body(body | ({"unit": sensor.unit} if sensor.unit else {}))


def encode_assignment(
    device_id: str | None, digest: str | None = None, authority: str | None = None
) -> bytes:
    """What an operator posts to the registry: SetDeviceId with an id, else Reconfigure.

    ``authority`` "device": the message shall carry a device key instead of the key it was sent
    with. What ``digest`` holds is not documented; it is sent only if given.
    """
    body = {"op": "Reconfigure" if device_id is None else "SetDeviceId"}
    more = {"digest": digest, "deviceId": device_id, "authority": authority}
    return _body(body | {key: value for key, value in more.items() if value is not None})


def decode_created(payload: bytes) -> str:
    """The id of a device just created. Raises Malformed."""
    with _json.reading("answer to a creation"):
        found = _json.filled(_json.load_object(payload), "id")
        return _check.identifier("device id", found)


def decode_device(payload: bytes) -> Device:
    """One device. Raises Malformed."""
    with _json.reading("device"):
        return _device(_json.load_object(payload))


def decode_devices(payload: bytes) -> tuple[Device, ...]:
    """All devices a key may see. Raises Malformed: a list that is read in part could hide ours."""
    with _json.reading("list of devices"):
        return tuple(_device(item) for item in _json.load_objects(payload, MAX_ANSWER))


def decode_sensors(payload: bytes) -> tuple[Sensor, ...]:
    """The sensors of a device. Raises Malformed."""
    with _json.reading("list of sensors"):
        return tuple(
            Sensor(
                _json.filled(item, "id"),
                _json.optional_text(item, "type") or "",
                _json.optional_text(item, "unit") or "",
            )
            for item in _json.load_objects(payload, MAX_ANSWER)
        )


def decode_done(payload: bytes) -> None:
    """The answer to what has no answer: empty, or any JSON. Raises Malformed (a proxy's page)."""
    if payload.strip():
        with _json.reading("answer"):
            _json.load(payload)


def decode_refusal(payload: bytes) -> str | None:
    """What the platform says instead of an answer: an object with ``status`` or the like.

    None when the payload is no such object.
    """
    try:
        parsed = _json.load(payload)
    except Malformed:
        return None
    if not isinstance(parsed, dict) or "id" in parsed:
        return None
    for key in ("message", "msg", "error", "status"):
        told = parsed.get(key)
        if isinstance(told, str) and told.strip():
            return " ".join("".join(c if c.isprintable() else " " for c in told).split())[:160]
    return None


def _device(item: _json.Object) -> Device:
    attributes = {}
    listed = item.get("attributes")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            key, value = entry.get("key"), entry.get("value")
            if isinstance(key, str) and isinstance(value, str):
                attributes[key] = str(value)
    return Device(
        _json.filled(item, "id"), _json.optional_text(item, "name") or "", attributes
    )


def _body(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
