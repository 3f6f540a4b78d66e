"""``relay``, ``digital_output``, ``led``, ``buzzer`` and ``pwm_led``: one output pin.

They differ in name and PWM alone; every one is claimed at its safe level from the first moment
(decision 8), which is the hardware's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.hardware.drivers.options import PIN
from agent.hardware.ports import DIMMER, ActuatorSpec, Hardware, Option, OutputDevice

ACTIVE_HIGH = Option(
    "active_high",
    "bool",
    "true: on is a high pin (3.3 V); false: on is a low pin, as on many relay boards",
    default=True,
)
FREQUENCY = Option("frequency", "int", "PWM frequency in Hz", default=100, between=(1, 10_000))


def open_output(hardware: Hardware, options: Mapping[str, Any], safe: float) -> OutputDevice:
    return hardware.output(
        options["pin"],
        active_high=options["active_high"],
        level=safe,
        frequency=options.get("frequency"),
    )


def _switch(name: str) -> ActuatorSpec:
    return ActuatorSpec(name=name, options=(PIN, ACTIVE_HIGH), open=open_output)


RELAY = _switch("relay")
DIGITAL_OUTPUT = _switch("digital_output")
LED = _switch("led")
BUZZER = _switch("buzzer")
PWM_LED = ActuatorSpec(
    name="pwm_led",
    options=(PIN, ACTIVE_HIGH, FREQUENCY),
    open=open_output,
    range=lambda options: DIMMER,
)
