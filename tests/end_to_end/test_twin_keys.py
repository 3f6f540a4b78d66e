"""Keys and certificates of the twin's own: who is let in, and who is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end.station import LAMP, TICK, Station, prepared
from tests.end_to_end.twin_site import (
    application,
    bootstrapping,
    call_registry,
    device_key,
    get,
    new_device,
    site,
)
from tests.support.certs import Certs
from tests.support.waiting import wait_until
from twin.serving.process import Twin


@pytest.mark.req("P-01", "P-02", "P-03", "P-18")
def test_everything_over_tls_with_the_twins_own_authority(twin: Twin, tmp_path: Path) -> None:
    """Registry, REST and platform, all verified with the one CA file."""
    with (
        application(twin) as seen,
        bootstrapping(twin, tmp_path, TICK + LAMP, "00tls", tls=True) as agent,
    ):
        here = Station(agent, "", seen)
        here.until(lambda s: s["links"]["registry"]["state"] == "up", 12, "the registry")
        call_registry(twin, "pi00tls", op="Reconfigure")
        device = str(here.until_up()["identity"]["device_id"])
        seen.wait_count(1, f"/v1/device/{device}/sensor/tick/rawdata", 8)
        assert get(twin, f"/device/{device}")["name"] == "pi00tls"


@pytest.mark.req("P-01")
def test_another_authority_is_not_believed(twin: Twin, tmp_path: Path, certs: Certs) -> None:
    with bootstrapping(twin, tmp_path, TICK, "00ca", tls=True) as agent:
        agent.kill()
        text = agent.config.read_text().replace(str(twin.ca_file), str(certs.ca))
        agent.config.write_text(text)
        agent.start()
        agent.wait_for_log("certificate")
        status = agent.status()
        assert status is not None and status["links"]["registry"]["state"] != "up"


@pytest.mark.req("P-03")
def test_a_wrong_key_is_refused_and_told_on_both_sides(twin: Twin, tmp_path: Path) -> None:
    with site(twin, tmp_path, TICK, "tick", key="DKNOBODYHASTHISONE", up=False) as here:
        status = here.until(lambda s: s["links"]["platform"]["state"] == "refused", 12, "refusal")
        assert status["delivery"]["confirmed"] == 0
        wait_until(lambda: "refused at CONNECT: no such user" in twin.log, 5, "a word there")
        assert [m for m in here.platform.messages if here.device in m.topic] == []
        assert "DKNOBODYHASTHISONE" not in here.agent.log + twin.log


@pytest.mark.req("P-03", "P-22")
def test_a_device_key_is_enough_for_everything_a_device_does(twin: Twin, tmp_path: Path) -> None:
    device = new_device(twin, "tick", "lamp")
    with (
        application(twin, device) as seen,
        prepared(tmp_path, f"""
[platform]
host = "127.0.0.1"
port = {twin.ports['mqtt']}
tls = false
device_id = "{device}"
key = "{device_key(twin, device)}"
[heartbeat]
pulse = "3s"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + TICK + LAMP) as agent,
    ):
        here = Station(agent, device, seen)
        here.until_up()
        seen.wait_count(1, here.topic("sensor/tick/rawdata"), 8)
        seen.publish(here.topic("command"), [{"id": "lamp", "cmd": "on"}])
        assert seen.wait_count(1, here.topic("sensor/lamp/ack"))[0].json()["ack"] == "on"
        here.until(lambda s: s["platform"]["heartbeat"] is not None, 5, "a word on its heart")
        assert [m.payload for m in seen.messages if m.topic.startswith("/v1/lwt/")]
        assert not re.search(rf"may not .*/{device}/", twin.log)


@pytest.mark.req("P-03")
def test_the_key_of_another_device_opens_nothing(twin: Twin, tmp_path: Path) -> None:
    other = device_key(twin, new_device(twin, "tick"))
    with site(twin, tmp_path, TICK, "tick", key=other) as here:
        here.agent.wait_for_log("subscription refused")
        wait_until(lambda: f"may not publish on {here.topic('rawdata')}: dropped" in twin.log,
                   5, "a word in the twin's log")
        assert here.platform.on(here.topic("rawdata")) == []
        assert "subscription refused" in str(here.until_up()["links"]["platform"]["error"])
