"""Outputs: at the safe level from their first moment, and read back from the pin."""

from __future__ import annotations

import pytest

from agent.hardware.catalog import open_actuator
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import actuator

SWITCHES = ("relay", "digital_output", "led", "buzzer")


@pytest.mark.parametrize("driver", SWITCHES)
@pytest.mark.parametrize("active_high", [True, False])
@pytest.mark.parametrize("safe", [0.0, 1.0])
def test_no_blip_from_the_first_moment_to_the_last(
    hardware: SimulatedPi, driver: str, active_high: bool, safe: float
) -> None:
    config = actuator(driver, safe, pin=17, active_high=active_high)
    output = open_actuator(hardware, config)
    at_rest = safe if active_high else 1 - safe
    assert hardware.board.history(17) == (at_rest,)
    assert output.read() == safe

    output.write(safe)
    assert hardware.board.history(17) == (at_rest,)
    output.write(1 - safe)
    assert output.read() == 1 - safe
    output.write(safe)
    output.release()
    hardware.close()
    assert hardware.board.history(17) == (at_rest, 1 - at_rest, at_rest)


def test_a_relay_is_active_high_unless_told(hardware: SimulatedPi) -> None:
    open_actuator(hardware, actuator("relay", pin=17)).write(1.0)
    assert hardware.board.history(17) == (0.0, 1.0)


@pytest.mark.parametrize("active_high", [True, False])
def test_a_pwm_led_has_levels_between(hardware: SimulatedPi, active_high: bool) -> None:
    config = actuator("pwm_led", 0.25, pin=18, active_high=active_high)
    output = open_actuator(hardware, config)
    output.write(0.75)
    levels = (0.25, 0.75) if active_high else (0.75, 0.25)
    assert hardware.board.history(18) == levels
    assert output.read() == 0.75
    assert hardware.board.pin_factory.pin(18).frequency == 100


def test_the_state_is_read_from_the_pin(hardware: SimulatedPi) -> None:
    output = open_actuator(hardware, actuator("relay", pin=17))
    output.write(1.0)
    hardware.board.pin_factory.pin(17).state = False  # somebody else's doing
    assert output.read() == 0.0


def test_a_simulated_pin_is_nothing_to_the_safe_state_helper(hardware: SimulatedPi) -> None:
    assert open_actuator(hardware, actuator("relay", pin=17)).lines() == ()
