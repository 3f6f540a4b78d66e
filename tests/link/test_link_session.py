"""A link to a real broker: up, subscribed, renewed, refused, and what it says of it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Literal

import pytest

from agent.errors import LinkLost
from agent.link.link import Link
from tests.conftest import DEVICE_KEY, PROJECT_KEY
from tests.link.rig import account, lines, running
from tests.link.strange_broker import StrangeBroker
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker
from twin.proxy import FaultProxy


def test_it_connects_subscribes_and_says_so_in_order(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(broker.port, "in/a", "in/b") as rig:
            assert rig.link.status.state in ("off", "down")
            await rig.up()
            assert rig.heard.events == ["subscribe", "subscribe", "up"]
            assert (rig.link.status.state, rig.link.status.error) == ("up", None)
            assert rig.link.status.connects == 1
            with Observer(broker.port, ("out",)) as observer:
                observer.publish("in/b", "來")
                await until(lambda: rig.heard.messages)
                assert rig.heard.messages == [("in/b", "來".encode(), False)]
                rig.link.publish("out", b"\x00\xff")
                await rig.link.fence()
                await until(lambda: observer.messages)
                assert observer.messages[0].payload == b"\x00\xff"

    caplog.set_level(logging.INFO)
    asyncio.run(scenario())
    assert lines(caplog, logging.INFO) == [f"platform: up (127.0.0.1:{broker.port})"]


def test_a_retained_message_is_told_from_a_live_one(broker: Broker) -> None:
    async def scenario() -> None:
        with Observer(broker.port, ("other",)) as observer:
            observer.publish("in", b"old", retain=True)
            async with running(broker.port, "in") as rig:
                await until(lambda: rig.heard.messages)
                assert rig.heard.messages == [("in", b"old", True)]

    asyncio.run(scenario())


def test_more_topics_than_fit_one_subscribe(broker: Broker) -> None:
    topics = [f"in/{n}" for n in range(33)]

    async def scenario() -> None:
        async with running(broker.port, *topics) as rig:
            await rig.up()
            with Observer(broker.port, ("other",)) as observer:
                for topic in topics:
                    observer.publish(topic, b"x")
                await until(lambda: len(rig.heard.messages) == len(topics))

    asyncio.run(scenario())
    assert broker.log.count("Received SUBSCRIBE from agent1") == 4


def test_nothing_of_an_earlier_session_is_left(broker: Broker) -> None:
    """As another device after a message of the registry, say: the old one's commands are over."""

    async def scenario() -> None:
        async with running(broker.port, "old") as rig:
            await rig.up()
        async with running(broker.port, "new") as rig:
            await rig.up()
            with Observer(broker.port, ("other",)) as observer:
                observer.publish("old", b"x")
                observer.publish("new", b"y")
                await until(lambda: rig.heard.messages)
            assert [topic for topic, _, _ in rig.heard.messages] == ["new"]

    asyncio.run(scenario())


@pytest.mark.req("P-02")
@pytest.mark.parametrize("version", ["3.1.1", "3.1"])
def test_both_mqtt_versions_work(broker: Broker, version: Literal["3.1.1", "3.1"]) -> None:
    async def scenario() -> None:
        async with running(account(broker.port, mqtt_version=version), "in") as rig:
            await rig.up()
            rig.link.publish("in", b"x")
            await rig.link.fence()
            await until(lambda: rig.heard.messages)

    asyncio.run(scenario())
    assert f"as agent1 (p{1 if version == '3.1' else 2}" in broker.log


@pytest.mark.req("P-03")
def test_the_key_is_user_name_and_password(password_broker: Broker) -> None:
    async def scenario() -> None:
        async with running(account(password_broker.port, key=DEVICE_KEY)) as rig:
            await rig.up()

    asyncio.run(scenario())
    assert f"u'{DEVICE_KEY}'" in password_broker.log


def test_a_refused_password_waits_long_and_is_told_once(
    password_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        with FaultProxy(password_broker.port) as proxy:
            async with running(account(proxy.port, key="DKsecretwrong")) as rig:
                await rig.state("refused")
                await until(lambda: rig.heard.events)
                assert not rig.link.up
                assert "refuses the key" in str(rig.link.status.error)
                assert rig.heard.events == ["key refused"]
                with pytest.raises(LinkLost):
                    rig.link.publish("out", b"x")
                await asyncio.sleep(0.6)  # at the pace of a lost link it would have tried 15 times
                assert proxy.accepted == 1
                rig.link.hurry()
                await until(lambda: proxy.accepted == 2)
                await until(lambda: len(rig.heard.events) == 2)
                assert rig.link.status.state == "refused"

    asyncio.run(scenario())
    (line,) = lines(caplog)
    assert "refuses the key" in line
    assert "DKsecretwrong" not in caplog.text


def test_an_unknown_host_is_named_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with running(account(1883, host="nowhere.invalid")) as rig:
            await until(lambda: rig.link.status.error)
            assert rig.link.status.state == "down"

    asyncio.run(scenario())
    (line,) = lines(caplog)
    assert "nowhere.invalid:1883: unknown host" in line


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "a b"])
def test_a_host_that_is_no_name_at_all(host: str) -> None:
    async def scenario() -> None:
        async with running(account(1883, host=host)) as rig:
            await until(lambda: rig.link.status.error or rig.task.done())
            assert not rig.task.done()
            assert "unknown host" in str(rig.link.status.error)

    asyncio.run(scenario())


def test_a_broker_that_comes_after_us_is_found_within_a_retry(
    proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(proxy.port, policy=None) as rig:  # the pace a user gets
            await rig.state("down")
            assert "refused" in str(rig.link.status.error)
            await asyncio.sleep(1.2)
            proxy.passing()
            there = time.monotonic()
            await rig.up()
            assert time.monotonic() - there < 0.5 + 0.4

    proxy.refuse()
    asyncio.run(scenario())
    assert len(lines(caplog)) == 1  # not one a try


def test_subscriptions_are_renewed_after_the_broker_restarts(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(broker.port, "in") as rig:
            await rig.up()
            await asyncio.to_thread(broker.stop)
            await rig.state("down")
            with pytest.raises(LinkLost):
                rig.link.publish("out", b"x")
            with pytest.raises(LinkLost):
                await rig.link.fence()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(broker.start)
            await rig.up()
            assert rig.link.status.connects == 2
            assert rig.link.status.error is None
            with Observer(broker.port, ("other",)) as observer:
                observer.publish("in", b"after")
                await until(lambda: rig.heard.messages)
            assert rig.heard.events == [
                "subscribe", "subscribe", "up", "ended", "subscribe", "subscribe", "up"]

    caplog.set_level(logging.INFO)
    asyncio.run(scenario())
    # How mosquitto's end shows (orderly or reset) and that nobody listened then: one line each.
    assert 1 <= len(lines(caplog)) <= 3
    assert len(set(lines(caplog))) == len(lines(caplog))


def test_the_same_reason_is_told_again_in_the_next_outage(
    proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:
            for round_ in (1, 2):
                await rig.connects(round_)
                proxy.refuse()
                await rig.state("down")
                await until(lambda: "refused" in str(rig.link.status.error))
                await asyncio.sleep(0.2)
                proxy.passing()
            await rig.connects(3)

    asyncio.run(scenario())
    assert sum("refused" in line for line in lines(caplog)) == 2
    ours = [record for record in caplog.records if record.name == "cht_agent.link"]
    assert {vars(record).get("LINK") for record in ours} == {"platform"}  # a journal field


def test_a_platform_that_denies_a_topic_leaves_the_link_up(
    denying_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(account(denying_broker.port, key=DEVICE_KEY), "in/a", "in/b") as rig:
            await rig.up()
            assert rig.link.status.state == "up"
            assert "subscription refused: in/a, in/b" in str(rig.link.status.error)
            with Observer(denying_broker.port, user=PROJECT_KEY) as observer:
                rig.link.publish("out", b"still works")
                await until(lambda: observer.on("out"))

    asyncio.run(scenario())
    (line,) = lines(caplog)
    assert "in/a, in/b; does the sensor exist on the platform?" in line


def test_a_refused_topic_is_asked_for_again() -> None:
    """Its sensor may have been created meanwhile; then the platform may replay a command, too."""

    async def scenario() -> None:
        async with StrangeBroker().running() as strange:
            strange.refuses = True
            async with running(strange.port, "in", retry_refused=0.05) as rig:
                await rig.up()
                await until(lambda: rig.heard.events.count("subscribe") >= 4)
                assert "refused: in" in str(rig.link.status.error)
                strange.refuses = False
                await until(lambda: rig.link.status.error is None)
                asked = rig.heard.events.count("subscribe")
                await rig.link.fence()
                assert rig.heard.events == [*["subscribe"] * 2, "up", *["subscribe"] * (asked - 2)]
                assert strange.sessions == 1

    asyncio.run(scenario())


def test_a_link_that_must_subscribe_is_refused(denying_broker: Broker) -> None:
    async def scenario() -> None:
        who = account(denying_broker.port, key=DEVICE_KEY)
        async with running(who, "in/a", must_subscribe=True, name="registry") as rig:
            await rig.state("refused")
            assert "subscription refused: in/a" in str(rig.link.status.error)
            assert "up" not in rig.heard.events
            assert "key refused" not in rig.heard.events

    asyncio.run(scenario())


def test_rest_says_why_nobody_runs_it(broker: Broker) -> None:
    async def scenario() -> None:
        async with running(broker.port) as rig:
            await rig.up()
            await rig.stop()
            assert rig.heard.events[-1] == "fell silent"  # publish works no more
            assert rig.link.status.state == "off"
            rig.link.rest("waiting")
            assert (rig.link.status.state, rig.link.up) == ("waiting", False)

    asyncio.run(scenario())


def test_a_handler_may_answer_at_once_and_may_fail(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(link: Link, topic: str, payload: bytes) -> None:
        if payload == b"bad":
            raise RuntimeError("a bug of ours")
        link.publish("out", payload)

    async def scenario() -> None:
        with Observer(broker.port, ("out",)) as observer:
            async with running(broker.port, "in", on_message=answer) as rig:
                await rig.up()
                for payload in (b"1", b"bad", b"2"):
                    observer.publish("in", payload)
                await until(lambda: len(observer.messages) == 2)
                assert [m.payload for m in observer.messages] == [b"1", b"2"]
                assert rig.link.status.connects == 1

    asyncio.run(scenario())
    assert "a bug of ours" in caplog.text
