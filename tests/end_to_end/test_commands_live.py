"""Commands through the whole agent: what moves the pin, what never does, and what is answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.station import LAMP, LOAD, Station, stamp, station, wait_until_back
from tests.support.waiting import wait_until
from twin.broker import Broker

LAMP_RINGS = LAMP + 'commands = { on = "on", off = "off", ring = { pulse = "300ms" } }\n'
PUMP = """
[[actuator]]
id = "pump"
driver = "relay"
pin = 27
max_on = "1s"
"""
FAN = """
[[actuator]]
id = "fan"
driver = "relay"
pin = 22
active_high = false
on_link_lost = { after = "1s", do = "safe" }
"""
STRICT = 10.0
"""Seconds after a SUBACK in which a command must prove that it is new (decision 7)."""


@pytest.fixture(scope="module")
def old_link(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, float]]:
    """A station whose subscription grows old while the other tests run, and when it was up."""
    with (
        Broker() as broker,
        station(tmp_path_factory.mktemp("old"), broker.port, "dold", LAMP) as here,
    ):
        yield here, time.monotonic()


@pytest.fixture(autouse=True)
def _begin_early(old_link: tuple[Station, float]) -> None:
    """The first test of the file starts the clock for the last one."""


@pytest.fixture
def here(tmp_path: Path, broker: Broker, device_id: str) -> Iterator[Station]:
    with station(tmp_path, broker.port, device_id, LAMP_RINGS + PUMP + FAN) as running:
        yield running


@pytest.mark.req("P-09", "P-11", "P-26")
def test_the_ack_is_the_state_of_the_pin(here: Station) -> None:
    assert here.levels() == "0"
    assert here.told("on") == "on"
    assert here.levels() == "0 1"
    assert here.told("off") == "off"
    assert here.levels() == "0 1 0"
    ack = here.platform.on(here.topic("ack"))[0].json()
    assert isinstance(ack, list) and set(ack[0]) == {"id", "time", "ack"}
    wait_until(lambda: [one["value"] for one in here.readings("lamp")] == [["off"], ["on"],
                                                                            ["off"]], 5, "states")
    # An active-low relay must not click at the start: high is its off.
    assert here.hands("history 22") == "1"
    assert here.told("on", sensor="fan") == "on" and here.hands("history 22") == "1 0"


def test_refused_words_move_nothing_and_are_told_each_time(here: Station) -> None:
    for _ in range(2):
        ack = here.told("explode")
        assert ack.startswith("error: unknown command 'explode'") and len(ack) <= 100
    assert here.told("ON").startswith("error: ")
    assert here.levels() == "0"
    assert here.agent.log.count("actuator lamp: platform command: error") == 1
    acks = len(here.platform.on(here.topic("ack")))
    here.give("on", sensor="lamp2")  # not subscribed: the platform would not even send it
    assert here.told("on") == "on"
    assert len(here.platform.on(here.topic("ack"))) == acks + 1


def test_a_pulse_and_the_longest_on_time_end_by_themselves(here: Station) -> None:
    assert here.told("ring") == "on"
    assert here.told("on", sensor="pump") == "on"
    begun = time.monotonic()
    wait_until(lambda: here.levels() == "0 1 0", 2, "the end of the pulse")
    assert here.hands("read 27") == "1"
    wait_until(lambda: here.hands("history 27") == "0 1 0", 3, "the longest on-time")
    assert 0.5 < time.monotonic() - begun < 1.6
    wait_until(lambda: here.readings("pump")[-1]["value"] == ["off"], 3, "the state as a reading")
    assert here.actuator("pump")["state"] == "off"
    assert here.acks("pump") == ["on"], "what nobody commanded was acknowledged"


def test_the_same_command_again_moves_nothing_not_even_after_a_crash(here: Station) -> None:
    said = here.give("on")
    here.wait_for_acks(1)
    assert here.told("off") == "off"
    assert here.told("on", time=said) == "on"
    assert here.levels() == "0 1 0"
    # A refusal for its time is as final as an application.
    stale = stamp(-120)
    assert here.told("on", time=stale).startswith("error: too old")
    here.agent.kill()
    here.agent.start()
    here.until_up()
    assert here.told("on", time=said) == "on"
    assert here.told("on", time=stale).startswith("error: too old")
    assert here.levels() == "0", "an old command moved the pin after a restart"
    assert here.told("on") == "on"
    assert here.levels() == "0 1"


def test_what_may_be_a_replay_is_refused_after_every_subscription(
    here: Station, broker: Broker
) -> None:
    def replay() -> None:
        here.platform.publish(here.topic("sensor/lamp/command"), {"id": "lamp", "cmd": "on"})

    for connects in (1, 2):
        here.until_up(connects)
        before = len(here.acks())
        replay()
        assert here.wait_for_acks(before + 1)[-1].startswith("error: no valid time")
        assert "in the future" in here.told("on", time=stamp(30))
        assert here.told("on", time="2019-03-30T08:32:118.136Z").startswith("error: no valid time")
        assert here.told("on", time=stamp(-61)).startswith("error: too old")
        assert here.levels() == "0"
        if connects == 1:
            broker.restart()
            wait_until_back(here.platform)


def test_a_retained_command_is_a_replay(tmp_path: Path, broker: Broker, device_id: str) -> None:
    with station(tmp_path, broker.port, device_id, LAMP) as here:
        here.agent.terminate()
        here.platform.publish(here.topic("sensor/lamp/command"), {
            "id": "lamp", "deviceId": device_id, "time": stamp(-90), "cmd": "on"}, retain=True)
        here.agent.start()
        assert here.wait_for_acks(1)[0].startswith("error: too old")
        assert here.levels() == "0"


def test_a_lost_link_makes_safe(here: Station, broker: Broker) -> None:
    assert here.told("on", sensor="fan") == "on"
    assert here.told("on") == "on"
    broker.kill()
    here.agent.wait_for_log("no link for 1 s")
    wait_until(lambda: here.hands("read 22") == "1", 3, "the fan (active low) to be off")
    assert here.hands("read 17") == "1", "the lamp has no such rule"
    done = here.agent.command("set", "fan", "on")
    assert done.returncode == 0, "a person at the machine may do what the platform cannot"
    assert here.hands("read 22") == "0"


def test_a_command_without_a_time_is_live_once_no_replay_can_come(
    old_link: tuple[Station, float]
) -> None:
    here, up = old_link
    wait_until(lambda: time.monotonic() > up + STRICT + 0.5, STRICT + 1)
    here.platform.publish(here.topic("sensor/lamp/command"), {"id": "lamp", "cmd": "on"})
    assert here.wait_for_acks(1) == ["on"]
    assert here.told("off", time=stamp(30)) == "off"
    assert here.told("on", time=stamp(8 * 3600)) == "on", "the local time of Taipei"
    assert here.told("off", time=stamp(-61)).startswith("error: too old")
    assert here.levels() == "0 1 0 1"


def test_every_sensor_and_actuator_is_told_of_in_one_life(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    """Ids with other letters work from the topic to the ack."""
    lamp = LAMP.replace('"lamp"', '"燈1"')
    with station(tmp_path, broker.port, device_id, LOAD + lamp) as here:
        assert here.told("on", sensor="燈1") == "on"
        here.wait_for_reading(lambda one: one["id"] == "燈1" and one["value"] == ["on"])
