"""The call log and the folder of recordings."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from agent.errors import StorageError
from agent.phone.calllog import FILE, CallLog, Entry, read, told
from agent.phone.model import Cancelled, Commanded, Ended, Refused
from agent.phone.recordings import Recordings
from agent.protocol.calls import VoiceMemo
from agent.threads import Worker


def entry(number: int) -> Entry:
    return Entry(f"2026-05-01T04:00:00.{number:03}Z", "c1", "0900***001", f"line {number}")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))  # type: ignore[arg-type]


# --- the log --------------------------------------------------------------------------------------


def test_what_is_noted_is_there_at_once_and_after_the_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        log = CallLog(tmp_path, Worker("test"))
        assert await log.latest(10) == []
        for number in range(5):
            log.note(entry(number))
        assert await log.latest(2) == [entry(3), entry(4)]
        log.note(entry(5))
        await log.close()

    run(scenario)
    assert [one.what for one in read(tmp_path, 100)] == [f"line {n}" for n in range(6)]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_looking_at_a_stopped_agents_log_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        log = CallLog(tmp_path, Worker("test"))
        log.note(entry(0))
        await log.close()

    assert read(tmp_path, 10) == []
    run(scenario)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert read(tmp_path, 10) == [entry(0)]
    # A file of root's beside it would keep the agent from its own log.
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_it_is_looked_at_beside_a_running_agent(tmp_path: Path) -> None:
    async def scenario() -> None:
        log = CallLog(tmp_path, Worker("test"))
        log.note(entry(0))
        await log.latest(1)
        assert read(tmp_path, 10) == [entry(0)]
        await log.close()

    run(scenario)


def test_only_the_last_lines_are_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        log = CallLog(tmp_path, Worker("test"), most_rows=3)
        for number in range(10):
            log.note(entry(number))
        assert [one.what for one in await log.latest(10)] == ["line 7", "line 8", "line 9"]
        await log.close()

    run(scenario)


def test_a_card_that_takes_nothing_is_told_of_once_and_calls_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        log = CallLog(tmp_path / "gone", Worker("test"))
        for number in range(3):
            log.note(entry(number))
            await log.latest(1)
        assert log.lost == 3
        (tmp_path / "gone").mkdir()
        log.note(entry(3))
        assert await log.latest(9) == [entry(3)]
        await log.close()

    run(scenario)
    assert len(caplog.records) == 1


def test_a_damaged_log_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff" * 9_000)
    with pytest.raises(StorageError):
        read(tmp_path, 1)

    async def scenario() -> None:
        log = CallLog(tmp_path, Worker("test"))
        log.note(entry(0))
        assert await log.latest(1) == [entry(0)]
        await log.close()

    run(scenario)
    assert (tmp_path / f"{FILE}.corrupt").exists()


@pytest.mark.parametrize(("effect", "text"), [
    (Commanded("do.on", "lamp", "on", True, "on"), "lamp on: on"),
    (Commanded("do.on", "lamp", "on", False, "interlocked"), "lamp on failed: interlocked"),
    (Refused("menu.lamp", "wrong pin"), "menu.lamp refused: wrong pin"),
    (Cancelled("do.on"), "do.on cancelled"), (Ended("max turns"), "ended: max turns"),
])  # fmt: skip
def test_what_is_told_of_a_call(effect: Commanded, text: str) -> None:
    assert told(effect) == text


# --- recordings -----------------------------------------------------------------------------------

WAV = b"RIFF" + bytes(96)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.req("T-10", "T-41")
def test_a_sound_is_kept_with_its_transcript_for_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    kept = Recordings(folder)
    assert kept.keep(VoiceMemo("a", None, WAV, transcript="漏水"), "20260501T0400") == (
        "20260501T0400.wav")  # fmt: skip
    assert kept.keep(VoiceMemo("b", None, WAV), "20260501T0400") == "20260501T0400-2.wav"
    assert files(folder) == ["20260501T0400-2.wav", "20260501T0400.txt", "20260501T0400.wav"]
    assert (folder / "20260501T0400.wav").read_bytes() == WAV
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_only_a_sound_is_called_one(tmp_path: Path) -> None:
    kept = Recordings(tmp_path)
    assert kept.keep(VoiceMemo("a", None, b"text, as in the documents"), "s") == "s.bin"
    assert kept.keep(VoiceMemo("a", None, None, raw="/a/path.wav"), "t") == "t.raw.txt"
    assert (tmp_path / "t.raw.txt").read_text() == "/a/path.wav\n"
    assert kept.keep(VoiceMemo("a", None, b"", transcript="\ud800"), "u") == "u.bin"
    assert (tmp_path / "u.txt").read_text() == "?\n"


def test_one_that_is_too_large_is_refused_and_the_rest_stays(tmp_path: Path) -> None:
    kept = Recordings(tmp_path, largest=100)
    kept.keep(VoiceMemo("a", None, WAV), "s")
    with pytest.raises(StorageError, match="101 bytes"):
        kept.keep(VoiceMemo("b", None, WAV + b"1"), "t")
    assert files(tmp_path) == ["s.wav"]


def test_the_oldest_make_room(tmp_path: Path) -> None:
    kept = Recordings(tmp_path, folder_limit=350)
    for number in range(5):
        kept.keep(VoiceMemo("a", None, WAV), f"s{number}")
    assert files(tmp_path) == ["s2.wav", "s3.wav", "s4.wav"]


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "recordings").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Recordings(tmp_path / "recordings").keep(VoiceMemo("a", None, WAV), "s")
