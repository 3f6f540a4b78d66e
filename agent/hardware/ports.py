"""What the rooms know of hardware: devices that read or write, and the specs that describe them.

A driver is one small file in ``agent/hardware/drivers/``: a ``SPEC`` (pure data, so that a
configuration is checked without touching a pin or importing a library) and an ``open``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Value = float | str
Sample = Mapping[str, Value]
"""Quantity → value, one entry for each quantity the driver has."""


class SensorDevice(Protocol):
    """An opened sensor."""

    def read(self) -> Sample:
        """One fresh sample; blocks as long as the hardware does. Raises SensorError."""

    def close(self) -> None:
        """Give the line or bus back. Never raises."""


class EdgeDevice(SensorDevice, Protocol):
    """A sensor that tells of its changes by itself."""

    def watch(self, changed: Callable[[Sample], None]) -> None:
        """Call ``changed`` at every (debounced) change, from any thread, until closed."""


class OutputDevice(Protocol):
    """An opened output. Levels are logical (active-low is the driver's affair): 0.0 is off, and
    the driver's :class:`Range` says how far they go."""

    def write(self, level: float) -> None:
        """Drive the pin. Raises HardwareError."""

    def read(self) -> float:
        """The level read back from the pin itself, not what was last written. Raises
        HardwareError."""

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        """(gpiochip number, line, physical level at the safe state) for the safe-state helper."""

    def release(self) -> None:
        """Let go without touching the level (decision 8: closing would float it)."""


Pull = Literal["up", "down", "floating"]
OptionKind = Literal["pin", "int", "number", "bool", "duration", "text", "path"]


@dataclass(frozen=True)
class Option:
    """A key of a ``[[sensor]]`` or ``[[actuator]]`` that belongs to its driver alone.

    ``default`` is what the driver gets when the key is left out; a ``required`` key has none.
    ``choices`` and ``between`` (inclusive) bound it; durations arrive as seconds.
    """

    name: str
    kind: OptionKind
    help: str
    required: bool = False
    default: object = None
    choices: tuple[str, ...] = ()
    between: tuple[float, float] | None = None


@dataclass(frozen=True)
class SensorSpec:
    """A sensor driver as the configuration sees it.

    ``quantities``: name → default unit (None: no unit). ``edge``: reports changes by itself.
    ``blocking``: ``read`` can take long, so it gets a thread of its own. ``min_every``: seconds;
    a shorter ``every`` is raised to it with a warning. ``shares_pin``: several sensors of this
    driver may name the same pin (two quantities of one DHT). ``keeps``: what it measures outlives
    a restart; its options have :data:`KEPT`.
    """

    name: str
    quantities: Mapping[str, str | None]
    options: tuple[Option, ...]
    open: Callable[[Hardware, Mapping[str, Any]], SensorDevice] = field(repr=False)
    edge: bool = False
    blocking: bool = False
    min_every: float = 0.1
    default_every: float | None = 60.0
    shares_pin: bool = False
    keeps: bool = False


KEPT = "kept"
"""Beside the options of a driver that ``keeps``: a Path of the sensor's own in the state folder."""


@dataclass(frozen=True)
class Range:
    """The levels of an output, from ``low`` to ``high``, and the words that name some of them.

    Not ``continuous``: it has the levels of its words and none between.
    """

    low: float
    high: float
    words: Mapping[str, float]
    continuous: bool = True


SWITCH = Range(0.0, 1.0, {"on": 1.0, "off": 0.0}, continuous=False)
DIMMER = Range(0.0, 1.0, {"on": 1.0, "off": 0.0})


@dataclass(frozen=True)
class ActuatorSpec:
    """An actuator driver as the configuration sees it.

    ``range``: what it can be set to, given its options. Level 0 is off for everything that looks
    at on and off, such as ``max_on`` and an interlock.
    """

    name: str
    options: tuple[Option, ...]
    open: Callable[[Hardware, Mapping[str, Any], float], OutputDevice] = field(repr=False)
    """Called with the hardware, the options and the safe level the pin is claimed with."""
    range: Callable[[Mapping[str, Any]], Range] = lambda options: SWITCH


class DhtReader(Protocol):
    """A DHT as adafruit-circuitpython-dht presents it: one ``measure`` is one try on the wire."""

    def measure(self) -> tuple[float, float]:
        """(°C, %RH) of a fresh answer; RuntimeError when the sensor did not answer well."""

    def close(self) -> None: ...


class PulseCount(Protocol):
    """A line whose edges are counted, whoever looks."""

    def count(self) -> int:
        """Edges since it was opened. Raises HardwareError."""

    def close(self) -> None: ...


class ChargeTimer(Protocol):
    """A capacitor at a line, emptied by it and filled from elsewhere."""

    def charge_time(self, longest: float) -> float | None:
        """Empty it, let go, and tell the seconds until the line was high: 0.0 if it was at once,
        None if it was not after ``longest``. Blocks for all of that. Raises HardwareError."""

    def close(self) -> None: ...


class EchoTimer(Protocol):
    """An ultrasonic sensor: a trigger, and an echo that is high as long as the sound is away."""

    def echo_time(self, longest: float) -> float:
        """Seconds of the echo of one ping, ``longest`` for one that is longer.

        Blocks for all of that. Raises SensorError when none begins or the one before never ends.
        """

    def close(self) -> None: ...


class SpiBus(Protocol):
    """One chip on an SPI bus, mode 0, eight bits a word."""

    def transfer(self, data: bytes) -> bytes:
        """Send ``data``; what came back meanwhile, as long. Raises SensorError."""

    def close(self) -> None: ...


class Hardware(Protocol):
    """Where devices come from: the Pi itself, or hw_mocks (``[hardware] backend``)."""

    @property
    def clock_error(self) -> float:
        """Seconds by which a simulated machine's wall clock is wrong; 0.0 on a Pi, whose clock is
        what it is."""

    def gpio(self, kind: str, pin: int, **arguments: Any) -> Any:
        """A gpiozero device of class ``kind`` on BCM ``pin``. Raises HardwareError."""

    def internal(self, kind: str, **arguments: Any) -> Any:
        """A gpiozero device of class ``kind`` that reads this machine itself and uses no pin
        (CPUTemperature, LoadAverage, DiskUsage). Raises HardwareError, also when the file it reads
        is not there."""

    def output(
        self, pin: int, *, active_high: bool, level: float, frequency: int | None = None
    ) -> OutputDevice:
        """Claim ``pin`` as an output that is at logical ``level`` from its very first moment.
        ``frequency`` in Hz makes it a PWM output. Raises HardwareError."""

    def dht(self, model: Literal["dht11", "dht22"], pin: int) -> DhtReader:
        """The user-space DHT driver on BCM ``pin``. Raises HardwareError."""

    def pulses(self, pin: int, *, pull: Pull, rising: bool, bounce_time: float) -> PulseCount:
        """Count the edges of that direction on BCM ``pin``, those after which the level lasted
        ``bounce_time`` seconds. Raises HardwareError."""

    def charge(self, pin: int) -> ChargeTimer:
        """A capacitor between BCM ``pin`` and ground. Raises HardwareError."""

    def echo(self, trigger: int, echo: int) -> EchoTimer:
        """An ultrasonic sensor on two BCM pins. Raises HardwareError."""

    def spi(self, port: int, device: int, chip: str) -> SpiBus:
        """The chip that select line ``device`` of bus ``port`` selects; a simulated bus plugs
        ``chip`` in there if its scenario has none. Raises HardwareError."""

    def iio_root(self) -> Path:
        """The folder of the kernel's IIO devices: ``/sys/bus/iio/devices``, or a simulated one."""

    def w1_root(self) -> Path:
        """The folder of the kernel's 1-Wire devices: ``/sys/bus/w1/devices``, or a simulated
        one."""

    def hwmon_root(self) -> Path:
        """The folder of the kernel's hardware monitors: ``/sys/class/hwmon``, or a simulated
        one."""

    def close(self) -> None:
        """Close inputs and buses. Outputs stay as they are."""
