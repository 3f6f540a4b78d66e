"""The telephone service in the test's own hand: any message to a whole agent, and its answers.

Where the twin is a service that behaves, here a hundred callers speak at once, or the service
sends what it never should.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.phone.pin import PinHash
from tests.end_to_end.phone_site import LISTED, MENUS, PIN, WATER
from tests.end_to_end.station import LAMP, TICK, Station, station
from tests.support.observer import Message, Observer
from tests.support.waiting import wait_until

SN = "SNKEY00000000000000001"
EVENTS = f"phone-conn/callEvent/{SN}"
ANSWERS = f"phone-conn/callAction/{SN}"
RESULTS = f"phone-conn/calloutResult/{SN}"


@dataclass
class Exchange:
    """``here``: the agent, whose platform is on the same broker. ``service``: what it answers."""

    here: Station
    service: Observer
    requests: int = 0

    def tell(self, message: dict[str, Any] | bytes, topic: str = EVENTS) -> None:
        self.service.publish(topic, message)

    def request(self, node: str, phone: str = LISTED) -> str:
        """The id of a new request, which nobody waits for yet."""
        self.requests += 1
        id = f"id{self.requests}"
        self.tell({"id": id, "type": "request", "phone": phone, "node": node,
                   "time": f"2026-05-01T04:00:{self.requests % 60:02}.{self.requests:06}Z"})
        return id

    def said(self, id: str, *, wait_text: bool = False) -> list[Message]:
        """Every final answer to a request, of which there must be one, or every wait text."""
        found = [one for one in self.service.messages if one.json()["id"] == id]
        return [one for one in found if bool(one.json().get("isWaitText")) is wait_text]

    def answer(self, id: str, timeout: float = 30.0) -> dict[str, Any]:
        """The one final answer."""
        wait_until(lambda: self.said(id), timeout,
                   f"an answer to {id}; the log:\n{self.here.agent.log[-3000:]}")
        (only,) = self.said(id)
        return dict(only.json())

    def enter(self, answer: dict[str, Any], keys: str) -> dict[str, Any]:
        """What follows when the caller enters this after ``answer``."""
        return self.answer(self.request(f"{answer['node']},{keys}"))

    def counts(self) -> dict[str, int]:
        """``calls.counts`` of the status document."""
        return dict((self.here.ask() or {})["calls"]["counts"])


def callers(exchange: Exchange, count: int) -> list[dict[str, Any]]:
    """As many calls as the agent asks for their PIN: the answers that do."""
    greetings = [exchange.answer(exchange.request("MAIN")) for _ in range(count)]
    asked = [exchange.enter(greeting, "2") for greeting in greetings]
    assert all("請輸入密碼" in one["text"] for one in asked)
    return asked


@contextlib.contextmanager
def exchange(
    folder: Path, port: int, device: str, *, menus: str = MENUS,
    devices: str = TICK + WATER + LAMP,
) -> Iterator[Exchange]:
    """A started agent with these menus, whose platform and telephone are the broker at ``port``."""
    folder.mkdir(exist_ok=True)
    (folder / "water").write_text("25.3")
    (folder / "phone.toml").write_text(menus, encoding="utf-8")
    (folder / "pin.hash").write_text(str(PinHash.of(PIN, bytes(16))))
    text = f"""
[phone]
host = "127.0.0.1"
port = {port}
tls = false
api_key = "PKtelephone"
sn_key = "{SN}"
{devices}"""
    with Observer(port, [f"/v1/device/{device}/#"]) as platform, \
            Observer(port, [ANSWERS]) as service, \
            station(folder, port, device, text, platform=platform) as here:
        here.agent.wait_until_up("phone")
        yield Exchange(here, service)


