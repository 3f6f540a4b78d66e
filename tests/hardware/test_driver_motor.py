"""Motors and servos: two directions that are never on together, and positions as pulses."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import HardwareError
from agent.hardware.catalog import ACTUATORS, open_actuator, open_sensor
from agent.hardware.drivers.motor import Motor
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import actuator, sensor

FORWARD, BACKWARD = 5, 6


def motor(hardware: SimulatedPi, safe: float = 0.0, **options: Any) -> Any:
    return open_actuator(
        hardware, actuator("motor", safe, forward=FORWARD, backward=BACKWARD, **options)
    )


@pytest.mark.parametrize("pwm", [True, False])
def test_a_motor_turns_both_ways_and_stands_at_first(hardware: SimulatedPi, pwm: bool) -> None:
    device = motor(hardware, pwm=pwm)
    assert device.read() == 0.0
    for level in (1.0, -1.0, 0.0, -1.0, 1.0, 0.0):
        device.write(level)
        assert device.read() == level
    assert hardware.board.history(FORWARD) == (0.0, 1.0, 0.0, 1.0, 0.0)
    assert hardware.board.history(BACKWARD) == (0.0, 1.0, 0.0, 1.0, 0.0)
    device.release()


def test_speeds_between(hardware: SimulatedPi) -> None:
    device = motor(hardware, frequency=1000)
    for level in (0.25, -0.75):
        device.write(level)
        assert device.read() == level
    assert hardware.board.level(FORWARD) == 0.0
    assert hardware.board.level(BACKWARD) == 0.75
    assert hardware.board.pin_factory.pin(BACKWARD).frequency == 1000


@pytest.mark.parametrize(("safe", "levels"), [(0.0, (0, 0)), (1.0, (1, 0)), (-1.0, (0, 1))])
def test_it_is_safe_from_the_first_moment(
    hardware: SimulatedPi, safe: float, levels: tuple[float, float]
) -> None:
    device = motor(hardware, safe, pwm=False)
    assert device.read() == safe
    assert hardware.board.history(FORWARD) == (levels[0],)
    assert hardware.board.history(BACKWARD) == (levels[1],)


def test_a_taken_pin_leaves_the_other_for_the_next_try(hardware: SimulatedPi) -> None:
    holder = open_sensor(hardware, sensor("button", pin=BACKWARD))
    for _ in range(2):
        with pytest.raises(HardwareError, match=r"GPIO6 is already in use"):
            motor(hardware)
    holder.close()
    device = motor(hardware)
    device.write(-1.0)
    assert (hardware.board.level(FORWARD), hardware.board.level(BACKWARD)) == (0, 1)


class Bridge:
    """One input of an H-bridge, in a group in which a test sees every level."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.level = 0.0
        self.stuck = self.dead = False
        self._log = log

    def write(self, level: float) -> None:
        if self.dead:
            raise HardwareError(f"{self.name}: gone")
        if not self.stuck:
            self.level = level
        self._log.append(f"{self.name} {self.level:g}")

    def read(self) -> float:
        return self.level

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        return ((0, {"f": FORWARD, "b": BACKWARD}[self.name], False),)

    def release(self) -> None:
        pass


def bridge(safe: float = 0.0) -> tuple[Motor, Bridge, Bridge, list[str]]:
    log: list[str] = []
    forward, backward = Bridge("f", log), Bridge("b", log)
    return Motor(forward, backward, safe, lambda _: log.append("pause")), forward, backward, log


def test_one_direction_ends_before_the_other_begins() -> None:
    device, _, _, log = bridge()
    device.write(1.0)
    device.write(-0.5)
    device.write(0.0)
    assert log == ["b 0", "f 1", "f 0", "pause", "b 0.5", "b 0", "f 0"]


def test_a_direction_that_stays_on_lets_the_other_never_begin() -> None:
    device, forward, backward, _ = bridge()
    device.write(1.0)
    forward.stuck = True
    with pytest.raises(HardwareError, match="the other direction stays on"):
        device.write(-1.0)
    assert (forward.level, backward.level) == (1.0, 0.0)
    forward.stuck = False
    device.write(-1.0)
    assert device.read() == -1.0


def test_a_direction_that_cannot_be_written_stops_the_motor() -> None:
    device, forward, backward, _ = bridge()
    device.write(1.0)
    backward.dead = True
    with pytest.raises(HardwareError, match="b: gone"):
        device.write(0.5)
    assert forward.level == 0.0


def test_both_on_is_told_and_no_state() -> None:
    device, forward, backward, _ = bridge()
    forward.level = backward.level = 1.0
    with pytest.raises(HardwareError, match="both directions of the motor are on"):
        device.read()
    device.write(0.0)
    assert (forward.level, backward.level) == (0.0, 0.0)


@pytest.mark.parametrize(("safe", "first"), [(1.0, BACKWARD), (0.0, BACKWARD), (-1.0, FORWARD)])
def test_the_helper_too_switches_off_first(safe: float, first: int) -> None:
    device, *_ = bridge(safe)
    lines: Sequence[tuple[int, int, bool]] = device.lines()
    assert lines[0][1] == first
    assert len(lines) == 2


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from(["", "stuck", "dead"]))))
def test_never_both_whatever_happens(steps: list[tuple[float, str]]) -> None:
    device, forward, backward, _ = bridge()
    for level, trouble in steps:
        side = forward if forward.level else backward
        side.stuck, side.dead = trouble == "stuck", trouble == "dead"
        with contextlib.suppress(HardwareError):
            device.write(level)
        assert not (forward.level and backward.level)
        side.stuck = side.dead = False


# --- servos


def servo(hardware: SimulatedPi, safe: float = 0.0, **options: Any) -> Any:
    return open_actuator(hardware, actuator("servo", safe, pin=13, **options))


def test_a_servo_goes_to_its_safe_position_and_others(hardware: SimulatedPi) -> None:
    device = servo(hardware)
    assert hardware.board.pin_factory.pin(13).frequency == 50
    assert device.read() == 0.0
    for level, pulse in ((-1.0, 0.001), (1.0, 0.002), (0.5, 0.00175)):
        device.write(level)
        assert hardware.board.level(13) == pytest.approx(pulse / 0.02)
        assert device.read() == level
    assert hardware.board.history(13)[0] == pytest.approx(0.0015 / 0.02)
    device.release()


def test_degrees_and_wider_pulses(hardware: SimulatedPi) -> None:
    device = servo(
        hardware, 30.0, min_angle=0, max_angle=180, min_pulse_width=0.0025, max_pulse_width=0.0005
    )
    assert device.read() == 30.0
    device.write(180)
    assert hardware.board.level(13) == pytest.approx(0.0005 / 0.02), "turned round"
    device.write(0)
    assert hardware.board.level(13) == pytest.approx(0.0025 / 0.02)


def test_a_servo_without_pulses_has_no_position(hardware: SimulatedPi) -> None:
    device = servo(hardware)
    hardware.board.pin_factory.pin(13).state = 0.0
    with pytest.raises(HardwareError, match="gets no pulses"):
        device.read()


def test_pulses_that_cannot_be(hardware: SimulatedPi) -> None:
    with pytest.raises(HardwareError, match="must differ"):
        servo(hardware, min_pulse_width=0.002)
    with pytest.raises(HardwareError, match="frame_width must be longer"):
        servo(hardware, frame_width=0.004, max_pulse_width=0.004)


@given(st.floats(-90, 90))
def test_every_position_reads_back_as_itself(angle: float) -> None:
    spec = ACTUATORS["servo"]
    hardware = SimulatedPi()
    options = {option.name: option.default for option in spec.options}
    options |= {"pin": 13, "min_angle": -90, "max_angle": 90}
    device = spec.open(hardware, options, angle)
    assert device.read() == pytest.approx(angle, abs=1e-6)
    hardware.close()
