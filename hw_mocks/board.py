"""A simulated Raspberry Pi: pins, sensors and buses in one small world, driven by a scenario."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpiozero

from hw_mocks.dht import SimulatedDht
from hw_mocks.iio import IioTree
from hw_mocks.mcp3xxx import MODELS, Mcp3xxx
from hw_mocks.pins import BoardFactory, BoardPin
from hw_mocks.scenario import (
    DEFAULT_ADC,
    DEFAULT_METRES,
    Dht,
    Fault,
    Scenario,
    check_fault,
    load,
)
from hw_mocks.sysfs import HwmonTree, W1Tree
from hw_mocks.timed import Ldr, Ultrasonic
from hw_mocks.world import Loads, World, outside, step


class BoardError(Exception):
    """Something a real board would refuse too: a taken pin, a pin that is not there."""


class SimulatedBoard:
    """The board. ``scenario``: a name, a path, a :class:`Scenario`, or None for plain answers.

    Nothing runs by itself until :meth:`start`; with a ``monotonic`` of one's own the world moves
    with that clock. Levels are physical: 0.0 low, 1.0 high. ``clock_error``: the seconds by which
    the wall clock of the machine is wrong.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(scenario, str | Path):
            scenario = load(scenario)
        self.scenario = scenario or Scenario()
        self.clock_error = 0.0
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._started = self._stepped = monotonic()
        self._world = step(World(time=self.scenario.start_hour * 3600), 0.0, Loads())
        self._by_hand: dict[str, Fault | None] = {}
        self._dhts: dict[tuple[str, int], SimulatedDht] = {}
        self._outputs: dict[int, gpiozero.GPIODevice] = {}
        self.pin_factory = BoardFactory(changing=self.world)
        self._iio = IioTree(self.scenario.iio, self.fault_of)
        self._w1 = W1Tree(self.scenario.w1, self.fault_of)
        self._hwmon = HwmonTree(self.scenario.hwmon, self.fault_of)
        self._trees = (self._iio, self._w1, self._hwmon)

    # what the agent's drivers use

    def device(self, kind: str, *pin: int, **arguments: Any) -> Any:
        """A gpiozero device of class ``kind`` on this board. Raises BoardError."""
        try:
            return getattr(gpiozero, kind)(*pin, pin_factory=self.pin_factory, **arguments)
        except OSError as exc:
            raise BoardError(f"{exc.filename}: {exc.strerror}") from exc
        except (gpiozero.GPIOZeroError, TypeError, ValueError) as exc:
            raise BoardError(str(exc)) from exc

    def output(self, pin: int, level: float, frequency: int | None = None) -> BoardPin:
        """Claim ``pin`` as an output at ``level``, with ``frequency`` (Hz) as PWM; it stays one
        until the board is gone. Raises BoardError."""
        self._outputs[pin] = device = self._reserve(pin)
        line: BoardPin = device.pin
        line.output_with_state(level)
        line.frequency = frequency
        return line

    def dht(self, model: str, pin: int) -> SimulatedDht:
        """The DHT on ``pin``: one sensor with one memory, however often it is asked for."""
        with self._lock:
            device = f"{model}@{pin}"
            wiring = self.scenario.dhts.get(device, Dht())
            return self._dhts.setdefault(
                (model, pin),
                SimulatedDht(
                    model,
                    sample=lambda: self._air(wiring),
                    fault=lambda: self.fault_of(device),
                    monotonic=self._monotonic,
                    wait=self._closed.wait,
                ),
            )

    def ldr(self, pin: int) -> Ldr:
        """A light-dependent resistor and its capacitor at ``pin``. Raises BoardError."""
        device = self._reserve(pin)
        return Ldr(
            lambda: self.world().light,
            lambda: self.fault_of(f"ldr@{pin}"),
            self._closed.wait,
            device.close,
        )

    def ultrasonic(self, trigger: int, echo: int) -> Ultrasonic:
        """An HC-SR04 at two pins. Raises BoardError."""
        first = self._reserve(trigger)
        try:
            second = self._reserve(echo)
        except BoardError:
            first.close()
            raise

        def close() -> None:
            first.close()
            second.close()

        return Ultrasonic(
            lambda: self.scenario.metres.get(echo, DEFAULT_METRES),
            lambda: self.fault_of(f"ultrasonic@{echo}"),
            close,
        )

    def spi(self, port: int, device: int, chip: str) -> Mcp3xxx:
        """The converter at that select line: the scenario's, else a ``chip``."""
        name = f"spi{port}.{device}"
        wired = self.scenario.adcs.get(name, DEFAULT_ADC)
        return Mcp3xxx(
            MODELS[wired.chip or chip],
            lambda channel: self._volts(wired.channels.get(channel, 0.0)),
            lambda: self.fault_of(name),
        )

    @property
    def iio_root(self) -> Path:
        """The IIO folder, its files fresh as of this call."""
        with self._lock:
            return self._iio.refresh(self.world())

    @property
    def w1_root(self) -> Path:
        """The folder of 1-Wire devices, likewise."""
        with self._lock:
            return self._w1.refresh(self.world())

    @property
    def hwmon_root(self) -> Path:
        """The folder of hardware monitors, likewise."""
        with self._lock:
            return self._hwmon.refresh(self.world())

    # the hands of a test or a demo

    def world(self) -> World:
        """The greenhouse as of now."""
        with self._lock:
            now = self._monotonic()
            seconds = (now - self._stepped) * self.scenario.speed
            self._world = step(self._world, seconds, self._loads())
            self._stepped = now
            return self._world

    def level(self, pin: int) -> float:
        """What the line shows."""
        return float(self._pin(pin).state)

    def history(self, pin: int) -> tuple[float, ...]:
        """Every level an output was driven to, the first is the one it was claimed with."""
        return tuple(self._pin(pin).levels)

    def drive(self, pin: int, level: bool | None) -> None:
        """Drive an input from outside until told otherwise; None lets go. Raises BoardError."""
        line = self._pin(pin)
        if line.is_output:
            raise BoardError(f"pin {pin} is an output of the board: driving it would short it")
        line.drive(level)

    def press(self, pin: int, seconds: float = 0.2) -> None:
        """Press a button: away from the level its pull gives it, and back. Raises BoardError."""
        line = self._pin(pin)
        self.drive(pin, not line.pull_level)
        letting_go = threading.Timer(seconds, line.drive, (None,))
        letting_go.daemon = True
        letting_go.start()

    def fault(self, device: str, kind: str, seconds: float | None = None) -> None:
        """Break a device now, for ``seconds`` or until :meth:`clear`. Raises ScenarioError."""
        check_fault(self.scenario, device, kind)
        with self._lock:
            self._by_hand[device] = Fault(device, kind, self._now(), seconds)
            self._refresh()

    def clear(self, device: str) -> None:
        """Mend a device, for good: the scenario's own faults of it end too."""
        with self._lock:
            self._by_hand[device] = None
            self._refresh()

    def fault_of(self, device: str) -> str | None:
        """The fault a device has at this moment; the one given last counts."""
        now = self._now()
        if device in self._by_hand:
            given = self._by_hand[device]
            return given.kind if given is not None and given.active(now) else None
        active = [f.kind for f in self.scenario.faults if f.device == device and f.active(now)]
        return active[-1] if active else None

    def start(self) -> None:
        """Let the scenario's presses happen, in real time."""
        if self.scenario.inputs:
            threading.Thread(target=self._play, name="hw_mocks inputs", daemon=True).start()

    def close(self) -> None:
        """End presses and hanging sensors, and remove the folders. Pins stay as they are."""
        self._closed.set()
        with self._lock:
            for tree in self._trees:
                tree.close()

    def _refresh(self) -> None:
        for tree in self._trees:
            tree.refresh(self.world())

    def _reserve(self, pin: int) -> Any:
        try:
            # A plain GPIODevice reserves the pin as gpiozero's own devices do, and moves nothing.
            return gpiozero.GPIODevice(pin, pin_factory=self.pin_factory)
        except gpiozero.GPIOZeroError as exc:
            raise BoardError(str(exc)) from exc

    def _volts(self, shows: str | float) -> float:
        """What is at an input of a converter that shows that of the world."""
        world = self.world()
        match shows:
            case "temperature":
                return 0.5 + 0.01 * world.temperature  # a TMP36
            case "humidity":
                return 3.3 * world.humidity / 100
            case "light":
                return 3.3 * min(1.0, world.light / 50_000)
        return float(shows)

    def _play(self) -> None:
        upcoming = [(entry.at, n) for n, entry in enumerate(self.scenario.inputs)]
        heapq.heapify(upcoming)
        while upcoming:
            at, n = heapq.heappop(upcoming)
            if self._closed.wait(max(0.0, at - self._now())):
                return
            entry = self.scenario.inputs[n]
            if not self._pin(entry.pin).is_output:
                if entry.level is None:
                    self.press(entry.pin, entry.press)
                else:
                    self.drive(entry.pin, entry.level)
            if entry.every is not None:
                heapq.heappush(upcoming, (at + entry.every, n))

    def _now(self) -> float:
        return self._monotonic() - self._started

    def _pin(self, pin: int) -> BoardPin:
        try:
            line: BoardPin = self.pin_factory.pin(pin)
        except gpiozero.GPIOZeroError as exc:
            raise BoardError(str(exc)) from exc
        return line

    def _air(self, wiring: Dht) -> tuple[float, float]:
        world = self.world()
        temperature, humidity = world.temperature, world.humidity
        if wiring.place == "outside":
            temperature, humidity = outside(world.time)
        return (
            temperature if wiring.temperature is None else wiring.temperature,
            humidity if wiring.humidity is None else wiring.humidity,
        )

    def _loads(self) -> Loads:
        powers = {}
        for name, wiring in self.scenario.loads.items():
            line = self._pin(wiring.pin)
            level = float(line.state) if wiring.active_high else 1.0 - float(line.state)
            powers[name] = level if line.is_output else 0.0
        return Loads(**powers)
