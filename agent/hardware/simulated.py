"""The simulated backend: hw_mocks behind the Hardware port. Pins and buses only."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from agent.errors import ConfigError, HardwareError, SensorError
from agent.hardware.ports import (
    ChargeTimer,
    DhtReader,
    EchoTimer,
    OutputDevice,
    Pull,
    PulseCount,
    SpiBus,
)
from hw_mocks.board import BoardError, SimulatedBoard
from hw_mocks.control import listen
from hw_mocks.pins import BoardPin
from hw_mocks.tables import ScenarioError
from hw_mocks.timed import SilenceError, Ultrasonic

Device = TypeVar("Device")


class SimulatedPi:
    """A simulated Pi 4B playing ``scenario`` (a name, a path, or None for no events).

    Listens for the hands of a test where ``HW_MOCKS_CONTROL`` says. Raises ConfigError when the
    scenario is wrong, HardwareError when the control socket cannot be made.
    """

    def __init__(
        self, scenario: str | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        try:
            self.board = SimulatedBoard(scenario, monotonic)
        except ScenarioError as exc:
            raise ConfigError(f"[hardware] scenario: {exc}") from exc
        try:
            self._control = listen(self.board)
        except OSError as exc:
            raise HardwareError(f"cannot open the socket in HW_MOCKS_CONTROL: {exc}") from exc
        except (ValueError, BoardError) as exc:
            raise HardwareError(f"HW_MOCKS_BEGIN: {exc}") from exc
        self._inputs: list[Any] = []
        self.board.start()

    @property
    def clock_error(self) -> float:
        return self.board.clock_error

    def gpio(self, kind: str, pin: int, **arguments: Any) -> Any:
        return self._device(kind, pin, **arguments)

    def internal(self, kind: str, **arguments: Any) -> Any:
        return self._device(kind, **arguments)

    def output(
        self, pin: int, *, active_high: bool, level: float, frequency: int | None = None
    ) -> OutputDevice:
        physical = _physical(level, active_high, pwm=frequency is not None)
        try:
            line = self.board.output(pin, physical, frequency)
        except BoardError as exc:
            raise HardwareError(str(exc)) from exc
        return SimulatedOutput(line, active_high=active_high, pwm=frequency is not None)

    def dht(self, model: Literal["dht11", "dht22"], pin: int) -> DhtReader:
        reader: Any = self.board.dht(model, pin)  # may answer None, as the library itself does
        return cast(DhtReader, reader)

    def pulses(self, pin: int, *, pull: Pull, rising: bool, bounce_time: float) -> PulseCount:
        wired: dict[str, Any] = {"pull_up": pull == "up"}
        if pull == "floating":
            wired = {"pull_up": None, "active_state": rising}
        elif (pull == "up") == rising:
            raise HardwareError(f"GPIO{pin} is pulled to the level whose edges are counted")
        device = self._device("DigitalInputDevice", pin, bounce_time=bounce_time or None, **wired)
        return SimulatedCount(device)

    def charge(self, pin: int) -> ChargeTimer:
        return self._reserved(lambda: self.board.ldr(pin))

    def echo(self, trigger: int, echo: int) -> EchoTimer:
        return SimulatedEcho(self._reserved(lambda: self.board.ultrasonic(trigger, echo)))

    def spi(self, port: int, device: int, chip: str) -> SpiBus:
        return self.board.spi(port, device, chip)

    def iio_root(self) -> Path:
        return self.board.iio_root

    def w1_root(self) -> Path:
        return self.board.w1_root

    def hwmon_root(self) -> Path:
        return self.board.hwmon_root

    def close(self) -> None:
        for device in self._inputs:
            device.close()
        self._inputs.clear()
        if self._control is not None:
            self._control.close()
            self._control = None
        self.board.close()

    def _reserved(self, claim: Callable[[], Device]) -> Device:
        try:
            return claim()
        except BoardError as exc:
            raise HardwareError(str(exc)) from exc

    def _device(self, kind: str, *pin: int, **arguments: Any) -> Any:
        try:
            device = self.board.device(kind, *pin, **arguments)
        except BoardError as exc:
            raise HardwareError(f"{kind}: {exc}") from exc
        self._inputs = [opened for opened in self._inputs if not opened.closed] + [device]
        return device


class SimulatedCount:
    """A PulseCount on a gpiozero input."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._count = 0
        device.when_activated = self._tick

    def _tick(self) -> None:
        self._count += 1

    def count(self) -> int:
        return self._count

    def close(self) -> None:
        self._device.close()


class SimulatedEcho:
    """An EchoTimer on a simulated HC-SR04."""

    def __init__(self, sensor: Ultrasonic) -> None:
        self._sensor = sensor

    def echo_time(self, longest: float) -> float:
        try:
            return self._sensor.echo_time(longest)
        except SilenceError as exc:
            raise SensorError(str(exc)) from exc

    def close(self) -> None:
        self._sensor.close()


class SimulatedOutput:
    """An OutputDevice on a simulated line."""

    def __init__(self, line: BoardPin, *, active_high: bool, pwm: bool) -> None:
        self._line = line
        self._active_high = active_high
        self._pwm = pwm

    def write(self, level: float) -> None:
        self._line.state = _physical(level, self._active_high, pwm=self._pwm)

    def read(self) -> float:
        state = float(self._line.state)
        return state if self._active_high else 1.0 - state

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        """None: the safe-state helper drives real lines, which a simulated pin must never move."""
        return ()

    def release(self) -> None:
        """A simulated line keeps its level anyway."""


def _physical(level: float, active_high: bool, *, pwm: bool) -> float:
    if not pwm:
        level = 1.0 if level >= 0.5 else 0.0
    return level if active_high else 1.0 - level
