"""``cht-agent probe``: read each sensor once, through the running daemon if there is one.

A line or bus has one owner, so while a daemon runs only it can read; without one we open the
sensors ourselves, the one after the other, and no output at all.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from agent.clock import Clock, SystemClock
from agent.config.model import Config, SensorConfig
from agent.errors import AgentError, NotRunning, SensorError
from agent.hardware.ports import Sample, SensorDevice
from agent.service import client
from agent.service.screen import Cell, printable, table, width
from agent.service.view import values

TIMEOUT = 20.0
"""Seconds one sensor may take, opening included: a DHT22 may need several tries, 2 s apart."""


@dataclass(frozen=True)
class Outcome:
    """What came of reading one sensor; ``error`` None means the values are good."""

    id: str
    values: Sequence[str] = ()
    unit: str | Sequence[str | None] | None = None
    took_s: float = 0.0
    error: str | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help="sensors (default: all)")


def run(args: argparse.Namespace) -> int:
    """0 when every sensor gave a good value, else 1."""
    path = client.daemon_socket(args.config, os.environ)
    message = {"op": "probe", "ids": args.ids}
    try:
        # The daemon's own time-outs end it; this one is for a daemon that hangs.
        answer = client.request(path, message, timeout=120.0)
    except client.NotAnswering:
        raise  # it is there and holds the lines: opening them too could only disturb it
    except NotRunning:
        return _probe_here(args)
    outcomes = [_outcome(entry) for entry in answer]
    return show(outcomes, [outcome.id for outcome in outcomes])


def _outcome(entry: Mapping[str, Any]) -> Outcome:
    return Outcome(
        entry["id"], entry["values"], entry.get("unit"), entry["took_s"], entry.get("error")
    )


def _probe_here(args: argparse.Namespace) -> int:
    from agent.config.load import load
    from agent.service import logs

    logs.configure(args.debug)
    config = load(args.config)
    sensors = chosen(config, args.ids)
    clock = SystemClock()
    with reading_here(config, clock) as read:
        return show(probe(sensors, read, clock), [sensor.id for sensor in sensors])


@contextlib.contextmanager
def reading_here(config: Config, clock: Clock) -> Iterator[Callable[[SensorConfig], Sample]]:
    """Reads a sensor of the configuration, without a daemon; no output is opened."""
    from agent.config import paths
    from agent.hardware import catalog

    state = paths.state_dir(config, os.environ)
    hardware = catalog.open_hardware(config.hardware, clock)
    opened: list[SensorDevice] = []
    try:
        def read(sensor: SensorConfig) -> Sample:
            device = catalog.open_sensor(hardware, sensor, state)
            # Closed at the end: the next one may be another quantity of the same device.
            opened.append(device)
            return device.read()

        yield read
    finally:
        for device in opened:
            device.close()
        hardware.close()


def chosen(config: Config, ids: Sequence[str]) -> list[SensorConfig]:
    """The sensors called ``ids``, all without any. Raises AgentError for one there is not."""
    known = {sensor.id: sensor for sensor in config.sensors}
    for name in ids:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = f": did you mean {close[0]}?" if close else ""
            raise AgentError(f"no sensor {name} in {config.path}{meant}")
    return [known[name] for name in ids] if ids else list(config.sensors)


def probe(
    sensors: Iterable[SensorConfig],
    read: Callable[[SensorConfig], Sample],
    clock: Clock,
    timeout: float = TIMEOUT,
) -> Iterator[Outcome]:
    """Read one after the other; one that hangs is given up after ``timeout`` seconds."""
    for sensor in sensors:
        started = clock.monotonic()
        try:
            sample = _in_time(partial(read, sensor), sensor.id, timeout)
            texts = _texts(sensor, sample)
        except AgentError as exc:
            error = str(exc).removeprefix(f"sensor {sensor.id}: ")
            yield Outcome(sensor.id, took_s=clock.monotonic() - started, error=error)
            continue
        units = [quantity.unit for quantity in sensor.quantities]
        yield Outcome(sensor.id, texts, units, clock.monotonic() - started)


def _in_time(read: Callable[[], Sample], name: str, timeout: float) -> Sample:
    """``read()`` on a daemon thread, which is left behind when it hangs."""
    done: queue.SimpleQueue[Sample | AgentError] = queue.SimpleQueue()

    def work() -> None:
        try:
            done.put(read())
        except AgentError as exc:
            done.put(exc)
        except Exception as exc:
            # The border to the drivers: what one does wrong is its sensor's fault alone.
            done.put(SensorError(f"the driver failed: {type(exc).__name__}: {exc}"))

    threading.Thread(target=work, name=f"probe-{name}", daemon=True).start()
    try:
        result = done.get(timeout=timeout)
    except queue.Empty:
        raise SensorError(f"no answer within {timeout:g} s") from None
    if isinstance(result, AgentError):
        raise result
    return result


def _texts(sensor: SensorConfig, sample: Sample) -> list[str]:
    """The values as the agent would report them. Raises SensorError for an impossible one."""
    from agent.sensing.filters import Bad, FilterState, step

    texts = []
    for quantity in sensor.quantities:
        _, found = step(quantity, FilterState(), sample[quantity.name], fresh=True)
        if isinstance(found, Bad):
            raise SensorError(found.error)
        texts.append(found.text)
    return texts


def show(outcomes: Iterable[Outcome], ids: Sequence[str]) -> int:
    """Print each outcome as it comes, in columns; the exit code."""
    if not ids:
        print("no sensor is configured", file=sys.stderr)
    wide = max(map(width, ids), default=0)
    failed = False
    for outcome in outcomes:
        failed |= outcome.error is not None
        if outcome.error is None:
            told = values(outcome.values, outcome.unit)
        else:
            told = f"error: {printable(outcome.error)}"
        name = outcome.id + " " * (wide - width(outcome.id))
        line = table([[Cell(name), Cell(told), Cell(f"({outcome.took_s:.2f} s)")]])
        print(line[0], flush=True)
    return 1 if failed else 0
