"""The platform's calls: devices, sensors, readings, heartbeats and the registry.

The rules are twin.platform's; here they get their paths. A key stands in the header ``CK``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader

from twin.platform import Due, Platform
from twin.platform.platform import LOOPBACK
from twin.rest.operations import Body, KeysChanged, Operation, add

BASE = "/iot/v1"

Key = Annotated[str | None, Security(APIKeyHeader(
    name="CK", scheme_name="Platform", auto_error=False,
    description="A project key, or a device key for that one device."))]


def failure(_status: int, text: str) -> dict[str, str]:
    """The body of a failure: an object with ``status``, also where an array is expected."""
    return {"status": text}


class PlatformRest:
    """The handlers. ``emit`` takes the messages a call causes; ``keys_changed`` is told, before
    them, when a device or a key came or went."""

    def __init__(self, platform: Platform, now: Callable[[], datetime],
                 emit: Callable[[list[Due]], None], keys_changed: KeysChanged) -> None:
        self._platform, self._now = platform, now
        self._emit, self._keys_changed = emit, keys_changed

    def router(self) -> APIRouter:
        """All operations, under BASE."""
        router = APIRouter(prefix=BASE, tags=["Platform"])
        for operation in self._operations():
            add(router, operation, failure)
        return router

    async def create_device(self, body: Body, key: Key = None) -> Response:
        """A new device of the project the key belongs to. Its id and its own key come into
        being with it. A device key may not do this."""
        made = self._platform.create_device(key or "", body, self._now())
        await self._keys_changed()
        return JSONResponse({"id": made})

    async def devices(self, key: Key = None) -> Response:
        """Every device the key can see."""
        return JSONResponse(self._platform.devices(key or ""))

    async def device(self, device: str, key: Key = None) -> Response:
        """One device as it was described."""
        return JSONResponse(self._platform.device(key or "", device))

    async def update_device(self, device: str, body: Body, key: Key = None) -> Response:
        """Describe a device anew; fields that are left out stay."""
        self._platform.update_device(key or "", device, body)
        return Response()

    async def delete_device(self, device: str, key: Key = None) -> Response:
        """Remove a device with its sensors, its readings and its key."""
        self._platform.delete_device(key or "", device)
        await self._keys_changed()
        return Response()

    async def create_sensor(self, device: str, body: Body, key: Key = None) -> Response:
        """A new sensor of a device. Readings for one that does not exist disappear without a
        word, so this comes before the first of them."""
        self._platform.create_sensor(key or "", device, body)
        return Response()

    async def sensors(self, device: str, key: Key = None) -> Response:
        """Every sensor of a device."""
        return JSONResponse(self._platform.sensors(key or "", device))

    async def sensor(self, device: str, sensor: str, key: Key = None) -> Response:
        """One sensor as it was described."""
        return JSONResponse(self._platform.sensor(key or "", device, sensor))

    async def update_sensor(self, device: str, sensor: str, body: Body,
                            key: Key = None) -> Response:
        """Describe a sensor anew; fields that are left out stay."""
        self._platform.update_sensor(key or "", device, sensor, body)
        return Response()

    async def delete_sensor(self, device: str, sensor: str, key: Key = None) -> Response:
        """Remove a sensor and its readings."""
        self._platform.delete_sensor(key or "", device, sensor)
        return Response()

    async def post_rawdata(self, device: str, body: Body, key: Key = None) -> Response:
        """Readings, as a device publishes them over MQTT; whoever listens there is told."""
        self._emit(self._platform.post_rawdata(key or "", device, body, self._now()))
        return Response()

    async def rawdata(self, device: str, sensor: str, start: str | None = None,
                      end: str | None = None, interval: str | None = None,
                      key: Key = None) -> Response:
        """The latest reading of a sensor. With a start or an end (UTC, such as
        2026-01-31T08:00:00Z): all those between; an interval thins them out."""
        return JSONResponse(self._platform.rawdata(
            key or "", device, sensor, start=start, end=end, interval=interval))

    async def post_command(self, device: str, body: Body, key: Key = None) -> Response:
        """Commands to a device, as an application publishes them over MQTT. A handy thing of the
        twin: the platform is not known to have this call."""
        self._emit(self._platform.post_command(key or "", device, body, self._now()))
        return Response()

    async def post_heartbeat(self, request: Request, device: str, body: Body,
                             key: Key = None) -> Response:
        """A beat: the next one follows within ``pulse`` milliseconds, a number written as
        text."""
        sender = request.client.host if request.client else LOOPBACK
        self._emit(self._platform.post_heartbeat(key or "", device, body, self._now(), sender))
        return Response()

    async def registry(self, name: str, body: Body, key: Key = None) -> Response:
        """Send a message to a device that waits in the registry under its product code and
        serial number. ``SetDeviceId`` tells it who it is; ``Reconfigure`` has it create itself.
        The key it is given is the one in the header, or with the authority ``device`` the
        device's own."""
        messages = self._platform.registry(key or "", name, body, self._now())
        await self._keys_changed()
        self._emit(messages)
        return Response()

    def _operations(self) -> list[Operation]:
        one, sensor = "/device/{device}", "/device/{device}/sensor/{sensor}"
        return [
            Operation("POST", "/device", self.create_device, "Create a device",
                      body=_DEVICE, answer={"id": "7432"}),
            Operation("GET", "/device", self.devices, "List the devices",
                      answer=[{"id": "7432", **_DEVICE}]),
            Operation("GET", one, self.device, "Show a device", answer={"id": "7432", **_DEVICE}),
            Operation("PUT", one, self.update_device, "Change a device", body=_DEVICE),
            Operation("DELETE", one, self.delete_device, "Delete a device"),
            Operation("POST", f"{one}/sensor", self.create_sensor, "Create a sensor",
                      body=_SENSOR),
            Operation("GET", f"{one}/sensor", self.sensors, "List the sensors",
                      answer=[_SENSOR]),
            Operation("GET", sensor, self.sensor, "Show a sensor", answer=_SENSOR),
            Operation("PUT", sensor, self.update_sensor, "Change a sensor", body=_SENSOR),
            Operation("DELETE", sensor, self.delete_sensor, "Delete a sensor"),
            Operation("POST", f"{one}/rawdata", self.post_rawdata, "Send readings",
                      body=[_READING]),
            Operation("GET", f"{sensor}/rawdata", self.rawdata, "Read readings",
                      answer={"id": "temperature", "deviceId": "7432",
                              "time": "2026-01-31T08:00:00.000Z", "value": ["21.5"]}),
            Operation("POST", f"{one}/command", self.post_command, "Send commands",
                      body=[{"id": "temperature", "cmd": "calibrate"}]),
            Operation("POST", f"{one}/heartbeat", self.post_heartbeat, "Send a heartbeat",
                      body={"pulse": "60000"}),
            Operation("POST", "/registry/{name}", self.registry, "Send a registry message",
                      body={"op": "Reconfigure", "digest": "pi00001"}),
        ]


_DEVICE = {
    "name": "greenhouse", "desc": "the one behind the house", "type": "general", "uri": "",
    "attributes": [{"key": "serial", "value": "pi00001"}], "lat": 24.95, "lon": 121.16,
}
_SENSOR = {
    "id": "temperature", "name": "Temperature", "desc": "over the bench", "type": "gauge",
    "uri": "", "unit": "°C", "formula": "", "attributes": [],
}
_READING = {"id": "temperature", "time": "2026-01-31T08:00:00.000Z", "value": ["21.5"]}
