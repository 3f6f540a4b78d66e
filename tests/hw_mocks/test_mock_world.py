"""The greenhouse behaves: lamp, heater and fan change what is sensed, and nothing runs away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_mocks.world import DAY, Loads, World, outside, step, sun

NIGHT = World(time=0.0, temperature=20.0, humidity=60.0, light=0.0)
HOUR = 3600.0
powers = st.floats(0, 1)


def test_the_heater_warms_and_dries_the_air() -> None:
    cold, warm = step(NIGHT, HOUR, Loads()), step(NIGHT, HOUR, Loads(heater=1.0))
    assert warm.temperature > cold.temperature + 5
    assert warm.humidity < cold.humidity


def test_the_lamp_lights_at_once() -> None:
    assert step(NIGHT, 0.0, Loads(lamp=0.5)).light == pytest.approx(4000)
    assert step(NIGHT, 0.0, Loads()).light == 0


def test_the_fan_brings_the_air_to_that_outdoors() -> None:
    hot = World(time=12 * HOUR, temperature=40.0, humidity=30.0)
    shut, aired = step(hot, HOUR, Loads()), step(hot, HOUR, Loads(fan=1.0))
    outdoors, _ = outside(aired.time)
    assert abs(aired.temperature - outdoors) < 2 < abs(shut.temperature - outdoors)


@given(st.floats(0, DAY - 1), st.floats(0, 2 * DAY), powers, powers, powers)
def test_no_stretch_of_time_runs_away(
    time: float, seconds: float, lamp: float, heater: float, fan: float
) -> None:
    world = step(World(time=time), seconds, Loads(lamp, heater, fan))
    assert 10 < world.temperature < 60
    assert 0 < world.humidity <= 100
    assert 0 <= world.light <= 48_000
    assert 0 <= world.time < DAY


@given(st.floats(0, 3000), st.floats(0, 3000))
def test_two_steps_are_one(first: float, second: float) -> None:
    loads = Loads(heater=1.0)
    once = step(NIGHT, first + second, loads)
    twice = step(step(NIGHT, first, loads), second, loads)
    assert twice.temperature == pytest.approx(once.temperature, abs=0.1)
    assert twice.humidity == pytest.approx(once.humidity, abs=0.5)


def test_the_sun_rises_and_sets() -> None:
    assert sun(0) == sun(5 * HOUR) == sun(23 * HOUR) == 0
    assert sun(12 * HOUR) == pytest.approx(1)
    assert 0 < sun(8 * HOUR) < sun(10 * HOUR)
