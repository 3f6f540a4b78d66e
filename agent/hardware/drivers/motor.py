"""``motor``: a DC motor behind an H-bridge with one input for each direction.

Both inputs at once is a short in many a bridge (and a brake in others), so one is switched on only
after the other was seen to be off. Levels go from −1 (backward) over 0 (stop) to 1 (forward).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from agent.errors import HardwareError
from agent.hardware.drivers.outputs import FREQUENCY
from agent.hardware.ports import ActuatorSpec, Hardware, Option, OutputDevice, Range

DEAD_TIME = 0.002
"""Seconds between the end of one direction and the start of the other; transistors need far less.
"""


class Motor:
    """Two outputs of which at most one is on."""

    def __init__(
        self,
        forward: OutputDevice,
        backward: OutputDevice,
        safe: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._forward = forward
        self._backward = backward
        self._safe = safe
        self._sleep = sleep

    def write(self, level: float) -> None:
        """Raises HardwareError; then, as far as the pins can be moved at all, the motor stands."""
        on, off = (
            (self._forward, self._backward) if level >= 0 else (self._backward, self._forward)
        )
        try:
            was_running = off.read() > 0
            off.write(0.0)
            if off.read() > 0:
                raise HardwareError("the other direction stays on, so this one is not switched on")
            if was_running and level:
                self._sleep(DEAD_TIME)
            on.write(abs(level))
        except HardwareError:
            on.write(0.0)
            raise

    def read(self) -> float:
        forward, backward = self._forward.read(), self._backward.read()
        if forward > 0 and backward > 0:
            raise HardwareError("both directions of the motor are on")
        return forward - backward

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        """The resting direction first: the helper, too, switches off before it switches on."""
        first, second = self._backward, self._forward
        if self._safe < 0:
            first, second = second, first
        return first.lines() + second.lines()

    def release(self) -> None:
        self._forward.release()
        self._backward.release()


_half_open: WeakKeyDictionary[Hardware, dict[int, OutputDevice]] = WeakKeyDictionary()
"""Outputs of motors whose other pin was taken: an output is never given back, so the next try to
open the motor goes on with the one it has."""


def open_motor(hardware: Hardware, options: Mapping[str, Any], safe: float) -> Motor:
    claim = partial(
        hardware.output,
        active_high=True,
        frequency=options["frequency"] if options["pwm"] else None,
    )
    pins = options["forward"], options["backward"]
    half = _half_open.setdefault(hardware, {})
    forward = half.pop(pins[0], None) or claim(pins[0], level=max(0.0, safe))
    try:
        backward = claim(pins[1], level=max(0.0, -safe))
    except HardwareError:
        half[pins[0]] = forward
        raise
    return Motor(forward, backward, safe)


def motor_range(options: Mapping[str, Any]) -> Range:
    words = {"forward": 1.0, "backward": -1.0, "stop": 0.0}
    return Range(-1.0, 1.0, words, continuous=bool(options["pwm"]))


_pin = partial(Option, kind="pin", required=True, between=(0, 27))

SPEC = ActuatorSpec(
    name="motor",
    options=(
        _pin("forward", help="BCM number of the pin that turns it forward"),
        _pin("backward", help="BCM number of the pin that turns it backward"),
        Option("pwm", "bool", "false: full speed or none, without pulses", default=True),
        FREQUENCY,
    ),
    open=open_motor,
    range=motor_range,
)
