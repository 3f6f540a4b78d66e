"""The bridge: one final answer for each request, whatever comes and whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.protocol.calls import CallNotice, CalloutResult, CallRequest
from agent.protocol.telephone import CallAction, Keypad
from tests.phone.bridge_rig import SN, Rig
from tests.phone.line import GREENHOUSE, PIN
from tests.support.waiting import until

FRESH = GREENHOUSE.replace('測得。"\n', '測得。"\nfresh = true\n')


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


# --- a call ---------------------------------------------------------------------------------------


@pytest.mark.req("T-03")
def test_a_call_from_greeting_to_goodbye(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        greeting = rig.answer(rig.request("MAIN"))
        assert greeting["text"].startswith("查詢溫度") and greeting["collectDTMF"] is True
        reading = await rig.enter(greeting, "1")
        assert reading["text"].startswith("目前二十五點三度，三十秒前測得。")
        assert rig.bridge.status.open == 1
        goodbye = await rig.enter(reading, "0")
        assert goodbye["nextNode"] == "END"
        status = rig.bridge.status
        assert (status.open, status.answered) == (0, 1)
        assert [what for _, _, what in rig.notes.lines] == [
            "called", "menu.main", "read.temperature", "ended: goodbye"]  # fmt: skip
        assert len({call for call, _, _ in rig.notes.lines}) == 1

    run(scenario)


def test_a_lamp_is_switched_after_pin_and_confirmation(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        asked = await rig.enter(rig.answer(rig.request("MAIN")), "2")
        asked = await rig.enter(asked, "111112")
        assert asked["text"].startswith("密碼不對")
        menu = await rig.enter(asked, PIN)
        confirm = await rig.enter(menu, "1")
        assert rig.hands.commands == []
        done = await rig.enter(confirm, "1")
        assert rig.hands.commands == [("lamp", "on")]
        assert done["text"].startswith("電燈已打開。")
        told = " ".join(what for _, _, what in rig.notes.lines)
        assert "lamp on: on" in told and "wrong pin" in told and PIN not in told

    run(scenario)


@pytest.mark.req("T-36")
def test_two_calls_that_share_a_number_are_two_calls(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        one, two = (rig.answer(rig.request("MAIN")) for _ in range(2))
        one = await rig.enter(one, "2")
        assert (await rig.enter(one, PIN))["text"].startswith("開燈")
        assert (await rig.enter(two, "2"))["text"].startswith("請輸入密碼")

    run(scenario)


def test_a_restart_in_mid_call_keeps_the_menu_and_asks_the_pin_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        before = Rig(tmp_path)
        asked = await before.enter(before.answer(before.request("MAIN")), "2")
        menu = await before.enter(asked, PIN)
        after = Rig(tmp_path)
        asked = await after.enter(menu, "1")
        assert "請輸入密碼" in asked["text"] and after.hands.commands == []
        assert (await after.enter(asked, PIN))["text"].startswith("開燈")

    run(scenario)


# --- waiting --------------------------------------------------------------------------------------


@pytest.mark.req("T-11", "T-56")
def test_what_takes_longer_is_announced_once_and_then_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH, patience=0.05)
        rig.hands.gate = asyncio.Event()
        greeting = rig.answer(rig.request("MAIN"))
        id = rig.request(f"{greeting['node']},1")
        await until(lambda: len(rig.sent) > 1)
        assert rig.sent[1] == {"id": id, "isWaitText": True, "text": "請稍候。", "promptMode": "F"}
        assert rig.answers(id) == []
        rig.hands.gate.set()
        assert (await rig.answered(id))["text"].startswith("目前")
        assert len(rig.sent) == 3

    run(scenario)


def test_what_is_quick_is_not_announced(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH, patience=0.2)
        await rig.enter(rig.answer(rig.request("MAIN")), "1")
        await asyncio.sleep(0.3)
        assert not [one for one in rig.sent if one.get("isWaitText")]

    run(scenario)


def test_a_caller_who_hangs_up_while_work_is_done_is_forgotten(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH)
        rig.hands.gate = asyncio.Event()
        greeting = rig.answer(rig.request("MAIN"))
        id = rig.request(f"{greeting['node']},1")
        rig.tell(id="h", type="event", phone="0900000001", event="CallHangUp", time="t")
        assert rig.bridge.status.open == 0
        rig.hands.gate.set()
        await rig.answered(id)
        assert rig.bridge.status.open == 0

    run(scenario)


def test_with_another_pin_open_calls_give_it_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        pin = await rig.enter(rig.answer(rig.request("MAIN")), "2")
        lamp = await rig.enter(pin, PIN)
        confirm = await rig.enter(lamp, "1")
        rig.bridge.renew(rig.bridge.book, other_pin=False)
        rig.bridge.renew(rig.bridge.book, other_pin=True)
        assert "密碼" in (await rig.enter(confirm, "1"))["text"]
        assert rig.hands.commands == []

    run(scenario)


def test_nothing_moves_any_more_for_a_caller_who_hung_up_after_the_pin(tmp_path: Path) -> None:
    menus = GREENHOUSE.replace('[menu.lamp]\nauth = "pin"', "[menu.lamp]")
    menus = menus.replace("[do.on]", '[do.on]\nauth = "pin"\nconfirm = false')

    async def scenario() -> None:
        rig = Rig(tmp_path, menus)
        rig.hands.gate = asyncio.Event()
        lamp = await rig.enter(rig.answer(rig.request("MAIN")), "2")
        asked = await rig.enter(lamp, "1")
        id = rig.request(f"{asked['node']},{PIN}")
        rig.tell(id="h", type="event", phone="0900000001", event="CallHangUp", time="t")
        rig.hands.gate.set()
        assert (await rig.answered(id))["nextNode"] == "END"
        assert rig.hands.commands == []
        assert rig.bridge.status.open == 0
        assert any("PIN" in what or "pin" in what for _, _, what in rig.notes.lines)

    run(scenario)


def test_the_hang_up_that_came_before_the_end_is_not_waited_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        pin = await rig.enter(rig.answer(rig.request("MAIN")), "2")
        for wrong in ("111222", "111223"):
            pin = await rig.enter(pin, wrong)
        rig.hands.gate = asyncio.Event()
        id = rig.request(f"{pin['node']},111224")
        rig.tell(id="h", type="event", phone="0900000001", event="CallHangUp", time="t")
        rig.hands.gate.set()
        await rig.answered(id)
        rig.answer(rig.request("MAIN"))
        assert rig.bridge.status.open == 1
        rig.tell(id="i", type="event", phone="0900000001", event="CallHangUp", time="u")
        assert rig.bridge.status.open == 0

    run(scenario)


def test_at_the_end_whoever_waits_hears_an_apology(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH)
        rig.hands.gate = asyncio.Event()
        running = asyncio.create_task(rig.bridge.run())
        greeting = rig.answer(rig.request("MAIN"))
        id = rig.request(f"{greeting['node']},1")
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait((running,))
        assert rig.answer(id)["nextNode"] == "END"

    run(scenario)


# --- errors of ours -------------------------------------------------------------------------------


def test_an_error_of_ours_is_apologised_for_and_ends_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH)
        rig.hands.broken = OSError("bus")
        greeting = rig.answer(rig.request("MAIN"))
        sorry = await rig.enter(greeting, "1")
        assert sorry["nextNode"] == "END" and "抱歉" in sorry["text"]
        assert rig.bridge.status.open == 0 and rig.bridge.status.counts["errors"] == 1
        # The next caller is answered as ever.
        assert rig.answer(rig.request("MAIN"))["text"].startswith("查詢溫度")

    run(scenario)
    assert "could not be done" in caplog.text


def test_a_command_that_raises_is_apologised_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        menu = await rig.enter(await rig.enter(rig.answer(rig.request("MAIN")), "2"), PIN)
        confirm = await rig.enter(menu, "1")
        rig.hands.broken = ValueError("bug")
        assert (await rig.enter(confirm, "1"))["nextNode"] == "END"

    run(scenario)


def test_an_answer_that_cannot_be_sent_is_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.up = False
        rig.request("MAIN")
        assert rig.sent == [] and rig.bridge.status.counts["unsent"] == 1
        assert "could not be sent" in rig.notes.lines[-1][2]

    run(scenario)


def test_what_was_done_for_a_caller_who_could_not_be_told_is_noted(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        menu = await rig.enter(await rig.enter(rig.answer(rig.request("MAIN")), "2"), PIN)
        confirm = await rig.enter(menu, "1")
        rig.up = False
        rig.request(f"{confirm['node']},1")
        await until(lambda: rig.hands.commands, what="the command")
        await until(lambda: rig.bridge.status.counts.get("unsent"), what="the answer")
        lines = [what for _, _, what in rig.notes.lines]
        assert lines[-2:] == ["lamp on: on", "the answer could not be sent: no connection"]

    run(scenario)


def test_a_lost_connection_is_noted_for_calls_that_were_just_answered(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.request("MAIN", phone="0900000003")
        rig.clock.advance(121)
        rig.request("MAIN")
        rig.bridge.lost()
        told = [phone for _, phone, what in rig.notes.lines if "connection lost" in what]
        assert told == ["0900000001"]

    run(scenario)


# --- order, repetitions, time ---------------------------------------------------------------------


def test_a_message_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        message = {"id": "a", "type": "request", "phone": "", "node": "MAIN", "time": "t"}
        rig.tell(**message)
        rig.tell(**message)
        assert len(rig.sent) == 1 and rig.bridge.status.counts["repeated"] == 1
        rig.clock.advance(61)
        rig.tell(**message)
        assert len(rig.sent) == 2

    run(scenario)


def test_an_id_alone_makes_no_repetition(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.tell(id="a", type="event", phone="", event="CallEstablished", time="t")
        rig.tell(id="a", type="request", phone="", node="MAIN", time="t")
        rig.tell(id="a", type="request", phone="", node=f"{rig.sent[0]['node']},1", time="u")
        assert len(rig.answers("a")) == 2

    run(scenario)


@pytest.mark.parametrize("time", ["2019-03-30T08:32:118.136Z", "1999-01-01T00:00:00Z", "", 7, None])
def test_no_time_is_impossible(tmp_path: Path, time: object) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        assert rig.answer(rig.request("MAIN", time=time))["text"]

    run(scenario)


def test_what_the_broker_kept_is_not_of_now(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.raw(b'{"id":"a","type":"request","node":"MAIN"}', retained=True)
        assert rig.sent == []

    run(scenario)


def test_the_hang_up_of_a_call_we_ended_leaves_another_from_there_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        one, two = (rig.answer(rig.request("MAIN")) for _ in range(2))
        await rig.enter(one, "0")
        rig.tell(id="h1", type="event", phone="0900000001", event="CallHangUp", time="1")
        assert rig.bridge.status.open == 1
        assert (await rig.enter(two, "1"))["text"].startswith("目前")
        rig.tell(id="h2", type="event", phone="0900000001", event="CallHangUp", time="2")
        assert rig.bridge.status.open == 0

    run(scenario)


# --- what is hostile ------------------------------------------------------------------------------

HOSTILE = [
    b"", b"x", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"type":"request"}',
    b'{"id":"a","type":"dance","node":"MAIN"}', b'{"id":"a","type":"event","event":"CallSings"}',
    b'{"id":[],"type":"request","node":"MAIN"}', b'{"id":"","type":"request","node":"MAIN"}',
    b'{"id":"a","type":"recordEvent"}', b'{"id":"a","id":"b","type":"request","node":"MAIN"}',
]  # fmt: skip


@pytest.mark.parametrize("payload", HOSTILE)
def test_what_cannot_be_read_is_counted_and_never_answered(tmp_path: Path, payload: bytes) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.raw(payload)
        assert rig.sent == [] and rig.bridge.status.counts["malformed"] == 1
        assert rig.answer(rig.request("MAIN"))["text"].startswith("查詢溫度")

    run(scenario)


def test_an_unknown_type_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        for number in range(9):
            rig.tell(id=f"a{number}", type="dance", node="MAIN")
        assert rig.sent == [] and rig.bridge.status.counts["malformed"] == 9

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("message", [
    {"id": "a", "type": "request"}, {"id": "a", "type": "request", "node": ""},
    {"id": "a", "type": "request", "node": 7e5}, {"id": "a", "type": "calloutRequest"},
    {"id": "a", "type": "request", "node": ["MAIN"]}, {"id": "a", "type": "request", "node": None},
])
def test_whoever_waits_behind_a_broken_request_hears_an_apology(
    tmp_path: Path, message: dict[str, object]
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.tell(**message)
        counts = rig.bridge.status.counts
        assert rig.answer("a")["text"] and counts["answers"] == 1

    run(scenario)


@pytest.mark.parametrize("node", [
    "nobody", "nobody,1", "more0", "more15", "MAIN,1", ",", ",,", "END", "CONFIG,timeout",
    "a/b,c/d", "c00000000000000", "c00000000000000,/", "x" * 10_000, "MAIN," + "9" * 10_000,
    "MAIN,台北,/,/0.7",
])
def test_any_node_is_answered_once(tmp_path: Path, node: str) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        assert rig.answer(rig.request(node))["id"] == "id1"
        assert rig.hands.guesses == 0

    run(scenario)


def test_an_id_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.raw(b'{"id":"\\ud800","type":"request","node":"MAIN"}')
        assert rig.answer(rig.request("MAIN"))["text"]

    run(scenario)


def test_a_recording_of_20_megabytes_holds_up_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        data = base64.b64encode(b"RIFF" + bytes(15_000_000)).decode()
        rig.tell(id="r", type="recordEvent", phone="0900000001", data=data, recordType=1)
        (memo,) = rig.notes.memos
        assert memo.data is not None and len(memo.data) == 15_000_004
        assert rig.answer(rig.request("MAIN"))["text"]

    run(scenario)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                max_size=3), max_leaves=5)
EVENT = st.fixed_dictionaries({}, optional={
    "id": st.sampled_from(["a", "b"]) | JSON,
    "type": st.sampled_from(["request", "event", "recordEvent", "calloutRequest", "calloutEvent"]),
    "phone": st.sampled_from(["", "0900000001"]) | JSON,
    "node": st.sampled_from(["MAIN", "MAIN,1", "MAIN,timeout", "more0"]) | JSON,
    "event": st.sampled_from(["CallHangup", "CallEstablished"]) | JSON,
    "data": st.sampled_from(["UklGRg==", "/a/path"]) | JSON, "recordType": JSON, "text": JSON,
    "time": JSON})  # fmt: skip


@given(st.lists(EVENT, max_size=8))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture],
          deadline=None)
def test_anything_may_come_and_the_next_caller_is_answered(
    tmp_path: Path, events: list[dict[str, object]]
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        for event in events:
            rig.tell(**event)
        greeting = await rig.answered(rig.request("MAIN"))
        assert "查詢溫度" in greeting["text"] and rig.hands.commands == []

    run(scenario)


# --- a hundred at once ----------------------------------------------------------------------------


def test_a_hundred_calls_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path, FRESH)
        rig.hands.gate = asyncio.Event()
        greetings = [rig.answer(rig.request("MAIN", phone="")) for _ in range(100)]
        assert len({greeting["node"] for greeting in greetings}) == 100
        assert rig.bridge.status.open == 100
        ids = [rig.request(f"{greeting['node']},1", phone="") for greeting in greetings]
        assert all(rig.answers(id) == [] for id in ids)
        rig.hands.gate.set()
        for id in ids:
            assert (await rig.answered(id))["text"].startswith("目前")

    run(scenario)


# --- call-outs, results, debug --------------------------------------------------------------------


class Ladder:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def asked(self, request: CallRequest) -> CallAction:
        self.heard.append(request)
        if request.node == "bug":
            raise KeyError("bug")
        return CallAction(request.id, "a00000000000000", "太熱了。", collect=Keypad())

    def noticed(self, notice: CallNotice) -> None:
        self.heard.append(notice)

    def result(self, result: CalloutResult) -> None:
        self.heard.append(result)


@pytest.mark.req("T-13", "T-14")
def test_call_outs_go_to_whoever_makes_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        ladder = Ladder()
        rig = Rig(tmp_path, callouts=ladder)
        assert rig.answer(rig.request("MAIN", type="calloutRequest"))["text"] == "太熱了。"
        rig.tell(id="e", type="calloutEvent", phone="0900000001", event="CallHangUp")
        rig.raw(json.dumps({"groupId": "g", "phone": "0900000001", "status": "busy"}).encode(),
                topic=f"phone-conn/calloutResult/{SN}")
        kinds = [type(one).__name__ for one in ladder.heard]
        assert kinds == ["CallRequest", "CallNotice", "CalloutResult"]
        assert rig.bridge.status.counts["callout_results"] == 1
        assert rig.answer(rig.request("bug", type="calloutRequest"))["nextNode"] == "END"

    run(scenario)


def test_a_call_out_that_is_none_of_ours_is_ended(tmp_path: Path) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        assert rig.answer(rig.request("MAIN", type="calloutRequest"))["nextNode"] == "END"

    run(scenario)


@pytest.mark.req("T-12")
def test_what_the_service_says_of_our_answers_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        rig = Rig(tmp_path)
        rig.raw(b'{"msg":"illegal node","phone":"0900000001"}', f"phone-conn/callActionDebug/{SN}")
        assert rig.bridge.status.counts["refused_answers"] == 1

    run(scenario)
    assert "illegal node" in caplog.text and "0900000001" not in caplog.text
