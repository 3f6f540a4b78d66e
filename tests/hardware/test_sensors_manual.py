"""The manual of sensors and outputs tells of every driver and option, and its examples load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from agent.config import actuators, sensors
from agent.hardware.catalog import ACTUATORS, SENSORS
from agent.hardware.ports import ActuatorSpec, SensorSpec

MANUAL = (Path(__file__).parents[2] / "docs" / "sensors.md").read_text(encoding="utf-8")
DRIVERS: list[SensorSpec | ActuatorSpec] = [*SENSORS.values(), *ACTUATORS.values()]
EXAMPLES = re.findall(r"```toml\n(.*?)```", MANUAL, flags=re.DOTALL)


@pytest.mark.parametrize("spec", DRIVERS, ids=lambda spec: spec.name)
def test_every_driver_and_option_is_told(spec: SensorSpec | ActuatorSpec) -> None:
    assert f"`{spec.name}`" in MANUAL
    for option in spec.options:
        assert f"| `{option.name}` |" in MANUAL, option.name
    if isinstance(spec, SensorSpec):
        for quantity in spec.quantities:
            assert f"`{quantity}`" in MANUAL, quantity


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_use_drivers_and_options_that_exist(example: str) -> None:
    document = tomllib.loads(example)
    keys = (*sensors.KEYS, *sensors.QUANTITY_KEYS, *actuators.KEYS)
    common = {key.name for key in keys}
    drivers: dict[str, SensorSpec | ActuatorSpec] = {**SENSORS, **ACTUATORS}
    for entry in document.get("sensor", []) + document.get("actuator", []):
        options = {option.name for option in drivers[entry["driver"]].options}
        assert set(entry) <= common | options
