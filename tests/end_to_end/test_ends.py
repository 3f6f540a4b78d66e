"""How the agent ends: what is still said, what is saved, and what it leaves the outputs at."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.station import LAMP, LOAD, Station, platform_toml, station
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy

WILL = '[last_will]\nname = "wille2e02"\nmessage = "gone"\n'
TOPIC = "/v1/lwt/wille2e02"
COUNTER = """
[[sensor]]
id = "counter"
driver = "file"
path = "counter"
every = "100ms"
"""
HOLE = 0.7
"""Seconds without a reading that show a loss: several periods, as a busy machine may miss one, and
less than the network was away."""


def on_disk(agent_folder: Path) -> list[tuple[str, bytes]]:
    """(time, body) of the readings in the outbox of an agent that has ended."""
    path = agent_folder / "state" / "outbox.db"
    if not path.exists():
        return []
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return list(db.execute("SELECT time, body FROM data ORDER BY id"))
    finally:
        db.close()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Path]:
    """A file that counts up, faster than any sensor reads it; the folder it is in."""
    ended = threading.Event()
    new, file = tmp_path / "counter.new", tmp_path / "counter"

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            new.write_text(str(number))
            new.replace(file)
            ended.wait(0.02)

    file.write_text("0")
    thread = threading.Thread(target=count)
    thread.start()
    yield tmp_path
    ended.set()
    thread.join()


def known(here: Station) -> dict[str, Any]:
    """time → value of every reading of the counter that arrived or is on disk."""
    arrived = {one["time"]: one["value"] for one in here.readings("counter")}
    return arrived | {time: body for time, body in on_disk(here.agent.folder)
                      if b'"counter"' in body}


def complete(here: Station, until: datetime) -> int:
    """How many readings of the counter there are; AssertionError when one of them is missing."""
    moments = sorted(datetime.fromisoformat(one) for one in known(here))
    steps = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert max(steps) < HOLE, f"a reading is neither confirmed nor saved: {steps}"
    assert (until - moments[-1]).total_seconds() < HOLE, "the last ones are missing"
    return len(moments)


@pytest.mark.req("P-21")
@pytest.mark.parametrize("network", ["good", "swallowing", "refusing"])
def test_a_stop_loses_no_reading_and_sends_no_will(
    network: str, counting: Path, broker: Broker, proxy: FaultProxy, device_id: str
) -> None:
    text = platform_toml(proxy.port, device_id) + WILL + COUNTER + LAMP
    with station(counting, broker.port, device_id, text) as here:
        assert here.told("on") == "on"
        wait_until(lambda: len(here.readings("counter")) > 5, 5, "readings")
        levels = Levels(here)
        if network == "swallowing":
            proxy.black_hole()
        elif network == "refusing":
            proxy.refuse()
        gone = time.monotonic()
        wait_until(lambda: time.monotonic() > gone + 1.2, 3)
        now, begun = datetime.now(UTC), time.monotonic()
        here.agent.signal(signal.SIGTERM)
        assert here.agent.wait() == 0
        took = time.monotonic() - begun
        assert took < (1.5 if network == "good" else 5)
        assert complete(here, now) >= 12
        assert levels.last().endswith(" 0"), "the output was not made safe"
        if network == "good":
            assert on_disk(here.agent.folder) == [], "what is confirmed needs no card"
            # The broker sends a will, if any, when it sees the end: wait for its word of that.
            wait_until(lambda: re.search(r"Client agent\w+ disconnected", broker.log), 3, "it")
            assert re.search(r"Received DISCONNECT from agent\w+", broker.log)
            assert [one.payload for one in here.platform.on(TOPIC)] == [b""]
            here.wait_for_reading(lambda one: one["id"] == "lamp" and one["value"] == ["off"])
        assert "Traceback" not in here.agent.log


class Levels:
    """Watches the output until the agent has ended."""

    def __init__(self, here: Station) -> None:
        self._seen = ""
        self._thread = threading.Thread(target=self._watch, args=(here,))
        self._thread.start()

    def _watch(self, here: Station) -> None:
        while True:
            try:
                seen = here.levels()
            except OSError:
                return
            if not seen:
                return
            self._seen = seen

    def last(self) -> str:
        self._thread.join()
        return self._seen


@pytest.mark.req("P-20", "P-21", "P-22")
def test_a_crash_sends_the_will_and_the_next_start_takes_it_back(
    tmp_path: Path, broker: Broker, device_id: str
) -> None:
    with station(tmp_path, broker.port, device_id, WILL + LOAD) as here:
        wait_until(lambda: here.platform.on(TOPIC), 5, "the clearing")
        here.agent.kill()
        wait_until(lambda: len(here.platform.on(TOPIC)) == 2, 5, "the will")
        assert here.platform.on(TOPIC)[1].payload == b"gone"
        with Observer(broker.port, [TOPIC]) as late:
            late.wait_for(lambda one: one.retain and one.payload == b"gone")
        here.agent.start()
        wait_until(lambda: here.platform.on(TOPIC)[-1].payload == b"", 8, "it to be cleared")
        with Observer(broker.port, [TOPIC, "mark"]) as late:
            late.publish("mark", b"")
            late.wait_for(lambda one: one.topic == "mark")
            assert late.on(TOPIC) == [], "it is still retained"


def test_a_second_stop_signal_does_no_harm(tmp_path: Path, broker: Broker, device_id: str) -> None:
    with station(tmp_path, broker.port, device_id, LOAD + LAMP) as here:
        here.agent.signal(signal.SIGTERM)
        here.agent.signal(signal.SIGTERM)
        here.agent.signal(signal.SIGHUP)
        assert here.agent.wait() == 0
        assert "Traceback" not in here.agent.log
        assert not here.socket.exists()
