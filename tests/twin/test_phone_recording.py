"""Recordings: real WAV files of the right length, with their transcript, however they end."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import pytest

from tests.twin.phone_rig import CALLER, Exchange

END = ["event CallHangUp", "end: the service hung up"]


def recording(settings: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    """A call that has just begun to record."""
    line = Exchange(**settings or {})
    line.menu({"node": "MAIN", "nextNode": "CUSTOM"}, {"node": "bye", "text": "再見"})
    line.dial()
    line.act(**{"node": "memo", "text": "請留言", "maxRecordDuration": 20, **fields})
    line.wait(1.5)
    seconds = fields.get("maxRecordDuration", 20)
    assert (f"listen recording {seconds}" in line.happened()) is (seconds > 0)
    return line


def tape(line: Exchange) -> tuple[dict[str, Any], bytes]:
    """The one recordEvent, and the samples in it."""
    (event,) = line.events("recordEvent")
    data = base64.b64decode(event["data"], validate=True)
    assert data[:4] == b"RIFF"
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels(),
                file.getcomptype()) == (8000, 2, 1, "NONE")
        return event, file.readframes(file.getnframes())


@pytest.mark.req("T-10", "T-01")
def test_the_recording_lasts_as_long_as_it_may() -> None:
    line = recording(maxRecordDuration=3)
    line.wait(2.999)
    assert line.happened() == []
    line.wait(0.001)
    assert line.happened() == ["recorded 3", "recordEvent", *END]
    event, samples = tape(line)
    assert samples == bytes(2 * 3 * 8000), "nobody spoke"
    assert {**event, "data": ""} == {
        "id": event["id"], "type": "recordEvent", "phone": CALLER, "data": "", "recordType": 1,
        "time": "2024-05-06T07:08:13.623Z"}


@pytest.mark.req("T-10", "T-41")
@pytest.mark.parametrize("wanted", [True, False])
def test_what_is_said_is_heard_and_written_down(wanted: bool) -> None:
    line = recording(recordToText=wanted)
    line.wait(2)
    line.record("我是小明")
    line.record("不再")
    line.wait(2)
    assert line.happened()[0] == "recorded 4"
    event, samples = tape(line)
    assert event.get("text") == ("我是小明" if wanted else None)
    assert not any(samples[:2 * 2 * 8000]) and any(samples[2 * 2 * 8000:])
    assert len(samples) == 2 * 4 * 8000


@pytest.mark.req("T-10")
def test_the_hash_key_ends_it() -> None:
    line = recording(recordToText=True)
    line.record("我是小明")
    line.press("1*")  # other keys are no end
    line.wait(1)
    line.press("#")
    assert line.happened() == ["recorded 1", "recordEvent 我是", *END]


@pytest.mark.req("T-10")
def test_what_does_not_fit_is_cut() -> None:
    line = recording(maxRecordDuration=2, recordToText=True)
    line.wait(0.5)
    line.record(10.0)
    line.wait(60)
    assert line.happened() == ["recorded 2", "recordEvent", *END]
    assert tape(line)[0]["text"] == ""


@pytest.mark.req("T-06", "T-10", "T-40")
@pytest.mark.parametrize(("settings", "fields", "follows"), [
    ({}, {}, END), ({}, {"nextNode": "bye"}, ["say 再見"]),
    ({"asks_after_recording": True}, {}, ["request memo"]),
    ({"asks_after_recording": True}, {"nextNode": "bye"}, ["say 再見"])])
def test_what_follows_a_recording(
        settings: dict[str, Any], fields: dict[str, Any], follows: list[str]) -> None:
    line = recording(settings, **fields)
    line.press("#")
    assert line.happened() == ["recorded 0", "recordEvent", *follows]


@pytest.mark.req("T-10", "T-38")
def test_a_caller_who_hangs_up_leaves_what_was_said() -> None:
    line = recording()
    line.wait(2)
    line.hang_up()
    assert line.happened() == ["recorded 2", "recordEvent", "event CallHangUp",
                               "end: the caller hung up"]
    line = recording()
    line.hang_up()
    assert line.happened() == ["event CallHangUp", "end: the caller hung up"]


@pytest.mark.req("T-10")
def test_the_longest_recording() -> None:
    line = recording({"char_seconds": 0.0}, maxRecordDuration=999, recordToText=True)
    line.record(999)
    line.wait(999)
    assert len(tape(line)[1]) == 2 * 999 * 8000


@pytest.mark.req("T-10")
@pytest.mark.parametrize(("seconds", "recorded"), [
    (float("inf"), 20), (1e300, 20), (float("nan"), 0), (-1.0, 0)])
def test_an_absurd_length_is_put_right(seconds: float, recorded: int) -> None:
    line = recording()
    line.record(seconds)
    line.wait(20)
    assert line.happened() == [f"recorded {recorded}", "recordEvent", *END]


def test_where_speech_takes_no_time_all_of_it_is_written_down() -> None:
    line = recording({"char_seconds": 0.0}, recordToText=True)
    line.record("我是小明")
    assert line.happened() == ["recorded 1.5", "recordEvent 我是小明", *END]


@pytest.mark.req("T-41")
def test_nothing_is_recorded_without_a_duration() -> None:
    line = recording(maxRecordDuration=0, recordToText=True)
    assert not line.events("recordEvent")
    assert line.telephone.calls() == []
