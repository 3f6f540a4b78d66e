"""``servo``: a hobby servo, told its position by the length of a pulse that is repeated for ever.

A level is a position between ``min_angle`` and ``max_angle``. A servo does not answer: what is read
back is the pulse it gets. When nothing pulses the line any more it holds, or lets go, where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.errors import HardwareError
from agent.hardware.drivers.options import PIN
from agent.hardware.ports import ActuatorSpec, Hardware, Option, OutputDevice, Range


class Servo:
    """Positions from ``low`` to ``high`` as duties of a pulsed ``output``."""

    def __init__(
        self, output: OutputDevice, low: float, high: float, duties: tuple[float, float]
    ) -> None:
        self._output = output
        self._low = low
        self._high = high
        self._duties = duties

    def write(self, level: float) -> None:
        self._output.write(duty(level, self._low, self._high, self._duties))

    def read(self) -> float:
        pulsed = self._output.read()
        if not 0.0 < pulsed < 1.0:
            raise HardwareError("the servo gets no pulses")
        first, last = self._duties
        level = self._low + (pulsed - first) / (last - first) * (self._high - self._low)
        return round(level, 6) + 0.0

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        """Low, which is no pulse: the safe position cannot be held by nobody."""
        return self._output.lines()

    def release(self) -> None:
        self._output.release()


def duty(level: float, low: float, high: float, duties: tuple[float, float]) -> float:
    """The part of a frame the line is high for, at a position."""
    first, last = duties
    return first + (level - low) / (high - low) * (last - first)


def open_servo(hardware: Hardware, options: Mapping[str, Any], safe: float) -> Servo:
    low, high = options["min_angle"], options["max_angle"]
    frequency = round(1 / options["frame_width"])
    first, last = (options[name] * frequency for name in ("min_pulse_width", "max_pulse_width"))
    if first == last:
        raise HardwareError("min_pulse_width and max_pulse_width must differ")
    if max(first, last) >= 1:
        raise HardwareError("frame_width must be longer than the longest pulse")
    duties = (first, last)
    output = hardware.output(
        options["pin"],
        active_high=True,
        level=duty(safe, low, high, duties),
        frequency=frequency,
    )
    return Servo(output, low, high, duties)


def servo_range(options: Mapping[str, Any]) -> Range:
    low, high = options["min_angle"], options["max_angle"]
    return Range(low, high, {"min": low, "mid": (low + high) / 2, "max": high})


def _pulse(name: str, help: str, default: float) -> Option:
    return Option(name, "duration", help, default=default, between=(0.0002, 0.004))


SPEC = ActuatorSpec(
    name="servo",
    options=(
        PIN,
        Option(
            "min_angle", "number", "the position at min_pulse_width", default=-1.0,
            between=(-720, 720),
        ),
        Option(
            "max_angle", "number", "the position at max_pulse_width, the greater number",
            default=1.0, between=(-720, 720),
        ),
        _pulse("min_pulse_width", "pulse of the one end; longer than the other's turns it round",
               0.001),
        _pulse("max_pulse_width", "pulse of the other end", 0.002),
        Option(
            "frame_width", "duration", "time from pulse to pulse", default=0.02,
            between=(0.005, 0.05),
        ),
    ),
    open=open_servo,
    range=servo_range,
)  # fmt: skip
