"""``button``, ``digital_input`` and ``motion``: one pin that tells of its changes, value 1 or 0.

All three are gpiozero's DigitalInputDevice with the defaults of its Button, DigitalInputDevice and
MotionSensor: the kernel reports and debounces the edges and nothing runs in between. gpiozero's
Button keeps a thread that wakes ten times a second for a hold event nobody asked for, and its
MotionSensor one that samples the pin as often. Only ``motion`` with a ``queue_len`` above 1, which
averages samples, needs that thread and gets gpiozero's MotionSensor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from agent.hardware.drivers.options import ACTIVE_STATE, PIN, bounce_time, pull_of, pull_up
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec

QUANTITIES = {"value": None}


class InputPin:
    """A gpiozero input as an EdgeDevice."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def read(self) -> Sample:
        return _sample(self._device.is_active)

    def watch(self, changed: Callable[[Sample], None]) -> None:
        # The value comes from the edge, not from a second look at the pin: a short press read
        # late would be reported as two releases.
        self._device.when_activated = lambda: changed(_sample(True))
        self._device.when_deactivated = lambda: changed(_sample(False))

    def close(self) -> None:
        self._device.close()


def _sample(active: bool) -> Sample:
    return {"value": 1.0 if active else 0.0}


def _pull(options: Mapping[str, Any]) -> dict[str, Any]:
    """gpiozero wants either a pull or, for a floating pin, the active state: never both."""
    if pull_of(options) == "floating":
        return {"pull_up": None, "active_state": options["active_state"]}
    return {"pull_up": options["pull_up"]}


def open_edge(hardware: Hardware, options: Mapping[str, Any]) -> InputPin:
    device = hardware.gpio(
        "DigitalInputDevice",
        options["pin"],
        bounce_time=options["bounce_time"] or None,
        **_pull(options),
    )
    return InputPin(device)


def open_motion(hardware: Hardware, options: Mapping[str, Any]) -> InputPin:
    if options["queue_len"] == 1:
        return open_edge(hardware, options)
    device = hardware.gpio(
        "MotionSensor",
        options["pin"],
        queue_len=options["queue_len"],
        sample_rate=options["sample_rate"],
        threshold=options["threshold"],
        partial=True,  # else every read blocks until the queue is full
        **_pull(options),
    )
    # gpiozero fires no event for its first sample, so nobody may read or watch before it is in.
    patience = 2 / options["sample_rate"]
    while device.active_time is None and device.inactive_time is None and patience > 0:
        time.sleep(0.01)
        patience -= 0.01
    return InputPin(device)


BUTTON = SensorSpec(
    name="button",
    quantities=QUANTITIES,
    options=(PIN, pull_up(True), ACTIVE_STATE, bounce_time(0.05)),
    open=open_edge,
    edge=True,
    default_every=None,
)

DIGITAL_INPUT = SensorSpec(
    name="digital_input",
    quantities=QUANTITIES,
    options=(PIN, pull_up(False), ACTIVE_STATE, bounce_time(0.01)),
    open=open_edge,
    edge=True,
    default_every=None,
)

MOTION = SensorSpec(
    name="motion",
    quantities=QUANTITIES,
    options=(
        PIN,
        pull_up(False),
        ACTIVE_STATE,
        bounce_time(0.1),
        Option(
            "queue_len",
            "int",
            "samples averaged; 1: edges are reported without sampling",
            default=1,
            between=(1, 100),
        ),
        Option(
            "sample_rate",
            "number",
            "samples per second, with queue_len above 1",
            default=10.0,
            between=(1.0, 100.0),
        ),
        Option(
            "threshold",
            "number",
            "average that counts as motion, with queue_len above 1",
            default=0.5,
            between=(0.01, 0.99),
        ),
    ),
    open=open_motion,
    edge=True,
    default_every=None,
)
