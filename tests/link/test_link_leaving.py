"""How a link ends: in good order no will is sent, in any other way it is (P-20, P-21)."""

from __future__ import annotations

import asyncio
import time

import pytest

from agent.link.model import Will
from tests.link.rig import account, running
from tests.link.strange_broker import StrangeBroker
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker
from twin.proxy import FaultProxy

WILL = Will("/v1/lwt/pi00001", b"offline", True)


@pytest.mark.req("P-20", "P-21")
def test_a_clean_stop_sends_no_will_and_a_crash_does(broker: Broker) -> None:
    async def scenario() -> None:
        with Observer(broker.port, (WILL.topic, "sync")) as observer:
            async with running(account(broker.port, will=WILL)) as rig:
                await rig.up()
            observer.publish("sync", b"1")  # behind anything the broker had to say
            await until(lambda: observer.on("sync"))
            assert not observer.on(WILL.topic)

            async with running(account(broker.port, will=WILL)) as rig:
                await rig.up()
                await rig.abort()
                await until(lambda: observer.on(WILL.topic))
            assert [m.payload for m in observer.on(WILL.topic)] == [b"offline"]
        with Observer(broker.port, (WILL.topic,)) as later:
            assert later.wait_for(lambda m: m.retain).payload == b"offline"

    asyncio.run(scenario())


@pytest.mark.req("P-21")
def test_a_stop_amid_incoming_messages_sends_no_will(broker: Broker) -> None:
    """Data unread at the end makes the kernel reset the connection after our DISCONNECT."""

    async def scenario() -> None:
        with Observer(broker.port, (WILL.topic, "sync")) as observer:
            for _ in range(5):
                async with running(account(broker.port, will=WILL), "flood") as rig:
                    await rig.up()
                    for _ in range(200):
                        observer._client.publish("flood", b"x" * 2000)
                    await until(lambda: rig.heard.messages)
            observer.publish("sync", b"1")
            await until(lambda: observer.on("sync"))
            assert not observer.on(WILL.topic)

    asyncio.run(scenario())


@pytest.mark.req("P-21")
def test_a_broker_in_the_middle_of_a_word_is_heard_out() -> None:
    """A broker that cannot write may take it for our death, with our DISCONNECT still unread."""
    welcome = b"\x30\xd4\x0f\x00\x02in" + b"x" * 2000

    async def scenario() -> None:
        # far more than the buffers on the way hold
        async with StrangeBroker(welcome=welcome * 4000).running() as strange:
            async with running(strange.port, "in") as rig:
                await until(lambda: rig.heard.messages)
            await until(lambda: strange.partings)
            assert strange.partings == ["in peace"]
            assert len(rig.heard.messages) < 4000

    asyncio.run(scenario())


@pytest.mark.req("P-21")
def test_a_stop_while_the_session_begins_sends_no_will(broker: Broker) -> None:
    async def scenario() -> None:
        with Observer(broker.port, (WILL.topic, "sync")) as observer:
            def stop() -> None:  # CONNACK is here, SUBACK is not
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

            who = account(broker.port, will=WILL)
            async with running(who, "in", on_subscribe=stop) as rig:
                await until(rig.task.done)
            observer.publish("sync", b"1")
            await until(lambda: observer.on("sync"))
            assert not observer.on(WILL.topic)

    asyncio.run(scenario())


@pytest.mark.req("P-21")
def test_a_stop_before_the_session_begins_sends_no_will() -> None:
    """The broker has our CONNECT, with the will in it; we only do not know it yet."""

    async def scenario() -> None:
        async with StrangeBroker("ignores CONNECT").running() as strange:
            async with running(strange.port):
                await until(lambda: strange.sessions)
            await until(lambda: strange.partings)

    asyncio.run(scenario())


def test_what_was_published_last_leaves_before_the_end(broker: Broker) -> None:
    async def scenario() -> None:
        with Observer(broker.port, ("out",)) as observer:
            async with running(broker.port) as rig:
                await rig.up()
                for n in range(300):
                    rig.link.publish("out", b"%d" % n)
            await until(lambda: len(observer.messages) == 300)
            assert [int(m.payload) for m in observer.messages] == list(range(300))

    asyncio.run(scenario())


def test_a_dead_line_does_not_delay_the_end(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:
            await rig.up()
            proxy.black_hole()
            for _ in range(400):
                rig.link.publish("out", b"x" * 20_000)  # more than the buffers on the way hold
            begun = time.monotonic()
            await rig.stop()
            assert time.monotonic() - begun < 2

    asyncio.run(scenario())
