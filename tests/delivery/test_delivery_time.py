"""Which time a reading is sent with, whatever the clocks do (decision 6)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.delivery.outbox import Outbox
from agent.delivery.rows import LaneName, Row, fitting, stamped
from agent.errors import StorageError
from agent.sensing.reading import Reading
from tests.delivery.rig import acks, delivering, elements, settled, values
from tests.support.clock import START, FakeClock
from tests.support.waiting import until


def times(messages: Any) -> list[str]:
    return [one.get("time") for one in elements(messages)]


def test_before_the_clock_is_set_nothing_but_acks_is_sent(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock) as rig:
            rig.read(1)
            rig.delivery.ack("lamp", "on")
            await until(lambda: acks(rig.line.read))
            await settled()
            assert values(rig.line.sent) == []
            assert "time" not in elements(rig.line.sent, "/v1/device/7432/ack")[0]

            clock.advance(90)
            rig.read(2)
            clock.set_utc(START.replace(hour=12))
            clock.trust = True
            rig.delivery.clock_trusted()
            await rig.idle()
            assert values(rig.line.read) == [1, 2]
            assert times(rig.line.read) == ["2026-05-01T11:58:30.000Z", "2026-05-01T12:00:00.000Z"]

    asyncio.run(scenario())


def test_rows_on_the_card_get_their_time_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock, hold=0.05) as rig:
            rig.read(1)
            clock.advance(10)
            await rig.saved(1)
            rig.read(2)
            await settled()
            assert rig.line.sent == []
            clock.set_utc(START.replace(hour=12))
            clock.trust = True
            rig.delivery.clock_trusted()
            await rig.idle()
            assert times(rig.line.read) == ["2026-05-01T11:59:50.000Z", "2026-05-01T12:00:00.000Z"]

    asyncio.run(scenario())


def test_the_clock_is_set_while_rows_are_written(tmp_path: Path) -> None:
    """Between memory and card a row must not be missed: it would wait for its time for ever."""
    writing, go_on = threading.Event(), threading.Event()

    class Slow(Outbox):
        def append(self, rows: Sequence[Row]) -> tuple[list[int], dict[LaneName, list[int]]]:
            writing.set()
            go_on.wait(10)
            return super().append(rows)

    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock, hold=0.05, outbox=Slow, up=False) as rig:
            rig.read(1)
            clock.advance(10)
            await until(writing.is_set)
            clock.trust = True
            rig.delivery.clock_trusted()
            await settled(0.05)
            go_on.set()
            await rig.saved(1)
            rig.line.connect()
            await rig.idle()
            assert times(rig.line.read) == ["2026-05-01T04:00:00.000Z"]

    asyncio.run(scenario())


def test_a_card_that_fails_while_its_rows_get_their_time_is_asked_again(tmp_path: Path) -> None:
    class Once(Outbox):
        failed = False

        def stamp(self, boot: str, mono_now: float, utc_now: datetime) -> None:
            if not Once.failed:
                Once.failed = True
                raise StorageError("disk I/O error")
            super().stamp(boot, mono_now, utc_now)

    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock, hold=0.05, outbox=Once) as rig:
            rig.read(1)
            clock.advance(10)
            await rig.saved(1)
            clock.trust = True
            rig.delivery.clock_trusted()
            await rig.idle()
            assert times(rig.line.read) == ["2026-05-01T04:00:00.000Z"]
            assert Once.failed

    asyncio.run(scenario())


def test_a_backlog_of_this_boot_that_is_found_late_gets_its_time(tmp_path: Path) -> None:
    fails = True

    class Reluctant(Outbox):
        def counts(self) -> dict[LaneName, tuple[int, int]]:
            if fails:
                raise StorageError("database is locked")
            return super().counts()

    async def scenario() -> None:
        nonlocal fails
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock) as rig:
            rig.read(1)
        clock.advance(30)
        clock.trust = True
        async with delivering(tmp_path, clock=clock, hold=0.05, outbox=Reluctant) as rig:
            rig.read(2)
            await rig.idle()
            fails = False
            clock.advance(1)
            await until(lambda: values(rig.line.read) == [2, 1])
            assert times(rig.line.read) == ["2026-05-01T04:00:30.000Z", "2026-05-01T04:00:00.000Z"]

    asyncio.run(scenario())


def test_an_agent_that_restarts_within_a_boot_stamps_what_it_left(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with delivering(tmp_path, clock=clock) as rig:
            rig.read(1)
        clock.advance(30)
        clock.trust = True
        async with delivering(tmp_path, clock=clock) as rig:
            await until(lambda: times(rig.line.read) == ["2026-05-01T04:00:00.000Z"])

    asyncio.run(scenario())


def test_readings_of_a_boot_that_never_got_the_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(untimed: Any, folder: Path) -> None:
        folder.mkdir()
        clock = FakeClock(trust=False)
        async with delivering(folder, clock=clock, untimed=untimed) as rig:
            rig.read(1, 2)
            rig.delivery.device = None  # and its ack stays, too
            rig.delivery.ack("lamp", "on")
        clock.reboot()
        clock.trust = True
        async with delivering(folder, clock=clock, untimed=untimed) as rig:
            rig.read(3)
            await until(lambda: 3 in values(rig.line.read))
            await rig.idle()
            assert acks(rig.line.read) == ["on"]
            if untimed == "drop":
                assert values(rig.line.read) == [3]
                assert rig.delivery.status().dropped == 2
            else:
                assert values(rig.line.read) == [1, 2, 3]
                assert times(rig.line.read)[:2] == [None, None]  # never guessed
                assert times(rig.line.read)[2] is not None

    asyncio.run(scenario("send", tmp_path / "send"))
    assert caplog.text == ""
    asyncio.run(scenario("drop", tmp_path / "drop"))
    assert "2 dropped: made in a boot that never got the time" in caplog.text


@pytest.mark.parametrize("step", [3600.0, -3600.0, -86_400.0 * 365])
def test_a_step_of_the_wall_clock_changes_neither_order_nor_age_nor_what_was_stamped(
    tmp_path: Path, step: float
) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(tmp_path, clock=clock, up=False, hold=1000) as rig:
            rig.read(1)
            clock.advance(5)
            clock.step(step)
            rig.read(2)
            assert rig.delivery.status().oldest == 5.0
            await settled()
            assert not rig.path.exists()  # and nothing is due for the card by it
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [1, 2]
            assert times(rig.line.read)[0] == "2026-05-01T04:00:00.000Z"

    asyncio.run(scenario())


def test_a_resent_reading_keeps_its_time_over_steps_and_restarts(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(tmp_path, clock=clock) as rig:
            rig.line.answers.clear()
            rig.read(1)
            await until(lambda: rig.line.sent)
            first = rig.line.sent[0]
        clock.step(3600)
        clock.reboot()
        async with delivering(tmp_path, clock=clock) as rig:
            await until(lambda: rig.line.sent)
            assert rig.line.sent[0] == first  # to the byte

    asyncio.run(scenario())


def test_a_reading_taken_before_it_is_handed_in_has_the_time_it_was_taken(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(tmp_path, clock=clock) as rig:
            rig.delivery.reading(Reading("t", ("1",), clock.monotonic() - 2.5))
            await rig.idle()
            assert times(rig.line.read) == ["2026-05-01T03:59:57.500Z"]

    asyncio.run(scenario())


@given(
    sizes=st.lists(st.integers(1, 4900), min_size=1, max_size=40),
    timed=st.booleans(), most=st.integers(1, 50),
)
@settings(max_examples=200, deadline=None)
def test_a_message_is_as_full_as_it_may_be_and_no_fuller(
    sizes: list[int], timed: bool, most: int
) -> None:
    time = "2026-05-01T04:00:00.000Z" if timed else None
    rows = [Row("data", b'{"id":"%b"}' % (b"x" * size), time, "b", 1.0) for size in sizes]
    payload, count = fitting(rows, most)
    assert 1 <= count <= most
    assert len(payload) <= 5000
    assert payload == b"[" + b",".join(row.element() for row in rows[:count]) + b"]"
    if count < len(rows) and count < most:
        assert len(payload) + 1 + len(rows[count].element()) > 5000


def test_a_row_is_stamped_once_and_only_in_its_own_boot() -> None:
    row = Row("data", b"{}", None, "b", 90.0)
    once = stamped(row, "b", 100.0, START)
    assert once.time == "2026-05-01T03:59:50.000Z"
    assert stamped(once, "b", 200.0, START) == once
    assert stamped(row, "other", 100.0, START) == row
