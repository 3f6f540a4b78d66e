"""Sensors that change, fail and hang, in the whole agent."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.end_to_end.station import LAMP, LOAD, station
from tests.support.waiting import wait_until
from twin.broker import Broker

CLIMATE = """
[[sensor]]
id = "climate"
driver = "dht22"
pin = 4
quantity = "temperature"
every = "3s"
"""
LIGHT = """
[[sensor]]
id = "light"
driver = "iio"
device = "bh1750"
channel = "illuminance"
every = "500ms"
"""
BUTTON = """
[[sensor]]
id = "button"
driver = "button"
pin = 23
"""


def test_a_press_is_told_at_once(tmp_path: Path, broker: Broker, device_id: str) -> None:
    with station(tmp_path, broker.port, device_id, LOAD + BUTTON) as here:
        here.wait_for_reading(lambda one: one["id"] == "button" and one["value"] == ["0"])
        pressed = time.monotonic()
        here.hands("press 23 0.3")
        wait_until(lambda: [one["value"] for one in here.readings("button")]
                   == [["0"], ["1"], ["0"]], 5, "press and release")
        messages = here.platform.on(here.topic("rawdata"))
        told = next(one for one in messages if b'"button"' in one.payload and b'["1"]'
                    in one.payload)
        assert told.at - pressed < 0.5
        times = [one["time"] for one in here.readings("button")]
        assert times == sorted(times)


def test_a_fault_is_no_reading_and_its_end_is_told(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    with station(tmp_path, broker.port, device_id, LOAD + CLIMATE + LIGHT) as here:
        here.wait_for_reading(lambda one: one["id"] == "climate")
        here.wait_for_reading(lambda one: one["id"] == "light")
        # Both at once, each with its own way to fail.
        here.hands("fault dht22@4 no_answer")
        here.hands("fault bh1750 hang")
        hanging = here.until(
            lambda s: s["sensors"][2]["quality"] == "stale", 8, "light to be stale")
        assert "has not come back" in hanging["sensors"][2]["error"]
        faulty = here.until(
            lambda s: s["sensors"][1]["quality"] == "fault", 15, "climate to be faulty")
        climate = faulty["sensors"][1]
        assert climate["values"] == [] and climate["time"] is not None and climate["error"]
        assert climate["failures"] > 0
        count = {name: len(here.readings(name)) for name in ("climate", "light", "load")}
        wait_until(lambda: len(here.readings("load")) >= count["load"] + 3, 5, "load to go on")
        assert len(here.readings("climate")) == count["climate"]
        assert len(here.readings("light")) == count["light"]
        here.hands("clear dht22@4")
        here.hands("clear bh1750")
        here.until(lambda s: all(one["quality"] == "good" for one in s["sensors"]), 15,
                   "both to be good again")
        wait_until(lambda: len(here.readings("climate")) > count["climate"]
                   and len(here.readings("light")) > count["light"], 5, "both to be told again")
        log = here.agent.log
        assert log.count("sensor climate: no reading") == 1
        assert log.count("sensor climate: reads again") == 1
        assert "Traceback" not in log


def test_a_sensor_that_hangs_neither_beats_nor_holds_up_the_stop(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    """Alone and overdue it is no sign of life (decision 10); the stop leaves it behind."""
    with station(tmp_path, broker.port, device_id, LIGHT + LAMP) as here:
        here.wait_for_reading(lambda one: one["id"] == "light")
        here.hands("fault bh1750 hang")
        here.agent.wait_for_log("heartbeats stop")
        beats = len(here.platform.on(here.topic("heartbeat")))
        assert here.told("on") == "on", "an actuator waits for a sensor"
        since = time.monotonic()
        wait_until(lambda: time.monotonic() > since + 1.5, 3)  # longer than a beat apart
        assert len(here.platform.on(here.topic("heartbeat"))) == beats
        here.hands("clear bh1750")
        here.agent.wait_for_log("heartbeats go on")
        wait_until(lambda: len(here.platform.on(here.topic("heartbeat"))) > beats, 5, "a beat")
        here.hands("fault bh1750 hang")
        here.until(lambda s: s["sensors"][0]["quality"] == "stale", 8, "light to be stale")
        begun = time.monotonic()
        here.agent.signal(signal.SIGTERM)
        assert here.agent.wait() == 0
        assert time.monotonic() - begun < 5
