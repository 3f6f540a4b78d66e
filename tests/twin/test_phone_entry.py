"""What a caller enters: keys with their limit, end and time-out; speech with its confidence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.phone_rig import Exchange


def asked(settings: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    """A call in which the application has just asked: 請 (half a second)."""
    line = Exchange(**settings or {})
    line.menu({"node": "MAIN", "nextNode": "CUSTOM"})
    line.dial()
    line.act(node="q", text="請", **fields)
    line.log.clear()
    return line


@pytest.mark.req("T-09", "T-37", "T-02")
@pytest.mark.parametrize(("fields", "keys", "node"), [
    ({}, "7", "q,7"),
    ({}, "78", "q,7"),
    ({"maxDTMF": 3}, "123", "q,123"),
    ({"maxDTMF": 3}, "1234", "q,123"),
    ({"maxDTMF": 5}, "35#", "q,35"),
    ({"maxDTMF": 3}, "1*2*3", "q,123"),
    ({"maxDTMF": 20}, "01234567890123456789", "q,01234567890123456789"),
    ({}, "#", "q,timeout"),
])
@pytest.mark.parametrize("spoken", [0.0, 0.25, 0.5, 1.5])
def test_keys(fields: dict[str, Any], keys: str, node: str, spoken: float) -> None:
    line = asked(collectDTMF=True, **fields)
    line.wait(spoken)
    line.press(keys)
    assert line.happened() == [f"request {node}"]


@pytest.mark.req("T-09")
def test_keys_may_come_one_by_one() -> None:
    line = asked(collectDTMF=True, maxDTMF=4, collectDTMFTimeout=10)
    for key in "1234":
        assert line.happened() == []
        line.wait(2)
        line.press(key)
    assert line.happened() == ["request q,1234"]


@pytest.mark.req("T-09", "T-37")
@pytest.mark.parametrize(("fields", "seconds"), [
    ({}, 2), ({"maxDTMF": 4}, 8), ({"maxDTMF": 20}, 40), ({"collectDTMFTimeout": 60}, 60),
    ({"maxDTMF": 20, "collectDTMFTimeout": 10}, 10), ({"collectDTMFTimeout": 1}, 1),
    ({"repeat": 3, "betweenTextRepeatDelay": 2, "collectDTMFTimeout": 10}, 10 + 5)])
def test_the_time_out_is_counted_from_the_end_of_the_text(
        fields: dict[str, Any], seconds: float) -> None:
    line = asked(collectDTMF=True, **fields)
    line.wait(0.5 + seconds - 0.001)
    assert not line.events()[-1]["node"].startswith("q")
    line.wait(0.001)
    assert line.happened()[-1] == "request q,timeout"


@pytest.mark.req("T-09")
def test_a_time_out_below_ten_is_taken_with_a_warning() -> None:
    assert "10 at least" in asked(collectDTMF=True, collectDTMFTimeout=9).telephone.notes[-1].what
    assert not asked(collectDTMF=True, collectDTMFTimeout=10).telephone.notes
    assert not asked(collectDTMF=True).telephone.notes


@pytest.mark.req("T-40")
@pytest.mark.parametrize(("settings", "keys", "node"), [
    ({}, "12", "q,12"), ({"partial_keys": False}, "12", "q,timeout"),
    ({}, "#", "q,timeout"), ({"lone_hash": ""}, "#", "q,")])
def test_what_no_document_says_about_keys_is_a_setting(
        settings: dict[str, Any], keys: str, node: str) -> None:
    line = asked(settings, collectDTMF=True, maxDTMF=3)
    line.press(keys)
    line.wait(6.5)
    assert line.happened() == [f"request {node}"]


@pytest.mark.req("T-02", "T-40")
@pytest.mark.parametrize(("text", "confidence", "node"), [
    ("台北", 0.7, "q,台北/0.7"),
    ("台北", None, "q,台北/0.9"),
    (" 台北,新竹/桃園 ", 1.0, "q,台北,新竹/桃園/1"),
    ("", 0.7, "q,timeout"),
    ("\ud800", 0.5, "q,?/0.5"),
])
def test_speech_comes_with_its_confidence(text: str, confidence: float | None, node: str) -> None:
    line = asked(collectText=True)
    line.wait(0.5)
    line.say(text, confidence)
    assert line.happened() == ["listen speech 10", f"request {node}"]


@pytest.mark.req("T-40", "T-08")
@pytest.mark.parametrize(("settings", "text", "node"), [
    ({}, "一二〇", "q,120/0.9"),
    ({"digits_confidence": False}, "我要兩零", "q,20"),
    ({}, "12 ３", "q,123/0.9"),
    ({}, "台北", "q,timeout"),
])
def test_spoken_digits(settings: dict[str, Any], text: str, node: str) -> None:
    line = asked(settings, collectDigits=True)
    line.wait(0.5)
    line.say(text)
    assert line.happened()[-1] == f"request {node}"


@pytest.mark.req("T-37")
def test_nothing_is_heard_before_the_text_is_over_and_keys_are_no_speech() -> None:
    line = asked(collectText=True)
    line.say("太早")
    line.wait(0.5)
    line.press("1#")
    assert line.happened() == ["listen speech 10"]


@pytest.mark.req("T-40")
@pytest.mark.parametrize("silence", ["timeout", ""])
def test_silence_instead_of_speech(silence: str) -> None:
    line = asked({"silence": silence, "speech_seconds": 6.0}, collectText=True)
    line.wait(6.499)
    assert line.happened() == ["listen speech 6"]
    line.wait(0.001)
    assert line.happened() == [f"request q,{silence}"]


def test_words_are_no_keys() -> None:
    line = asked(collectDTMF=True)
    line.say("一")
    line.wait(0.5)
    line.say("一")
    line.record("一")
    assert line.happened() == []
