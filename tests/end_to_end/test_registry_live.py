"""From a bare machine to a device of the platform, by a message of the registry."""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT_KEY
from tests.end_to_end.station import LAMP, TICK, Station, prepared, wait_until_back
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.mosquitto import BrokerOptions
from twin.proxy import FaultProxy

TOPIC = "/v1/registry/pi00001"
FIRST, SECOND = "DKfirstdevice", "DKseconddevice"
USERS = {name: name for name in ("chtregistry", FIRST, SECOND, PROJECT_KEY)}


def configuration(port: int, *, relocatable: bool = False) -> str:
    """As it is packaged, but for the broker, the serial and the simulated pins."""
    return f"""
[platform]
host = "127.0.0.1"
port = {port}
tls = false
[registry]
product_code = "pi"
serial = "00001"
relocatable = {str(relocatable).lower()}
[heartbeat]
pulse = "3s"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + TICK + LAMP


@pytest.fixture
def registry_broker() -> Iterator[Broker]:
    """Knows the registry's login, two devices, and the platform's side (P-03)."""
    with Broker(BrokerOptions(users=USERS)) as running:
        yield running


class Vendor:
    """The operator's side: assigns identities, and sees what becomes of them."""

    def __init__(self, platform: Observer, here: Station) -> None:
        self.platform = platform
        self.here = here

    def assign(self, device: str, key: str) -> None:
        self.platform.publish(TOPIC, {"op": "SetDeviceId", "ck": key, "deviceId": device})

    def links(self) -> dict[str, Any]:
        return dict((self.here.ask() or {}).get("links", {}))

    def until_listening(self) -> dict[str, Any]:
        return self.here.until(lambda s: s["links"]["registry"]["state"] == "up", 12, "registry")

    def until_device(self, device: str) -> dict[str, Any]:
        """The agent is this device: it says so, and publishes under that name."""
        topic = f"/v1/device/{device}/rawdata"
        before = len(self.platform.on(topic))
        status = self.here.until(
            lambda s: s["identity"] == {"device_id": device, "source": "registry"}
            and s["links"]["platform"]["state"] == "up", 12, f"device {device} to be up")
        wait_until(lambda: len(self.platform.on(topic)) > before, 5, f"readings of {device}")
        return status

    def stored(self) -> dict[str, Any]:
        text = (self.here.agent.folder / "state" / "identity.json").read_text()
        return dict(json.loads(text))


@pytest.fixture
def vendor(request: pytest.FixtureRequest, registry_broker: Broker, tmp_path: Path
           ) -> Iterator[Vendor]:
    """An agent that waits in the registry; ``relocatable`` by parameter."""
    text = configuration(registry_broker.port, relocatable=getattr(request, "param", False))
    with (
        Observer(registry_broker.port, user=PROJECT_KEY) as platform,
        prepared(tmp_path, text) as agent,
    ):
        found = Vendor(platform, Station(agent, "7432", platform))
        found.until_listening()
        yield found


@pytest.mark.req("P-01", "P-03", "P-16", "P-17", "P-28")
def test_a_bare_machine_becomes_a_device(vendor: Vendor, registry_broker: Broker) -> None:
    here = vendor.here
    assert vendor.links()["platform"]["state"] == "waiting"
    assert (here.ask() or {})["identity"] is None
    assert not (here.agent.folder / "state" / "identity.json").exists()
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")
    assert here.told("on") == "on"
    file = here.agent.folder / "state" / "identity.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert vendor.stored() == {"current": {"device_id": "7432", "key": FIRST}, "candidate": None}
    # Not relocatable: nobody can carry it off any more.
    here.until(lambda s: s["links"]["registry"]["state"] == "off")
    wait_until(lambda: re.search(r"Client reg\w+ disconnected", registry_broker.log), 5, "it")
    # It was read before it had a name, and still arrives.
    reads = here.until(lambda s: s["delivery"]["waiting"] <= 1)["sensors"][0]["reads"]
    wait_until(lambda: len(here.readings("tick")) >= reads, 5, "every reading since the start")
    # And it knows its name at the next start, without being told.
    here.agent.kill()
    here.agent.start()
    vendor.until_device("7432")
    assert vendor.links()["registry"]["state"] == "off"
    assert FIRST not in here.agent.log


@pytest.mark.req("P-19")
def test_a_key_that_is_refused_is_forgotten_and_the_waiting_goes_on(vendor: Vendor) -> None:
    here = vendor.here
    vendor.assign("9999", "PKnobodyhasit")
    here.agent.wait_for_log("refuses the key the registry gave")
    here.until(lambda s: s["links"]["platform"]["state"] == "waiting" and s["identity"] is None)
    vendor.until_listening()
    assert vendor.stored() == {"current": None, "candidate": None}
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")
    assert not vendor.platform.on("/v1/device/9999/rawdata")


@pytest.mark.req("P-17", "P-19")
@pytest.mark.parametrize("vendor", [True], indirect=True)
def test_a_relocatable_device_moves_and_comes_back_from_a_wrong_key(vendor: Vendor) -> None:
    here = vendor.here
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")
    assert vendor.until_listening()["links"]["registry"]["connects"] == 1
    vendor.assign("8000", SECOND)
    vendor.until_device("8000")
    moved = Station(here.agent, "8000", vendor.platform)
    assert moved.told("on") == "on", "it listens under its new name"
    here.give("off")
    vendor.assign("9999", "DKwrongkey")
    here.agent.wait_for_log("refuses the key the registry gave")
    vendor.until_device("8000")
    assert vendor.stored() == {"current": {"device_id": "8000", "key": SECOND}, "candidate": None}
    assert moved.actuator()["state"] == "on", "a command for the old name moved it"
    assert not vendor.platform.on("/v1/device/9999/heartbeat")
    # The same again is no news.
    connects = vendor.links()["platform"]["connects"]
    vendor.assign("8000", SECOND)
    assert moved.told("off") == "off"
    assert vendor.links()["platform"]["connects"] == connects


@pytest.mark.req("P-19")
def test_a_withdrawn_key_can_be_replaced_though_nothing_is_relocatable(
    vendor: Vendor, tmp_path: Path
) -> None:
    here = vendor.here
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")
    assert here.agent.terminate() == 0
    users = {name: name for name in USERS if name != FIRST}
    with (
        Broker(BrokerOptions(users=users)) as stricter,
        Observer(stricter.port, user=PROJECT_KEY) as platform,
    ):
        here.agent.config.write_text(configuration(stricter.port))
        here.agent.start()
        again = Vendor(platform, Station(here.agent, "7432", platform))
        here.until(lambda s: s["links"]["platform"]["state"] == "refused")
        again.until_listening()
        again.assign("7432", SECOND)
        again.until_device("7432")
        assert again.stored()["current"] == {"device_id": "7432", "key": SECOND}


def test_a_crash_before_the_proof_keeps_the_candidate(
    registry_broker: Broker, tmp_path: Path
) -> None:
    """New connections go to a server that says nothing: the identity cannot be proven."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        FaultProxy(registry_broker.port) as proxy,
        Observer(registry_broker.port, user=PROJECT_KEY) as platform,
        prepared(tmp_path, configuration(proxy.port)) as agent,
    ):
        vendor = Vendor(platform, Station(agent, "7432", platform))
        vendor.until_listening()
        proxy.target = silent.getsockname()[1]
        vendor.assign("7432", FIRST)
        wait_until(lambda: (tmp_path / "state" / "identity.json").exists(), 5, "the candidate")
        agent.kill()
        assert vendor.stored() == {
            "current": None, "candidate": {"device_id": "7432", "key": FIRST}}
        proxy.target = registry_broker.port
        agent.start()
        vendor.until_device("7432")
        assert vendor.stored()["current"] == {"device_id": "7432", "key": FIRST}


@pytest.mark.req("P-17", "P-18")
def test_what_is_no_registry_message_is_counted_and_changes_nothing(vendor: Vendor) -> None:
    here = vendor.here
    bad = [b"", b"\xff\xfe", b"[]", b"{}", b'{"op":"SetDeviceId"}', b'{"op":"SetDeviceId","ck":1}',
           b'{"op":"SetDeviceId","ck":"","deviceId":"1"}', b'{"op":"Selfdestruct","ck":"a"}',
           b'{"op":"SetDeviceId","ck":"DKsecretx","deviceId":"a/b"}', b'"SetDeviceId"']
    for payload in bad:
        vendor.platform.publish(TOPIC, payload)
    status = here.until(lambda s: s["ignored"]["registry"] == len(bad), 5, "all to be counted")
    assert status["identity"] is None and status["links"]["registry"]["state"] == "up"
    assert here.agent.log.count("registry message ignored") == 2, "the 1st and the 10th"
    assert "DKsecretx" not in here.agent.log
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")


@pytest.mark.req("P-19")
def test_it_waits_through_an_outage_of_the_broker(vendor: Vendor, registry_broker: Broker) -> None:
    registry_broker.kill()
    vendor.here.until(lambda s: s["links"]["registry"]["state"] == "down")
    registry_broker.start()
    wait_until_back(vendor.platform)
    vendor.here.until(lambda s: s["links"]["registry"]["connects"] == 2, 12)
    vendor.assign("7432", FIRST)
    vendor.until_device("7432")
