"""What of the configuration has to exist on the platform: pure.

Readings for a sensor the platform does not know vanish without a word, and a command can only be
sent to one it knows: so each configured sensor and actuator is a sensor there, of the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agent.config.model import ActuatorConfig, Config, SensorConfig
from agent.protocol.objects import Sensor

Type = Literal["gauge", "counter", "switch", "text"]

DRIVER_TYPES: Mapping[str, Type] = {
    "button": "switch",
    "digital_input": "switch",
    "motion": "switch",
    "line": "switch",
    "relay": "switch",
    "digital_output": "switch",
    "led": "switch",
    "buzzer": "switch",
    # Their states are words, or numbers.
    "pwm_led": "text",
    "motor": "text",
    "servo": "text",
}
"""Driver → type on the platform; all others measure, and are gauges."""

QUANTITY_TYPES: Mapping[tuple[str, str], Type] = {
    ("pulse_counter", "total"): "counter",
    ("ping", "value"): "switch",
}
"""(driver, its only quantity) → type, where the driver alone does not tell."""


@dataclass(frozen=True)
class Blueprint:
    """The device as it shall be: its name there, what it is told apart by, and its sensors."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sensors: tuple[Sensor, ...] = ()


def blueprint(config: Config, serial: str) -> Blueprint:
    """The device of this configuration, for the machine with this serial.

    Its name is product code and serial, as in the registry (P-28).
    """
    product = config.registry.product_code if config.registry else ""
    attributes = {"serial": serial} | ({"product_code": product} if product else {})
    return Blueprint(product + serial, attributes, wanted_sensors(config))


def wanted_sensors(config: Config) -> tuple[Sensor, ...]:
    """A sensor for each ``[[sensor]]``, each ``[[actuator]]``, and each ``[[alarm]]`` whose state
    is published, in their order."""
    return (
        *(Sensor(one.id, _type(one), _unit(one)) for one in config.sensors),
        *(Sensor(one.id, _type(one)) for one in config.actuators),
        *(Sensor(one.id, "text") for one in config.alarms if one.publish_state),
    )


def _type(device: SensorConfig | ActuatorConfig) -> Type:
    if device.driver == "file" and device.options.get("parse") == "text":
        return "text"
    if isinstance(device, SensorConfig) and len(device.quantities) == 1:
        only = (device.driver, device.quantities[0].name)
        if only in QUANTITY_TYPES:
            return QUANTITY_TYPES[only]
    return DRIVER_TYPES.get(device.driver, "gauge")


def _unit(sensor: SensorConfig) -> str:
    """Of several quantities all units, in the order of the values."""
    units = [quantity.unit or "" for quantity in sensor.quantities]
    return ", ".join(units) if any(units) else ""
