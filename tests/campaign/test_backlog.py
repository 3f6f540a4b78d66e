"""A week without a network, at a reading a second: all of it arrives, in order, while commands are
answered as if there were none of it.

Beside the agent a bare MQTT client answers commands too: what a busy machine costs that one is not
the agent's fault, and beyond it the agent may take no more than 50 ms."""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.delivery.outbox import Outbox
from agent.delivery.rows import Row
from agent.protocol.times import format_time
from bench import peer
from tests.campaign.scale import scale
from tests.end_to_end.station import LAMP, Station, platform_toml, prepared, stamp
from tests.end_to_end.test_fault_run import Run
from tests.end_to_end.test_hostile_live import memory
from tests.support.agent import ROOT
from tests.support.observer import Observer
from twin.broker import Broker

ROWS = scale("FAULT_BACKLOG", 604_800, 20_000)
PER_SECOND = 200
"""Messages, some fifty readings each."""
LIMIT = 1800.0
BOOT, BEGAN = "5c9f8a1e-0000-4000-8000-000000000000", datetime(2026, 1, 1, tzinfo=UTC)
BEYOND = 0.050
"""Seconds that the slowest of a hundred answers may take longer than a bare client's."""
DELIVERY = f'[delivery]\nbackfill_rate = {PER_SECOND}\ndisk_limit = "512MB"\n'


def test_a_week_of_readings(tmp_path: Path, broker: Broker, device_id: str, seed: int) -> None:
    run = Run(f"a backlog of {ROWS:,} readings", seed)
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    fill(state / "outbox.db")
    size = (state / "outbox.db").stat().st_size
    agent = prepared(tmp_path, platform_toml(broker.port, device_id) + DELIVERY + LAMP)
    topic = f"/v1/device/{device_id}/rawdata"
    acks = f"/v1/device/{device_id}/ack"
    seen, largest = 0, 0
    delays: list[float] = []
    bare: list[float] = []
    bare_acks = f"/v1/device/{peer.DEVICE}/ack"
    with (
        Observer(broker.port, [topic, acks, bare_acks]) as observer,
        bare_client(broker.port),
        agent,
    ):
        here = Station(agent, device_id, observer)
        here.until_up()
        began = time.monotonic()
        while seen < ROWS and time.monotonic() - began < LIMIT:
            delays.append(command(observer, device_id, len(delays)))
            bare.append(command(observer, peer.DEVICE, len(bare)))
            largest = max(largest, memory(agent.pid))
            for message in observer.take():
                for one in message.json() if message.topic == topic else ():
                    if one["id"] == "level":
                        assert one["value"] == [str(seen)], "the order was lost"
                        seen += 1
        took = time.monotonic() - began
        status = here.until(lambda s: s["delivery"]["waiting"] == 0, 30, "all to be proven")
        assert agent.terminate() == 0

    delays.sort()
    bare.sort()
    run.tell("on disk, MB", f"{size / 1e6:.0f}")
    run.tell("arrived in order", f"{seen:,}")
    run.tell("minutes", f"{took / 60:.1f}")
    run.tell("readings a second", f"{seen / took:,.0f}")
    run.tell("commands meanwhile", len(delays))
    run.tell("answered after, ms, median", f"{1000 * statistics.median(delays):.1f}")
    run.tell("of a hundred the slowest", f"{1000 * slowest(delays):.1f}")
    run.tell("a bare client's, median", f"{1000 * statistics.median(bare):.1f}")
    run.tell("of a hundred the slowest", f"{1000 * slowest(bare):.1f}")
    run.tell("memory at the most, MB", f"{largest / 1e6:.1f}")
    run.tell("dropped", status["delivery"]["dropped"])
    run.show()
    assert seen == ROWS and status["delivery"]["dropped"] == 0
    assert largest <= 60_000_000
    assert slowest(delays) <= slowest(bare) + BEYOND


def slowest(ordered: list[float]) -> float:
    """Of a hundred."""
    return ordered[int(len(ordered) * 0.99)]


@contextlib.contextmanager
def bare_client(port: int) -> Iterator[None]:
    """One that does nothing but answer commands, and send ten values a second."""
    with subprocess.Popen([sys.executable, "-m", "bench.peer", str(port)], cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


def fill(path: Path) -> None:
    """As a week without a network leaves it."""
    outbox = Outbox(path, 512_000_000)
    for start in range(0, ROWS, 5_000):
        outbox.append([
            Row("data", b'{"id":"level","value":["%d"]}' % number,
                format_time(BEGAN + timedelta(seconds=number)), BOOT, 1000.5 + number)
            for number in range(start, min(start + 5_000, ROWS))])
    outbox.close()


def command(observer: Observer, device: str, number: int) -> float:
    """Seconds until a command is acknowledged; a few of them a second."""
    time.sleep(0.03)
    word = "on" if number % 2 == 0 else "off"
    began = time.monotonic()
    observer.publish(f"/v1/device/{device}/sensor/lamp/command", {
        "id": "lamp", "deviceId": device, "time": stamp(), "cmd": word})
    return observer.wait_for(
        lambda m: m.topic == f"/v1/device/{device}/ack", 20, after=began).at - began
