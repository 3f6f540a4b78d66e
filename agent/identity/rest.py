"""The platform's REST: devices, sensors, the registry's operator side.

Blocking, so the daemon uses it on a thread of its own. What can be asked twice is tried again a
few times when no good answer came; creating is not: look first, then create.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote

from agent.config.model import Secret
from agent.errors import AgentError, LinkLost, PlatformRefused
from agent.http import READ_TIMEOUT, Answer, Http
from agent.protocol import objects
from agent.protocol.errors import Malformed
from agent.protocol.objects import Device, Sensor
from agent.retry import repeating

_FINE = ("ok", "success")
T = TypeVar("T")


class Rest:
    """The platform's REST below ``base`` (``[platform] rest_url``), asked with one key.

    ``context`` verifies a https base; a http one has None. Everything may raise LinkLost (no
    answer, or none of the platform's), LinkRefused (certificate) and PlatformRefused.
    """

    def __init__(
        self,
        base: str,
        key: Secret,
        context: ssl.SSLContext | None,
        *,
        clock_trusted: Callable[[], bool] = lambda: True,
        timeout: float = READ_TIMEOUT,
        tries: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = Http(
            base, "CK", key.reveal(), context, clock_trusted=clock_trusted, timeout=timeout
        )
        self._repeating = repeating(tries, sleep)
        self.where = self._http.where

    def close(self) -> None:
        """Close what connections are kept open."""
        self._http.close()

    # --- what the platform has ------------------------------------------------------------------

    def devices(self) -> tuple[Device, ...]:
        """All devices the key may see."""
        return self._get("/device", "the list of devices", objects.decode_devices)

    def device(self, device_id: str) -> Device:
        """One device; PlatformRefused with status 404 when there is none."""
        path = f"/device/{quote(device_id, safe='')}"
        return self._get(path, f"device {device_id}", objects.decode_device)

    def sensors(self, device_id: str) -> tuple[Sensor, ...]:
        """The sensors of a device."""
        path = f"/device/{quote(device_id, safe='')}/sensor"
        return self._get(path, f"the sensors of device {device_id}", objects.decode_sensors)

    # --- what is created: once, never repeated here -----------------------------------------------

    def create_device(self, name: str, attributes: Mapping[str, str]) -> str:
        """The id of the new device. After LinkLost it may be there or not: look."""
        what = f"creating device {name}"
        content = self._ask("POST", "/device", what, objects.encode_device(name, attributes))
        return self._understood(content, what, objects.decode_created)

    def create_sensor(self, device_id: str, sensor: Sensor) -> None:
        """After LinkLost it may be there or not: look."""
        what = f"creating sensor {sensor.id}"
        path = f"/device/{quote(device_id, safe='')}/sensor"
        self._done(self._ask("POST", path, what, objects.encode_sensor(sensor)), what)

    def assign(self, name: str, body: bytes) -> None:
        """Have the registry send its message to the device ``name`` (P-17, P-18)."""
        what = f"the registry's {name}"
        self._done(self._ask("POST", f"/registry/{quote(name, safe='')}", what, body), what)

    # --- requests ---------------------------------------------------------------------------------

    def _get(self, path: str, what: str, decode: Callable[[bytes], T]) -> T:
        return self._repeating(
            lambda: self._understood(self._ask("GET", path, what), what, decode)
        )

    def _understood(self, content: bytes, what: str, decode: Callable[[bytes], T]) -> T:
        try:
            return decode(content)
        except Malformed as exc:
            if (told := objects.decode_refusal(content)) is not None:
                raise self._says(what, told) from exc
            raise LinkLost(f"{self.where}: this is no answer of the platform: {exc}") from exc

    def _done(self, content: bytes, what: str) -> None:
        """Status 200 is success, and an empty body; yet a wrong key may hide in the body."""
        self._understood(content, what, objects.decode_done)
        told = objects.decode_refusal(content)
        if told is not None and told.lower() not in _FINE:
            raise self._says(what, told)

    def _ask(self, method: str, path: str, what: str, body: bytes | None = None) -> bytes:
        answer = self._http.ask(method, path, body)
        if answer.status != 200:
            raise self._refusal(answer, what)
        return answer.content

    def _refusal(self, answer: Answer, what: str) -> AgentError:
        """An answer other than 200."""
        status, told = answer.status, objects.decode_refusal(answer.content)
        said = f" ({self._http.masked(told)})" if told else ""
        if answer.passing:
            return LinkLost(f"{self.where}: {what}: the platform answers {status}{said}")
        if status in (401, 403):
            text = f"the platform refuses this key for it{said}; check key"
        elif status == 404:
            text = f"there is none, or this key may not see it{said}"
        elif 300 <= status < 400:
            text = f"answered with a redirection ({status}), which is not followed; check rest_url"
        else:
            text = f"the platform answers {status}{said}"
        return PlatformRefused(f"{self.where}: {what}: {text}", status)

    def _says(self, what: str, told: str) -> PlatformRefused:
        """An object that says no, under status 200: what a wrong key is told."""
        said = f"the platform says: {self._http.masked(told)}; check key"
        return PlatformRefused(f"{self.where}: {what}: {said}")
