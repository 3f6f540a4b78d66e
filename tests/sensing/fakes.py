"""A clock turned by hand, devices that obey the ports, and a room made of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from time import monotonic

from agent.config.model import QuantityConfig, SensorConfig
from agent.errors import SensorError
from agent.hardware.ports import Sample, SensorDevice, SensorSpec
from agent.sensing.reading import Reading
from agent.sensing.sensing import Sensing

Answer = float | str | Exception


class HandClock:
    """Stands still until ``now`` is set. Nobody in this room may ask it for the wall clock."""

    boot_id = "boot"

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        raise AssertionError("the sensing room asked for the wall clock")

    def trusted(self) -> bool:
        raise AssertionError("the sensing room asked for the wall clock")


class RealClock(HandClock):
    def monotonic(self) -> float:
        return monotonic()


class Plain:
    """A device of one quantity, ``value``, that answers what ``answer`` is at the moment."""

    def __init__(self, answer: Answer = 1.0) -> None:
        self.answer = answer
        self.reads = 0
        self.closed = 0
        self.threads: set[threading.Thread] = set()
        self.thread_names: set[str] = set()

    def read(self) -> Sample:
        assert not self.closed
        self.reads += 1
        self._note_thread()
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"value": self.answer}

    def close(self) -> None:
        self.closed += 1
        self._note_thread()

    def _note_thread(self) -> None:
        self.threads.add(threading.current_thread())
        self.thread_names.add(threading.current_thread().name)


class Scripted(Plain):
    """Answers one after the other, then the last one for ever."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(answers[0])
        self._rest: Iterator[Answer] = iter(answers)

    def read(self) -> Sample:
        self.answer = next(self._rest, self.answer)
        return super().read()


class Hanging(Plain):
    """Does not answer until let go."""

    def __init__(self, answer: Answer = 1.0) -> None:
        super().__init__(answer)
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.inside = 0
        self.most_inside = 0

    def read(self) -> Sample:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.entered.set()
        assert self.let_go.wait(20)
        self.inside -= 1
        return super().read()


class Switch(Plain):
    """An edge device: ``turn`` changes it and tells, in the thread that calls."""

    def __init__(self, answer: Answer = 0.0) -> None:
        super().__init__(answer)
        self.changed: Callable[[Sample], None] | None = None

    def watch(self, changed: Callable[[Sample], None]) -> None:
        self.changed = changed

    def turn(self, answer: float | str) -> None:
        self.answer = answer
        if self.changed is not None:
            self.changed({"value": answer})

    def turn_elsewhere(self, *answers: float | str) -> None:
        def work() -> None:
            for answer in answers:
                self.turn(answer)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)


def _unused(*_: object) -> SensorDevice:
    raise AssertionError("the room opens devices through the function it is given")


PLAIN = SensorSpec("plain", {"value": "V"}, (), _unused)
SPECS = {
    "plain": PLAIN,
    "pair": replace(PLAIN, name="pair", quantities={"temperature": "°C", "humidity": "%"}),
    "slow": replace(PLAIN, name="slow", blocking=True),
    "edge": replace(PLAIN, name="edge", edge=True, default_every=None),
    "slow_edge": replace(PLAIN, name="slow_edge", edge=True, blocking=True, default_every=None),
}
VALUE = QuantityConfig("value")


def sensor(
    id: str = "s",
    driver: str = "plain",
    every: float | None = 1.0,
    quantities: tuple[QuantityConfig, ...] = (VALUE,),
    **more: object,
) -> SensorConfig:
    return replace(SensorConfig(id, driver, quantities, every=every), **more)  # type: ignore[arg-type]


class Room:
    """A Sensing over fake devices; ``devices[id]`` may be an exception that opening raises."""

    def __init__(
        self,
        *configs: SensorConfig,
        clock: HandClock | None = None,
        **devices: SensorDevice | Exception,
    ) -> None:
        self.clock = clock or HandClock()
        self.devices: dict[str, SensorDevice | Exception] = dict(devices)
        self.opened: list[tuple[str, str]] = []
        self.readings: list[Reading] = []
        self.sensing = Sensing(configs, SPECS, self._open, self.clock, self.readings.append)

    def _open(self, config: SensorConfig) -> SensorDevice:
        self.opened.append((config.id, threading.current_thread().name))
        device = self.devices[config.id]
        if isinstance(device, Exception):
            raise device
        return device

    def run_until(self, end: float) -> int:
        """Turn the clock from one due time to the next, as a perfect timer would. Wake-ups."""
        wakes = 0
        while True:
            due = self.sensing.tick()
            wakes += 1
            assert due > self.clock.now
            if due > end:
                self.clock.now = end
                return wakes
            self.clock.now = due

    def values(self, id: str = "s") -> list[tuple[str, ...]]:
        return [reading.values for reading in self.readings if reading.sensor == id]


async def until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Wait for a condition, looking every millisecond."""
    end = monotonic() + timeout
    while not condition():
        assert monotonic() < end, "waited in vain"
        await asyncio.sleep(0.001)


NO_ANSWER: Answer = SensorError("no answer on the wire")
