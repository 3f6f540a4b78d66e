"""Buttons, digital inputs and motion sensors on simulated pins."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from agent.errors import HardwareError
from agent.hardware.catalog import open_sensor
from agent.hardware.ports import EdgeDevice, Sample
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import sensor
from tests.support.waiting import wait_until


def opened(hardware: SimulatedPi, driver: str, **options: Any) -> tuple[EdgeDevice, list[Sample]]:
    device = cast(EdgeDevice, open_sensor(hardware, sensor(driver, **options)))
    changes: list[Sample] = []
    device.watch(changes.append)
    return device, changes


@pytest.mark.parametrize(
    ("driver", "options", "idle"),
    [
        ("button", {}, True),  # pulled up, pressed to ground
        ("button", {"pull_up": False}, False),
        ("button", {"active_state": False}, True),
        ("digital_input", {}, False),
        ("digital_input", {"pull_up": True}, True),
        ("digital_input", {"active_state": True}, False),
        ("motion", {}, False),
        ("motion", {"active_state": False}, True),
    ],
)
def test_one_and_zero_follow_the_contact(
    hardware: SimulatedPi, driver: str, options: dict[str, Any], idle: bool
) -> None:
    hardware.board.drive(27, idle)
    device, changes = opened(hardware, driver, pin=27, bounce_time=0, **options)
    assert device.read() == {"value": 0.0}
    hardware.board.drive(27, not idle)
    assert device.read() == {"value": 1.0}
    hardware.board.drive(27, idle)
    assert changes == [{"value": 1.0}, {"value": 0.0}]


@pytest.mark.parametrize("driver", ["button", "digital_input", "motion", "line", "pulse_counter"])
def test_a_pull_down_against_the_boards_pull_up_is_refused(
    hardware: SimulatedPi, driver: str
) -> None:
    """GPIO2 would read as active for ever: a value like any other, and always wrong."""
    with pytest.raises(HardwareError, match=r"GPIO2 has a pull-up resistor on the board: .*true"):
        open_sensor(hardware, sensor(driver, pin=2, pull_up=False))
    open_sensor(hardware, sensor(driver, pin=2, pull_up=True)).close()


def test_the_boards_own_pull_up_is_one_like_any_other(hardware: SimulatedPi) -> None:
    device, _ = opened(hardware, "button", pin=3, active_state=False, bounce_time=0)
    assert device.read() == {"value": 0.0}
    hardware.board.drive(3, False)
    assert device.read() == {"value": 1.0}
    hardware.board.drive(3, None)
    assert device.read() == {"value": 0.0}


@pytest.mark.parametrize("driver", ["button", "digital_input", "motion"])
def test_a_bouncing_contact_is_one_change(hardware: SimulatedPi, driver: str) -> None:
    hardware.board.drive(27, True)
    device, changes = opened(hardware, driver, pin=27, pull_up=False, bounce_time=0.05)
    assert device.read() == {"value": 1.0}
    for level in (False, True, False, True, False):
        hardware.board.drive(27, level)
    wait_until(lambda: changes)
    hardware.board.drive(27, True)  # a glitch
    hardware.board.drive(27, False)
    hardware.board.drive(27, True)
    wait_until(lambda: len(changes) == 2)
    assert changes == [{"value": 0.0}, {"value": 1.0}]


def test_what_was_pressed_before_we_came_is_read(hardware: SimulatedPi) -> None:
    hardware.board.drive(27, False)
    device, changes = opened(hardware, "button", pin=27)
    assert device.read() == {"value": 1.0}
    assert changes == []


def test_inputs_cost_no_thread(hardware: SimulatedPi) -> None:
    before = threading.active_count()
    opened(hardware, "button", pin=5)
    opened(hardware, "digital_input", pin=6)
    opened(hardware, "motion", pin=13)
    assert threading.active_count() == before


def test_a_motion_sensor_that_averages(hardware: SimulatedPi) -> None:
    device, changes = opened(
        hardware, "motion", pin=27, queue_len=3, sample_rate=100, threshold=0.5
    )
    assert device.read() == {"value": 0.0}
    hardware.board.drive(27, True)
    wait_until(lambda: changes)
    assert changes[0] == {"value": 1.0}
    assert device.read() == {"value": 1.0}
    device.close()


def test_a_closed_input_tells_nothing_more_and_frees_its_pin(hardware: SimulatedPi) -> None:
    device, changes = opened(hardware, "button", pin=27, bounce_time=0)
    device.close()
    hardware.board.drive(27, False)
    assert changes == []
    opened(hardware, "motion", pin=27)


def test_a_pull_the_board_does_not_have(hardware: SimulatedPi) -> None:
    with pytest.raises(HardwareError, match="pull-up"):
        opened(hardware, "digital_input", pin=2, pull_up=False)
