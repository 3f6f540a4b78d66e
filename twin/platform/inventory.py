"""Projects, keys, devices and sensors, and which key may do what with them over REST.

Documented: who holds which key (P-03, P-19). Publicly known: the calls. The twin's own choice: a
device key sees and changes its device alone, and neither creates (but for a setting) nor deletes
devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from twin.platform.devices import Device, Directory
from twin.platform.keys import Access, Keyring, Project
from twin.platform.model import Refused, Settings


class Inventory:
    """What there is on the platform. Calls with a key are those of REST and raise Refused."""

    def __init__(self, settings: Settings, rand: Random) -> None:
        self.settings = settings
        self._keys = Keyring(rand)
        self._directory = Directory()

    def add_project(self, name: str, project_key: str | None = None) -> Project:
        """A new project, with a key of its own when none is given. Raises ValueError when the
        key is taken."""
        return self._keys.add_project(name, project_key)

    def add_device(
        self, project_key: str, name: str, *, device_id: str | None = None,
        device_key: str | None = None,
    ) -> str:
        """A device with an id and a key of one's choice, which REST does not offer; its id.
        Raises ValueError when either is taken or the project is unknown."""
        access = self._keys.access(project_key)
        if access is None or access.device_id is not None:
            raise ValueError("no such project")
        chosen = device_id or self._keys.new_device_id()
        if not chosen.isdecimal() or not chosen.isascii() or self._directory.get(chosen):
            raise ValueError(f"device id {chosen!r} is not a number, or taken")
        self._directory.add(chosen, project_key, {"name": name})
        try:
            self._keys.add_device(project_key, chosen, device_key)
        except ValueError:
            self._directory.remove(chosen)
            raise
        return chosen

    def access(self, key: str) -> Access | None:
        """What a project key or device key opens; None when nobody knows it."""
        return self._keys.access(key)

    def keys(self) -> Mapping[str, Access]:
        """Every key there is, and what it opens."""
        return self._keys.all

    def device_key(self, device_id: str) -> str:
        """Raises Refused."""
        return self._keys.device_key(self._device(device_id).id)

    def create_device(self, key: str, body: Any, now: datetime) -> str:
        """The new device's id; it gets a key of its own. When it was made is shown nowhere."""
        access = self._opened(key)
        if access.device_id is not None and not self.settings.device_key_creates:
            raise Refused(403, "a device key cannot create a device")
        device_id = self._keys.new_device_id()
        self._directory.add(device_id, access.project_key, body)
        self._keys.add_device(access.project_key, device_id)
        return device_id

    def devices(self, key: str) -> list[dict[str, Any]]:
        """With a device key: its device alone."""
        return [device.shown() for device in self._directory.open_to(self._opened(key))]

    def device(self, key: str, dev: str) -> dict[str, Any]:
        return self._own(key, dev).shown()

    def update_device(self, key: str, dev: str, body: Any) -> None:
        """What the body does not name stays."""
        self._own(key, dev).change(body)

    def delete_device(self, key: str, dev: str) -> None:
        """With its key, its sensors and all their data."""
        device = self._own(key, dev)
        if self._opened(key).device_id is not None:
            raise Refused(403, "a device key cannot delete a device")
        self._directory.remove(device.id)
        self._keys.forget_device(device.id)

    def create_sensor(self, key: str, dev: str, body: Any) -> str:
        """The new sensor's id."""
        return self._own(key, dev).add_sensor(body)

    def sensors(self, key: str, dev: str) -> list[dict[str, Any]]:
        device = self._own(key, dev)
        return [device.sensor_shown(sensor) for sensor in device.sensors]

    def sensor(self, key: str, dev: str, sen: str) -> dict[str, Any]:
        return self._own(key, dev).sensor_shown(sen)

    def update_sensor(self, key: str, dev: str, sen: str, body: Any) -> None:
        """What the body does not name stays."""
        self._own(key, dev).change_sensor(sen, body)

    def delete_sensor(self, key: str, dev: str, sen: str) -> None:
        """With all its data."""
        device = self._own(key, dev)
        device.sensor_shown(sen)
        del device.sensors[sen]

    def _opened(self, key: str) -> Access:
        access = self._keys.access(key)
        if access is None:
            raise Refused(self.settings.wrong_key_status, "invalid key")
        return access

    def _own(self, key: str, dev: str) -> Device:
        return self._directory.opened(self._opened(key), dev)

    def _device(self, dev: str) -> Device:
        device = self._directory.get(dev)
        if device is None:
            raise Refused(404, "device not found")
        return device
