"""SIGHUP: what is taken over, what waits for a restart, and what a wrong file does: nothing."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.station import LAMP, TICK, Station, platform_toml, station
from tests.support.waiting import wait_until
from twin.broker import Broker

LEVEL = TICK.replace('"tick"\ndriver', '"level"\ndriver').replace(
    'path = "tick"', 'path = "level"') + "deadband = 100\n"


@pytest.fixture
def here(tmp_path: Path, broker: Broker, device_id: str) -> Iterator[Station]:
    (tmp_path / "level").write_text("5")
    with station(tmp_path, broker.port, device_id, TICK + LEVEL + LAMP) as running:
        running.wait_for_reading(lambda one: one["id"] == "level")
        yield running


def reload(here: Station, port: int, text: str, expect: str = r"reloaded: \d+ sensors") -> str:
    """Write another configuration, tell the agent, and wait for what it says of it."""
    before = len(here.agent.log)
    here.agent.config.write_text(
        text if "[platform]" in text else platform_toml(port, here.device) + text)
    here.agent.signal(signal.SIGHUP)
    return here.agent.wait_for_log(expect, after=before)


def ids(here: Station) -> list[str]:
    return [one["id"] for one in (here.ask() or {})["sensors"]]


def test_sensors_come_go_and_change(here: Station, broker: Broker, tmp_path: Path) -> None:
    assert here.told("on") == "on"
    before = here.until(lambda s: s["sensors"][0]["reads"] >= 4)["sensors"][0]["reads"]
    new = TICK.replace('"tick"\ndriver', '"new"\ndriver').replace('path = "tick"', 'path = "two"')
    (tmp_path / "two").write_text("2")
    reload(here, broker.port, TICK + LEVEL.replace("deadband = 100", "deadband = 1") + new + LAMP)
    assert ids(here) == ["tick", "level", "new"]
    here.wait_for_reading(lambda one: one["id"] == "new" and one["value"] == ["2"])
    assert here.sensor("tick")["reads"] >= before, "an unchanged sensor began anew"
    told = len(here.readings("level"))
    (tmp_path / "level").write_text("8")
    wait_until(lambda: len(here.readings("level")) > told, 5, "the smaller deadband to count")
    assert here.levels() == "0 1", "an output moved"
    assert here.until_up()["links"]["platform"]["connects"] == 1
    # The same file without two of them.
    reload(here, broker.port, TICK + LAMP)
    assert ids(here) == ["tick"]
    here.wait_for_reading(lambda one: one["id"] == "tick")
    # One that was away may come back from elsewhere: nothing of it is in use.
    (tmp_path / "three").write_text("3")
    back = LEVEL.replace('path = "level"', 'path = "three"')
    reload(here, broker.port, TICK + back + LAMP)
    here.wait_for_reading(lambda one: one["id"] == "level" and one["value"] == ["3"])
    assert "needs a restart" not in here.agent.log


def test_a_wrong_file_changes_nothing_and_is_reported(here: Station, broker: Broker) -> None:
    wrong = TICK.replace("250ms", "soon") + LAMP.replace("relay", "relais")
    said = reload(here, broker.port, wrong, r"reload refused.*")
    assert "every" in said and "driver" in said
    status = here.until(lambda s: s["reload_error"])
    assert "every" in status["reload_error"] and "driver" in status["reload_error"]
    assert ids(here) == ["tick", "level"]
    reads = here.sensor("level")["reads"]
    here.until(lambda s: s["sensors"][1]["reads"] > reads + 1, 5, "it to go on")
    assert here.told("on") == "on"
    reload(here, broker.port, "not toml at all [", r"reload refused.*")
    reload(here, broker.port, TICK + LEVEL + LAMP)
    assert (here.ask() or {})["reload_error"] is None
    here.agent.config.unlink()
    before = len(here.agent.log)
    here.agent.signal(signal.SIGHUP)
    here.agent.wait_for_log("reload refused", after=before)
    assert here.agent.terminate() == 0


def test_pins_and_identity_wait_for_a_restart(here: Station, broker: Broker) -> None:
    before = here.agent.config.read_text()
    assert here.told("on") == "on"
    moved = before.replace("pin = 17", "pin = 18").replace(here.device, "other").replace(
        'path = "level"', 'path = "tick"')
    start = len(here.agent.log)
    reload(here, broker.port, moved)
    for what in (r"\[platform\] changed, which needs a restart",
                 r"\[\[actuator\]\] changed, which needs a restart",
                 r"sensor level: .* changed, which needs a restart"):
        here.agent.wait_for_log(what, after=start)
    loaded = (here.ask() or {})["configuration"]
    assert {"[platform]", "[[actuator]]"} <= set(loaded["restart"])
    assert here.levels() == "0 1" and here.hands("history 18") != "0"
    assert here.told("off") == "off", "it is still the same device on the same pin"
    told = len(here.readings("tick"))
    wait_until(lambda: len(here.readings("tick")) > told, 5, "readings under the old name")
    assert here.sensor("level")["values"] == ["5"]
