"""Where ``phone try`` gets its readings, and who moves what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from agent.clock import Clock
from agent.commands import probe
from agent.config.model import Config, SensorConfig
from agent.errors import AgentError, NotRunning
from agent.hardware.ports import Sample
from agent.phone.model import Act, Acted, Heard, Seen
from agent.service import client


class Source(Protocol):
    """Readings and hands. ``about`` tells the user whose they are."""

    about: str

    def seen(self) -> Seen:
        """The latest of every sensor."""

    def measure(self, sensors: Sequence[str]) -> None:
        """Read them anew."""

    def act(self, act: Act) -> Acted:
        """Move something, if this source can."""


def open_source(
    path: Path, config: Config, clock: Clock, environ: Mapping[str, str], closing: ExitStack
) -> Source:
    """The running agent of this configuration; without one, the sensors themselves."""
    socket = client.daemon_socket(path, environ)
    try:
        client.request(socket, {"op": "status"})
    except client.NotAnswering:
        raise  # it is there and holds the lines
    except NotRunning:
        read = closing.enter_context(probe.reading_here(config, clock))
        return Sensors(config, clock, read)
    return Daemon(socket, config)


class Daemon:
    """The running agent."""

    about = "readings of the running agent; what you confirm IS DONE by it"

    def __init__(self, socket: Path, config: Config) -> None:
        self._socket = socket
        self._sensors = {sensor.id: sensor for sensor in config.sensors}

    def seen(self) -> Seen:
        status = client.request(self._socket, {"op": "status"})
        return {
            one["id"]: _heard(self._sensors[one["id"]], one["values"], one["age_s"], one["quality"])
            for one in status["sensors"]
            if one["id"] in self._sensors
        }

    def measure(self, sensors: Sequence[str]) -> None:
        client.request(self._socket, {"op": "probe", "ids": list(sensors)}, timeout=60.0)

    def act(self, act: Act) -> Acted:
        message = {"op": "set", "id": act.actuator, "cmd": act.cmd}
        try:
            return Acted(True, str(client.request(self._socket, message, timeout=15.0)))
        except AgentError as exc:
            return Acted(False, str(exc))


class Sensors:
    """The sensors of the configuration, read by ourselves, and no hands at all."""

    about = "no agent is running: sensors are read here, and nothing is moved"

    def __init__(
        self, config: Config, clock: Clock, read: Callable[[SensorConfig], Sample]
    ) -> None:
        self._sensors = {sensor.id: sensor for sensor in config.sensors}
        self._clock = clock
        self._read = read
        self._latest: dict[str, tuple[Sequence[str], float]] = {}
        wanted = spoken_of(config)
        self.measure([id for id in self._sensors if id in wanted])

    def seen(self) -> Seen:
        now = self._clock.monotonic()
        return {
            id: _heard(self._sensors[id], values, now - mono, "good" if values else "fault")
            for id, (values, mono) in self._latest.items()
        }

    def measure(self, sensors: Sequence[str]) -> None:
        chosen = [self._sensors[id] for id in sensors]
        for outcome in probe.probe(chosen, self._read, self._clock):
            self._latest[outcome.id] = (outcome.values, self._clock.monotonic())

    def act(self, act: Act) -> Acted:
        return Acted(False, "no agent is running, so nothing was moved")


def spoken_of(config: Config) -> set[str]:
    """The sensors that any text of the menus speaks of."""
    from agent.phone.saying import sensors_in

    book = config.book
    if book is None:
        return set()
    texts: list[str | None] = []
    for menu in book.menus.values():
        texts += (menu.say, menu.short, menu.ask)
    texts += [read.say for read in book.reads.values()]
    texts += [memo.say for memo in book.memos.values()]
    for do in book.actions.values():
        texts += (do.ask, do.failed)
    return {sensor for text in texts if text for sensor in sensors_in(text)}


def _heard(sensor: SensorConfig, values: Sequence[str], age: float | None, quality: Any) -> Heard:
    units = tuple(quantity.unit for quantity in sensor.quantities)
    names = tuple(quantity.name for quantity in sensor.quantities)
    return Heard(tuple(values), units, names, age, quality)
