"""callAction: what is obeyed, what is ignored, and what callActionDebug says about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.twin.phone_rig import Exchange

END = ["event CallHangUp", "end: the service hung up"]


@pytest.fixture
def line() -> Exchange:
    """Asked by the application's MAIN, with a menu of two more nodes."""
    exchange = Exchange()
    exchange.menu({"node": "MAIN", "nextNode": "CUSTOM"}, {"node": "more", "nextNode": "CUSTOM"},
                  {"node": "bye", "text": "再見"})
    exchange.dial()
    exchange.log.clear()
    return exchange


@pytest.mark.req("T-04", "T-03")
@pytest.mark.parametrize("node", ["a", "Z9", "a_b", "my_timeout", "a" * 16, "ENDE"])
def test_legal_names(line: Exchange, node: str) -> None:
    line.act(node=node, text="好", collectDTMF=True)
    line.press("1")
    assert line.happened()[-1] == f"request {node},1"


BAD = [
    ({"node": "1a"}, "illegal 'node'"),
    ({"node": "_a"}, "illegal 'node'"),
    ({"node": "a b"}, "illegal 'node'"),
    ({"node": "a\n"}, "illegal 'node'"),
    ({"node": "節"}, "illegal 'node'"),
    ({"node": ""}, "illegal 'node'"),
    ({"node": 5}, "illegal 'node'"),
    ({"node": "a" * 17}, "illegal 'node'"),
    ({"node": "MAIN"}, "illegal 'node'"),
    ({"node": "Custom"}, "illegal 'node'"),
    ({"node": "end"}, "illegal 'node'"),
    ({"node": "CONFIG"}, "illegal 'node'"),
    ({"node": None}, "missing 'node'"),
    ({"text": "中" * 201}, "'text' is longer than 200 characters"),
    ({"text": ["a"]}, "'text' is not a string"),
    ({"nextNode": "CONFIG"}, "'nextNode' may not be CONFIG"),
    ({"nextNode": "lost"}, "'nextNode' names 'lost', which the menu does not have"),
    ({"nextNode": 1}, "'nextNode' is not a string"),
    ({"repeat": 0}, "'repeat' is not within 1 and 99"),
    ({"repeat": 100}, "'repeat' is not within 1 and 99"),
    ({"repeat": "2"}, "'repeat' is not a whole number"),
    ({"betweenTextRepeatDelay": True}, "'betweenTextRepeatDelay' is not a whole number"),
    ({"betweenTextRepeatDelay": 100}, "'betweenTextRepeatDelay' is not within 0 and 99"),
    ({"promptMode": "m"}, "'promptMode' is neither M nor F"),
    ({"collectDTMF": "yes"}, "'collectDTMF' is neither true nor false"),
    ({"collectDTMF": True, "collectText": True}, "collectDTMF and collectText at once"),
    ({"collectDTMF": True, "collectDigits": "true"}, "collectDTMF and collectDigits at once"),
    ({"collectDigits": True, "collectText": True}, "collectDigits and collectText at once"),
    ({"collectDTMF": True, "maxDTMF": 0}, "'maxDTMF' is not within 1 and 20"),
    ({"collectDTMF": True, "maxDTMF": 21}, "'maxDTMF' is not within 1 and 20"),
    ({"collectDTMF": True, "collectDTMFTimeout": 61},
     "'collectDTMFTimeout' is not within 1 and 60"),
    ({"collectDTMF": True, "collectDTMFTimeout": 0}, "'collectDTMFTimeout' is not within 1 and 60"),
    ({"maxRecordDuration": 1000}, "'maxRecordDuration' is not within 0 and 999"),
    ({"maxRecordDuration": 1.5}, "'maxRecordDuration' is not a whole number"),
    ({"recordToText": "x"}, "'recordToText' is neither true nor false"),
    ({"isWaitText": 1}, "'isWaitText' is neither true nor false"),
    ({"isWaitText": True, "repeat": 0}, "'repeat' is not within 1 and 99"),
]


@pytest.mark.req("T-04", "T-05", "T-06", "T-07", "T-08", "T-09", "T-10", "T-12")
@pytest.mark.parametrize(("fields", "error"), BAD, ids=[json.dumps(row[0])[:40] for row in BAD])
def test_a_wrong_field_makes_the_whole_message_ignored(
        line: Exchange, fields: dict[str, Any], error: str) -> None:
    line.act(**{"node": "a", "text": "不", **fields})
    assert line.happened() == ["debug"]
    topic, content = line.sent[-1]
    assert topic == "callActionDebug"
    assert content == {"id": line.request_id, "status": "err", "time": "2024-05-06T07:08:09.123Z",
                       "msg": f"syntax error list:\r\n - {error}\r\n"}
    line.act(node="a", text="好")
    assert line.heard() == ["好"], "the request is still open"


@pytest.mark.req("T-12", "T-41")
@pytest.mark.parametrize("payload", [
    b"", b"\xff", b"{", b"[]", b"null", b'"a"', b"[" * 100_000, b'{"id": 5, "node": "a"}',
    b'{"node": "a"}', b'{"id": "\\ud800", "node": "\\ud800"}', b'{"id": "x", "repeat": NaN}',
    b'{"id": "x", "repeat": ' + b"9" * 5000 + b"}",
])
def test_garbage_is_told_and_harms_nothing(line: Exchange, payload: bytes) -> None:
    line.act_raw(payload)
    assert line.happened() == ["debug"]
    line.act(node="a", text="好")
    assert line.heard() == ["好"]


@pytest.mark.req("T-12")
def test_all_errors_stand_in_one_debug_message(line: Exchange) -> None:
    line.act(node="1", repeat=0, promptMode="x")
    assert line.sent[-1][1]["msg"].count(" - ") == 3


@pytest.mark.req("T-03", "T-41")
def test_an_answer_to_no_open_request_is_dropped_without_a_debug_message(line: Exchange) -> None:
    first = line.request_id
    line.act(id="nobody", node="a", text="不")
    assert line.happened() == []
    assert "no open request" in line.telephone.notes[-1].what
    line.act(node="a", text="好")
    line.act(id=first, node="b", text="不")
    line.act(id=first, isWaitText=True, text="不")
    line.wait(10)
    assert line.happened() == ["say 好", *END]
    line.act(id=first, node="b", text="不")
    assert line.happened() == []


@pytest.mark.req("T-03", "T-32")
def test_an_answer_on_another_number_s_topic_is_not_taken(line: Exchange) -> None:
    other = line.telephone.rent("AKtest", {"appName": "other"}, line.now)["SNKey"]
    answer = json.dumps({"id": line.request_id, "node": "a", "text": "不"}).encode()
    for sn_key in (other, "nobody"):
        assert line.telephone.action(sn_key, answer, line.now) == []
    assert line.telephone.action(f"{line.sn_key} ", answer, line.now) != []


@pytest.mark.req("T-05")
def test_two_hundred_characters_may_be_said_whatever_they_are(line: Exchange) -> None:
    line.act(node="a", text="中𠮷" * 100)
    assert line.heard() == ["中𠮷" * 100]


@pytest.mark.req("T-06")
@pytest.mark.parametrize(("target", "follows"), [
    ("MAIN", ["request MAIN"]), ("main", ["request MAIN"]), ("END", END), ("end", END),
    ("bye", ["say 再見"]), ("more", ["request more"]), (None, END), ("", END)])
def test_where_an_answer_may_lead(line: Exchange, target: str | None, follows: list[str]) -> None:
    line.act(node="a", text="好", nextNode=target)
    line.wait(1)
    assert line.happened() == ["say 好", *follows]
    assert not line.telephone.notes


@pytest.mark.req("T-06", "T-36")
def test_custom_is_taken_with_a_warning(line: Exchange) -> None:
    line.act(node="a", text="好", nextNode="Custom")
    line.wait(1)
    assert line.happened() == ["say 好", "request a"]
    assert "CUSTOM is not documented" in line.telephone.notes[-1].what


@pytest.mark.req("T-07")
def test_repeats_with_silence_between(line: Exchange) -> None:
    line.act(node="a", text="好好", repeat=3, betweenTextRepeatDelay=4, promptMode="F")
    assert line.happened() == ["say 好好 (F)"]
    for _ in range(2):
        line.wait(4.999)
        assert line.happened() == []
        line.wait(0.001)
        assert line.happened() == ["say 好好 (F)"]
    line.wait(0.999)
    assert line.happened() == []
    line.wait(0.001)
    assert line.happened() == END, "no silence after the last"


@pytest.mark.req("T-35")
@pytest.mark.parametrize("fields", [{}, {"text": None}, {"text": ""}, {"repeat": 9}])
def test_without_a_text_nothing_is_said(line: Exchange, fields: dict[str, Any]) -> None:
    line.act(node="a", nextNode="bye", **fields)
    assert line.happened() == ["say 再見"]


@pytest.mark.req("T-08")
@pytest.mark.parametrize("mode", ["collectDTMF", "collectDigits", "collectText"])
def test_any_way_of_collecting_switches_recording_and_next_node_off(
        line: Exchange, mode: str) -> None:
    line.act(**{"node": "a", "text": "好", mode: "True", "maxRecordDuration": 5, "nextNode": "bye"})
    line.wait(2)
    kind = "keys" if mode == "collectDTMF" else "speech"
    assert [words.split()[:2] for words in line.log if words.startswith("listen")] == [
        ["listen", kind]]


@pytest.mark.req("T-03")
def test_unknown_fields_and_fields_that_are_off_do_no_harm(line: Exchange) -> None:
    line.act(node="a", text="好", colour="red", collectText=False, collectDigits="false",
             isWaitText=False, maxRecordDuration=0, recordToText=True)
    line.wait(1)
    assert line.happened() == ["say 好", *END]


@pytest.mark.req("T-01", "T-38")
def test_an_application_that_says_nothing_leaves_the_caller_in_silence(line: Exchange) -> None:
    line.wait(239.9)
    assert line.happened() == []
    line.press("1")
    line.say("哈囉")
    line.record("哈囉")
    assert line.happened() == []
    line.wait(0.1)
    assert line.happened() == ["event CallHangUp", "end: the application did not answer"]


@pytest.mark.req("T-38", "T-01", "T-43")
def test_a_caller_who_hangs_up_ends_the_request(line: Exchange) -> None:
    line.wait(3)
    line.hang_up()
    assert line.happened() == ["event CallHangUp", "end: the caller hung up"]
    hung_up = line.events()[-1]
    assert hung_up == {"id": hung_up["id"], "type": "event", "phone": "0912000001",
                       "event": "CallHangUp", "time": "2024-05-06T07:08:12.123Z"}
    line.act(node="a", text="好")
    line.hang_up()
    line.press("1")
    line.wait(1000)
    assert line.happened() == []


@pytest.mark.req("T-01")
def test_a_withheld_number_is_an_empty_phone(line: Exchange) -> None:
    line.dial("")
    assert {event["phone"] for event in line.events()[-2:]} == {""}


@pytest.mark.req("T-03", "T-36")
def test_two_calls_from_one_phone_do_not_mix(line: Exchange) -> None:
    first_call, first = line.call, line.request_id
    line.dial()
    second = line.request_id
    assert line.telephone.calls() == [first_call, line.call]
    line.act(id=second, node="b", text="二", collectDTMF=True)
    line.act(id=first, node="a", text="一", collectDTMF=True)
    line.press("2")
    line.call = first_call
    line.press("1")
    assert [event["node"] for event in line.events("request")] == ["MAIN", "MAIN", "b,2", "a,1"]
