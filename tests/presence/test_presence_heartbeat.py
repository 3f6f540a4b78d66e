"""Beats: when they leave, how often, and when they must not (P-13, decision 10)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from agent.clock import SystemClock
from agent.errors import LinkLost
from agent.presence.heartbeat import Heart
from tests.link.rig import running
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker

TOPIC = "/v1/device/7432/heartbeat"


class Wire:
    """A link that notes what leaves and when."""

    def __init__(self) -> None:
        self.up = True
        self.breaks = False
        self.stalls = 0.0
        self.beats: list[tuple[float, str, bytes]] = []
        self.fences = 0

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        assert not retain
        if self.breaks:
            raise LinkLost("gone")
        self.beats.append((time.monotonic(), topic, payload))

    async def fence(self) -> None:
        self.fences += 1
        await asyncio.sleep(self.stalls)
        if self.stalls:
            raise LinkLost("no answer")


@contextlib.asynccontextmanager
async def beating(wire: Wire, pulse: float, healthy: list[bool] | None = None,
                  device: str | None = "7432") -> AsyncIterator[Heart]:
    state = healthy if healthy is not None else [True]
    heart = Heart(wire, SystemClock("always"), pulse, lambda: state[0])
    heart.device = device
    task = asyncio.create_task(heart.run())
    try:
        yield heart
    finally:
        assert not task.done(), task
        task.cancel()
        await asyncio.wait((task,))


@pytest.mark.req("P-13", "P-23")
def test_a_beat_tells_its_pulse_and_is_fenced() -> None:
    async def scenario() -> None:
        wire = Wire()
        async with beating(wire, 60.0) as heart:
            await until(lambda: wire.fences)
            ((_, topic, payload),) = wire.beats
            assert topic == TOPIC
            assert json.loads(payload) == {"pulse": "60000"}
            assert heart.beats == 1

    asyncio.run(scenario())


@pytest.mark.req("P-13")
def test_three_beats_a_pulse() -> None:
    async def scenario() -> None:
        wire = Wire()
        async with beating(wire, 0.6):
            await until(lambda: len(wire.beats) == 6)
        times = [at for at, _, _ in wire.beats]
        gaps = [b - a for a, b in pairwise(times)]
        assert min(gaps) > 0.15
        assert sum(gaps) / len(gaps) < 0.3  # half a pulse: the platform has not missed us

    asyncio.run(scenario())


def test_a_slow_fence_makes_no_beat_late() -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.stalls = 0.4
        async with beating(wire, 1.5):
            await until(lambda: len(wire.beats) == 4)
        assert wire.beats[3][0] - wire.beats[0][0] < 3 * 0.5 + 0.8  # not 3 × (0.5 + 0.4)

    asyncio.run(scenario())


def test_the_first_beat_follows_the_connection_at_once() -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.up = False
        async with beating(wire, 60.0) as heart:
            await asyncio.sleep(0.05)
            assert wire.beats == []
            wire.up = True
            told = time.monotonic()
            heart.beat_now()
            await until(lambda: wire.beats)
            assert wire.beats[0][0] - told < 0.1
            wire.up = False  # the next connection, too
            wire.up = True
            heart.beat_now()
            await until(lambda: len(wire.beats) == 2)

    asyncio.run(scenario())


def test_a_connection_that_comes_while_the_last_beat_waits_is_not_forgotten() -> None:
    async def scenario() -> None:
        wire = Wire()
        wire.stalls = 0.2
        async with beating(wire, 60.0) as heart:
            await until(lambda: wire.fences)
            heart.beat_now()
            await until(lambda: len(wire.beats) == 2, 2)

    asyncio.run(scenario())


def test_no_beat_for_nobody_nor_without_a_link() -> None:
    async def scenario() -> None:
        wire = Wire()
        async with beating(wire, 0.06, device=None) as heart:
            await asyncio.sleep(0.1)
            assert wire.beats == []
            heart.device = "7432"
            await until(lambda: wire.beats)
            wire.breaks = True
            count = heart.beats
            await asyncio.sleep(0.1)
            assert heart.beats == count  # a beat that could not leave is none
            wire.breaks = False
            await until(lambda: heart.beats > count)

    asyncio.run(scenario())


def test_beats_stop_while_no_sensor_answers_and_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        wire, healthy = Wire(), [True]
        async with beating(wire, 0.09, healthy):
            await until(lambda: len(wire.beats) == 2)
            healthy[0] = False
            await until(lambda: "heartbeats stop" in caplog.text)
            count = len(wire.beats)
            await asyncio.sleep(0.15)
            assert len(wire.beats) == count
            healthy[0] = True
            await until(lambda: len(wire.beats) > count)

    caplog.set_level("INFO")
    asyncio.run(scenario())
    told = [r.getMessage() for r in caplog.records if r.name == "cht_agent.presence"]
    assert [text.split(":")[0] for text in told] == ["heartbeats stop", "heartbeats go on"]


@pytest.mark.req("P-13")
def test_over_a_real_link(broker: Broker) -> None:
    async def scenario() -> None:
        with Observer(broker.port, (TOPIC,)) as observer:
            async with running(broker.port) as rig:
                heart = Heart(rig.link, rig.clock, 0.3, lambda: True)
                heart.device = "7432"
                task = asyncio.create_task(heart.run())
                await rig.up()
                heart.beat_now()
                await until(lambda: len(observer.messages) >= 3)
                task.cancel()
                await asyncio.wait((task,))
            assert observer.messages[0].json() == {"pulse": "300"}

    asyncio.run(scenario())
