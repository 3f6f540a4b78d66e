"""What a person would do at the platform's REST: the operator's side of the demo."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlsplit

PLATFORM = "/iot/v1"
PHONE = "/apis/CHTIoT/phone-conn/v1"
_TIMEOUT = 10.0


class OperatorError(Exception):
    """The platform's REST does not do what it is asked; one line that says what."""


class Operator:
    """Asks the twin at ``rest_url`` with these keys. Everything may raise OperatorError."""

    def __init__(self, rest_url: str, project_key: str, api_key: str) -> None:
        self._where = urlsplit(rest_url).netloc
        self._project = {"CK": project_key}
        self._account = {"X-API-KEY": api_key}

    def rent_number(self) -> tuple[str, str]:
        """A number and its SNKey (T-20). What it says is the agent's affair."""
        rented = self._ask("POST", f"{PHONE}/reg", self._account, {"appName": "demo"})
        return str(rented["serviceNumber"]), str(rented["SNKey"])

    def reconfigure(self, name: str) -> None:
        """Tell who waits in the registry under ``name`` to create its device itself (P-18)."""
        self._ask("POST", f"{PLATFORM}/registry/{quote(name, safe='')}", self._project,
                  {"op": "Reconfigure", "digest": name})

    def device(self, name: str) -> str | None:
        """The id of the device of this name, None while there is none."""
        devices = self._ask("GET", f"{PLATFORM}/device", self._project)
        return next((str(each["id"]) for each in devices if each["name"] == name), None)

    def command(self, device: str, sensor: str, cmd: str) -> None:
        """Send it (P-10); the device gets it as P-09."""
        self._ask("POST", f"{PLATFORM}/device/{quote(device, safe='')}/command", self._project,
                  [{"id": sensor, "cmd": cmd}])

    def _ask(self, method: str, path: str, key: dict[str, str], body: object = None) -> Any:
        content = None if body is None else json.dumps(body)
        # Not urllib: a proxy in the environment has no business on loopback.
        connection = HTTPConnection(self._where, timeout=_TIMEOUT)
        try:
            connection.request(method, path, content,
                               {**key, "Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise OperatorError(f"{method} {path}: {answer.status} {text}")
            return json.loads(text) if text else None
        except (OSError, HTTPException, ValueError) as exc:
            raise OperatorError(f"{method} {path}: {exc or type(exc).__name__}") from exc
        finally:
            connection.close()
