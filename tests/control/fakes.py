"""A pin, a clock and timers in memory: they obey their ports and keep a history."""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.config.model import Action, ActuatorConfig
from agent.control.control import Control
from agent.control.decision import Command
from agent.control.journal import Journal
from agent.errors import HardwareError
from agent.sensing.reading import Reading

NOON = datetime(2027, 1, 1, 12, 0, 0, tzinfo=UTC)
ON, OFF, TOGGLE = Action("set", 1.0), Action("set", 0.0), Action("toggle", 1.0)
WORDS = {"on": ON, "off": OFF, "toggle": TOGGLE}


class Hands:
    """Monotonic clock, wall clock and timers, turned by hand. The wall clock can be stepped."""

    def __init__(self, now: float = 1000.0, utc: datetime = NOON) -> None:
        self.now = now
        self.sure = True
        self._zero = utc - timedelta(seconds=now)
        self._queue: list[tuple[float, int, _Call]] = []
        self._count = itertools.count()

    boot_id = "a-boot"

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return self._zero + timedelta(seconds=self.now)

    def trusted(self) -> bool:
        return self.sure

    def step(self, seconds: float) -> None:
        self._zero += timedelta(seconds=seconds)

    def call_later(self, delay: float, callback: Callable[[], object], /) -> _Call:
        call = _Call(callback)
        heapq.heappush(self._queue, (self.now + delay, next(self._count), call))
        return call

    @property
    def pending(self) -> int:
        """Calls that will still happen."""
        return sum(not call.cancelled for _, _, call in self._queue)

    def turn(self, seconds: float) -> None:
        """Let time pass; everything due happens at its moment."""
        until = self.now + seconds
        while self._queue and self._queue[0][0] <= until:
            self.now, _, call = heapq.heappop(self._queue)
            if not call.cancelled:
                call.callback()
        self.now = until

    def die(self) -> None:
        """The process is killed: nothing it planned happens."""
        self._queue.clear()


class _Call:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Pin:
    """An output in memory. It outlives the agent that opened it, as a real pin does."""

    def __init__(self, name: str, hands: Hands, timeline: list[tuple[float, str, float]]) -> None:
        self.name = name
        self._hands = hands
        self._timeline = timeline
        self.level = 0.0
        self.broken = ""
        self.stuck: float | None = None
        self.step = 0.0
        self.deadly = False
        self.released = 0

    def write(self, level: float) -> None:
        if self.deadly:
            raise KeyboardInterrupt
        if self.step:
            level = round(level / self.step) * self.step
        if self.broken:
            raise HardwareError(self.broken)
        if level != self.level:
            self.level = level
            self._timeline.append((self._hands.now, self.name, level))

    @property
    def moves(self) -> list[tuple[float, float]]:
        """(when, to which level) it really moved."""
        return [(when, level) for when, name, level in self._timeline if name == self.name]

    def read(self) -> float:
        if self.broken:
            raise HardwareError(self.broken)
        return self.level if self.stuck is None else self.stuck

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        return ((0, 17, False),)

    def release(self) -> None:
        self.released += 1


class Bench:
    """Some actuators on their pins, with everything they say. ``restart`` is a kill and a start."""

    def __init__(self, folder: Path, specs: Sequence[ActuatorConfig], hands: Hands | None = None):
        self.folder, self.specs = folder, specs
        self.hands = hands or Hands()
        self.timeline: list[tuple[float, str, float]] = []
        self.pins = {spec.id: Pin(spec.id, self.hands, self.timeline) for spec in specs}
        self.unopenable: set[str] = set()
        self.acks: list[tuple[str, str]] = []
        self.states: list[Reading] = []
        self.control = self._new()

    def _new(self) -> Control:
        self.journal = Journal(self.folder)
        return Control(
            self.specs,
            self._open,
            self.hands,
            self.hands,
            self.journal,
            lambda name, text: self.acks.append((name, text)),
            self.states.append,
        )

    def _open(self, spec: ActuatorConfig) -> Pin:
        if spec.id in self.unopenable:
            raise HardwareError(f"line of {spec.id} is taken by another program")
        pin = self.pins[spec.id]
        pin.write(spec.safe)
        return pin

    def kill(self) -> None:
        """SIGKILL: nothing planned happens, and the kernel closes what was open, no more."""
        self.hands.die()
        os.close(self.journal._fd)

    def restart(self) -> None:
        self.kill()
        self.control = self._new()
        self.control.start()

    def online(self, settled: float = 11.0) -> None:
        """Connected and subscribed, ``settled`` seconds ago."""
        self.control.link_up()
        self.control.subscribed(self.hands.now)
        self.hands.turn(settled)

    def command(
        self, cmd: str, actuator: str = "lamp", ago: float = 0.0, text: str | None = None
    ) -> str:
        """A platform command stamped ``ago`` seconds before now; its ack."""
        time = self.hands.utc() - timedelta(seconds=ago)
        return self.send(Command(actuator, cmd, time, text or time.isoformat()))

    def send(self, command: Command) -> str:
        before = len(self.acks)
        self.control.handle(command)
        assert len(self.acks) == before + 1
        name, ack = self.acks[-1]
        assert name == command.actuator
        assert len(ack) <= 100
        return ack

    def state(self, actuator: str = "lamp") -> str:
        return next(s.state for s in self.control.snapshot() if s.id == actuator)


def lamp(**changes: object) -> ActuatorConfig:
    """The actuator of most tests: a relay called lamp."""
    fields: dict[str, object] = {"id": "lamp", "driver": "relay", "commands": WORDS, **changes}
    return ActuatorConfig(**fields)  # type: ignore[arg-type]
