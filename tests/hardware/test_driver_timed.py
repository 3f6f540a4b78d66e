"""Light by charge time, and distance by echo."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from agent.errors import HardwareError, SensorError
from agent.hardware.catalog import open_sensor
from agent.hardware.drivers.distance import PAUSE, DistanceSensor
from agent.hardware.drivers.light import LightSensor
from agent.hardware.simulated import SimulatedPi
from hw_mocks.scenario import Scenario
from tests.hardware.conftest import sensor


class Answers:
    """A charge or echo timer that gives what a test says; an exception is raised."""

    def __init__(self, *answers: float | Exception | None) -> None:
        self._answers: Iterator[float | Exception | None] = iter(answers)

    def _next(self) -> float | None:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def charge_time(self, longest: float) -> float | None:
        return self._next()

    def echo_time(self, longest: float) -> float:
        answer = self._next()
        assert answer is not None
        return min(longest, answer)

    def close(self) -> None:
        pass


def test_light_goes_from_dark_to_light_as_gpiozero_s_does() -> None:
    light = LightSensor(Answers(0.0025, None, 0.00001), 12, limit=0.01, times=1)
    assert light.read() == {"value": 0.75}
    assert light.read() == {"value": 0.0}
    assert light.read() == {"value": 0.999}


def test_the_middle_measurement_counts() -> None:
    light = LightSensor(Answers(0.005, None, 0.001), 12, limit=0.01, times=3)
    assert light.read() == {"value": 0.5}


def test_a_pin_that_is_high_at_once_is_no_light() -> None:
    light = LightSensor(Answers(0.0), 12, limit=0.01, times=1)
    with pytest.raises(SensorError, match="GPIO12 is high at once: check that the capacitor"):
        light.read()


def test_a_line_that_fails_is_a_fault_of_the_reading() -> None:
    light = LightSensor(Answers(HardwareError("GPIO12: gone")), 12, limit=0.01, times=1)
    with pytest.raises(SensorError, match="GPIO12: gone"):
        light.read()


def test_light_follows_the_sun_and_its_faults(hardware: SimulatedPi) -> None:
    device = open_sensor(hardware, sensor("light", pin=12))
    day = device.read()["value"]
    assert 0.9 < float(day) < 1
    hardware.board.fault("ldr@12", "unplugged")
    assert device.read() == {"value": 0.0}
    hardware.board.fault("ldr@12", "stuck")
    with pytest.raises(SensorError, match="high at once"):
        device.read()
    hardware.board.scenario = Scenario()
    hardware.board.clear("ldr@12")
    assert device.read() == {"value": day}
    with pytest.raises(HardwareError, match="GPIO12 is already in use"):
        open_sensor(hardware, sensor("light", pin=12))
    device.close()
    open_sensor(hardware, sensor("button", pin=12))


def metres(*answers: float | Exception, pings: int, longest: float = 4.0) -> DistanceSensor:
    timer = Answers(*(a if isinstance(a, Exception) else 2 * a / 343.26 for a in answers))
    pauses: list[float] = []
    return DistanceSensor(timer, "it", longest, pings, pauses.append)


def test_the_middle_echo_counts() -> None:
    assert metres(0.5, 3.9, 0.52, 0.51, 0.02, pings=5).read() == {
        "distance": pytest.approx(0.51)
    }


def test_nothing_near_is_the_greatest_distance() -> None:
    assert metres(9.0, pings=1).read() == {"distance": 4.0}


NONE = SensorError("no echo begins")


def test_fewer_than_half_may_fail() -> None:
    assert metres(NONE, 0.5, 0.5, NONE, 0.5, pings=5).read() == {"distance": pytest.approx(0.5)}
    with pytest.raises(SensorError, match="it: no echo begins: check its 5 V supply"):
        metres(NONE, 0.5, NONE, 0.5, 0.5, NONE, pings=6).read()


def test_a_dead_sensor_is_not_asked_to_the_end() -> None:
    with pytest.raises(SensorError, match="no echo begins"):
        metres(NONE, NONE, NONE, pings=5).read()  # a fourth would raise StopIteration


def test_an_echo_from_nowhere_is_none() -> None:
    with pytest.raises(SensorError, match=r"an echo from 0\.3 cm"):
        metres(0.003, pings=1).read()


def test_pings_keep_apart() -> None:
    pauses: list[float] = []
    timer = Answers(*[0.01] * 3)
    DistanceSensor(timer, "it", 4.0, 3, pauses.append).read()
    assert pauses == [PAUSE, PAUSE]


def test_distance_on_the_board(hardware: SimulatedPi) -> None:
    before = threading.active_count()
    device = open_sensor(hardware, sensor("distance", trigger=21, echo=20, queue_len=1))
    assert device.read() == {"distance": pytest.approx(1.2)}
    hardware.board.scenario = Scenario(metres={20: 0.3})
    assert device.read() == {"distance": pytest.approx(0.3)}
    for fault, said in (("unplugged", "no echo begins"), ("stuck", "echo stays high")):
        hardware.board.fault("ultrasonic@20", fault)
        with pytest.raises(SensorError, match=f"HC-SR04 with its echo on GPIO20: .*{said}"):
            device.read()
    assert threading.active_count() == before, "nothing samples"
    with pytest.raises(HardwareError, match="GPIO20 is already in use"):
        open_sensor(hardware, sensor("distance", trigger=16, echo=20))
    device.close()
    open_sensor(hardware, sensor("distance", trigger=16, echo=20)).close()
    open_sensor(hardware, sensor("distance", trigger=21, echo=20)).close()
