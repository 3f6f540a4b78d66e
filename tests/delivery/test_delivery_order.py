"""What is on the line, in which order, in which messages (decisions 3 and 4)."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from agent.sensing.reading import Reading
from tests.delivery.rig import ACK, RAWDATA, acks, delivering, elements, settled, values
from tests.support.clock import FakeClock
from tests.support.waiting import until


def test_readings_of_one_tick_leave_in_one_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.read(1, 2, 3)
            await rig.idle()
            assert len(rig.line.sent) == 1
            assert values(rig.line.read) == [1, 2, 3]
            status = rig.delivery.status()
            assert (status.confirmed, status.dropped, status.oldest) == (3, 0, 0.0)

    asyncio.run(scenario())


@pytest.mark.req("P-06")
def test_a_reading_as_the_platform_wants_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, clock=FakeClock()) as rig:
            rig.delivery.reading(Reading("dht", ("25.3", "60"), 998.5, lat=25.03, lon=121.5))
            await rig.idle()
            assert rig.line.sent[0][0] == RAWDATA
            assert elements(rig.line.sent) == [{
                "id": "dht", "lat": 25.03, "lon": 121.5, "value": ["25.3", "60"],
                "time": "2026-05-01T03:59:58.500Z"}]

    asyncio.run(scenario())


@pytest.mark.req("P-04", "P-06")
def test_no_message_is_larger_than_the_platform_takes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, hold=0.2) as rig:
            rig.line.answers.clear()  # so that some go by way of the card
            for n in range(300):
                rig.delivery.reading(Reading("溫度", (str(n), "濕" * (n % 90)), 1.0))
                if n % 10 == 0:
                    await asyncio.sleep(0)
            await until(lambda: rig.delivery.status().on_disk)
            rig.line.drop()
            rig.line.answers.set()
            rig.line.connect()
            await rig.idle()
            sizes = [len(payload) for _, payload in rig.line.sent]
            assert max(sizes) <= 5000
            assert max(sizes) > 4000  # but not in crumbs either
            assert values(rig.line.read) == list(range(300))

    asyncio.run(scenario())


def test_a_reading_too_large_for_any_message_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.delivery.reading(Reading("long", ("x" * 5000,), 1.0))
            rig.read(1)
            await rig.idle()
            assert values(rig.line.read) == [1]
            assert rig.delivery.status().dropped == 1

    asyncio.run(scenario())
    assert "a reading of long" in caplog.text


@pytest.mark.req("P-11")
def test_an_ack_is_on_the_line_at_once_and_before_readings(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.read(1, 2)
            rig.delivery.ack("lamp", "on")
            assert [topic for topic, _ in rig.line.sent] == [ACK]
            await rig.idle()
            (ack,) = elements(rig.line.read, ACK)
            assert (ack["id"], ack["ack"]) == ("lamp", "on")
            assert ack["time"].endswith("Z")

            rig.line.drop()
            rig.read(3)
            rig.delivery.ack("lamp", "off")
            rig.line.connect()
            await rig.idle()
            assert [topic for topic, _ in rig.line.sent[2:]] == [ACK, RAWDATA]

    asyncio.run(scenario())


def test_acks_keep_their_order_even_while_some_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, up=False) as rig:
            rig.delivery.ack("lamp", "1")
            rig.line.connect()
            rig.delivery.ack("lamp", "2")
            await rig.idle()
            rig.line.drop()
            rig.delivery.ack("lamp", "3")
            rig.line.connect()
            rig.delivery.ack("lamp", "4")
            await rig.idle()
            assert acks(rig.line.read) == ["1", "2", "3", "4"]

    asyncio.run(scenario())


def test_an_ack_on_the_card_is_not_overtaken(tmp_path: Path) -> None:
    async def leave() -> None:
        async with delivering(tmp_path, up=False) as rig:
            rig.delivery.ack("lamp", "1")

    async def scenario() -> None:
        async with delivering(tmp_path, up=False) as rig:
            await rig.saved(1)
            rig.line.connect()
            rig.delivery.ack("lamp", "2")
            await rig.idle()
            assert acks(rig.line.read) == ["1", "2"]

    asyncio.run(leave())
    asyncio.run(scenario())


def test_what_was_not_proven_is_sent_again_the_same_and_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            rig.read(1, 2)
            await until(lambda: rig.line.sent)
            rig.read(3)
            await until(lambda: len(rig.line.sent) == 2)
            before = elements(rig.line.sent)
            rig.line.drop(by_broker=False)
            rig.line.answers.set()
            rig.read(4)
            await settled()
            assert rig.delivery.status().waiting == 4
            rig.line.connect()
            await rig.idle()
            again = elements(rig.line.read)
            assert again[:3] == before  # id, value and time
            assert values(rig.line.read) == [1, 2, 3, 4]
            assert rig.delivery.status().confirmed == 4

    asyncio.run(scenario())


def test_a_fence_proves_only_what_was_sent_before_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            rig.read(1)
            await until(lambda: rig.line.fences)
            rig.read(2)
            await until(lambda: len(rig.line.sent) == 2)
            rig.line.answers.set()
            await asyncio.sleep(0)
            await until(lambda: rig.delivery.status().confirmed == 1 or rig.line.fences > 1)
            await rig.idle()
            assert rig.line.fences == 2

    asyncio.run(scenario())


def test_a_few_messages_and_no_more_are_on_the_line_unproven(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            for n in range(60):
                rig.delivery.reading(Reading("t", (str(n), "x" * 4000), 1.0))
            await until(lambda: rig.line.fences)
            await settled()
            assert len(rig.line.sent) == 32
            rig.line.answers.set()
            await rig.idle()
            assert values(rig.line.read) == list(range(60))

    asyncio.run(scenario())


def test_while_nobody_answers_readings_wait_and_acks_do_not(tmp_path: Path) -> None:
    """What goes out then is sent again when the link turns out to be dead: twice for nothing."""
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(tmp_path, clock=clock) as rig:
            rig.line.answers.clear()
            rig.read(1)
            await until(lambda: rig.line.fences)
            rig.read(2)
            await until(lambda: len(rig.line.sent) == 2)  # so soon nothing is wrong yet
            clock.advance(0.3)
            rig.read(3)
            rig.delivery.ack("lamp", "on")
            await settled()
            assert [topic for topic, _ in rig.line.sent[2:]] == [ACK]
            rig.line.answers.set()
            await rig.idle()
            assert values(rig.line.read) == [1, 2, 3]

    asyncio.run(scenario())


def test_without_a_fence_the_kernel_is_believed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, confirm="none") as rig:
            rig.read(1)
            await rig.idle()
            assert rig.delivery.status().confirm == "none"
            assert rig.delivery.status().confirmed == 1

    asyncio.run(scenario())


def test_nothing_is_sent_for_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, device=None) as rig:
            rig.read(1)
            rig.delivery.ack("lamp", "on")
            await settled()
            assert rig.line.sent == []
            rig.line.drop(by_broker=False)
            rig.delivery.device = "7432"
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [1]

    asyncio.run(scenario())


def test_drain_waits_for_proof_and_not_longer_than_it_may(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.read(1, 2)
            begun = time.monotonic()
            await rig.delivery.drain(5.0)
            assert rig.delivery.status().waiting == 0
            assert time.monotonic() - begun < 1

            rig.line.answers.clear()
            rig.read(3)
            begun = time.monotonic()
            await rig.delivery.drain(0.2)
            assert 0.15 < time.monotonic() - begun < 1

            asyncio.get_running_loop().call_later(0.05, rig.line.drop)
            begun = time.monotonic()
            await rig.delivery.drain(5.0)  # a lost line confirms nothing any more
            assert time.monotonic() - begun < 1

    asyncio.run(scenario())
