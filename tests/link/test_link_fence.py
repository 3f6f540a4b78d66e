"""The fence: what it proves, and brokers that do not bear it (decision 4)."""

from __future__ import annotations

import asyncio
import random

import pytest

from agent.errors import LinkLost
from agent.retry import Reconnect
from tests.link.rig import lines, running
from tests.link.strange_broker import Opinion, StrangeBroker
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker
from twin.proxy import FaultProxy


@pytest.mark.parametrize("opinion", ["drops", "says nothing"])
def test_a_broker_that_bears_no_fence_is_served_without(
    opinion: Opinion, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with (
            StrangeBroker(opinion).running() as broker,
            running(broker.port, "in", fence_timeout=0.2) as rig,
        ):
            await rig.up()
            assert rig.link.confirm == "none"
            assert broker.sessions == 3
            rig.link.publish("out", b"x")
            await rig.link.fence()  # it only knows that the kernel has it
            await until(lambda: broker.published)
            assert rig.link.status.state == "up"

    asyncio.run(scenario())
    assert sum("bears no fence" in line for line in lines(caplog)) == 1


@pytest.mark.parametrize("opinion", ["drops", "says nothing"])
def test_a_broker_that_once_answered_keeps_its_fence(opinion: Opinion) -> None:
    """Else a bad line would silently turn proof off."""

    async def scenario() -> None:
        async with (
            StrangeBroker("answers").running() as broker,
            running(broker.port, "in", fence_timeout=0.1) as rig,
        ):
            await rig.up()
            broker.opinion = opinion
            with pytest.raises(LinkLost):
                await rig.link.fence()
            await until(lambda: broker.sessions >= 5)
            assert rig.link.confirm == "fence"
            assert not rig.link.up
            broker.opinion = "answers"
            await rig.up()

    asyncio.run(scenario())


def test_outages_between_do_not_count_as_fences_refused(broker: Broker) -> None:
    """Twice in a row, or it was the network: proof is not given up for two bad moments."""

    async def scenario() -> None:
        async with StrangeBroker("drops").running() as strange:
            with FaultProxy(strange.port) as proxy:
                proxy.refuse()
                on_request = Reconnect(quick=(60.0, 60.0))
                async with running(proxy.port, "in", policy=on_request) as rig:
                    for session in (1, 2, 3):
                        await until(lambda: "refused" in str(rig.link.status.error))
                        proxy.passing()
                        rig.link.hurry()
                        await until(lambda: strange.sessions == session)  # noqa: B023
                        await until(lambda: "refused" not in str(rig.link.status.error))
                        proxy.refuse()
                        rig.link.hurry()
                    await until(lambda: "refused" in str(rig.link.status.error))
                    proxy.target = broker.port  # a good one
                    proxy.passing()
                    rig.link.hurry()
                    await rig.up()
                    assert rig.link.confirm == "fence"

    asyncio.run(scenario())


def test_without_a_fence_topic_there_is_no_fence(broker: Broker) -> None:
    async def scenario() -> None:
        async with running(broker.port, fence=None) as rig:
            await rig.up()
            await rig.link.fence()

    asyncio.run(scenario())
    assert "UNSUBSCRIBE" not in broker.log


@pytest.mark.parametrize("seed", range(3))
def test_what_a_fence_answered_for_has_arrived(proxy: FaultProxy, seed: int) -> None:
    """Through resets, cuts within a packet and black holes; the observer has no faulty line."""
    rand = random.Random(seed)

    def trouble() -> None:
        rand.choice((
            proxy.drop,
            proxy.drop,
            lambda: proxy.cut_after(rand.randrange(1, 3000)),
            lambda: proxy.cut_after(rand.randrange(1, 200), "down"),
            lambda: proxy.black_hole(rand.choice(("up", "down", "both"))),
            proxy.refuse,
        ))()

    async def scenario() -> None:
        proven: set[int] = set()
        number = 0
        with Observer(proxy.target, ("out", "end")) as observer:
            async with running(proxy.port, fence_timeout=0.15) as rig:
                for _ in range(60):
                    proxy.passing()
                    await rig.up()
                    mine = []
                    count = rand.randrange(1, 12)
                    worst = rand.randrange(count) if rand.random() < 0.5 else None
                    try:
                        for n in range(count):
                            rig.link.publish("out", b"%d" % number + b" " * rand.randrange(400))
                            mine.append(number)
                            number += 1
                            if rand.random() < 0.3:
                                await asyncio.sleep(0.001)
                            if n == worst:
                                trouble()
                        await rig.link.fence()
                        proven.update(mine)
                    except LinkLost:
                        await until(lambda: not rig.link.up)
                connects = rig.link.status.connects
            # The broker has read it; that it has also sent it on takes another moment.
            observer.publish("end")
            await until(lambda: observer.on("end"))
            arrived = {int(m.payload) for m in observer.on("out")}
        assert proven <= arrived, sorted(proven - arrived)
        assert len(proven) > number / 4  # enough was proven to say something
        assert connects > 12

    asyncio.run(scenario())
