"""A thousand faults of every kind, in an order of the seed's, at 50 readings a second.

What the smaller run of the ordinary tests claims (tests/end_to_end/test_fault_run.py) is claimed
here of more faults, and of more kinds of them: the disk is full, the wall clock jumps an hour back
and ten years ahead. The platform's twin listens at the same broker; once all is quiet again, it has
what the broker has.

Two are struck: link, delivery and outbox alone, quick to notice and quick to start, and the whole
agent, with sensors of its own and the fence's real patience.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import shutil
import sqlite3
import subprocess
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import pytest

from agent.link.link import FENCE_TIMEOUT as LINK_FENCE_TIMEOUT
from tests.campaign.scale import scale
from tests.campaign.whole_agent import WholeAgent
from tests.end_to_end.faults import Faults
from tests.end_to_end.test_fault_run import COMMIT, Run, Writer, arrivals
from tests.end_to_end.twin_site import new_device
from tests.end_to_end.writer import FENCE_TIMEOUT, HOLD, SENSORS
from tests.support.observer import Message, Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy
from twin.serving.process import FREE, Twin

COUNT = scale("FAULT_COUNT", 1000, 13)
WHOLE = scale("FAULT_WHOLE", 300, 0)
"""Of these, how many strike the whole agent; the ordinary tests have their own of it."""
LIMIT = 3600.0
"""Seconds: the run ends then, whatever is left of it."""
MEGABYTES = 4
STEPS = (-3600.0, 10 * 365 * 86_400.0, 0.0)
SLACK = 2.0
"""Seconds that a busy machine may be late to see what the fence's patience has told it."""
KNOWN_WITHIN = 5.0
"""Seconds after which most half-open links must be known for such, however busy the machine."""


@dataclass(frozen=True)
class Struck:
    """``fence``: the seconds after which a half-open link must be known for one."""

    name: str
    subject: Callable[[int, Path, str, Callable[[], None]], Writer | WholeAgent]
    count: int
    fence: float
    pace: float


STRUCK = [Struck("delivery", Writer, COUNT, FENCE_TIMEOUT, 1.6),
          Struck("the whole agent", WholeAgent, WHOLE, LINK_FENCE_TIMEOUT, 2.5)]


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """The folder of the outbox: a file system of its own, small enough to be filled."""
    folder = tmp_path / "card"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder],
                             capture_output=True, check=False)  # fmt: skip
    if mounted.returncode:
        pytest.skip("a full disk needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


class Mischief:
    """What else can go wrong; remembers when."""

    def __init__(
        self, rand: random.Random, folder: Path, proxy: FaultProxy, fence: float
    ) -> None:
        self._fence = fence
        self.full: list[tuple[float, float]] = []
        self.dark: list[tuple[float, float]] = []
        self.saved: set[tuple[str, bytes]] = set()
        self._rand, self._folder, self._proxy = rand, folder, proxy

    def kinds(self) -> dict[str, object]:
        return {"disk full": self._disk_full, "clock stepped": self._clock_steps,
                "half open": self._half_open}  # fmt: skip

    def look(self) -> None:
        """At the disk of a writer that was just killed."""
        self.saved |= self.on_disk()

    def on_disk(self) -> set[tuple[str, bytes]]:
        """(time, body) of every reading in a copy of the outbox."""
        with contextlib.suppress(OSError):
            copy = self._folder / "copy"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self._folder / "card", copy, ignore=shutil.ignore_patterns("filler"))
            if (copy / "outbox.db").exists():
                with contextlib.closing(sqlite3.connect(copy / "outbox.db")) as db:
                    try:
                        return set(db.execute("SELECT time, body FROM data"))
                    except sqlite3.OperationalError:
                        return set()  # just being made
        return set()

    def _disk_full(self) -> None:
        """Nothing can be saved while nothing can be sent; then there is room again."""
        began = time.monotonic()
        filler = self._folder / "card" / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65_536))
        self._proxy.black_hole()
        time.sleep(self._rand.uniform(0.5, 2.5))
        self._proxy.drop()
        filler.unlink()
        self._proxy.passing()
        self.full.append((began, time.monotonic()))

    def _clock_steps(self) -> None:
        (self._folder / "clock.new").write_text(str(self._rand.choice(STEPS)))
        (self._folder / "clock.new").replace(self._folder / "clock")

    def _half_open(self) -> None:
        """A link that works falls silent, long enough for the fence to find it out."""
        self._until_proven()
        began = time.monotonic()
        self._proxy.black_hole()
        time.sleep(self._fence + SLACK)
        self.dark.append((began, time.monotonic()))
        self._proxy.drop()
        self._proxy.passing()

    def _until_proven(self) -> None:
        ledger = self._folder / "ledger"
        read = ledger.stat().st_size

        def proven() -> bool:
            with ledger.open("rb") as file:
                file.seek(read)
                return b"\np " in file.read()

        wait_until(proven, 60, "the link to work")


@pytest.mark.slow
@pytest.mark.parametrize("struck", STRUCK, ids=lambda struck: struck.name)
def test_a_thousand_faults(tmp_path: Path, card: Path, seed: int, struck: Struck) -> None:
    if struck.count == 0:
        pytest.skip("make test-faults alone strikes the whole agent")
    run = Run(f"{struck.count} faults, {struck.name}", seed)
    with (
        Broker() as broker,
        Twin(replace(FREE, broker=("127.0.0.1", broker.port))) as twin,
        FaultProxy(broker.port) as proxy,
    ):
        device = new_device(twin, *(f"s{number}" for number in range(SENSORS)))
        probe = new_device(twin, "probe")
        topic = f"/v1/device/{device}/rawdata"
        notices = f"/v1/device/{device}/sensor/+/rawdata"
        with Observer(broker.port, [topic, notices, "mark/#"]) as observer:
            rand = random.Random(seed)
            mischief = Mischief(rand, tmp_path, proxy, struck.fence)
            writer = struck.subject(proxy.port, tmp_path, device, mischief.look)
            faults = Faults(rand, broker, proxy, observer, writer.kill, pace=struck.pace,
                            more=mischief.kinds(),  # type: ignore[arg-type]
                            back=lambda: until_the_twin_is_back(twin, broker, probe))  # fmt: skip
            try:
                writer.start()
                wait_until(lambda: observer.on(topic), 20, "the first readings")
                began = time.monotonic()
                faults.run(LIMIT, struck.count)
                took = time.monotonic() - began
                quiet = len(observer.on(topic))
                wait_until(lambda: len(observer.on(topic)) > quiet + 20, 60, "the quiet after it")
                assert writer.finish() == 0, writer.log[-4000:]
            finally:
                writer.close()
            arrived = arrivals(observer, topic)
            settled = arrivals_after(observer, topic, quiet + 5)
            # Its notices tell; its history forgets the oldest, and these came ten years after.
            wait_until(lambda: settled <= noticed_by_the_twin(observer, device), 30,
                       "the twin to have the last ones")

    ledger = writer.ledger
    made = {int(line[1]): float(line[2]) for line in ledger if line[0] == "m"}
    proven = {int(number) for line in ledger if line[0] == "p" for number in line[1:]}
    noticed = [float(line[1]) for line in ledger if line[0] == "d"]
    seen = [int(values[0]) for _, _, values in arrived]
    first = list(dict.fromkeys(seen))
    kept = {int(json.loads(body)["value"][0]) for _, body in mischief.on_disk()}
    absent = sorted(made.keys() - set(seen) - kept)
    lost = sorted(proven - set(seen))
    known: dict[str, list[bytes]] = {}
    for name, when, _ in arrived:
        known.setdefault(when, []).append(f'"{name}"'.encode())
    unsaved = {(when, body) for when, body in mischief.saved
               if not any(name in body for name in known.get(when, ()))}
    late = [number for number in absent
            if not excused(made[number], struck.fence, writer.kills, mischief.full)]
    found = [min((moment - began for moment in noticed if began <= moment <= ended),
                 default=math.inf) for began, ended in mischief.dark]  # fmt: skip
    repeated = len(seen) - len(first)
    again = repeats_after(faults.begun, observer, topic)

    for name, count in sorted(faults.counts.items()):
        run.tell(f"{name}; arrived again after it", f"{count}; {again[name]}")
    run.tell("in all", faults.counts.total())
    run.tell("minutes", f"{took / 60:.1f}")
    run.tell("readings made", len(made))
    run.tell("proven by a fence", len(proven))
    run.tell("arrived", len(set(seen)))
    run.tell("arrived again", repeated)
    run.tell("of all that arrived, per cent", f"{100 * repeated / len(seen):.2f}")
    run.tell("most often the same", max(Counter(seen).values()))
    run.tell("on disk at the kills", len(mischief.saved))
    run.tell("on disk and never arrived", len(unsaved))
    run.tell("lost to a kill before they were saved", len(absent))
    run.tell("on disk at the end", len(kept))
    run.tell("half-open links", len(found))
    run.tell("found out after at the most, seconds", f"{max(found, default=0.0):.2f}")
    run.tell("proven and lost", len(lost))
    run.show()

    assert faults.counts.total() == struck.count, "the time was up"
    assert not [line for line in ledger if line[0] == "u"], "fences were given up"
    assert lost == [], "proven readings never arrived"
    assert struck.count < 200 or repeated <= len(seen) / 100, "too much came twice"
    assert struck.count < 100 or mischief.saved, "nothing was ever on disk to be looked for"
    assert unsaved == set(), "readings that were on disk never arrived"
    assert late == [], "lost though no kill came soon"
    assert all(made[number] > max(made.values()) - 10 for number in kept), "left on the card"
    assert median(found or [0.0]) <= KNOWN_WITHIN, "half-open links are found too late"
    assert max(found, default=0.0) <= struck.fence + SLACK, "a half-open link passed for a good one"
    assert set(seen) <= set(made), "readings nobody made"
    for sensor in range(SENSORS):
        numbers = list(dict.fromkeys(
            int(values[0]) for name, _, values in arrived if name == f"s{sensor}"))
        assert numbers and numbers == sorted(numbers), f"the order of s{sensor} was lost"
    assert len(set(arrived)) == len(set(seen)), "a reading changed when it was sent again"


def excused(
    made: float, fence: float, kills: list[float], full: list[tuple[float, float]]
) -> bool:
    """Whether a reading may be missing: it was too young to be saved when a kill came, or there
    was no room to save it in."""
    patience = HOLD + fence + COMMIT
    kill = next((moment for moment in kills if moment >= made), math.inf)
    return kill - made <= patience or any(
        began - patience <= made and kill <= ended + 2 * patience for began, ended in full)


def arrivals_after(observer: Observer, topic: str, messages: int) -> set[tuple[str, str]]:
    """(id, time) of all but the first ``messages`` messages."""
    return {(one["id"], one["time"])
            for message in observer.on(topic)[messages:] for one in message.json()}  # fmt: skip


def repeats_after(
    begun: list[tuple[float, str]], observer: Observer, topic: str
) -> Counter[str]:
    """How many readings came again after a fault of each kind, and before the next."""
    moments, known, again = [moment for moment, _ in begun], set[str](), Counter[str]()
    for message in observer.on(topic):
        before = bisect_right(moments, message.at)
        for one in message.json():
            if one["value"][0] in known and before:
                again[begun[before - 1][1]] += 1
            known.add(one["value"][0])
    return again


def noticed_by_the_twin(observer: Observer, device: str) -> set[tuple[str, str]]:
    """What the platform's rules have taken and told of (P-07), as (id, time)."""
    topics = [f"/v1/device/{device}/sensor/s{number}/rawdata" for number in range(SENSORS)]
    return {(one["id"], one["time"]) for topic in topics
            for one in map(Message.json, observer.on(topic))}  # fmt: skip


def until_the_twin_is_back(twin: Twin, broker: Broker, probe: str) -> None:
    """Its broker was killed: until it hears again what devices send."""
    with Observer(broker.port, [f"/v1/device/{probe}/#"]) as seen:
        def heard() -> bool:
            with contextlib.suppress(RuntimeError):
                seen.publish(f"/v1/device/{probe}/rawdata", [{"id": "probe", "value": ["1"]}])
            return any(message.topic.endswith("/csv") for message in seen.messages)
        wait_until(heard, 30, "the twin to be back")
