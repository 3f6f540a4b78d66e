"""Menus: what is accepted, what is refused with every error at once, and how a call walks them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.phone_rig import API_KEY, Exchange
from twin.phone.telephone import TasError

MAIN = {"node": "MAIN", "text": "主"}
END = ["event CallHangUp", "end: the service hung up"]


def upload(line: Exchange, nodes: Any) -> list[str]:
    """What is wrong with it."""
    try:
        line.telephone.set_menu(API_KEY, {"serviceNumber": line.number, "ivrData": nodes})
    except TasError as exc:
        assert exc.status == 400
        head, *errors, rest = exc.message.split("\r\n")
        assert (head, rest) == ("syntax error list:", "")
        return [error.removeprefix(" - ") for error in errors]
    return []


@pytest.mark.req("T-24", "T-35", "T-39")
@pytest.mark.parametrize("nodes", [
    [MAIN],
    [{"node": "MAIN"}],
    [{"node": "MAIN", "text": "", "nextNode": "CUSTOM"}],
    [{"node": "MAIN", "text": "中" * 200, "promptMode": "F"}],
    [{"node": "CONFIG", "nextNode": "nowhere"}, MAIN],
    [MAIN, {"node": "exit", "nextNode": "end"}],
    [{"node": "main", "nextNode": "custom"}],
    [{"node": "MAIN", "collectDTMF": "true"}, {"node": "a" * 16}, {"node": "timeout_handler"}],
    [{"node": "MAIN", "collectDTMF": True, "DTMF": {"0": "MAIN", "9": "CUSTOM", "5": "x"}},
     {"node": "x", "color": "red"}],
])
def test_a_menu_is_accepted_and_given_back(nodes: list[dict[str, Any]]) -> None:
    line = Exchange()
    assert upload(line, nodes) == []
    assert line.telephone.menu(API_KEY, line.number) == {
        "serviceNumber": line.number, "ivrData": nodes}


@pytest.mark.req("T-24", "T-39", "T-05")
@pytest.mark.parametrize(("nodes", "errors"), [
    (None, ["missing 'ivrData'"]),
    ({}, ["'ivrData' is not an array of objects"]),
    (["MAIN"], ["'ivrData' is not an array of objects"]),
    ([], ["missing node 'MAIN'"]),
    ([{"text": "a"}], ["missing 'node' in node 1", "missing node 'MAIN'"]),
    ([MAIN, MAIN], ["node 'MAIN' occurs 2 times"]),
    ([MAIN, {"node": "CONFIG"}, {"node": "config"}], ["node 'CONFIG' occurs 2 times"]),
    ([MAIN, {"node": "x"}, {"node": "x"}], ["node 'x' occurs 2 times"]),
    ([MAIN, {"node": "END"}], ["illegal name of node 2"]),
    ([MAIN, {"node": "Custom"}], ["illegal name of node 2"]),
    ([MAIN, {"node": "1a"}, {"node": "a-b"}, {"node": "a" * 17}, {"node": "節點"}],
     [f"illegal name of node {number}" for number in (2, 3, 4, 5)]),
    ([{**MAIN, "text": "中" * 201}], ["node 'MAIN': 'text' is longer than 200 characters"]),
    ([{**MAIN, "text": 5}], ["node 'MAIN': 'text' is not a string"]),
    ([{**MAIN, "promptMode": "X"}], ["node 'MAIN': 'promptMode' is neither M nor F"]),
    ([{**MAIN, "collectDTMF": 1}], ["node 'MAIN': 'collectDTMF' is neither true nor false"]),
    ([{**MAIN, "nextNode": "CONFIG"}], ["node 'MAIN': 'nextNode' may not be CONFIG"]),
    ([{**MAIN, "nextNode": "lost"}],
     ["node 'MAIN' leads to 'lost', which does not exist"]),
    ([{**MAIN, "DTMF": "1"}], ["node 'MAIN': 'DTMF' is not an object"]),
    ([{**MAIN, "DTMF": {"10": "MAIN", "#": "MAIN", "": "MAIN"}}],
     ["node 'MAIN': 'DTMF' knows the keys 0 to 9 only"] * 3),
    ([{**MAIN, "DTMF": {"1": "END", "2": None}}],
     ["node 'MAIN': 'DTMF' 1 is neither a node nor CUSTOM",
      "node 'MAIN': 'DTMF' 2 is neither a node nor CUSTOM"]),
    ([{**MAIN, "collectDTMF": True, "DTMF": {"1": "lost"}}],
     ["node 'MAIN' leads to 'lost', which does not exist"]),
    ([{**MAIN, "text": 5, "promptMode": 1}, {"node": "x", "nextNode": "y"}],
     ["node 'MAIN': 'text' is not a string", "node 'MAIN': 'promptMode' is neither M nor F",
      "node 'x' leads to 'y', which does not exist"]),
])
def test_every_error_of_a_menu_is_told_at_once(nodes: Any, errors: list[str]) -> None:
    line = Exchange()
    line.menu(MAIN)
    assert upload(line, nodes) == errors
    assert line.telephone.menu(API_KEY, line.number)["ivrData"] == [MAIN], "the old one stays"


@pytest.mark.req("T-25", "T-26")
def test_a_deleted_menu_is_gone_and_nobody_is_served() -> None:
    line = Exchange()
    line.menu(MAIN)
    for _ in range(2):
        assert line.telephone.delete_menu(API_KEY, line.number) == {"status": "ok"}
    with pytest.raises(TasError) as refused:
        line.telephone.menu(API_KEY, line.number)
    assert refused.value.status == 404
    line.dial()
    assert line.happened() == ["end: the number has no menu"]


@pytest.mark.req("T-24", "T-07", "T-38")
def test_the_end_is_the_default_and_voices_are_heard() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "text": "男", "nextNode": "x"},
              {"node": "x", "text": "女", "promptMode": "F"})
    line.dial()
    line.wait(1)
    assert line.happened() == ["event CallEstablished", "say 男", "say 女 (F)", *END]


@pytest.mark.req("T-39")
def test_beside_keys_the_next_node_has_no_effect() -> None:
    line = Exchange()
    line.menu({**MAIN, "collectDTMF": True, "nextNode": "x"}, {"node": "x", "text": "x"})
    line.dial()
    line.wait(0.5)
    assert "say x" not in line.happened()
    line.menu({**MAIN, "DTMF": {"1": "x"}, "nextNode": "x"}, {"node": "x", "text": "x"})
    line.dial()
    line.wait(0.5)
    assert line.happened()[-2:] == END


@pytest.mark.req("T-37")
def test_a_menu_node_takes_one_key_even_before_its_text_is_over() -> None:
    line = Exchange(menu_timeout=7.0)
    line.menu({"node": "MAIN", "text": "一二三四", "collectDTMF": True})
    line.dial()
    line.press("*#x")
    assert line.happened() == ["event CallEstablished", "say 一二三四", "listen keys 9"]
    line.press("12")
    assert line.happened() == ["request MAIN,1"]


@pytest.mark.req("T-37")
def test_the_time_out_runs_from_the_end_of_the_text() -> None:
    line = Exchange(menu_timeout=7.0)
    line.menu({"node": "MAIN", "text": "一二三四", "collectDTMF": True})
    line.dial()
    line.wait(8.999)
    assert line.happened()[-1] == "listen keys 9"
    line.wait(0.001)
    assert line.happened() == ["request MAIN,timeout"]
    assert line.events()[-1]["time"] == "2024-05-06T07:08:18.123Z"


@pytest.mark.req("T-29", "T-37")
@pytest.mark.parametrize(("asks", "follows"), [
    (True, ["request MAIN,timeout"]), (False, ["say 主", "listen keys 10.5"])])
def test_silence_at_a_key_map_is_a_setting(asks: bool, follows: list[str]) -> None:
    line = Exchange(map_silence_asks=asks)
    line.menu({**MAIN, "collectDTMF": True, "DTMF": {"1": "CUSTOM"}})
    line.dial()
    line.log.clear()
    line.wait(10.5)
    assert line.happened() == follows


def test_keys_typed_ahead_go_to_the_nodes_they_lead_to() -> None:
    line = Exchange()
    line.menu({**MAIN, "collectDTMF": True, "DTMF": {"1": "through"}},
              {"node": "through", "nextNode": "sub"},
              {"node": "sub", "text": "子", "collectDTMF": True})
    line.dial()
    line.press("15")
    assert line.happened()[3:] == ["say 子", "listen keys 10.5", "request sub,5"]


@pytest.mark.parametrize("settings", [{}, {"char_seconds": 0.0}])
def test_a_menu_that_jumps_in_circles_without_a_word_ends_the_call(
        settings: dict[str, float]) -> None:
    line = Exchange(**settings)
    line.menu({"node": "MAIN", "text": "" if not settings else "主", "nextNode": "x"},
              {"node": "x", "nextNode": "MAIN"})
    line.dial()
    assert line.happened()[-2:] == [
        "event CallHangUp", "end: the menu jumps for ever without a word"]
    assert line.telephone.next_tick(line.now) is None


def test_a_menu_that_speaks_for_ever_ends_when_the_call_has_lasted_too_long() -> None:
    line = Exchange(call_seconds=100.0)
    line.menu({**MAIN, "nextNode": "MAIN"})
    line.dial()
    line.wait(1000)
    assert line.log.count("say 主") == 200
    assert line.happened()[-1] == "end: the call lasted too long"
    assert line.events()[-1]["time"] == "2024-05-06T07:09:49.123Z"


def test_a_call_keeps_the_menu_it_began_with() -> None:
    line = Exchange()
    line.menu({**MAIN, "nextNode": "x"}, {"node": "x", "text": "舊"})
    line.dial()
    line.menu(MAIN)
    line.wait(0.5)
    assert line.happened()[-1] == "say 舊"
