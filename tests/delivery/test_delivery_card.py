"""When rows go to the card, what becomes of them there, and cards that misbehave (decision 5)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.delivery import card
from agent.delivery.outbox import Outbox
from agent.delivery.rows import LaneName, Row
from agent.errors import StorageError
from agent.sensing.reading import Reading
from tests.delivery.rig import acks, delivering, elements, settled, values
from tests.support.clock import FakeClock
from tests.support.disk import no_file_larger_than
from tests.support.waiting import until


def test_what_is_confirmed_in_time_never_touches_the_card(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, hold=0.3) as rig:
            for n in range(12):
                rig.read(n, urgent=n % 3 == 0)
                rig.delivery.ack("lamp", str(n))
                await asyncio.sleep(0.05)
            await rig.idle()

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_what_stays_unproven_longer_than_hold_is_saved(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, hold=0.3) as rig:
            rig.line.answers.clear()
            rig.read(1, 2)
            begun = time.monotonic()
            await rig.saved(2)
            assert 0.25 < time.monotonic() - begun < 1.5
            rig.read(3)
            rig.line.answers.set()
            await rig.idle()
            assert values(rig.line.sent) == [1, 2, 3]  # saved, but not sent again for that

    asyncio.run(scenario())


def test_the_card_is_readable_by_us_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05) as rig:
            rig.read(1)
            await rig.saved(1)
            for path in tmp_path.iterdir():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path

    old = os.umask(0)
    try:
        asyncio.run(scenario())
    finally:
        os.umask(old)


def test_while_the_link_is_down_urgent_rows_are_saved_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(tmp_path, clock=clock, up=False) as rig:
            rig.read(1)
            rig.delivery.ack("lamp", "on")
            await settled()
            assert not rig.path.exists()  # the first link is still being made
            clock.advance(60)
            rig.read(2)
            await settled()
            assert not rig.path.exists()  # nobody is in a hurry
            rig.read(3, urgent=True)
            await rig.saved(4, timeout=1)
            rig.delivery.ack("lamp", "off")
            await rig.saved(5, timeout=1)

    asyncio.run(scenario())


def test_urgent_rows_on_the_line_are_saved_when_it_breaks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            rig.read(1)
            rig.line.drop(by_broker=False)
            await settled()
            assert not rig.path.exists()
            rig.line.connect()
            rig.delivery.ack("lamp", "on")
            await until(lambda: rig.line.fences)
            rig.line.drop(by_broker=False)
            await rig.saved(2, timeout=1)

    asyncio.run(scenario())


def test_a_stop_leaves_every_unproven_row_and_a_start_sends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            rig.read(*range(100))
            rig.delivery.ack("lamp", "on")
            await until(lambda: len(rig.line.sent) >= 2)
            rig.read(100, 101)  # of these nothing was sent yet
            before = elements(rig.line.sent)
            await rig.delivery.drain(0.05)
        assert not Path(f"{rig.path}-wal").exists()  # closed in good order

        async with delivering(tmp_path, up=False) as rig:
            await until(lambda: rig.delivery.status().waiting == 103)
            rig.read(102)
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == list(range(103))
            assert acks(rig.line.read) == ["on"]
            assert elements(rig.line.read)[:100] == before[:100]
        async with delivering(tmp_path) as rig:
            await settled()
            assert rig.line.sent == []  # proven is proven, for ever

    asyncio.run(scenario())


def test_a_power_cut_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path / "1", up=False, hold=0.05) as rig:
            rig.read(*range(50))
            await rig.saved(50)
            (tmp_path / "2").mkdir()
            for suffix in ("", "-wal"):  # the files as they are, with the database still open
                copy = Path(f"{tmp_path}/2/outbox.db{suffix}")
                copy.write_bytes(Path(f"{rig.path}{suffix}").read_bytes())
        async with delivering(tmp_path / "2") as rig:
            await until(lambda: values(rig.line.read) == list(range(50)))

    (tmp_path / "1").mkdir()
    asyncio.run(scenario())


def test_backfill_is_limited_and_nothing_urgent_waits_for_it(tmp_path: Path) -> None:
    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            for n in range(20):
                rig.delivery.reading(reading(n, 4000))
            await settled(0.05)

    async def scenario() -> None:
        async with delivering(tmp_path, backfill_rate=20) as rig:
            begun = time.monotonic()
            await until(lambda: len(rig.line.sent) == 4)
            rig.read(20)
            rig.delivery.ack("lamp", "on")
            assert acks(rig.line.sent) == ["on"]  # it has not waited a moment
            await until(lambda: len(values(rig.line.sent)) == 21)
            assert 0.8 < time.monotonic() - begun < 2.5  # 20 messages at 20 a second
            await rig.idle()
            assert values(rig.line.read) == list(range(21))

    asyncio.run(fill())
    asyncio.run(scenario())


def test_acks_on_the_card_do_not_wait_for_the_backfill(tmp_path: Path) -> None:
    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            for n in range(5):
                rig.delivery.reading(reading(n, 4000))

    async def scenario() -> None:
        async with delivering(tmp_path, backfill_rate=0.1, hold=0.05) as rig:
            await until(lambda: rig.line.sent)  # the next one follows in ten seconds
            rig.line.drop()
            rig.delivery.ack("lamp", "on")
            await until(lambda: rig.delivery.status().waiting == rig.delivery.status().on_disk, 5)
            rig.line.connect()
            await until(lambda: acks(rig.line.sent), 5)

    asyncio.run(fill())
    asyncio.run(scenario())


def test_a_link_that_changes_while_the_card_is_read_skips_nothing(tmp_path: Path) -> None:
    """What was on the line of the old link is unproven: going on behind it would forget it."""
    reading_on, go_on = threading.Event(), threading.Event()

    class Slow(Outbox):
        def read(self, lane: LaneName, after: int, most: int) -> list[tuple[int, Row]]:
            found = super().read(lane, after, most)
            if after and not reading_on.is_set():
                reading_on.set()
                go_on.wait(10)
            return found

    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            for n in range(10):
                rig.delivery.reading(reading(n, 4000))

    async def scenario() -> None:
        async with delivering(tmp_path, outbox=Slow) as rig:
            rig.line.answers.clear()
            await until(reading_on.is_set)
            rig.line.drop(by_broker=False)
            rig.line.connect()
            rig.line.answers.set()
            go_on.set()
            await rig.idle()
            assert values(rig.line.read) == list(range(10))

    asyncio.run(fill())
    asyncio.run(scenario())


def test_a_stop_while_rows_are_written_writes_them_once(tmp_path: Path) -> None:
    writing, go_on = threading.Event(), threading.Event()

    class Slow(Outbox):
        def append(self, rows: Sequence[Row]) -> tuple[list[int], dict[LaneName, list[int]]]:
            done = super().append(rows)
            writing.set()
            go_on.wait(10)
            return done

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05, outbox=Slow) as rig:
            rig.read(1, 2, 3)
            await until(writing.is_set)
            stopping = asyncio.create_task(rig.stop())
            await settled(0.05)
            go_on.set()
            await stopping
        assert Outbox(rig.path, 1_000_000).counts()["data"] == (3, 3)

    asyncio.run(scenario())


def test_the_configured_rate_is_reached(tmp_path: Path) -> None:
    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            for n in range(100):
                rig.delivery.reading(reading(n, 4000))
            await settled(0.05)

    async def scenario() -> None:
        async with delivering(tmp_path, backfill_rate=200) as rig:
            await rig.idle(timeout=3)  # half a second, with room for a busy machine

    asyncio.run(fill())
    asyncio.run(scenario())


def reading(number: int, size: int) -> Reading:
    return Reading("t", (str(number), "x" * size), 1.0)


def test_beyond_the_limit_the_oldest_make_room_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limit = 300_000

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05, disk_limit=limit) as rig:
            rig.delivery.ack("lamp", "on")
            for n in range(1500):
                rig.delivery.reading(reading(n, 500))
                if n % 300 == 299:
                    await until(lambda: not rig.delivery._lanes["data"].memory)
            status = rig.delivery.status()
            assert status.dropped > 500
            assert status.waiting == status.on_disk == 1501 - status.dropped
            rig.line.connect()
            await rig.idle()
            kept = values(rig.line.read)
            assert kept == list(range(status.dropped, 1500))  # the newest, in order
            assert acks(rig.line.read) == ["on"]  # readings go first
            assert rig.delivery.status().confirmed == len(kept) + 1
        assert rig.path.stat().st_size < limit + 400_000

    asyncio.run(scenario())
    assert "disk_limit reached" in caplog.text


def test_a_card_that_dropped_all_it_had_holds_up_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05, disk_limit=1) as rig:
            rig.read(1, 2, 3)
            await until(lambda: rig.delivery.status().dropped == 3)
            rig.line.connect()
            rig.read(4)
            await rig.idle()
            assert values(rig.line.read) == [4]

    asyncio.run(scenario())


def test_a_card_of_an_earlier_life_that_is_damaged_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox.db").write_bytes(b"garbage" * 1000)

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05) as rig:
            rig.read(1)
            await rig.saved(1)
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [1]

    asyncio.run(scenario())
    assert (tmp_path / "outbox.db.corrupt").read_bytes() == b"garbage" * 1000
    assert sum("set aside" in r.getMessage() for r in caplog.records) == 1


def test_a_card_damaged_in_service_costs_only_what_was_on_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05, outbox=Breakable) as rig:
            rig.read(*range(30))
            await rig.saved(30)
            Breakable.damaged = True
            rig.read(30, 31)
            await rig.saved(2)
            assert rig.delivery.status().dropped == 30
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [30, 31]
            rig.line.drop()
            rig.read(32)  # and the card is a card again
            await rig.saved(1)
        async with delivering(tmp_path) as rig:
            await until(lambda: values(rig.line.read) == [32])

    asyncio.run(scenario())
    assert (tmp_path / "outbox.db.corrupt").exists()


class Breakable(Outbox):
    """Its file is overwritten with garbage before the next use once ``damaged`` is set."""

    damaged = False

    def append(self, rows: object) -> object:  # type: ignore[override]
        if Breakable.damaged:
            Breakable.damaged = False
            self.close()
            self._db.path.write_bytes(b"\xff" * 20_000)
        return super().append(rows)  # type: ignore[arg-type]


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        db.execute("PRAGMA user_version=99")
        db.execute("CREATE TABLE future (x)")
        db.commit()

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05) as rig:
            rig.read(1)
            await rig.saved(1)

    asyncio.run(scenario())
    with contextlib.closing(sqlite3.connect(tmp_path / "outbox.db.corrupt")) as db:
        assert db.execute("SELECT count(*) FROM future").fetchone() == (0,)


def test_a_card_that_takes_nothing_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05) as rig:
            with no_file_larger_than(100_000):
                for n in range(400):
                    rig.delivery.reading(reading(n, 500))
                await until(lambda: "keeping up to" in caplog.text)
                await settled(0.4)
                assert rig.delivery.status().waiting == 400
                rig.line.connect()  # the line does not need the card
                await rig.idle()
                assert values(rig.line.read) == list(range(400))
                rig.line.drop()
                for n in range(400, 800):
                    rig.delivery.reading(reading(n, 500))
                await settled(0.3)
            await rig.saved(400)  # there is room again
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == list(range(800))
            assert rig.delivery.status().dropped == 0

    caplog.set_level(logging.INFO)
    asyncio.run(scenario())
    assert sum("keeping up to" in r.getMessage() for r in caplog.records) == 1
    assert sum("takes rows again" in r.getMessage() for r in caplog.records) == 1


def test_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)],
        capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a full disk needs the right to mount one")

    async def scenario() -> None:
        async with delivering(folder, up=False, hold=0.05) as rig:
            ballast = folder / "ballast"
            with contextlib.suppress(OSError), ballast.open("wb") as file:
                file.write(b"x" * 600_000)
            for n in range(200):
                rig.delivery.reading(reading(n, 200))
            await until(lambda: "keeping up to" in caplog.text)
            assert rig.delivery.status().waiting == 200
            ballast.unlink()
            await rig.saved(200)
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == list(range(200))

    try:
        asyncio.run(scenario())
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_memory_is_bounded_while_the_card_takes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path / "is a file" / "x", up=False, hold=0.05) as rig:
            rig.read(*range(card.IN_MEMORY + 500))
            status = rig.delivery.status()
            assert (status.waiting, status.dropped) == (card.IN_MEMORY, 500)
            rig.line.connect()
            await rig.idle(timeout=10)
            assert values(rig.line.read) == list(range(500, card.IN_MEMORY + 500))

    (tmp_path / "is a file").write_text("")
    asyncio.run(scenario())
    assert 1 <= sum("memory is full" in r.getMessage() for r in caplog.records) <= 4


def test_a_card_that_fails_is_left_alone_for_a_while(tmp_path: Path) -> None:
    tries = 0

    class Broken(Outbox):
        def append(self, rows: Sequence[Row]) -> tuple[list[int], dict[LaneName, list[int]]]:
            nonlocal tries
            tries += 1
            raise StorageError("disk I/O error")

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.2, outbox=Broken) as rig:
            rig.read(1)
            await until(lambda: tries)
            await settled(0.5)
            assert tries <= 4

    asyncio.run(scenario())


def test_what_cannot_be_saved_at_the_end_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path / "missing", up=False) as rig:
            rig.read(1, 2, 3)
        assert rig.delivery.status().dropped == 3

    asyncio.run(scenario())
    assert "3 dropped: stopping, and the card takes nothing" in caplog.text


class Unreadable(Outbox):
    """A dying card: it takes rows and does not give them back."""

    def read(self, lane: LaneName, after: int, most: int) -> list[tuple[int, Row]]:
        raise StorageError("outbox: disk I/O error")


def test_a_card_that_gives_nothing_back_does_not_hold_up_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with delivering(
            tmp_path, clock=clock, up=False, hold=0.1, outbox=Unreadable
        ) as rig:
            clock.advance(1)
            rig.delivery.ack("lamp", "lost")
            await rig.saved(1)
            rig.line.connect()
            rig.read(1)
            await until(lambda: values(rig.line.read) == [1])  # readings do not wait for acks
            await rig.idle()  # and after three tries nobody waits for the card
            rig.delivery.ack("lamp", "on")
            await rig.idle()
            assert acks(rig.line.read) == ["on"]
            assert rig.delivery.status().dropped == 1

    asyncio.run(scenario())
    assert "the card cannot be read" in caplog.text


class SlowToWake(Outbox):
    """A card that is not there yet when the agent starts."""

    tries = 0

    def counts(self) -> dict[LaneName, tuple[int, int]]:
        SlowToWake.tries += 1
        if SlowToWake.tries < 3:
            raise StorageError("outbox: disk I/O error")
        return super().counts()


def test_a_backlog_that_cannot_be_read_at_first_is_found_later(tmp_path: Path) -> None:
    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            rig.read(1, 2)
            await settled(0.05)

    async def scenario() -> None:
        SlowToWake.tries = 0
        async with delivering(tmp_path, up=False, hold=0.1, outbox=SlowToWake) as rig:
            rig.read(3)
            await rig.saved(3)
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [1, 2, 3]

    asyncio.run(fill())
    asyncio.run(scenario())


@pytest.mark.parametrize("proven_before", [False, True])
def test_a_backlog_found_late_is_not_skipped_by_what_was_sent_before(
    tmp_path: Path, proven_before: bool
) -> None:
    """What is on the line by then stands behind the backlog, on the card too."""
    fails = True

    class Reluctant(Outbox):
        def counts(self) -> dict[LaneName, tuple[int, int]]:
            if fails:
                raise StorageError("database is locked")
            return super().counts()

    async def fill() -> None:
        async with delivering(tmp_path, up=False) as rig:
            rig.read(*range(300))

    async def scenario() -> None:
        nonlocal fails
        async with delivering(tmp_path, hold=0.05, outbox=Reluctant) as rig:
            rig.line.answers.clear()
            rig.read(300)
            await until(lambda: rig.line.sent)
            await settled(0.2)  # it is unproven for longer than hold, yet nothing is written before
            assert rig.delivery.status().on_disk == 0
            if proven_before:
                rig.line.answers.set()
                await rig.idle()
            fails = False
            await rig.saved(300 if proven_before else 301)
            rig.line.answers.set()
            await rig.idle()
            assert set(values(rig.line.read)) == set(range(301))
        assert Outbox(rig.path, 1_000_000).counts()["data"][0] == 0

    asyncio.run(fill())
    asyncio.run(scenario())


def test_a_card_that_hangs_does_not_stop_what_is_live(tmp_path: Path) -> None:
    gate = threading.Event()

    class Hanging(Outbox):
        def append(self, rows: object) -> object:  # type: ignore[override]
            gate.wait(5)
            return super().append(rows)  # type: ignore[arg-type]

    async def scenario() -> None:
        async with delivering(tmp_path, up=False, hold=0.05, outbox=Hanging) as rig:
            rig.read(1)
            await settled()
            rig.line.connect()
            rig.read(2)
            rig.delivery.ack("lamp", "on")
            await rig.idle()
            gate.set()
            await settled()
            assert values(rig.line.sent) == [1, 2]
            assert rig.delivery.status().on_disk == 0

    try:
        asyncio.run(scenario())
    finally:
        gate.set()


def test_what_is_proven_leaves_the_card_at_once_when_nothing_is_left_on_it(tmp_path: Path) -> None:
    """Else whoever kills the agent within ``hold`` has the whole backlog sent again."""
    outbox = Outbox(tmp_path / "outbox.db", 1_000_000)
    outbox.append([Row("data", b'{"id":"t","value":["%d"]}' % n, "t", "b", 1.0)
                   for n in range(300)])
    outbox.close()
    forgets: list[float] = []

    class Watched(Outbox):
        def forget(self, lane: LaneName, upto: int) -> None:
            super().forget(lane, upto)
            forgets.append(time.monotonic())

    async def scenario() -> None:
        async with delivering(tmp_path, outbox=Watched) as rig:  # hold is a minute
            await until(lambda: rig.delivery.status().confirmed == 300)
            proven = time.monotonic()
            await until(lambda: forgets)
            assert forgets[-1] - proven < 0.5
            assert len(forgets) == 1

    asyncio.run(scenario())
    assert len(forgets) == 1


def test_a_long_backlog_is_forgotten_once_a_second(tmp_path: Path) -> None:
    """Each time is a commit, and wears the card."""
    outbox = Outbox(tmp_path / "outbox.db", 1_000_000)
    outbox.append([Row("data", b'{"id":"t","value":["%d"]}' % n, "t", "b", 1.0)
                   for n in range(1500)])
    outbox.close()
    forgets = 0

    class Watched(Outbox):
        def forget(self, lane: LaneName, upto: int) -> None:
            nonlocal forgets
            forgets += 1
            super().forget(lane, upto)

    async def scenario() -> None:
        async with delivering(tmp_path, outbox=Watched, backfill_rate=8.0) as rig:
            await until(lambda: rig.delivery.status().confirmed == 1500, 15)
            await until(lambda: forgets, 15)
            await settled()

    began = time.monotonic()
    asyncio.run(scenario())
    assert 2 <= forgets <= time.monotonic() - began + 1


def test_a_card_that_forgets_nothing_is_not_asked_all_the_time(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", 1_000_000)
    outbox.append([Row("data", b'{"id":"t","value":["1"]}', "t", "b", 1.0)])
    outbox.close()
    tries = 0

    class Broken(Outbox):
        def forget(self, lane: LaneName, upto: int) -> None:
            nonlocal tries
            tries += 1
            raise StorageError("full")

    async def scenario() -> None:
        async with delivering(tmp_path, outbox=Broken, hold=0.5):
            await until(lambda: tries >= 2)
            await settled(0.3)
            assert tries <= 3

    asyncio.run(scenario())
