"""What somebody sends who means harm, or does not know the protocol, in the name of the telephone
service: the whole agent, over MQTT with TLS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.phone.pin import PinHash
from hw_mocks.control import send
from tests.conftest import DEVICE_KEY, PROJECT_KEY
from tests.end_to_end.phone_site import LISTED, MENUS, PIN, WATER
from tests.end_to_end.station import LAMP, prepared
from tests.end_to_end.test_hostile_live import memory
from tests.support.agent import AgentProcess
from tests.support.certs import Certs
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker

SN_KEY = "SNKEYhostile0000000001"
EVENTS = f"phone-conn/callEvent/{SN_KEY}"
ACTIONS = f"phone-conn/callAction/{SN_KEY}"
MEGABYTES = 20


def request(id: str, node: object = "MAIN", **more: object) -> dict[str, object]:
    return {"id": id, "type": "request", "phone": LISTED, "node": node,
            "time": "2026-11-26T12:00:00.000Z", **more}


UNHEARD: list[bytes | dict[str, object]] = [
    b"", b"{", b"null", b"[]", b'"MAIN"', b"\xff\xfe\x00", b"[" * 100_000, b'{"id":1e999}',
    {"type": "request", "phone": LISTED, "node": "MAIN"},
    {"id": "", "type": "request", "node": "MAIN"},
    {"id": ["x"], "type": "request", "node": "MAIN"},
    {"id": "u1", "type": "fly", "node": "MAIN"},
    {"id": "u2", "node": "MAIN"},
    {"id": "u3", "type": "event", "event": "CallFlies"},
    {"id": "u4", "type": "recordEvent", "data": {"a": 1}},
]
"""Nobody can be answered, or asked for an answer."""
AWAITED: list[dict[str, object]] = [
    request("w1", None), request("w2", ""), request("w3", ["MAIN"]),
    request("w4", "MAIN", phone={"number": LISTED}), request("w5", "MAIN", time=["now"]),
]
"""Not understood, but somebody waits at the other end."""
ODD: list[dict[str, object]] = [
    request("o1", "NOWHERE"), request("o2", "c" + "x" * 3000), request("o3", "do.on,1"),
    request("o4", "menu.lamp,1"), request("o5", "../../etc/passwd,/,/,"),
    request("o6", "MAIN,打開/電燈,快/0.9/x"), request("o7", "MAIN", time="9999-99-99T99:99:99Z"),
    request("o8", "MAIN", phone="0" * 2000), request("o9", "cdaaaaaaaaaaaa,1"),
    request("o10", "more0"), request("o11", "END"), request("o12", "MAIN,$(reboot)"),
    request("o13", 7), request("o14", "MAIN", time=17),
]
"""Requests in their form, with something in them that no caller of ours could have sent."""


@dataclass
class Place:
    """The agent, and somebody with the telephone service's own rights."""

    agent: AgentProcess
    service: Observer

    def tell(self, message: bytes | dict[str, object], topic: str = EVENTS) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.service.publish(topic, payload)

    def answers(self, id: str) -> list[dict[str, Any]]:
        found = [message.json() for message in self.service.on(ACTIONS)]
        return [each for each in found if each.get("id") == id and each.get("action") != "wait"]

    def answer(self, id: str) -> dict[str, Any]:
        return wait_until(lambda: self.answers(id), 10, f"an answer to {id}:\n{self.agent.log}")[0]

    @property
    def counts(self) -> dict[str, int]:
        status = self.agent.status()
        assert status is not None, self.agent.log
        return {**status["calls"]["counts"]}

    def levels(self) -> str:
        return send(Path(self.agent.env["HW_MOCKS_CONTROL"]), "history 17")

    def serves(self, id: str) -> None:
        """A caller who means well is answered as ever."""
        self.tell(request(f"{id}a"))
        menu = self.answer(f"{id}a")
        assert "查詢水溫" in menu["text"]
        self.tell(request(f"{id}b", f"{menu['node']},1"))
        assert "水溫二十五點三度" in self.answer(f"{id}b")["text"]


@pytest.fixture
def place(tls_broker: Broker, certs: Certs, tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "water").write_text("25.3")
    (tmp_path / "phone.toml").write_text(MENUS, encoding="utf-8")
    (tmp_path / "pin.hash").write_text(str(PinHash.of(PIN, bytes(16))))
    agent = prepared(tmp_path, f"""
[platform]
host = "127.0.0.1"
port = 9
tls = false
device_id = "1"
key = "DKnobody"
[clock]
trust = "always"
[hardware]
backend = "simulated"
[phone]
host = "127.0.0.1"
port = {tls_broker.port}
ca_file = "{certs.ca}"
api_key = "{DEVICE_KEY}"
sn_key = "{SN_KEY}"
menus = "phone.toml"
{WATER + LAMP}""")
    with Observer(tls_broker.port, (ACTIONS,), user=PROJECT_KEY, ca=certs.ca) as service, agent:
        agent.wait_until_up("phone")
        wait_until(lambda: (agent.status() or {})["sensors"][0]["values"], 10, "a reading")
        yield Place(agent, service)


def all_of(messages: Sequence[dict[str, object]]) -> list[str]:
    return [str(message["id"]) for message in messages]


@pytest.mark.req("T-03", "T-12", "T-37", "T-40")
def test_hostile_events_are_counted_answered_where_somebody_waits_and_move_nothing(
    place: Place
) -> None:
    place.serves("before")
    for message in UNHEARD:
        place.tell(message)
    for awaited in AWAITED:
        place.tell(awaited)
    for id in all_of(AWAITED):
        apology = place.answer(id)
        assert apology.get("nextNode") == "END" and apology["text"], apology
    for odd in ODD:
        place.tell(odd)
    for id in all_of(ODD):
        place.answer(id)
    place.serves("after")
    ids = all_of(AWAITED) + all_of(ODD)
    assert {id: len(place.answers(id)) for id in ids} == dict.fromkeys(ids, 1)
    assert not [id for id in ("u1", "u2", "u3", "u4") if place.answers(id)]
    assert place.counts["malformed"] >= len(UNHEARD) + len(AWAITED)
    # One line says what was wrong, and the figures how often; not one for each.
    assert len(re.findall("message ignored", place.agent.log)) <= 3, place.agent.log
    assert place.levels() == "0"
    assert place.agent.running and LISTED not in place.agent.log


def test_events_on_topics_that_are_not_ours_and_old_ones_are_not_obeyed(place: Place) -> None:
    place.tell(request("t1"), "phone-conn/callEvent/SNKEYsomebodyelse00001")
    place.tell(request("t2"), f"{EVENTS}/more")
    place.tell(request("t3"), f"phone-conn/callAction/{SN_KEY}")
    place.serves("after")
    assert not any(place.answers(id) for id in ("t1", "t2")) and place.levels() == "0"
    # What we see of t3 is what we sent ourselves.
    assert [each for each in place.answers("t3") if each.get("type") != "request"] == []


@pytest.mark.req("T-10", "T-41")
def test_a_recording_of_20_megabytes_holds_up_nobody(place: Place) -> None:
    place.serves("before")
    used = memory(place.agent.pid)
    for number in range(3):
        place.tell({"id": f"r{number}", "type": "recordEvent", "phone": LISTED,
                    "recordType": "1", "data": "A" * (MEGABYTES * 1_000_000)})
    place.tell(request("wide", "MAIN," + "x" * (MEGABYTES * 1_000_000)))
    wait_until(lambda: place.counts.get("malformed", 0) + place.counts.get("recordings", 0) >= 3,
               30, "the recordings to be counted")
    place.serves("after")
    kept = place.agent.folder / "state" / "recordings"
    assert sum(each.stat().st_size for each in kept.glob("*")) <= 3 * 8_000_000
    assert memory(place.agent.pid) < used + 150_000_000
    assert place.levels() == "0"
