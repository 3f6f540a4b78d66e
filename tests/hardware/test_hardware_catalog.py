"""The catalog: every driver described well enough to check a configuration without hardware."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from agent.config.model import HardwareConfig
from agent.errors import ConfigError, HardwareError
from agent.hardware.catalog import (
    ACTUATORS,
    SENSORS,
    open_actuator,
    open_hardware,
    open_sensor,
)
from agent.hardware.ports import ActuatorSpec, Option, SensorSpec
from agent.hardware.simulated import SimulatedPi
from tests.hardware.conftest import actuator, sensor
from tests.support.clock import FakeClock

KINDS: dict[str, tuple[type, ...]] = {
    "pin": (int,),
    "int": (int,),
    "number": (int, float),
    "bool": (bool,),
    "duration": (int, float),
    "text": (str,),
    "path": (str,),
}
DRIVERS: list[SensorSpec | ActuatorSpec] = [*SENSORS.values(), *ACTUATORS.values()]
OPTIONS = [
    pytest.param(option, id=f"{spec.name}.{option.name}")
    for spec in DRIVERS
    for option in spec.options
]


def test_the_drivers_there_are() -> None:
    assert set(SENSORS) == {
        *("button", "digital_input", "motion"),
        *("cpu_temperature", "load_average", "disk_usage"),
        *("dht11", "dht22", "iio", "file"),
        *("line", "light", "distance", "ping", "ds18b20", "pulse_counter", "hwmon"),
        *("mcp3001", "mcp3002", "mcp3004", "mcp3008"),
        *("mcp3201", "mcp3202", "mcp3204", "mcp3208"),
        *("mcp3301", "mcp3302", "mcp3304"),
    }
    assert set(ACTUATORS) == {
        *("relay", "digital_output", "led", "pwm_led", "buzzer", "motor", "servo"),
    }


def test_importing_it_loads_no_hardware_library() -> None:
    code = (
        "import sys, agent.hardware.catalog; "
        "heavy = {'gpiozero', 'lgpio', 'adafruit_dht', 'board', 'hw_mocks'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("option", OPTIONS)
def test_defaults_are_what_the_option_itself_allows(option: Option) -> None:
    assert option.help
    if option.required:
        assert option.default is None
        return
    if option.default is None:
        return
    assert isinstance(option.default, KINDS[option.kind])
    if option.between is not None:
        assert isinstance(option.default, int | float)
        assert option.between[0] <= option.default <= option.between[1]
    if option.choices:
        assert option.default in option.choices


def test_edge_sensors_report_changes_unless_told_to_poll() -> None:
    for spec in SENSORS.values():
        assert spec.quantities
        assert (spec.default_every is None) == spec.edge
    assert SENSORS["dht22"].min_every > 2 and SENSORS["dht22"].blocking


def test_the_simulated_backend_is_had_only_by_asking(clock: FakeClock) -> None:
    hardware = open_hardware(HardwareConfig("simulated"), clock)
    assert isinstance(hardware, SimulatedPi)
    hardware.close()


def test_a_wrong_scenario_is_the_operator_s_error(clock: FakeClock) -> None:
    with pytest.raises(
        ConfigError, match=r"\[hardware\] scenario: there is no scenario 'greenhose'"
    ):
        open_hardware(HardwareConfig("simulated", "greenhose"), clock)


def test_errors_name_the_device(hardware: SimulatedPi) -> None:
    open_sensor(hardware, sensor("button", pin=17))
    with pytest.raises(HardwareError, match=r"GPIO17 is already in use"):
        open_actuator(hardware, actuator("relay", pin=17))
    with pytest.raises(HardwareError, match="GPIO17 is already in use"):
        open_sensor(hardware, sensor("motion", pin=17))
    with pytest.raises(ConfigError, match="sensor s1: there is no driver 'relay'"):
        open_sensor(hardware, sensor("relay", pin=5))
    with pytest.raises(ConfigError, match="actuator a1: there is no driver 'button'"):
        open_actuator(hardware, actuator("button", pin=5))


SAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("button", {"pin": 5}),
    ("digital_input", {"pin": 5}),
    ("motion", {"pin": 5}),
    ("load_average", {}),
    ("disk_usage", {}),
    ("dht11", {"pin": 5}),
    ("dht22", {"pin": 5}),
    ("iio", {"device": "bme280", "channel": "temp"}),
    ("file", {"path": "/proc/sys/kernel/pid_max"}),
    ("line", {"pin": 5}),
    ("light", {"pin": 5}),
    ("distance", {"trigger": 5, "echo": 6, "queue_len": 1}),
    ("ds18b20", {}),
    ("pulse_counter", {"pin": 5}),
    ("hwmon", {"device": "cpu_thermal", "channel": "temp1"}),
    *((name, {}) for name in SENSORS if name.startswith("mcp3")),
]


@pytest.mark.parametrize(("driver", "options"), SAMPLES, ids=lambda value: str(value))
def test_every_sensor_gives_exactly_the_quantities_it_declares(
    hardware: SimulatedPi, driver: str, options: dict[str, Any]
) -> None:
    device = open_sensor(hardware, sensor(driver, **options))
    sample = device.read()
    assert set(sample) == set(SENSORS[driver].quantities)
    assert all(isinstance(value, float) for value in sample.values())
    device.close()
    device.close()  # closing never raises
