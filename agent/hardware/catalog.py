"""Every driver by name, and how devices are opened. Importing it touches no hardware library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_never

from agent.clock import Clock
from agent.config.model import ActuatorConfig, HardwareConfig, SensorConfig
from agent.errors import ConfigError
from agent.hardware import totals
from agent.hardware.drivers import (
    dht,
    distance,
    ds18b20,
    file,
    hwmon,
    iio,
    inputs,
    light,
    line,
    machine,
    mcp3xxx,
    motor,
    outputs,
    ping,
    pulse_counter,
    servo,
)
from agent.hardware.ports import (
    KEPT,
    ActuatorSpec,
    Hardware,
    Option,
    OutputDevice,
    SensorDevice,
    SensorSpec,
)

SENSORS: Mapping[str, SensorSpec] = {
    spec.name: spec
    for spec in (
        inputs.BUTTON,
        inputs.DIGITAL_INPUT,
        inputs.MOTION,
        line.SPEC,
        pulse_counter.SPEC,
        distance.SPEC,
        light.SPEC,
        machine.CPU_TEMPERATURE,
        machine.LOAD_AVERAGE,
        machine.DISK_USAGE,
        dht.DHT11,
        dht.DHT22,
        iio.SPEC,
        file.SPEC,
        ds18b20.SPEC,
        hwmon.SPEC,
        *mcp3xxx.SPECS,
        ping.SPEC,
    )
}

ACTUATORS: Mapping[str, ActuatorSpec] = {
    spec.name: spec
    for spec in (
        outputs.RELAY,
        outputs.DIGITAL_OUTPUT,
        outputs.LED,
        outputs.BUZZER,
        outputs.PWM_LED,
        motor.SPEC,
        servo.SPEC,
    )
}


def open_hardware(config: HardwareConfig, clock: Clock) -> Hardware:
    """The backend the configuration names; never another instead.

    Raises HardwareError (the pi backend), ConfigError (a bad scenario).
    """
    match config.backend:
        case "pi":
            from agent.hardware.pi import RaspberryPi

            return RaspberryPi()
        case "simulated":
            from agent.hardware.simulated import SimulatedPi

            return SimulatedPi(config.scenario, clock.monotonic)
        case other:
            assert_never(other)


def open_sensor(
    hardware: Hardware, config: SensorConfig, state: Path | None = None
) -> SensorDevice:
    """Raises HardwareError; ConfigError for an unknown driver.

    ``state``: the folder in which drivers keep what outlives a restart; None: nothing does.
    """
    spec = SENSORS.get(config.driver)
    if spec is None:
        raise ConfigError(f"sensor {config.id}: there is no driver {config.driver!r}")
    options = _complete(spec.options, config.options)
    if spec.keeps:
        options[KEPT] = None if state is None else totals.place(state, config.id)
    return spec.open(hardware, options)


def open_actuator(hardware: Hardware, config: ActuatorConfig) -> OutputDevice:
    """The output, at its safe level already. Raises as :func:`open_sensor`."""
    spec = ACTUATORS.get(config.driver)
    if spec is None:
        raise ConfigError(f"actuator {config.id}: there is no driver {config.driver!r}")
    return spec.open(hardware, _complete(spec.options, config.options), config.safe)


def _complete(options: tuple[Option, ...], given: Mapping[str, object]) -> dict[str, Any]:
    return {option.name: option.default for option in options} | dict(given)
