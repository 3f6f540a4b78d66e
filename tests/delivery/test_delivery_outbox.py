"""The rows on the card against a dict of them, through crashes, restarts and damage."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.delivery.outbox import Outbox
from agent.delivery.rows import LANES, LaneName, Row
from agent.errors import StorageError
from tests.support.disk import no_file_larger_than

lanes = st.sampled_from(LANES)
bodies = st.binary(min_size=1, max_size=300)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class OutboxMachine(RuleBasedStateMachine):
    """``rows`` is what must be on the card: lane → id → row."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="outbox-"))
        self.life = 0
        self.rows: dict[LaneName, dict[int, Row]] = {lane: {} for lane in LANES}
        self.boot = "boot-0"
        self._open()

    def _open(self) -> None:
        folder = self.root / str(self.life)
        folder.mkdir(exist_ok=True)
        self.path = folder / "outbox.db"
        self.outbox = Outbox(self.path, 10_000_000)
        self.top = {lane: max(rows, default=0) for lane, rows in self.rows.items()}
        if self.outbox.exists:
            counts = self.outbox.counts()
            assert counts == {
                lane: (len(rows), max(rows, default=0)) for lane, rows in self.rows.items()}

    def teardown(self) -> None:
        if hasattr(self, "outbox"):
            self.outbox.close()
            shutil.rmtree(self.root)

    @rule(what=st.lists(st.tuples(lanes, bodies, st.booleans()), min_size=1, max_size=6))
    def append(self, what: list[tuple[LaneName, bytes, bool]]) -> None:
        new = [Row(lane, body, "2026-05-01T00:00:00.000Z" if timed else None, self.boot, 1.5)
               for lane, body, timed in what]
        ids, dropped = self.outbox.append(new)
        assert dropped == {}
        for row, row_id in zip(new, ids, strict=True):
            assert row_id > self.top[row.lane], "an id was used again"
            self.top[row.lane] = row_id
            self.rows[row.lane][row_id] = row

    @rule(lane=lanes, share=st.floats(0, 1))
    def forget(self, lane: LaneName, share: float) -> None:
        ids = sorted(self.rows[lane])
        upto = ids[int(share * (len(ids) - 1))] if ids else 0
        self.outbox.forget(lane, upto)
        self.rows[lane] = {i: row for i, row in self.rows[lane].items() if i > upto}

    @rule()
    def stamp(self) -> None:
        self.outbox.stamp(self.boot, 10.0, NOON)
        for row_id, row in self.rows["data"].items():
            if row.time is None and row.boot == self.boot:
                self.rows["data"][row_id] = Row(
                    "data", row.body, "2026-05-01T11:59:51.500Z", row.boot, row.mono)

    @rule()
    def drop_untimed(self) -> None:
        kept = {i: row for i, row in self.rows["data"].items()
                if row.time is not None or row.boot == self.boot}
        assert self.outbox.drop_untimed(self.boot) == len(self.rows["data"]) - len(kept)
        self.rows["data"] = kept

    @rule()
    def next_boot(self) -> None:
        self.boot = f"{self.boot}+"

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self._open()

    @rule()
    def power_cut(self) -> None:
        """The files as they are on the card, with the database still open; nothing else."""
        before, self.life = self.path, self.life + 1
        folder = self.root / str(self.life)
        folder.mkdir()
        for suffix in ("", "-wal"):
            if (file := Path(f"{before}{suffix}")).exists():
                shutil.copy(file, folder / file.name)
        self.outbox.close()
        self._open()

    @precondition(lambda self: self.path.exists())
    @rule()
    def damage(self) -> None:
        self.outbox.close()
        self.path.write_bytes(b"\x00garbage" * 4000)
        self.rows = {lane: {} for lane in LANES}
        found = self.outbox.set_aside
        assert self.outbox.counts() == dict.fromkeys(LANES, (0, 0))
        assert self.outbox.set_aside == found + 1

    @invariant()
    def it_holds_what_it_should(self) -> None:
        if not hasattr(self, "outbox") or not self.path.exists():
            return
        for lane in LANES:
            expected = sorted(self.rows[lane].items())
            assert self.outbox.read(lane, 0, 1000) == expected
            if expected:
                middle = expected[len(expected) // 2][0]
                assert self.outbox.read(lane, middle, 2) == [
                    pair for pair in expected if pair[0] > middle][:2]


TestOutbox = OutboxMachine.TestCase
TestOutbox.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_asking_makes_no_file(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", 1000)
    assert not outbox.exists
    outbox.close()
    assert list(tmp_path.iterdir()) == []


def test_a_limit_drops_the_oldest_readings_and_acks_last(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", 200_000)
    outbox.append([Row("ack", b"x" * 1000, None, "b", 1.0)] * 5)
    dropped: list[int] = []
    for _ in range(10):
        _, gone = outbox.append([Row("data", b"x" * 1000, None, "b", 1.0)] * 100)
        assert set(gone) <= {"data"}
        dropped += gone.get("data", [])
    assert dropped == list(range(1, len(dropped) + 1))
    kept = outbox.read("data", 0, 10_000)
    assert [row_id for row_id, _ in kept] == list(range(len(dropped) + 1, 1001))
    assert len(outbox.read("ack", 0, 10)) == 5
    outbox.close()


def test_what_is_larger_than_the_limit_altogether_ends(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", 1)
    ids, gone = outbox.append([Row("data", b"x", None, "b", 1.0), Row("ack", b"x", None, "b", 1.0)])
    assert gone == {"data": ids[:1], "ack": ids[1:]}
    outbox.close()


def test_a_disk_that_ends_anywhere_keeps_what_it_took_and_nothing_else(tmp_path: Path) -> None:
    """Rows that are on the card must never be reported as not taken: they would be sent twice."""
    taken, refused = 0, 0
    for room in range(360_000, 620_000, 8_192):
        path = tmp_path / str(room)
        outbox = Outbox(path, 1_000_000)
        outbox.append([Row("data", b"x" * 500, None, "b", 1.0)] * 1900)
        (before, last) = outbox.counts()["data"]
        with no_file_larger_than(room):  # its log was copied, and begins anew
            try:
                ids, gone = outbox.append([Row("data", b"x" * 500, None, "b", 1.0)] * 300)
            except StorageError:
                refused += 1
                assert outbox.counts()["data"] == (before, last)
            else:
                taken += 1
                left = before + 300 - len(gone.get("data", []))
                assert outbox.counts()["data"] == (left, ids[-1])
        outbox.append([Row("data", b"x", None, "b", 1.0)])
        assert outbox.counts()["data"][0] < 1800  # what was over the limit is gone by now
        outbox.close()
    assert taken > 5 and refused > 5


@pytest.mark.parametrize("ended", ["closed", "killed"])
def test_a_disk_without_any_room_gives_back_what_is_on_it(tmp_path: Path, ended: str) -> None:
    """Rows that can be sent must not wait until somebody else makes room."""
    (tmp_path / "life").mkdir()
    outbox = Outbox(tmp_path / "life" / "outbox.db", 1_000_000)
    rows = [Row("data", b"x%d" % n, "t", "b", 1.0) for n in range(40)]
    ids, _ = outbox.append(rows)
    if ended == "closed":
        outbox.close()
    folder = tmp_path / "next"
    folder.mkdir()
    for suffix in ("", "-wal"):
        if (file := tmp_path / "life" / f"outbox.db{suffix}").exists():
            shutil.copy(file, folder / file.name)
    outbox.close()
    outbox = Outbox(folder / "outbox.db", 1_000_000)
    with no_file_larger_than(0):
        assert outbox.counts() == {"ack": (0, 0), "data": (40, ids[-1])}
        assert outbox.drop_untimed("another boot") == 0
        assert outbox.read("data", 0, 100) == list(zip(ids, rows, strict=True))
    outbox.close()


def test_its_own_log_does_not_fill_the_card(tmp_path: Path) -> None:
    """It grows with every commit until it is copied, and rows come and go for weeks."""
    outbox = Outbox(tmp_path / "outbox.db", 1_000_000)
    largest = 0
    for _ in range(300):
        ids, _ = outbox.append([Row("data", b"x" * 50, "t", "b", 1.0)] * 5)
        outbox.forget("data", ids[-1])
        largest = max(largest, sum(file.stat().st_size for file in tmp_path.iterdir()))
    outbox.close()
    assert largest < 1_500_000


def test_a_folder_that_is_missing_is_a_storage_error(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "missing" / "outbox.db", 1_000_000)
    with pytest.raises(StorageError, match=r"missing/outbox\.db"):
        outbox.append([Row("data", b"x", None, "b", 1.0)])
    (tmp_path / "missing").mkdir()
    assert outbox.append([Row("data", b"x", None, "b", 1.0)]) == ([1], {})  # it tries again
    outbox.close()


def test_stamps_of_rows_made_before_this_moment(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", 1_000_000)
    outbox.append([Row("data", b"x", None, "b", float(n)) for n in (90, 99, 100)])
    outbox.stamp("b", 100.0, NOON + timedelta(milliseconds=250))
    assert [row.time for _, row in outbox.read("data", 0, 9)] == [
        "2026-05-01T11:59:50.250Z", "2026-05-01T11:59:59.250Z", "2026-05-01T12:00:00.250Z"]
    outbox.close()
