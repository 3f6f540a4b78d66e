"""Another client with our id: say so and stop fighting (decision 2)."""

from __future__ import annotations

import asyncio

import pytest

from tests.link.rig import account, lines, running
from tests.link.strange_broker import StrangeBroker
from tests.support.clock import FakeClock
from tests.support.waiting import until
from twin.broker import Broker
from twin.proxy import FaultProxy


def test_three_take_overs_within_a_minute_end_the_fight(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        who = account(broker.port, client_id="agent7")
        async with running(who) as rig:
            for round_ in (1, 2, 3):
                await rig.connects(round_)
                async with running(who) as other:
                    await other.up()
                    await until(lambda: not rig.link.up)
            await until(lambda: "another client" in str(rig.link.status.error))
            assert "agent7" in str(rig.link.status.error)
            await asyncio.sleep(0.5)  # at its usual pace it would be back by now
            assert (rig.link.status.state, rig.link.status.connects) == ("down", 3)
            rig.link.hurry()
            await rig.connects(4)

    asyncio.run(scenario())
    assert sum("another client probably uses the client id agent7" in line
               for line in lines(caplog)) == 1


def test_take_overs_that_are_far_apart_are_none(broker: Broker) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        who = account(broker.port)
        async with running(who, clock=clock) as rig:
            for round_ in (1, 2, 3):
                await rig.connects(round_)
                async with running(who, clock=FakeClock()) as other:
                    await other.up()
                    await until(lambda: not rig.link.up)
                clock.advance(40)
            await rig.connects(4)

    asyncio.run(scenario())


def test_resets_are_a_bad_line_and_no_take_over(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port, clock=FakeClock()) as rig:
            for round_ in range(1, 7):
                await rig.connects(round_)
                proxy.drop()
                await until(lambda: not rig.link.up)
            await rig.connects(7)

    asyncio.run(scenario())


def test_a_broker_that_restarts_again_and_again_is_no_take_over() -> None:
    async def scenario() -> None:
        strange = StrangeBroker()
        async with strange.running():
            port = strange.port
        async with running(port, clock=FakeClock()) as rig:
            for round_ in range(1, 6):
                async with strange.running(port):
                    await rig.connects(round_)
                await until(lambda: "refused" in str(rig.link.status.error))

    asyncio.run(scenario())
