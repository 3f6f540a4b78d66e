"""``[hardware] backend = "pi"``: real lines, read through gpiozero and driven without it.

Inputs are gpiozero devices on a pin factory of ours (``gpiozero_pins``). Outputs are not:
gpiozero makes a pin an input first, an output at level 0 next and sets its level last, and floats
it when it closes (at exit, too). An active-low relay clicks at each of these, so outputs are
claimed from the kernel directly and gpiozero never hears of them (design, decision 8).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agent.errors import HardwareError
from agent.hardware.adafruit import AdafruitDht
from agent.hardware.gpiochip import Line, claim_output
from agent.hardware.gpioheader import header_chip
from agent.hardware.ports import (
    ChargeTimer,
    DhtReader,
    EchoTimer,
    OutputDevice,
    Pull,
    PulseCount,
    SpiBus,
)
from agent.hardware.pulses import FREQUENCIES, PulsedLine
from agent.hardware.spidev import SpiDevice
from agent.hardware.timed_lines import ChargedLine, CountedLine, EchoLine

if TYPE_CHECKING:
    from agent.hardware.gpiozero_pins import InputFactory

IIO_ROOT = Path("/sys/bus/iio/devices")
W1_ROOT = Path("/sys/bus/w1/devices")
HWMON_ROOT = Path("/sys/class/hwmon")

Lines = tuple[tuple[int, int, bool], ...]


class Output:
    """A line that is on or off."""

    def __init__(self, chip: int, pin: int, *, active_high: bool, level: float) -> None:
        self._active_high = active_high
        safe = (level >= 0.5) == active_high
        self._lines: Lines = ((chip, pin, safe),)
        self._line: Line = claim_output(chip, pin, safe)

    def write(self, level: float) -> None:
        self._line.write((level >= 0.5) == self._active_high)

    def read(self) -> float:
        return float(self._line.read() == self._active_high)

    def lines(self) -> Lines:
        return self._lines

    def release(self) -> None:
        """The line stays claimed and driven until the process ends."""


class PulsedOutput:
    """A line that is pulsed in between; full on and full off are plain levels."""

    def __init__(
        self, chip: int, pin: int, *, active_high: bool, level: float, frequency: int
    ) -> None:
        self._active_high = active_high
        self._frequency = frequency
        self._duty: float | None = None
        # Nothing pulses a line once we are gone: only a safe state of full on ends on.
        safe = (level >= 1.0) == active_high
        self._lines: Lines = ((chip, pin, safe),)
        self._line = PulsedLine(chip, pin, safe)
        if 0.0 < level < 1.0:
            self.write(level)

    def write(self, level: float) -> None:
        if 0.0 < level < 1.0:
            self._line.pulse(self._frequency, level if self._active_high else 1.0 - level)
            self._duty = level
        else:
            self._line.write((level >= 1.0) == self._active_high)
            self._duty = None

    def read(self) -> float:
        """While pulsed, the duty set (a single look at the pin says nothing); else the pin."""
        if self._duty is not None and self._line.pulsing():
            return self._duty
        return float(self._line.read() == self._active_high)

    def lines(self) -> Lines:
        return self._lines

    def release(self) -> None:
        """The line stays claimed, and pulsed, until the process ends."""


class RaspberryPi:
    """The ``Hardware`` port on the pins of a Raspberry Pi."""

    def __init__(self) -> None:
        self._header: int | None = None
        self._inputs: InputFactory | None = None

    @property
    def clock_error(self) -> float:
        return 0.0

    @property
    def _chip(self) -> int:
        """The chip of the 40-pin header, looked for when the first pin is asked for: a machine
        without one still has temperatures, files and a registry to wait in. Raises HardwareError.
        """
        if self._header is None:
            self._header = header_chip()
        return self._header

    def gpio(self, kind: str, pin: int, **arguments: Any) -> Any:
        """An input device of gpiozero's, such as ``Button``; outputs come from :meth:`output`."""
        return self._gpiozero().device(kind, pin, **arguments)

    def internal(self, kind: str, **arguments: Any) -> Any:
        return self._gpiozero().device(kind, **arguments)

    def _gpiozero(self) -> InputFactory:
        """gpiozero is imported when the first device of it is asked for."""
        if self._inputs is None:
            try:
                from agent.hardware.gpiozero_pins import InputFactory
            except ImportError as exc:
                raise HardwareError(f"gpiozero is missing ({exc}): install it again") from exc
            self._inputs = InputFactory(lambda: self._chip)
        return self._inputs

    def output(
        self, pin: int, *, active_high: bool, level: float, frequency: int | None = None
    ) -> OutputDevice:
        if frequency is None:
            return Output(self._chip, pin, active_high=active_high, level=level)
        slowest, fastest = FREQUENCIES
        if not slowest <= frequency <= fastest:
            raise HardwareError(
                f"GPIO{pin} cannot be pulsed at {frequency} Hz: {slowest} to {fastest}"
            )
        return PulsedOutput(
            self._chip, pin, active_high=active_high, level=level, frequency=frequency
        )

    def dht(self, model: Literal["dht11", "dht22"], pin: int) -> DhtReader:
        return AdafruitDht(model, pin)

    def pulses(self, pin: int, *, pull: Pull, rising: bool, bounce_time: float) -> PulseCount:
        return CountedLine(self._chip, pin, pull=pull, rising=rising, debounce=bounce_time)

    def charge(self, pin: int) -> ChargeTimer:
        return ChargedLine(self._chip, pin)

    def echo(self, trigger: int, echo: int) -> EchoTimer:
        return EchoLine(self._chip, trigger, echo)

    def spi(self, port: int, device: int, chip: str) -> SpiBus:
        return SpiDevice(port, device)

    def iio_root(self) -> Path:
        return IIO_ROOT

    def w1_root(self) -> Path:
        return W1_ROOT

    def hwmon_root(self) -> Path:
        return HWMON_ROOT

    def close(self) -> None:
        """Give the inputs back. Outputs end with the process: closed, the kernel might float
        them."""
        if self._inputs is not None:
            self._inputs.close()
            self._inputs = None
