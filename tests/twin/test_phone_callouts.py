"""Call-outs: whom they reach, what is said, and the one result for each phone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twin.phone_rig import API_KEY, Exchange
from twin.phone.telephone import TasError

LAND, MOBILE = "034240005", "0912345678"
END = "end: the service hung up"


@pytest.mark.req("T-27", "T-34", "T-38", "T-07")
def test_a_simple_call_says_its_text_so_many_times_and_hangs_up() -> None:
    line = Exchange()
    line.callout([LAND], text="太熱", welcomeText="您好", byeText="再見", repeat=3,
                 betweenTextRepeatDelay=2, promptMode="F")
    line.pick_up(LAND)
    line.wait(1)
    assert line.happened() == [f"ring {LAND}", f"result {LAND} answered", "say 您好 (F)",
                               "say 太熱 (F)"]
    line.wait(3 + 3 + 1 + 0.999)
    assert line.happened() == ["say 太熱 (F)", "say 太熱 (F)", "say 再見 (F)"]
    line.press("1")
    line.wait(0.001)
    assert line.happened() == [END]
    assert line.events() == [], "no callEvent ever"


@pytest.mark.req("T-34")
def test_the_delay_counts_from_the_second_time_on() -> None:
    line = Exchange()
    line.callout([LAND], text="太熱", betweenTextRepeatDelay=99)
    line.pick_up(LAND)
    line.wait(1)
    assert line.happened()[-2:] == ["say 太熱", END]


@pytest.mark.req("T-13", "T-33", "T-34")
@pytest.mark.parametrize(("phone", "how", "status"), [
    (LAND, "answer", "answered"), (MOBILE, "voicemail", "answered"), (LAND, "busy", "busy"),
    (MOBILE, "busy", "reject"), (MOBILE, "reject", "reject"), (LAND, "timeout", "timeout"),
    (MOBILE, "notfound", "notfound"), (LAND, "failed", "failed")])
def test_every_way_to_take_a_call(phone: str, how: Any, status: str) -> None:
    line = Exchange()
    group = line.callout([phone], text="太熱")
    line.wait(5)
    line.pick_up(phone, how)
    assert line.sent == [("calloutResult", {
        "groupId": group, "phone": phone, "status": status, "time": "2024-05-06T07:08:14.123Z"})]
    line.wait(60)
    assert line.happened()[2:] == (
        ["say 太熱", END] if status == "answered" else ["end: the call was not taken"])
    assert len(line.sent) == 1
    assert line.telephone.ringing() == []


@pytest.mark.req("T-13", "T-33")
def test_nobody_takes_it() -> None:
    line = Exchange(ring_seconds=20.0)
    line.callout([LAND, MOBILE], text="太熱")
    line.pick_up(MOBILE, "failed")
    line.wait(19.999)
    assert line.telephone.ringing() == [LAND]
    line.wait(0.001)
    assert line.happened()[-2:] == [f"result {LAND} timeout", "end: the call was not taken"]
    assert line.telephone.next_tick(line.now) is None


@pytest.mark.req("T-34")
def test_each_phone_of_the_group_has_its_own_result() -> None:
    line = Exchange()
    group = line.callout([LAND, MOBILE, LAND], text="太熱")
    assert line.telephone.ringing() == [LAND, MOBILE]
    line.pick_up(MOBILE, "reject")
    line.pick_up(LAND)
    assert [(content["groupId"], content["phone"], content["status"])
            for _, content in line.sent] == [
        (group, MOBILE, "reject"), (group, LAND, "answered")]


def test_two_groups_ring_the_same_phone_one_after_the_other() -> None:
    line = Exchange()
    first, second = line.callout([LAND], text="一"), line.callout([LAND], text="二")
    line.pick_up(LAND, "reject")
    line.pick_up(LAND)
    assert [content["groupId"] for _, content in line.sent] == [first, second]
    assert first != second
    assert line.heard() == ["二"]


def test_a_phone_that_does_not_ring_and_a_word_nobody_knows() -> None:
    line = Exchange()
    line.pick_up(LAND)
    assert line.happened() == []
    with pytest.raises(ValueError, match="voicemail"):
        line.pick_up(LAND, "laugh")


def test_hanging_up_while_it_rings_refuses_the_call() -> None:
    line = Exchange()
    line.callout([LAND], text="太熱")  # of a mobile, busy would be told the same
    line.hang_up()
    assert line.happened()[1:] == [f"result {LAND} reject", "end: the call was not taken"]


@pytest.mark.req("T-14", "T-33", "T-38")
def test_voice_mail_listens_to_an_interactive_call_and_never_presses_a_key() -> None:
    line = Exchange()
    line.callout([MOBILE], node="MAIN", nextNode="CUSTOM")
    line.pick_up(MOBILE, "voicemail")
    line.act(node="ask", text="請按 1", collectDTMF=True, collectDTMFTimeout=10)
    line.hear_out()
    assert line.happened()[-1] == "calloutRequest ask,timeout"
    assert line.events("calloutRequest")[-1]["phone"] == MOBILE
    line.hang_up()
    assert line.happened() == ["calloutEvent CallHangUp", "end: the caller hung up"]


@pytest.mark.req("T-27", "T-14")
def test_with_a_next_node_nothing_else_of_the_order_counts() -> None:
    line = Exchange()
    line.callout([LAND], node="main", nextNode="Custom", text=5, repeat=1000, welcomeText="您好")
    line.pick_up(LAND)
    assert line.happened()[-1] == "calloutRequest MAIN"


@pytest.mark.req("T-06", "T-14")
@pytest.mark.parametrize(("menu", "target", "follows"), [
    (True, "more", ["calloutRequest more"]), (True, "MAIN", ["calloutRequest MAIN"]),
    (False, "more", ["debug"]), (False, "MAIN", ["calloutRequest MAIN"])])
def test_whether_a_call_out_may_jump_into_the_menu_is_a_setting(
        menu: bool, target: str, follows: list[str]) -> None:
    line = Exchange(callout_menu=menu)
    line.menu({"node": "MAIN", "text": "不", "nextNode": "more"},
              {"node": "more", "nextNode": "CUSTOM"})
    line.callout([LAND], node="MAIN", nextNode="CUSTOM")
    line.pick_up(LAND)
    line.log.clear()
    line.act(node="a", nextNode=target)
    assert line.happened() == follows


@pytest.mark.req("T-32")
def test_no_message_names_the_service_number() -> None:
    line = Exchange()
    line.menu({"node": "MAIN", "nextNode": "CUSTOM"})
    line.dial()
    line.callout([LAND], node="MAIN", nextNode="CUSTOM")
    line.pick_up(LAND)
    line.act(node="1")
    line.hang_up()
    assert {topic for topic, _ in line.sent} == {"callEvent", "calloutResult", "callActionDebug"}
    assert not any(line.number in str(content.values()) for _, content in line.sent)


@pytest.mark.req("T-27", "T-28", "T-34")
@pytest.mark.parametrize(("body", "error"), [
    ({"phones": None}, "missing 'phones'"),
    ({"phones": []}, "missing 'phones'"),
    ({"phones": "034240005"}, "'phones' is not an array of numbers with a leading 0"),
    ({"phones": ["34240005"]}, "'phones' is not an array of numbers with a leading 0"),
    ({"phones": ["03-4240005"]}, "'phones' is not an array of numbers with a leading 0"),
    ({"phones": ["03 4240005"]}, "'phones' is not an array of numbers with a leading 0"),
    ({"phones": ["０３４"]}, "'phones' is not an array of numbers with a leading 0"),
    ({"phones": [34240005]}, "'phones' is not an array of numbers with a leading 0"),
    ({"ivrData": None}, "missing 'ivrData'"),
    ({"ivrData": []}, "missing 'ivrData'"),
    ({"ivrData": ["a"]}, "'ivrData' is not an object"),
    ({"ivrData": {}}, "ivrData: missing 'text'"),
    ({"ivrData": {"welcomeText": "a"}}, "ivrData: missing 'text'"),
    ({"ivrData": {"text": ""}}, "ivrData: missing 'text'"),
    ({"ivrData": {"text": "a", "repeat": 100}}, "ivrData: 'repeat' is not within 1 and 99"),
    ({"ivrData": {"text": "a", "betweenTextRepeatDelay": -1}},
     "ivrData: 'betweenTextRepeatDelay' is not within 0 and 99"),
    ({"ivrData": {"text": "a", "promptMode": "x"}}, "ivrData: 'promptMode' is neither M nor F"),
    ({"ivrData": {"node": "MAIN", "nextNode": "END"}},
     "ivrData: 'nextNode' of an interactive call is CUSTOM"),
    ({"ivrData": {"nextNode": "CUSTOM"}}, "ivrData: 'node' of an interactive call is MAIN"),
])
def test_a_wrong_order_rings_nowhere(body: dict[str, Any], error: str) -> None:
    line = Exchange()
    with pytest.raises(TasError) as refused:
        line.telephone.callout(API_KEY, {
            "serviceNumber": line.number, "phones": [LAND], "ivrData": {"text": "a"}, **body},
            line.now)
    assert refused.value.status == 400
    assert refused.value.message == f"syntax error list:\r\n - {error}\r\n"
    assert line.telephone.ringing() == []


@pytest.mark.req("T-27")
def test_all_that_is_wrong_with_an_order_is_told_at_once() -> None:
    line = Exchange()
    with pytest.raises(TasError) as refused:
        line.telephone.callout(API_KEY, None, line.now)
    assert refused.value.message == ("syntax error list:\r\n - missing 'serviceNumber'\r\n"
                                     " - missing 'phones'\r\n - missing 'ivrData'\r\n")
