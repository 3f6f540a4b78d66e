"""Delivery through the real link to a real broker, with an observer as the platform."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.clock import SystemClock
from agent.link.link import Link
from agent.sensing.reading import Reading
from tests.delivery.rig import ACK, RAWDATA, Rig, delivering, values
from tests.link.rig import QUICK, account
from tests.link.rig import Plan as LinkPlan
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker
from twin.mosquitto import BrokerOptions
from twin.proxy import FaultProxy

FENCE = "/v1/device/7432/sensor/t/csv"


@contextlib.asynccontextmanager
async def agent(folder: Path, port: int, **options: Any) -> AsyncIterator[tuple[Rig, Link]]:
    """Link and delivery as the agent joins them."""
    link = Link(
        "platform", SystemClock("always"), lambda *_: None, confirm="fence", policy=QUICK,
        fence_timeout=options.pop("fence_timeout", 0.3),
        on_up=lambda: rig.delivery.link_up(),
        on_down=lambda by_broker: rig.delivery.link_down(by_broker))
    async with delivering(folder, channel=link, **options) as rig:
        task = asyncio.create_task(link.run(LinkPlan(account(port), (), FENCE)))
        try:
            yield rig, link
        finally:
            task.cancel()
            await asyncio.wait((task,))


def arrived(observer: Observer, topic: str = RAWDATA) -> list[tuple[str, bytes]]:
    return [(m.topic, m.payload) for m in observer.on(topic)]


@pytest.mark.req("P-06", "P-11")
def test_readings_and_acks_arrive_once_and_in_order(broker: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        with Observer(broker.port) as observer:
            async with agent(tmp_path, broker.port) as (rig, _):
                rig.read(*range(500))
                rig.delivery.ack("lamp", "on")
                await until(lambda: rig.delivery.status().confirmed == 501)
                await until(lambda: len(values(arrived(observer))) == 500)
            assert values(arrived(observer)) == list(range(500))
            assert len(observer.on(ACK)) == 1
        assert list(tmp_path.iterdir()) == []

    asyncio.run(scenario())


@pytest.mark.req("P-04")
def test_nothing_is_lost_at_a_platform_that_loses_large_messages(
    limited_broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with Observer(limited_broker.port) as observer:
            async with agent(tmp_path, limited_broker.port) as (rig, _):
                for n in range(200):
                    rig.delivery.reading(Reading("溫度", (str(n), "濕度" * (n % 70)), 1.0))
                await until(lambda: rig.delivery.status().confirmed == 200)
                await until(lambda: len(values(arrived(observer))) == 200)

    asyncio.run(scenario())


@pytest.mark.parametrize("seed", [1, 2])
def test_through_a_bad_line_and_restarts_nothing_confirmed_is_lost(
    broker: Broker, tmp_path: Path, seed: int
) -> None:
    """The ledger: all arrive, first arrivals in order, duplicates identical."""
    rand = random.Random(seed)

    async def scenario() -> None:
        number = 0
        with Observer(broker.port) as observer, FaultProxy(broker.port) as proxy:
            faults = (proxy.drop, proxy.refuse, proxy.black_hole,
                      lambda: proxy.cut_after(rand.randrange(10, 2000)))
            for _life in range(3):
                options = {"hold": 0.1, "fence_timeout": 0.15}
                async with agent(tmp_path, proxy.port, **options) as (rig, _):
                    until_ = time.monotonic() + 1.0
                    while time.monotonic() < until_:
                        rig.read(*range(number, number + 3))
                        number += 3
                        if rand.random() < 0.15:
                            rand.choice(faults)()
                        elif rand.random() < 0.3:
                            proxy.passing()
                        await asyncio.sleep(0.02)
            proxy.passing()
            async with agent(tmp_path, proxy.port) as (rig, _):
                await until(lambda: set(values(arrived(observer))) == set(range(number)), 15)
                await rig.idle()
                assert rig.delivery.status().dropped == 0
            numbers = values(arrived(observer))
            first = list(dict.fromkeys(numbers))
            assert first == sorted(first)
            bodies: dict[int, Any] = {}
            for message in observer.on(RAWDATA):
                for one in message.json():
                    assert bodies.setdefault(int(one["value"][0]), one) == one

    asyncio.run(scenario())


def test_a_real_broker_that_ends_what_is_too_large(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """mosquitto with max_packet_size disconnects: the message that does it must not stay."""

    async def scenario() -> None:
        with Observer(broker.port) as observer:
            async with agent(tmp_path, broker.port) as (rig, link):
                await until(lambda: link.up)
                rig.read(*range(5))
                rig.delivery.reading(Reading("t", ("666", "x" * 3000), 1.0))
                rig.read(*range(5, 10))
                await until(lambda: rig.delivery.status().confirmed == 10, 20,
                            f"the rest; {rig.delivery.status()}, {link.status}")
                assert rig.delivery.status().dropped == 1
            assert values(arrived(observer)) == list(range(10))

    with Broker(BrokerOptions(max_packet_size=2000)) as broker:
        asyncio.run(scenario())


def test_a_burst_while_the_line_stalls_is_bounded_and_arrives(
    broker: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        with Observer(broker.port) as observer, FaultProxy(broker.port) as proxy:
            async with agent(tmp_path, proxy.port, fence_timeout=5.0) as (rig, link):
                await until(lambda: link.up)
                proxy.slow(200_000)
                for n in range(300):
                    rig.delivery.reading(Reading("t", (str(n), "x" * 1000), 1.0))
                rig.delivery.ack("lamp", "on")
                await rig.idle(10)
                await until(lambda: len(values(arrived(observer))) == 300)
                assert link.status.connects == 1

    asyncio.run(scenario())
