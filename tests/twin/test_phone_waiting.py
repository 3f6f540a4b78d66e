"""The wait text, the music after it, and its four minutes."""

from __future__ import annotations

import pytest

from tests.twin.phone_rig import Exchange

DROPPED = ["event CallHangUp", "end: the application did not answer"]
END = ["event CallHangUp", "end: the service hung up"]


@pytest.fixture
def line() -> Exchange:
    exchange = Exchange()
    exchange.menu({"node": "MAIN", "nextNode": "CUSTOM"})
    exchange.dial()
    exchange.log.clear()
    return exchange


@pytest.mark.req("T-11")
def test_music_plays_for_four_minutes_then_the_call_is_dropped(line: Exchange) -> None:
    line.wait(200)
    line.act(isWaitText="true", text="請稍候", repeat=2, betweenTextRepeatDelay=3, promptMode="F")
    assert line.happened() == ["say 請稍候 (F)"]
    line.wait(5.999)
    assert line.happened() == ["say 請稍候 (F)"]
    line.wait(0.001)
    assert line.happened() == ["music"]
    line.wait(239.999)
    assert line.happened() == []
    line.wait(0.001)
    assert line.happened() == DROPPED


@pytest.mark.req("T-11")
def test_the_answer_may_come_at_the_last_moment(line: Exchange) -> None:
    line.act(isWaitText=True, text="請稍候")
    line.wait(1.5 + 239.9)
    line.act(node="final", text="好")
    line.wait(1)
    assert line.happened() == ["say 請稍候", "music", "say 好", *END]


@pytest.mark.req("T-11", "T-03")
def test_an_answer_during_the_wait_text_comes_after_it_and_closes_the_request(
        line: Exchange) -> None:
    line.act(isWaitText=True, text="請稍候", repeat=2)
    line.wait(1)
    line.act(node="final", text="好")
    line.act(node="final", text="不")
    line.act(isWaitText=True, text="不")
    assert [note.what for note in line.telephone.notes] == [
        "dropped: it answers no open request"] * 2
    line.press("1")
    line.wait(10)
    assert line.happened() == ["say 請稍候", "say 請稍候", "say 好", *END]


@pytest.mark.req("T-11", "T-35")
def test_a_wait_message_without_a_text_is_music_at_once(line: Exchange) -> None:
    line.act(isWaitText=True)
    assert line.happened() == ["music"]


@pytest.mark.req("T-11", "T-04")
def test_a_wait_message_needs_no_node_and_ignores_one(line: Exchange) -> None:
    line.act(isWaitText=True, text="請稍候", node="1 illegal", nextNode="lost")
    assert line.happened() == ["say 請稍候"]


@pytest.mark.req("T-11")
def test_a_second_wait_text_follows_the_first_and_starts_the_minutes_anew(line: Exchange) -> None:
    line.act(isWaitText=True, text="請稍候")
    line.act(isWaitText=True, text="還沒好")
    line.wait(3)
    assert line.happened() == ["say 請稍候", "say 還沒好", "music"]
    line.wait(200)
    line.act(isWaitText=True, text="快了")
    line.wait(1 + 239.9)
    assert line.happened() == ["say 快了", "music"]
    line.wait(0.1)
    assert line.happened() == DROPPED


@pytest.mark.req("T-11", "T-38")
@pytest.mark.parametrize("seconds", [0.5, 100])
def test_a_caller_may_lose_patience(line: Exchange, seconds: float) -> None:
    line.act(isWaitText=True, text="請稍候")
    line.wait(seconds)
    line.log.clear()
    line.hang_up()
    assert line.happened() == ["event CallHangUp", "end: the caller hung up"]
    line.act(node="final", text="不")
    assert line.happened() == []
