"""Meters and motors in the whole agent: totals over restarts, two directions by command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.station import Station, station
from tests.support.waiting import wait_until
from twin.broker import Broker

METER = """
[[sensor]]
id = "meter"
driver = "pulse_counter"
pin = 16
quantity = "total"
bounce_time = "0s"
per_pulse = 0.5
every = "1s"
"""
MOTOR = """
[[actuator]]
id = "curtain"
driver = "motor"
forward = 5
backward = 6
min_off = "100ms"
"""


@pytest.fixture
def here(tmp_path: Path, broker: Broker, device_id: str) -> Iterator[Station]:
    with station(tmp_path, broker.port, device_id, METER + MOTOR) as running:
        yield running


def count(here: Station, pulses: int) -> None:
    for _ in range(pulses):
        assert here.hands("level 16 0") == here.hands("level 16 1") == "ok"


def is_total(value: str) -> Any:
    return lambda one: one["id"] == "meter" and one["value"] == [value]


@pytest.mark.req("P-07")
def test_a_total_goes_on_where_it_was(here: Station) -> None:
    here.wait_for_reading(is_total("0"))
    count(here, 3)
    here.wait_for_reading(is_total("1.5"))
    count(here, 4)  # after the last reading, before the end
    assert here.agent.terminate() == 0
    here.agent.start()
    here.wait_for_reading(is_total("3.5"))
    count(here, 1)
    here.wait_for_reading(is_total("4"))


@pytest.mark.req("P-09", "P-11")
def test_a_motor_by_command(here: Station) -> None:
    assert here.actuator("curtain")["state"] == "stop"
    wait_until(lambda: here.told("forward", sensor="curtain") == "forward", 5, "its rest to end")
    assert (here.levels(5), here.levels(6)) == ("0 1", "0")
    refused = here.told("backward", sensor="curtain")
    assert refused == "error: it turns the other way: off for at least 0.1 s first"
    assert here.told("stop", sensor="curtain") == "stop"
    wait_until(lambda: here.told("-0.5", sensor="curtain") == "-0.5", 5, "it to turn back")
    assert (here.levels(5), here.levels(6)) == ("0 1 0", "0 0.5")
    assert here.told("on", sensor="curtain").endswith("stop, a number -1 to 1")
    assert here.agent.terminate() == 0
