"""Everything fails, over and over; nothing that was confirmed is lost.

Two runs from one seed each. In the first the real link, delivery and outbox carry 50 readings a
second, and a witness between link and delivery writes down what each successful fence has proven
(writer.py). Claimed, and judged at an observer beside the faults (faults.py tells why it sees all
that the broker has read):

1. every reading that a fence has proven arrived;
2. one that did not arrive was made within ``hold`` (and a commit) before a kill of the writer: a
   power cut loses no more, and without one nothing is lost;
3. the readings of each sensor arrive in the order they were made, repetitions aside;
4. a reading that arrives more than once is the same each time: id, time and value.

In the second the whole agent does it with sensors of its own: what its status counts as confirmed
arrived, what was on disk at a crash arrives after the faults, and 2 to 4 hold as well.
``pytest -s`` shows the ledgers; FAULT_SEED and FAULT_SECONDS in the environment make other and
longer runs.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.end_to_end.faults import Faults
from tests.end_to_end.station import Station, platform_toml, prepared
from tests.end_to_end.writer import FENCE_TIMEOUT, HOLD, SENSORS
from tests.support.agent import ROOT
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy

SEED = int(os.environ.get("FAULT_SEED", "20260501"))
SECONDS = float(os.environ.get("FAULT_SECONDS", "30"))
COMMIT = 1.5
"""Seconds that a commit to disk may take on a busy machine."""

Arrival = tuple[str, str, tuple[str, ...]]
"""(id, time, values): what makes a reading the same reading."""


@dataclass
class Run:
    """What one run has to tell; printed at its end, whatever the verdict."""

    title: str
    seed: int = SEED
    lines: list[str] = field(default_factory=list)

    def tell(self, what: str, count: object) -> None:
        self.lines.append(f"  {what:<46}{count:>9}")

    def show(self) -> None:
        print("\n".join(["", f"{self.title}, seed {self.seed}", *self.lines]))


def arrivals(observer: Observer, topic: str) -> list[Arrival]:
    return [(one["id"], one["time"], tuple(one["value"]))
            for message in observer.on(topic) for one in message.json()]


# --- link, delivery and outbox alone -------------------------------------------------------------


class Writer:
    """The writer program, which is killed and started again. ``look``: is called in between."""

    def __init__(
        self, port: int, folder: Path, device: str, look: Callable[[], None] = lambda: None
    ) -> None:
        self.kills: list[float] = []
        self._look = look
        self._port, self._folder, self._device = port, folder, device
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ledger(self) -> list[list[str]]:
        path = self._folder / "ledger"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def start(self) -> None:
        first = 1 + max((int(line[1]) for line in self.ledger if line[0] == "m"), default=-1)
        lines = len(self.ledger)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.end_to_end.writer", str(self._port),
                 str(self._folder), self._device, str(first)], cwd=ROOT, stdout=log, stderr=log)
        wait_until(lambda: len(self.ledger) > lines, 10, "the writer to begin")

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        self._process.kill()
        self._process.wait()
        self.kills.append(time.monotonic())
        self._look()
        self.start()

    def finish(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(40)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.mark.slow
def test_no_proven_reading_is_lost(
    tmp_path: Path, broker: Broker, proxy: FaultProxy, device_id: str
) -> None:
    run = Run("link, delivery and outbox")
    topic = f"/v1/device/{device_id}/rawdata"
    with Observer(broker.port, [topic, "mark/#"]) as observer:
        writer = Writer(proxy.port, tmp_path, device_id)
        faults = Faults(random.Random(SEED), broker, proxy, observer, writer.kill)
        try:
            writer.start()
            wait_until(lambda: observer.on(topic), 10, "the first readings")
            faults.run(SECONDS)
            assert writer.finish() == 0, writer.log[-4000:]
        finally:
            writer.close()
        arrived = arrivals(observer, topic)

    made = {int(line[1]): float(line[2]) for line in writer.ledger if line[0] == "m"}
    proven = [int(number) for line in writer.ledger if line[0] == "p" for number in line[1:]]
    seen = [int(values[0]) for _, _, values in arrived]
    first = list(dict.fromkeys(seen))
    absent = sorted(set(made) - set(seen))
    lost = sorted(set(proven) - set(seen))
    before_kill = {number: _until_next(made[number], writer.kills) for number in absent}

    for name, count in sorted(faults.counts.items()):
        run.tell(name, count)
    run.tell("readings made", len(made))
    run.tell("proven by a fence", len(set(proven)))
    run.tell("arrived", len(set(seen)))
    run.tell("arrived again", len(seen) - len(first))
    run.tell("most often the same", max(Counter(seen).values()))
    run.tell("lost to a kill before they were saved", len(absent))
    run.tell("the oldest of them, seconds before the kill",
             f"{max(before_kill.values(), default=0.0):.2f}")
    run.tell("proven and lost", len(lost))
    run.show()

    assert not [line for line in writer.ledger if line[0] == "u"], "fences were given up"
    assert [line[1] for line in writer.ledger if line[0] == "e"] == ["0"], writer.log[-3000:]
    assert len(proven) > len(made) / 2, "hardly anything was proven: the run shows nothing"
    assert lost == [], "proven readings never arrived"  # 1
    late = {n: age for n, age in before_kill.items() if age > HOLD + FENCE_TIMEOUT + COMMIT}
    assert late == {}, f"lost though no kill came soon (number: seconds): {late}"  # 2
    assert set(seen) <= set(made), "readings nobody made"
    for sensor in range(SENSORS):  # 3
        numbers = [number for number in first if number % SENSORS == sensor]
        assert numbers == sorted(numbers), f"the order of s{sensor} was lost"
    assert len(set(arrived)) == len(set(seen)), "a reading changed when it was sent again"  # 4
    assert all(id == f"s{int(values[0]) % SENSORS}" for id, _, values in arrived)


def _until_next(moment: float, kills: list[float]) -> float:
    """Seconds until the next kill; infinity when there was none."""
    later = bisect_left(kills, moment)
    return kills[later] - moment if later < len(kills) else float("inf")


# --- the whole agent -----------------------------------------------------------------------------

FILES = 4


def sensors() -> str:
    return "[delivery]\nhold = \"1s\"\nbackfill_rate = 500\n" + "".join(f"""
[[sensor]]
id = "c{number}"
driver = "file"
path = "c{number}"
every = "100ms"
""" for number in range(FILES))


class Counting:
    """Files that count up, faster than the sensors read them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def _count(self) -> None:
        count = 0
        while not self._ended.wait(0.04):
            count += 1
            self._write(count)

    def _write(self, count: int) -> None:
        for number in range(FILES):
            new = self._folder / f"c{number}.new"
            new.write_text(str(count))
            new.replace(self._folder / f"c{number}")

    def __enter__(self) -> None:
        self._write(0)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class Watched:
    """The agent, its confirmations as its status tells them, and its disk after each kill."""

    def __init__(self, here: Station) -> None:
        self.here = here
        self.confirmed = 0
        self.dropped = 0
        self.lives = 1
        self.saved: set[tuple[str, bytes]] = set()
        self.kills: list[float] = []

    def kill(self) -> None:
        self._count()
        assert self.here.agent.running, self.here.agent.log[-4000:]
        self.here.agent.kill()
        self.kills.append(time.time())
        self.saved |= self.disk()
        self.here.agent.start()
        self.lives += 1
        wait_until(lambda: self.here.ask(), 10, "the agent to be back")

    def finish(self) -> int:
        self._count()
        return self.here.agent.terminate()

    def _count(self) -> None:
        """Add what this life has confirmed until now, which is about to end."""
        status = self.here.ask()
        assert status is not None, self.here.agent.log[-4000:]
        self.confirmed += status["delivery"]["confirmed"]
        self.dropped += status["delivery"]["dropped"]

    def disk(self) -> set[tuple[str, bytes]]:
        """(time, body) of the readings in a copy of the outbox: looking must not mend it."""
        folder = self.here.agent.folder
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for path in (folder / "state").glob("outbox.db*"):
            shutil.copy(path, copy)
        if not (copy / "outbox.db").exists():
            return set()
        db = sqlite3.connect(copy / "outbox.db")
        try:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'data'").fetchall():
                return set()
            return set(db.execute("SELECT time, body FROM data"))
        finally:
            db.close()


@pytest.mark.slow
def test_the_whole_agent_keeps_its_word(
    tmp_path: Path, broker: Broker, proxy: FaultProxy, device_id: str
) -> None:
    run = Run("the whole agent")
    topic = f"/v1/device/{device_id}/rawdata"
    agent = prepared(tmp_path, platform_toml(proxy.port, device_id) + sensors())
    with (
        Counting(tmp_path),
        Observer(broker.port, [topic, "mark/#"]) as observer,
        agent,
    ):
        watched = Watched(Station(agent, device_id, observer))
        watched.here.until_up()
        faults = Faults(random.Random(SEED + 1), broker, proxy, observer, watched.kill)
        faults.run(SECONDS * 0.7)
        watched.here.until(
            lambda s: s["links"]["platform"]["state"] == "up" and s["delivery"]["on_disk"] == 0,
            30, "the backlog to go")
        assert watched.finish() == 0
        left = watched.disk()
        arrived = arrivals(observer, topic)

    known = {(time, id) for id, time, _ in arrived}
    unsaved = {(time, body) for time, body in watched.saved
               if not any((time, f"c{number}") in known and f'"c{number}"'.encode() in body
                          for number in range(FILES))}
    values = [(id, int(value[0])) for id, _, value in arrived]
    holes = gaps(arrived)
    worst = max((length for length, _ in holes), default=0.0)

    for name, count in sorted(faults.counts.items()):
        run.tell(name.replace("writer", "agent"), count)
    run.tell("lives", watched.lives)
    run.tell("confirmed as status told", watched.confirmed)
    run.tell("arrived, repetitions included", len(arrived))
    run.tell("arrived", len(set(values)))
    run.tell("on disk at the kills", len(watched.saved))
    run.tell("on disk at the end", len(left))
    run.tell("on disk and never arrived", len(unsaved))
    run.tell("the longest hole, seconds", f"{worst:.2f}")
    run.show()

    assert watched.dropped == 0
    assert watched.confirmed > 50 and len(arrived) >= watched.confirmed
    assert unsaved == set()
    assert left == set(), "the network was good at the end"
    for number in range(FILES):
        mine = list(dict.fromkeys(value for id, value in values if id == f"c{number}"))
        assert mine == sorted(mine), f"the order of c{number} was lost"
    assert len(set(arrived)) == len({(id, time) for id, time, _ in arrived})
    # A hole needs a kill in it, and no kill costs more than what was younger than hold.
    for length, ended in holes:
        assert any(ended - length - 1 < kill < ended + 1 for kill in watched.kills), (length, ended)
    assert worst < 1 + 5 + COMMIT + 3, "hold, a fence's patience, a commit, a start"


def gaps(arrived: list[Arrival]) -> list[tuple[float, float]]:
    """(length, end) in seconds and Unix time of every hole of more than eight periods."""
    found = []
    for number in range(FILES):
        times = sorted({datetime.fromisoformat(time).timestamp() for id, time, _ in arrived
                        if id == f"c{number}"})
        found += [(b - a, b) for a, b in pairwise(times) if b - a > 0.85]
    return found
