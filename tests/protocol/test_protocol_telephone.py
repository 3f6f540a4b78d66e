"""What we tell the telephone service: the documents' examples, and what cannot be built."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocol import telephone
from agent.protocol.telephone import (
    CallAction,
    Keypad,
    Recording,
    Speech,
    SpokenDigits,
    WaitAction,
    encode_call_action,
)


@pytest.mark.parametrize(("action", "body"), [
    pytest.param(
        CallAction("CaYUd3gVpx", "play01", "目前的氣溫是 25 度", collect=Keypad(), repeat=2,
                   delay=2, voice="F"),
        {"id": "CaYUd3gVpx", "node": "play01", "text": "目前的氣溫是 25 度", "repeat": 2,
         "betweenTextRepeatDelay": 2, "promptMode": "F", "collectDTMF": True, "maxDTMF": 1,
         "collectDTMFTimeout": 10},
        marks=pytest.mark.req("T-03", "T-07", "T-09")),
    pytest.param(
        CallAction("a", "answerNode", "今日晴", next_node="END"),
        {"id": "a", "node": "answerNode", "text": "今日晴", "nextNode": "END"},
        marks=pytest.mark.req("T-06", "T-54")),
    pytest.param(
        CallAction("a", "b", collect=SpokenDigits()),
        {"id": "a", "node": "b", "collectDigits": True}, marks=pytest.mark.req("T-08", "T-35")),
    pytest.param(
        CallAction("a", "b", collect=Speech()),
        {"id": "a", "node": "b", "collectText": True}, marks=pytest.mark.req("T-08")),
    pytest.param(
        CallAction("a", "b", collect=Recording(60, transcript=True)),
        {"id": "a", "node": "b", "maxRecordDuration": 60, "recordToText": True},
        marks=pytest.mark.req("T-10")),
    pytest.param(
        CallAction("a", "b", next_node="more1", collect=Recording(60)),
        {"id": "a", "node": "b", "nextNode": "more1", "maxRecordDuration": 60},
        marks=pytest.mark.req("T-10", "T-40")),
    pytest.param(
        WaitAction("CaYUd3gVpx", "取得資料中，請稍候"),
        {"id": "CaYUd3gVpx", "isWaitText": True, "text": "取得資料中，請稍候"},
        marks=pytest.mark.req("T-11", "T-56")),
])
def test_an_action_becomes_its_bytes(
    action: CallAction | WaitAction, body: dict[str, object]
) -> None:
    assert json.loads(encode_call_action(action)) == body


@pytest.mark.parametrize("build", [
    pytest.param(lambda: CallAction("a", "END", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "main", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "1a", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "a_b", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "a" * 17, next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("a", "b\n", next_node="END"), marks=pytest.mark.req("T-04")),
    pytest.param(lambda: CallAction("", "b", next_node="END"), marks=pytest.mark.req("T-03")),
    pytest.param(lambda: CallAction("a", "b", "x" * 201, "END"), marks=pytest.mark.req("T-05")),
    pytest.param(lambda: CallAction("a", "b", "\ud800", "END"), marks=pytest.mark.req("T-05")),
    pytest.param(lambda: CallAction("a", "b"), marks=pytest.mark.req("T-06")),
    pytest.param(lambda: CallAction("a", "b", next_node="CUSTOM"), marks=pytest.mark.req("T-06")),
    pytest.param(lambda: CallAction("a", "b", next_node="CONFIG"), marks=pytest.mark.req("T-06")),
    pytest.param(lambda: CallAction("a", "b", next_node="end"), marks=pytest.mark.req("T-06")),
    pytest.param(lambda: CallAction("a", "b", next_node="END", collect=Speech()),
                 marks=pytest.mark.req("T-08")),
    pytest.param(lambda: CallAction("a", "b", next_node="END", repeat=0),
                 marks=pytest.mark.req("T-07")),
    pytest.param(lambda: CallAction("a", "b", next_node="END", repeat=100),
                 marks=pytest.mark.req("T-07")),
    pytest.param(lambda: CallAction("a", "b", next_node="END", delay=100),
                 marks=pytest.mark.req("T-07")),
    pytest.param(lambda: CallAction("a", "b", next_node="END", voice="X"),  # type: ignore[arg-type]
                 marks=pytest.mark.req("T-07")),
    pytest.param(lambda: Keypad(0), marks=pytest.mark.req("T-09")),
    pytest.param(lambda: Keypad(21), marks=pytest.mark.req("T-09")),
    pytest.param(lambda: Keypad(1, 61), marks=pytest.mark.req("T-09")),
    pytest.param(lambda: Keypad(True), marks=pytest.mark.req("T-09")),
    pytest.param(lambda: Recording(0), marks=pytest.mark.req("T-10")),
    pytest.param(lambda: Recording(1000), marks=pytest.mark.req("T-10")),
    pytest.param(lambda: WaitAction("a", ""), marks=pytest.mark.req("T-11")),
    pytest.param(lambda: WaitAction("a", "x" * 201), marks=pytest.mark.req("T-11")),
])
def test_what_the_service_would_ignore_cannot_be_built(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError):
        build()


@pytest.mark.req("T-05")
@given(st.text(max_size=200, alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_text_of_200_characters_passes(text: str) -> None:
    body = json.loads(encode_call_action(CallAction("a", "b", text, "END")))
    assert body["text"] == text


@pytest.mark.req("T-01", "T-03", "T-12", "T-13")
def test_topics() -> None:
    topics = [telephone.call_event_topic("k"), telephone.call_action_debug_topic("k"),
              telephone.callout_result_topic("k")]  # fmt: skip
    assert topics == ["phone-conn/callEvent/k", "phone-conn/callActionDebug/k",
                      "phone-conn/calloutResult/k"]  # fmt: skip
    assert [telephone.kind_of(topic) for topic in topics] == [
        "callEvent", "callActionDebug", "calloutResult"]  # fmt: skip
    assert telephone.call_action_topic("k") == "phone-conn/callAction/k"
    assert telephone.kind_of(telephone.call_action_topic("k")) is None
    for wrong in ("", "a/b", "a#", "a b"):
        with pytest.raises(ValueError, match="SNKey"):
            telephone.call_event_topic(wrong)
