"""The journal on a real disk: kills, torn lines, damage, full disks, long lives."""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.control.decision import Key
from agent.control.journal import COMPACT_AT, KEPT, Journal
from tests.support.disk import no_file_larger_than


def key(n: int, actuator: str = "lamp") -> Key:
    return (actuator, f"2027-01-01T12:00:00.{n:06d}Z", "on")


@pytest.mark.req("P-09")
def test_keys_and_acks_survive(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state")
    journal.begin(key(1))
    journal.finish(key(1), "on")
    journal.begin(("燈", "t\n\ud800", "開"))
    again = Journal(tmp_path / "state").applied
    assert dict(again) == {key(1): "on", ("燈", "t\n\ud800", "開"): None}
    assert (tmp_path / "state" / "commands.journal").stat().st_mode & 0o777 == 0o600


def test_a_killed_process_leaves_its_keys(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib\n"
        "from agent.control.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "journal.begin(('lamp', 'a time', 'on'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=30, check=False)
    assert done.returncode == -9
    assert dict(Journal(tmp_path).applied) == {("lamp", "a time", "on"): None}


def test_every_torn_end_is_tolerated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path)
    for n in range(3):
        journal.begin(key(n))
        journal.finish(key(n), "on")
    data = journal.path.read_bytes()
    lines = data.splitlines(keepends=True)
    for cut in range(len(data) - len(lines[-1]) - len(lines[-2]), len(data)):
        journal.path.write_bytes(data[:cut])
        torn = Journal(tmp_path)
        assert torn.applied[key(1)] == "on"
        assert torn.applied.get(key(2)) == ("on" if cut == len(data) - 1 else None)
        torn.begin(key(9))
        assert {key(0), key(1), key(9)} <= set(Journal(tmp_path).applied)
    assert not caplog.records


def test_damage_is_set_aside_and_the_sound_lines_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = Journal(tmp_path).path
    damage = [b"\x00" * 50, b"\xff\xfe", b"{}", b"[1,2,3]", b'["a","b"]', b"null", b"[" * 99999]
    damage += [b'["a","b","c","d","e"]', b'"abc"']
    good = b'["lamp","a time","on","on"]'
    path.write_bytes(b"\n".join([*damage, good, b"\x00" * 4000]) + b"\n")
    assert dict(Journal(tmp_path).applied) == {("lamp", "a time", "on"): "on"}
    assert "10 damaged lines" in caplog.text
    assert path.with_name("commands.journal.corrupt").exists()
    assert path.read_bytes() == good + b"\n"
    assert dict(Journal(tmp_path).applied) == {("lamp", "a time", "on"): "on"}
    assert len(caplog.records) == 1


def test_a_full_disk_is_told_once_and_mended_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    journal = Journal(tmp_path)
    journal.begin(key(0))
    with no_file_larger_than(journal.path.stat().st_size + 20):
        for n in range(1, 5):
            journal.begin(key(n))
            journal.finish(key(n), "on")
            journal.sync()
        assert journal.failures == 8
        assert journal.applied[key(4)] == "on"
    on_disk = journal.path.read_bytes()
    assert on_disk.count(b"\n") == 1
    journal.begin(key(5))
    after = journal.path.read_bytes()
    half, whole = after[len(on_disk.splitlines()[0]) + 1 :].splitlines()
    assert len(half) == 20
    assert json.loads(whole) == [*key(5)]
    journal.sync()
    assert dict(Journal(tmp_path).applied) == dict(journal.applied)
    messages = [record.message for record in caplog.records]
    assert len(messages) == 2
    assert "bytes were taken" in messages[0]
    assert "works again" in messages[1]
    assert not journal.path.with_name("commands.journal.new").exists()


def test_a_torn_file_on_a_full_disk_is_gone_on_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for n in range(3):
        journal.begin(key(n))
    journal.path.write_bytes(journal.path.read_bytes()[:-5])
    with no_file_larger_than(10):
        again = Journal(tmp_path)
    again.begin(key(3))
    assert json.loads(again.path.read_bytes().splitlines()[-1]) == [*key(3)]
    again.sync()
    assert set(Journal(tmp_path).applied) == {key(0), key(1), key(3)}


def test_a_damaged_file_stays_in_its_place_until_it_is_written_anew(tmp_path: Path) -> None:
    """The power may go, or the disk be full, between noticing the damage and mending it."""
    journal = Journal(tmp_path)
    for n in range(3):
        journal.begin(key(n))
    journal.path.write_bytes(b"\x00" * 9 + b"\n" + journal.path.read_bytes())
    with no_file_larger_than(10):
        assert set(Journal(tmp_path).applied) == {key(0), key(1), key(2)}
    assert set(Journal(tmp_path).applied) == {key(0), key(1), key(2)}


def test_without_a_folder_memory_is_enough(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a-file").write_text("in the way")
    journal = Journal(tmp_path / "a-file")
    journal.begin(key(1))
    journal.finish(key(1), "on")
    journal.sync()
    assert dict(journal.applied) == {key(1): "on"}
    assert len(caplog.records) == 1
    journal.close()


def test_the_last_256_of_each_actuator_are_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin(key(0, "quiet"))
    for n in range(KEPT + 10):
        journal.begin(key(n))
    for applied in (journal.applied, Journal(tmp_path).applied):
        assert len(applied) == KEPT + 1
        assert key(0, "quiet") in applied
        assert key(9) not in applied
        assert key(10) in applied


def test_a_long_life_stays_small_on_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for n in range(COMPACT_AT):
        journal.begin(key(n))
        journal.finish(key(n), "on")
        if n % 100 == 99:
            journal.sync()
    assert len(journal.path.read_bytes().splitlines()) <= COMPACT_AT + 200
    for n in range(COMPACT_AT):
        journal.begin(key(n))
    journal.sync()
    compacted = journal.path.stat().st_ino
    journal.begin(key(1))
    journal.sync()
    assert journal.path.stat().st_ino == compacted
    assert dict(Journal(tmp_path).applied) == dict(journal.applied)
    assert list(Journal(tmp_path).applied) == list(journal.applied)


def test_nothing_is_lost_while_other_threads_compact(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    rounds = COMPACT_AT
    done = threading.Event()

    def compact() -> None:
        while not done.is_set():
            journal._lines = COMPACT_AT + 1  # so that every sync is a compaction
            journal.sync()

    threads = [threading.Thread(target=compact) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for n in range(rounds):
            journal.begin(key(n))
            assert key(n)[1].encode() in journal.path.read_bytes()
            if random.random() < 0.9:
                journal.finish(key(n), "on")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert dict(Journal(tmp_path).applied) == dict(journal.applied)
    assert journal.failures == 0
    assert not caplog.records


def test_sync_is_asked_for_once_until_it_is_done(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    asked: list[int] = []
    journal.begin(key(0))
    journal.on_dirty = lambda: asked.append(1)
    journal.begin(key(1))
    journal.finish(key(1), "on")
    assert len(asked) == 1
    journal.sync()
    journal.begin(key(2))
    assert len(asked) == 2


def test_an_existing_file_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "commands.journal"
    path.touch(mode=0o644)
    os.chmod(path, 0o644)
    Journal(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
