"""The agent against the twin, and an application that looks on with the project's key."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.station import Station, platform_toml, prepared
from tests.support.agent import AgentProcess
from tests.support.observer import Message, Observer
from tests.support.waiting import wait_until
from tests.twin.served import DEVICES, ask
from twin.serving.process import Twin

WILLS = "/v1/lwt/+"


@dataclass
class Site(Station):
    """``platform`` is the application here: what it sends and sees passes through the twin."""

    twin: Twin

    def order(self, cmd: str, sensor: str = "lamp", **more: Any) -> None:
        """Send a command as an application does (P-10)."""
        self.platform.publish(self.topic("command"), [{"id": sensor, "cmd": cmd, **more}])

    def notices(self, kind: str, sensor: str = "lamp") -> list[Message]:
        """What the platform made of it (P-07, P-08, P-09, P-12)."""
        return self.platform.on(self.topic(f"sensor/{sensor}/{kind}"))

    def wait_for_notices(self, kind: str, sensor: str = "lamp", count: int = 1) -> list[Message]:
        return self.platform.wait_count(count, self.topic(f"sensor/{sensor}/{kind}"), 8)

    def word(self, kind: str) -> str | None:
        """The last word of the platform on our heart, or on how ``active`` we are."""
        seen = ((self.ask() or {}).get("platform") or {}).get(kind)
        return None if seen is None else str(seen["word"])

    def until_word(self, kind: str, word: str, timeout: float = 8.0) -> None:
        wait_until(lambda: self.word(kind) == word, timeout,
                   f"{kind} {word}; the log:\n{self.agent.log}")


def new_device(twin: Twin, *sensors: str) -> str:
    """A device the operator made by REST, with these sensors."""
    status, made = ask(f"{twin.rest_url}{DEVICES}/device", twin.project_key,
                       {"name": "greenhouse", "type": "general"})
    assert status == 200, made
    for sensor in sensors:
        new_sensor(twin, str(made["id"]), sensor)
    return str(made["id"])


def new_sensor(twin: Twin, device: str, sensor: str) -> None:
    body = {"id": sensor, "name": sensor, "type": "text"}
    assert ask(f"{twin.rest_url}{DEVICES}/device/{device}/sensor", twin.project_key, body)[0] == 200


def get(twin: Twin, path: str, key: str = "") -> Any:
    """What a GET below the platform's base answers."""
    status, answer = ask(f"{twin.rest_url}{DEVICES}{path}", key or twin.project_key)
    assert status == 200, answer
    return answer


def call_registry(twin: Twin, name: str, **body: str) -> None:
    """The operator's call (P-17, P-18)."""
    status, answer = ask(f"{twin.rest_url}{DEVICES}/registry/{name}", twin.project_key,
                         {"digest": name, **body})
    assert status == 200, answer


def device_key(twin: Twin, device: str) -> str:
    """The key of the device itself, which only the registry tells (P-19)."""
    with Observer(twin.ports["mqtt"], ["/v1/registry/keys"], user="chtregistry") as registry:
        call_registry(twin, "keys", op="SetDeviceId", deviceId=device, authority="device")
        return str(registry.wait_for(lambda _: True).json()["ck"])


def application(twin: Twin, device: str = "+") -> Observer:
    """Sees everything of the device, or of all, and the wills."""
    return Observer(twin.ports["mqtt"], [f"/v1/device/{device}/#", WILLS],
                    user=None if twin.options.broker else twin.project_key)


@contextlib.contextmanager
def site(
    twin: Twin, folder: Path, text: str, *sensors: str, port: int = 0, pulse: str = "3s",
    key: str = "", up: bool = True,
) -> Iterator[Site]:
    """A started agent with these devices in its configuration, whose own device has these
    sensors. ``port``: of something between the two; ``key``: by default the project's."""
    device = new_device(twin, *sensors)
    whole = platform_toml(port or twin.ports["mqtt"], device, key=key or twin.project_key,
                          pulse=pulse) + text
    with application(twin, device) as seen, prepared(folder, whole) as agent:
        here = Site(agent, device, seen, twin)
        if up:
            here.until_up()
        yield here


def bootstrapping(
    twin: Twin, folder: Path, text: str, serial: str, *, rest_url: str = "", tls: bool = False
) -> AgentProcess:
    """An agent that knows nothing but the twin's address and its own serial; not started yet."""
    port = twin.ports["mqtt_tls" if tls else "mqtt"]
    where = twin.rest_tls_url if tls else rest_url or twin.rest_url
    return prepared(folder, f"""
[platform]
host = "127.0.0.1"
port = {port}
tls = {json.dumps(tls)}
rest_url = "{where}{DEVICES}"
{f'ca_file = "{twin.ca_file}"' if tls else ''}
[registry]
product_code = "pi"
serial = "{serial}"
[heartbeat]
pulse = "3s"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + text)
