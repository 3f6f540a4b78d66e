"""Devices and their sensors, as REST creates, shows, changes and deletes them.

Publicly known: the fields, the five types of sensors, ``{"id": …}`` as the answer to a new device.
The twin's own choice: which fields must be there, the statuses of failures (400, 403, 404, 409),
a PUT that leaves alone what it does not name, and that what a key does not open does not exist
for it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twin.platform.keys import Access
from twin.platform.model import Refused
from twin.platform.payloads import is_text, is_within

SENSOR_TYPES = ("gauge", "switch", "text", "snapshot", "counter")
_DEVICE_TEXTS = ("name", "desc", "type", "uri")
_SENSOR_TEXTS = ("name", "desc", "type", "uri", "unit", "formula")
# A slash or wildcard would break the topics, a comma the text form (P-08).
_SENSOR_ID = re.compile(r"[^/+#,\s\x00-\x1f\x7f]{1,64}")


@dataclass
class Device:
    """A device: its fields as REST shows them, and those of its sensors by their ids."""

    id: str
    project_key: str
    fields: dict[str, Any]
    sensors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, **copy.deepcopy(self.fields)}

    def sensor_shown(self, sensor_id: str) -> dict[str, Any]:
        """Raises Refused."""
        if sensor_id not in self.sensors:
            raise Refused(404, "sensor not found")
        return {"id": sensor_id, **copy.deepcopy(self.sensors[sensor_id])}

    def carries(self, name: str) -> bool:
        """Whether that is its name or the value of one of its attributes."""
        return self.fields["name"] == name or any(
            attribute["value"] == name for attribute in self.fields["attributes"])

    def add_sensor(self, body: Any) -> str:
        """Raises Refused."""
        fields = _object(body)
        name = fields.get("id")
        if not is_text(name) or not _SENSOR_ID.fullmatch(str(name)):
            raise Refused(400, "a sensor needs an id of 1 to 64 signs without / + # , or blanks")
        if name in self.sensors:
            raise Refused(409, "a sensor with this id exists")
        defaults = dict.fromkeys(_SENSOR_TEXTS, "") | {"name": name, "type": "gauge"}
        self.sensors[str(name)] = {**defaults, "attributes": [], **_sensor_fields(fields)}
        return str(name)

    def change_sensor(self, sensor_id: str, body: Any) -> None:
        """Raises Refused."""
        self.sensor_shown(sensor_id)
        self.sensors[sensor_id].update(_sensor_fields(_object(body)))

    def change(self, body: Any) -> None:
        """Raises Refused."""
        self.fields.update(_device_fields(_object(body)))


class Directory:
    """The devices of all projects."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}

    def add(self, device_id: str, project_key: str, body: Any) -> Device:
        """Raises Refused."""
        fields = _device_fields(_object(body))
        if "name" not in fields:
            raise Refused(400, "a device needs a name")
        defaults = dict.fromkeys(_DEVICE_TEXTS, "") | {"type": "general"}
        device = Device(device_id, project_key, {**defaults, "attributes": [], **fields})
        self._devices[device_id] = device
        return device

    def remove(self, device_id: str) -> None:
        del self._devices[device_id]

    def get(self, device_id: str) -> Device | None:
        return self._devices.get(device_id)

    def open_to(self, access: Access) -> list[Device]:
        """What the key that gave this access may see."""
        return [device for device in self._devices.values() if device.project_key ==
                access.project_key and access.device_id in (None, device.id)]

    def opened(self, access: Access, device_id: str) -> Device:
        """Raises Refused."""
        for device in self.open_to(access):
            if device.id == device_id:
                return device
        raise Refused(404, "device not found")


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise Refused(400, "the body is not an object")
    return body


def _device_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = _texts(body, _DEVICE_TEXTS) | _attributes(body)
    if fields.get("name") == "":
        raise Refused(400, "name is empty")
    for key, limit in (("lat", 90), ("lon", 180)):
        value = body.get(key)
        if value is None:
            continue
        if not is_within(value, limit):
            raise Refused(400, f"{key} is not a number from -{limit} to {limit}")
        fields[key] = value
    return fields


def _sensor_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields = _texts(body, _SENSOR_TEXTS) | _attributes(body)
    if "type" in fields and fields["type"] not in SENSOR_TYPES:
        raise Refused(400, f"type is none of {', '.join(SENSOR_TYPES)}")
    return fields


def _texts(body: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    given = {key: body[key] for key in keys if body.get(key) is not None}
    for key, value in given.items():
        if not is_text(value):
            raise Refused(400, f"{key} is not a string")
    return given


def _attributes(body: Mapping[str, Any]) -> dict[str, Any]:
    given = body.get("attributes")
    if given is None:
        return {}
    if not isinstance(given, list) or not all(
            isinstance(one, Mapping) and is_text(one.get("key")) and is_text(one.get("value"))
            for one in given):
        raise Refused(400, "attributes is not an array of objects with key and value as strings")
    return {"attributes": [{"key": one["key"], "value": one["value"]} for one in given]}
