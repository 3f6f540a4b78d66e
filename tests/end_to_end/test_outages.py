"""Brokers that are not there, go away, come back, refuse and are taken over by somebody else."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.identity.naming import client_id
from tests.conftest import PROJECT_KEY
from tests.end_to_end.station import (
    LAMP,
    TICK,
    Station,
    platform_toml,
    prepared,
    station,
    wait_until_back,
)
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy

QUICK = "[delivery]\nhold = \"1s\"\nbackfill_rate = 200\n"
EVERY = 0.25  # of TICK


def times(readings: list[dict[str, Any]]) -> list[datetime]:
    """When each was measured, resent ones once, in order of their first arrival."""
    return list(dict.fromkeys(datetime.fromisoformat(one["time"]) for one in readings))


def without_a_gap(here: Station) -> list[datetime]:
    """The times of ``tick``; AssertionError when one is missing or out of order."""
    found = times(here.readings("tick"))
    assert found == sorted(found), "the order was lost"
    steps = [(b - a).total_seconds() for a, b in pairwise(found)]
    assert max(steps) < 4 * EVERY, f"readings are missing: {steps}"
    return found


@pytest.fixture
def away(broker: Broker, proxy: FaultProxy, tmp_path: Path, device_id: str) -> Iterator[Station]:
    """An agent behind ``proxy``, while the observer is at the broker itself.

    So the observer can be back before the agent, and what it misses was really lost.
    """
    text = platform_toml(proxy.port, device_id) + QUICK + TICK + LAMP
    with station(tmp_path, broker.port, device_id, text) as here:
        yield here


def come_back(here: Station, broker: Broker, proxy: FaultProxy, connects: int) -> None:
    broker.start()
    wait_until_back(here.platform)
    proxy.passing()
    here.until_up(connects)


def test_it_starts_without_a_broker_and_finds_it_later(
    broker: Broker, tmp_path: Path, device_id: str
) -> None:
    broker.stop()
    with FaultProxy(broker.port) as proxy:
        proxy.refuse()
        agent = prepared(tmp_path, platform_toml(proxy.port, device_id) + QUICK + TICK + LAMP)
        begun = time.monotonic()
        with agent:
            agent.wait_for_log(r"ready: 1 sensors, 1 actuators")
            assert time.monotonic() - begun < 5
            broker.start()
            with Observer(broker.port) as platform:
                here = Station(agent, device_id, platform)
                status = here.until(lambda s: s["links"]["platform"]["error"])
                assert status["links"]["platform"]["state"] == "down"
                assert "refused" in status["links"]["platform"]["error"]
                assert agent.command("set", "lamp", "on").returncode == 0
                here.until(lambda s: s["delivery"]["on_disk"] >= 2, 8, "rows on disk")
                first = here.ask()
                assert first is not None and first["delivery"]["confirmed"] == 0
                waiting = here.until(lambda s: s["sensors"][0]["reads"] >= 12)
                proxy.passing()
                here.until_up()
                here.until(lambda s: s["delivery"]["waiting"] <= 2 and s["delivery"]["confirmed"]
                           >= waiting["sensors"][0]["reads"], 10, "the backlog to be confirmed")
                found = without_a_gap(here)
                up = datetime.fromisoformat(here.until_up()["links"]["platform"]["since"])
                assert len([one for one in found if one < up]) > 8, "resent with their own times"
                assert agent.log.count("Connection refused") == 1, "a line for each try"


def test_what_was_read_in_an_outage_arrives_in_order_with_its_own_time(
    away: Station, broker: Broker, proxy: FaultProxy
) -> None:
    """Once the broker ends in good order, once it is killed."""
    for number, end in enumerate((broker.stop, broker.kill), start=2):
        away.wait_for_reading(lambda one: one["id"] == "tick")
        proxy.refuse()
        end()
        down = away.until(lambda s: s["links"]["platform"]["state"] == "down")
        assert down["links"]["platform"]["error"]
        reads = down["sensors"][0]["reads"]
        away.until(lambda s, reads=reads: s["sensors"][0]["reads"] >= reads + 8)  # type: ignore[misc]
        come_back(away, broker, proxy, number)
        assert away.told("on") == "on", "subscribed again"
        assert away.told("off") == "off"
        away.until(lambda s: s["delivery"]["waiting"] <= 2, 8, "the backlog to be gone")
        without_a_gap(away)
        beats = len(away.platform.on(away.topic("heartbeat")))
        wait_until(lambda beats=beats: len(away.platform.on(away.topic("heartbeat"))) > beats,  # type: ignore[misc]
                   5, "a beat")
    assert (away.ask() or {})["delivery"]["dropped"] == 0


def test_a_network_that_swallows_everything_is_found_in_seconds(
    away: Station, proxy: FaultProxy
) -> None:
    away.wait_for_reading(lambda one: one["id"] == "tick")
    proxy.black_hole()
    begun = time.monotonic()
    down = away.until(lambda s: s["links"]["platform"]["state"] == "down", 12)
    assert time.monotonic() - begun < 10, "far below two keep-alives"
    assert "no answer" in down["links"]["platform"]["error"]
    proxy.passing()
    away.until_up(2)
    away.until(lambda s: s["delivery"]["waiting"] <= 2, 8, "the backlog to be gone")
    without_a_gap(away)


@pytest.mark.req("P-03")
def test_a_wrong_key_is_refused_and_the_agent_lives_on(
    password_broker: Broker, tmp_path: Path, device_id: str
) -> None:
    text = platform_toml(password_broker.port, device_id, key="DKwrongkey") + TICK + LAMP
    with station(tmp_path, password_broker.port, device_id, text, user=PROJECT_KEY,
                 up=False) as here:
        status = here.until(lambda s: s["links"]["platform"]["state"] == "refused")
        assert "check key" in status["links"]["platform"]["error"]
        assert here.agent.command("set", "lamp", "on").returncode == 0
        reads = here.sensor("tick")["reads"]
        here.until(lambda s: s["sensors"][0]["reads"] > reads + 1)
        link = here.until(lambda s: s["links"]["platform"])["links"]["platform"]
        assert (link["state"], link["connects"]) == ("refused", 0)
        assert here.agent.log.count("refuses the key") == 1
        assert here.agent.terminate() == 0


def test_somebody_else_with_its_client_id_is_told_and_not_fought(
    broker: Broker, tmp_path: Path, device_id: str
) -> None:
    text = platform_toml(broker.port, device_id) + """
[registry]
product_code = "pi"
serial = "S0001"
""" + TICK
    with station(tmp_path, broker.port, device_id, text) as here:
        for connects in (1, 2, 3):
            here.until_up(connects)
            thief = mqtt.Client(CallbackAPIVersion.VERSION2, client_id("agent", "S0001"),
                                protocol=mqtt.MQTTv311)
            assert thief.connect("127.0.0.1", broker.port) == 0
            wait_until(lambda thief=thief: thief.loop(0.05) or thief.is_connected(), 5, "a thief")  # type: ignore[misc]
            here.until(lambda s, n=connects: s["links"]["platform"]["connects"] > n  # type: ignore[misc]
                       or s["links"]["platform"]["state"] == "down", 8)
            thief.disconnect()
        here.agent.wait_for_log("another client probably uses the client id")
        link = (here.ask() or {})["links"]["platform"]
        assert link["state"] == "down" and link["connects"] == 3
        # Before it comes back it waits for a minute: no endless fight that floods both.
        assert here.agent.terminate() == 0


def test_a_stop_while_connecting_is_quick(
    broker: Broker, proxy: FaultProxy, tmp_path: Path, device_id: str
) -> None:
    proxy.black_hole()
    agent = prepared(tmp_path, platform_toml(proxy.port, device_id) + TICK)
    with agent:
        agent.wait_for_log("ready")
        wait_until(lambda: proxy.accepted, 5, "a connection")
        begun = time.monotonic()
        agent.signal(signal.SIGTERM)
        assert agent.wait() == 0 and time.monotonic() - begun < 5
