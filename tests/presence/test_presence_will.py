"""The will and its clearing (P-20 … P-22, decision 2), on a real broker that keeps it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from agent.clock import SystemClock
from agent.config.model import LastWillConfig
from agent.link.link import Link, Plan
from agent.presence.will import LastWill
from tests.link.rig import FENCE, QUICK, account
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker

TOPIC = "/v1/lwt/pi00001"


class Living:
    """A link whose will is looked after, as the agent joins them."""

    def __init__(self, broker: Broker, config: LastWillConfig) -> None:
        self.heard: list[bytes] = []
        self.link = Link(
            "platform", SystemClock("always"), self._receive, confirm="fence", policy=QUICK,
            on_up=lambda: self.will.clear())
        self.will = LastWill(self.link, config, "pi00001")
        self._plan = Plan(account(broker.port, will=self.will.will), (TOPIC,), FENCE)

    def _receive(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.heard.append(payload)
        self.will.heard(payload)

    async def start(self) -> None:
        self.task = asyncio.create_task(self.link.run(self._plan))
        await until(lambda: self.link.up)

    async def crash(self) -> None:
        assert self.link._connection is not None
        self.link._connection.abort()
        await self.stop()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))


@contextlib.asynccontextmanager
async def living(broker: Broker, config: LastWillConfig | None = None) -> AsyncIterator[Living]:
    one = Living(broker, config or LastWillConfig())
    await one.start()
    try:
        yield one
    finally:
        await one.stop()


def retained(broker: Broker) -> list[bytes]:
    """What somebody who subscribes now is told."""
    with Observer(broker.port, (TOPIC, "sync")) as observer:
        observer.publish("sync", b"1")
        observer.wait_for(lambda m: m.topic == "sync")
        return [m.payload for m in observer.on(TOPIC)]


@pytest.mark.req("P-20", "P-21", "P-22")
def test_a_crash_leaves_a_notice_and_the_next_life_takes_it_back(broker: Broker) -> None:
    async def scenario() -> None:
        async with living(broker) as one:
            await one.crash()
            await until(lambda: retained(broker) == [b"offline"])
            await one.start()
            await until(lambda: retained(broker) == [])

    asyncio.run(scenario())


@pytest.mark.req("P-22")
def test_a_notice_that_comes_late_is_taken_back_too(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """The will of the old session can be published after the new one is up."""

    async def scenario() -> None:
        async with living(broker) as one:
            await until(lambda: b"" in one.heard)
            with Observer(broker.port, (TOPIC,)) as observer:
                observer.publish(TOPIC, b"offline", retain=True)
                await until(lambda: [m.payload for m in observer.messages] == [b"offline", b""])
            assert retained(broker) == []
            await asyncio.sleep(0.1)
            assert one.heard.count(b"") == 2  # our own clearing is no notice: no endless echo

    caplog.set_level("INFO")
    asyncio.run(scenario())
    assert sum("cleared" in r.getMessage() for r in caplog.records) == 1


@pytest.mark.req("P-20")
@pytest.mark.parametrize(
    ("config", "left"),
    [
        (LastWillConfig(message="離線", retain=True, clear=True), []),
        (LastWillConfig(retain=True, clear=False), [b"offline"]),
        (LastWillConfig(retain=False), [b"offline"]),  # nothing of ours is kept: nothing to clear
    ],
)
def test_what_is_configured_is_what_is_done(
    broker: Broker, config: LastWillConfig, left: list[bytes]
) -> None:
    async def scenario() -> None:
        with Observer(broker.port, (TOPIC,)) as observer:
            observer.publish(TOPIC, b"offline", retain=True)
            async with living(broker, config) as one:
                await until(lambda: retained(broker) == left)
                observer.publish(TOPIC, b"offline", retain=True)
                await until(lambda: retained(broker) == left)
                await one.crash()
                last = config.message.encode()
                await until(lambda: observer.messages[-1].payload == last)
                assert one.will.will.retain == config.retain

    asyncio.run(scenario())
