"""The documented dialogues, message by message, against a scripted application."""

from __future__ import annotations

import pytest

from tests.twin.phone_rig import CALLER, Exchange

ESTABLISHED = "event CallEstablished"
HANG_UP = ["event CallHangUp", "end: the service hung up"]
ASK = "天氣請按 1"


def weather() -> Exchange:
    line = Exchange()
    line.menu({"node": "MAIN", "text": ASK, "collectDTMF": True},
              {"node": "error", "text": "輸入錯誤", "nextNode": "MAIN"},
              {"node": "timeout_handler", "text": "請再輸入", "nextNode": "MAIN"})
    line.dial()
    assert line.happened() == [ESTABLISHED, f"say {ASK}", "listen keys 13"]
    return line


@pytest.mark.req("T-50")
def test_a_key_is_answered_with_a_text() -> None:
    line = weather()
    line.press("1")
    assert line.happened() == ["request MAIN,1"]
    line.act(node="weather_taipei", text="晴")
    line.hear_out()
    assert line.happened() == ["say 晴", *HANG_UP]


@pytest.mark.req("T-50")
def test_a_wrong_key_and_silence_lead_back_to_the_menu_until_the_application_gives_up() -> None:
    line = weather()
    line.press("7")
    line.act(node="this_is_error", nextNode="error")
    line.wait(2)
    assert line.happened() == ["request MAIN,7", "say 輸入錯誤", f"say {ASK}", "listen keys 13"]
    line.hear_out()
    assert line.happened() == ["request MAIN,timeout"]
    line.act(node="my_timeout", nextNode="timeout_handler")
    line.wait(2)
    assert line.happened() == ["say 請再輸入", f"say {ASK}", "listen keys 13"]
    line.hear_out()
    line.act(node="exit", nextNode="END")
    assert line.happened() == ["request MAIN,timeout", *HANG_UP]


@pytest.mark.req("T-51")
def test_a_welcome_and_a_goodbye() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "text": "歡迎", "nextNode": "content"},
              {"node": "content", "text": "結束請按 3", "collectDTMF": True},
              {"node": "exit", "text": "再見", "nextNode": "END"})
    line.dial()
    line.wait(1)
    line.press("3")
    assert line.happened() == [ESTABLISHED, "say 歡迎", "say 結束請按 3", "listen keys 13",
                               "request content,3"]
    line.act(node="go_exit_node", nextNode="exit")
    line.hear_out()
    assert line.happened() == ["say 再見", *HANG_UP]


def two_levels() -> Exchange:
    line = Exchange()
    line.menu({"node": "MAIN", "text": "主選單", "collectDTMF": True,
               "DTMF": {"1": "weather_menu", "2": "CUSTOM"}},
              {"node": "weather_menu", "text": "天氣", "collectDTMF": True},
              {"node": "exit", "text": "再見", "nextNode": "END"})
    line.dial()
    line.log.clear()
    return line


@pytest.mark.req("T-52", "T-29")
def test_a_mapped_key_goes_on_without_a_request() -> None:
    line = two_levels()
    line.press("1")
    assert line.happened() == ["say 天氣", "listen keys 11"]
    line.press("8")
    assert line.happened() == ["request weather_menu,8"]


@pytest.mark.req("T-52", "T-29")
def test_a_key_mapped_to_the_application_asks_it() -> None:
    line = two_levels()
    line.press("2")
    assert line.happened() == ["request MAIN,2"]


@pytest.mark.req("T-52", "T-29")
@pytest.mark.parametrize("key", ["3", "0", "#", "*"])
def test_any_other_key_repeats_the_text_and_asks_nobody(key: str) -> None:
    line = two_levels()
    line.press(key * 120)
    assert line.happened() == ["say 主選單", "listen keys 11.5"] * 120
    line.press("1")
    assert line.heard() == ["天氣"]


@pytest.mark.req("T-53", "T-01", "T-03", "T-36")
def test_the_application_is_asked_before_anything_is_said() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "nextNode": "CUSTOM"})
    line.dial()
    established, request = line.events()
    assert request == {"id": line.request_id, "type": "request", "phone": CALLER, "node": "MAIN",
                       "time": "2024-05-06T07:08:09.123Z"}
    line.act(node="playNode01", text="停車位請按 1", collectDTMF=True)
    line.press("1")
    second = line.events()[-1]
    assert second["node"] == "playNode01,1"
    line.act(node="playNode02", text="剩 25 個", nextNode="END")
    line.hear_out()
    assert line.happened() == [ESTABLISHED, "request MAIN", "say 停車位請按 1", "listen keys 5.5",
                               "request playNode01,1", "say 剩 25 個", *HANG_UP]
    assert len({event["id"] for event in line.events()}) == 4
    assert established["type"] == "event"


@pytest.mark.req("T-54", "T-02")
def test_speech_is_asked_for_after_a_greeting() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "text": "歡迎", "nextNode": "CUSTOM"})
    line.dial()
    line.wait(1)
    assert line.happened() == [ESTABLISHED, "say 歡迎", "request MAIN"]
    line.act(node="queryNode", text="哪裡", collectText=True)
    line.wait(1)
    line.say("台北", 0.7)
    assert line.happened() == ["say 哪裡", "listen speech 10", "request queryNode,台北/0.7"]
    line.act(node="answerNode", text="晴", nextNode="END")
    line.hear_out()
    assert line.happened() == ["say 晴", *HANG_UP]


@pytest.mark.req("T-55", "T-14", "T-13")
@pytest.mark.parametrize("shared", [True, False])
def test_an_interactive_call_out(shared: bool) -> None:
    line = Exchange(share_first_id=shared)
    group = line.callout(["034240005"], node="MAIN", nextNode="CUSTOM")
    assert line.happened() == ["ring 034240005"]
    line.pick_up("034240005")
    line.act(node="MyAskNode", text="滿意請按 1", collectDTMF=True)
    line.press("1")
    line.act(node="byebye", text="再見", nextNode="END")
    line.hear_out()
    assert line.happened() == [
        "result 034240005 answered", "calloutEvent CallEstablished", "calloutRequest MAIN",
        "say 滿意請按 1", "listen keys 5", "calloutRequest MyAskNode,1", "say 再見",
        "calloutEvent CallHangUp", "end: the service hung up"]
    (topic, result), *_ = line.sent
    assert topic == "calloutResult"
    assert result == {"groupId": group, "phone": "034240005", "status": "answered",
                      "time": "2024-05-06T07:08:09.123Z"}
    established, first, second, end = (event["id"] for event in line.events())
    assert (established == first) is shared
    assert len({first, second, end}) == 3


@pytest.mark.req("T-56", "T-11")
def test_a_wait_text_and_then_the_answer() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "nextNode": "CUSTOM"})
    line.dial()
    line.act(isWaitText=True, text="請稍候", repeat=1, betweenTextRepeatDelay=2)
    line.hear_out()
    line.act(node="final", text="25 度")
    line.hear_out()
    assert line.happened() == [ESTABLISHED, "request MAIN", "say 請稍候", "music", "say 25 度",
                               *HANG_UP]
