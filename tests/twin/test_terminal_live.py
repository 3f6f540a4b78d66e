"""The documented dialogues, led from the terminal: the real twin, and a scripted application.

The twin speaks without taking time here, unless a test is about time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.twin.application import Answers, Application
from twin.serving.process import FREE, Twin

ROOT = Path(__file__).parents[2]
CALLER = "0912345678"
FORECAST = "台北請按一"


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(replace(FREE, char_seconds=0.0, quiet=True)) as running:
        yield running


def rest(twin: Twin, call: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"{twin.rest_url}/apis/CHTIoT/phone-conn/v1/{call}", json.dumps(body).encode(),
        {"X-API-KEY": twin.api_key, "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def rented(twin: Twin) -> dict[str, str]:
    """The number of all tests here, as it was rented."""
    answer: dict[str, str] = rest(twin, "reg", {"appName": "test"})
    return answer


class Line:
    """A number with a menu, its application, and phones to call it."""

    def __init__(self, twin: Twin, number: str, application: Application) -> None:
        self.twin, self.number, self.application = twin, number, application

    def phone(self, *words: str) -> subprocess.Popen[str]:
        """A phone of a terminal, at work."""
        return subprocess.Popen(
            [sys.executable, "-m", "twin", *words, "--socket", str(self.twin.socket)], cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def call(self, *steps: str, status: int = 0, caller: str = CALLER) -> str:
        """Call the number by script; what was printed, if it ended as wanted."""
        return self.end(self.phone("call", self.number, "--from", caller, *steps), status)

    def end(self, phone: subprocess.Popen[str], status: int = 0) -> str:
        out, err = phone.communicate(timeout=30)
        assert phone.returncode == status, out + err
        return out + err

    def call_out(self, **data: Any) -> str:
        """Let the service phone CALLER; the group."""
        answer = rest(self.twin, "callout", {
            "serviceNumber": self.number, "phones": [CALLER], "ivrData": data})
        return str(answer["groupId"])


@pytest.fixture
def line(twin: Twin, rented: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Line]:
    """With the menu and the application's answers that the test is marked with."""
    menu, answers = request.param
    rest(twin, "phoneConfig", {"serviceNumber": rented["serviceNumber"], "ivrData": menu})
    with Application(twin.ports["phone"], twin.ca_file, twin.api_key, rented["SNKey"],
                     answers) as application:
        yield Line(twin, rented["serviceNumber"], application)
        application.wait_until_over(0)  # what is told late is not for the next test


def dialogue(menu: list[dict[str, Any]], answers: Answers) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("line", [(menu, answers)], indirect=True, ids=["line"])


ASKED_FIRST: list[dict[str, Any]] = [{"node": "MAIN", "nextNode": "CUSTOM"}]


@pytest.mark.req("T-50")
@dialogue(
    [{"node": "MAIN", "text": FORECAST, "collectDTMF": True},
     {"node": "error", "text": "輸入錯誤", "nextNode": "MAIN"},
     {"node": "timeout_handler", "text": "請重新輸入", "nextNode": "MAIN"}],
    {"MAIN,1": [{"node": "weather_taipei", "text": "台北晴", "nextNode": "MAIN"}],
     "MAIN,7": [{"node": "this_is_error", "nextNode": "error"}],
     "MAIN,timeout": [{"node": "my_timeout", "nextNode": "timeout_handler"}],
     "MAIN,9": [{"node": "exit", "nextNode": "END"}]})
def test_t50_wrong_keys_silence_and_giving_up(line: Line) -> None:
    phone = line.phone(
        "call", line.number, "--from", CALLER, "--expect", FORECAST, "--keys", "7",
        "--expect", "輸入錯誤", "--expect", FORECAST, "--keys", "1", "--expect", "台北晴",
        "--expect", FORECAST, "--silence", "--expect", "請重新輸入", "--expect", FORECAST,
        "--keys", "9", "--expect-end")
    line.application.wait_for("MAIN,1")
    until_said(phone, "(silence)")
    line.twin.advance(10)  # all the time there is for a key
    line.end(phone)
    assert line.application.wait_until_over() == [
        "CallEstablished", "MAIN,7", "MAIN,1", "MAIN,timeout", "MAIN,9", "CallHangUp"]
    for kind, content in line.application.heard:
        assert (kind, content["phone"]) == ("callEvent", CALLER)


@pytest.mark.req("T-51")
@dialogue(
    [{"node": "MAIN", "text": "歡迎", "nextNode": "content"},
     {"node": "content", "text": "結束請按三", "collectDTMF": True},
     {"node": "exit", "text": "再見", "nextNode": "END"}],
    {"content,3": [{"node": "go_exit_node", "nextNode": "exit"}]})
def test_t51_a_welcome_and_a_goodbye(line: Line) -> None:
    line.call("--expect", "歡迎", "--expect", "請按三", "--keys", "3", "--expect", "再見",
              "--expect-end")
    assert line.application.wait_until_over() == ["CallEstablished", "content,3", "CallHangUp"]


@pytest.mark.req("T-52", "T-29")
@dialogue(
    [{"node": "MAIN", "text": "天氣請按一，空氣請按二", "collectDTMF": True,
      "DTMF": {"1": "weather_menu", "2": "CUSTOM"}},
     {"node": "weather_menu", "text": "台北請按一", "collectDTMF": True}],
    {"MAIN,2": [{"node": "air", "text": "空氣良好", "nextNode": "MAIN"}],
     "weather_menu,8": [{"node": "bye", "text": "再會", "nextNode": "END"}]})
def test_t52_a_key_map_asks_only_where_it_says_so(line: Line) -> None:
    line.call("--keys", "5", "--expect", "天氣請按一", "--keys", "2", "--expect", "空氣良好",
              "--expect", "天氣請按一", "--keys", "1", "--expect", "台北請按一", "--keys", "8",
              "--expect", "再會", "--expect-end")
    assert line.application.wait_until_over() == [
        "CallEstablished", "MAIN,2", "weather_menu,8", "CallHangUp"]


@pytest.mark.req("T-53", "T-36")
@dialogue(
    ASKED_FIRST,
    {"MAIN": [{"node": "playNode01", "text": "停車位請按一", "collectDTMF": True}],
     "playNode01,1": [{"node": "playNode02", "text": "剩下二十五個", "nextNode": "END"}]})
def test_t53_the_application_is_asked_first_and_each_turn_has_an_id(line: Line) -> None:
    line.call("--expect", "停車位", "--keys", "1", "--expect", "二十五", "--expect-end")
    assert line.application.wait_until_over() == [
        "CallEstablished", "MAIN", "playNode01,1", "CallHangUp"]
    ids = [content["id"] for _, content in line.application.heard]
    assert len(set(ids)) == len(ids)


@pytest.mark.req("T-54", "T-02")
@dialogue(
    [{"node": "MAIN", "text": "歡迎", "nextNode": "CUSTOM"}],
    {"MAIN": [{"node": "queryNode", "text": "查哪裡", "collectText": True}],
     "queryNode,台北/0.7": [{"node": "answerNode", "text": "台北晴到多雲", "nextNode": "END"}],
     "queryNode,台北/0.9": [{"node": "answerNode", "text": "聽得很清楚", "nextNode": "END"}]})
def test_t54_speech_with_its_confidence(line: Line) -> None:
    line.call("--expect", "歡迎", "--expect", "查哪裡", "--say", "台北/0.7", "--expect", "多雲",
              "--expect-end")
    assert line.application.wait_until_over() == [
        "CallEstablished", "MAIN", "queryNode,台北/0.7", "CallHangUp"]
    line.call("--say", "台北", "--expect", "清楚")


@pytest.mark.req("T-55", "T-13", "T-14")
@dialogue(
    ASKED_FIRST,
    {"MAIN": [{"node": "MyAskNode", "text": "滿意請按一", "collectDTMF": True}],
     "MyAskNode,1": [{"node": "byebye", "text": "感謝", "nextNode": "END"}]})
def test_t55_an_interactive_call_out(line: Line) -> None:
    phone = line.phone("callee", CALLER, "--answer", "--expect", "滿意", "--keys", "1",
                       "--expect", "感謝", "--expect-end")
    until_said(phone, "waits for a call")
    group = line.call_out(node="MAIN", nextNode="CUSTOM")
    line.end(phone)
    assert line.application.wait_until_over() == [
        "answered", "CallEstablished", "MAIN", "MyAskNode,1", "CallHangUp"]
    assert line.application.wait_for("answered")["groupId"] == group
    assert {content["type"] for kind, content in line.application.heard if kind == "callEvent"} == {
        "calloutEvent", "calloutRequest"}


@pytest.mark.req("T-56", "T-11")
@dialogue(
    ASKED_FIRST,
    {"MAIN": [{"isWaitText": True, "text": "取得資料中", "promptMode": "F"},
              {"node": "final", "text": "目前二十五度", "nextNode": "END"}]})
def test_t56_a_wait_text_comes_before_the_answer(line: Line) -> None:
    said = line.call("--expect", "取得資料中", "--expect", "二十五度", "--expect-end")
    assert re.search(r"F  取得資料中$", said, re.M)


@pytest.mark.req("T-11")
@dialogue(ASKED_FIRST, {"MAIN": [{"isWaitText": True, "text": "取得資料中"}]})
def test_the_music_ends_after_four_minutes(line: Line) -> None:
    phone = line.phone("call", line.number, "--from", CALLER, "--expect", "取得", "--expect-end")
    until_said(phone, "(music)")
    line.twin.advance(230)
    assert line.twin.status()["calls"] == 1
    line.twin.advance(10)
    assert "the call ended: the application did not answer" in line.end(phone)


@pytest.mark.req("T-10", "T-41")
@dialogue(
    ASKED_FIRST,
    {"MAIN": [{"node": "memo", "text": "請留言", "maxRecordDuration": 30, "recordToText": True,
               "nextNode": "END"}]})
def test_a_recording_and_its_transcript(line: Line) -> None:
    line.call("--record", "請回電", "--expect-end")
    recording = line.application.wait_for("recordEvent")
    assert recording["text"] == "請回電"
    assert recording["phone"] == CALLER


@pytest.mark.req("T-13", "T-33", "T-34")
@dialogue(ASKED_FIRST, {})
@pytest.mark.parametrize(("option", "status"), [
    ("--busy", "reject"),  # a mobile that is busy cannot be told from one that refuses
    ("--reject", "reject"), ("--no-answer", "timeout"), ("--not-found", "notfound"),
    ("--fail", "failed"), ("--voicemail", "answered"),
])
def test_every_result_of_a_simple_call_out(line: Line, option: str, status: str) -> None:
    phone = line.phone("callee", CALLER, option)
    until_said(phone, "waits for a call")
    group = line.call_out(text="溫度過高")
    said = line.end(phone)
    assert ("溫度過高" in said) == (option == "--voicemail")
    result = line.application.wait_for(status)
    assert (result["groupId"], result["phone"]) == (group, CALLER)
    assert line.application.told() == [status]  # of a simple one nothing else is told


@dialogue(ASKED_FIRST, {"MAIN": [{"node": "hello", "text": "您好", "collectDTMF": True}]})
def test_a_withheld_number_arrives_empty_and_hanging_up_is_told(line: Line) -> None:
    line.end(line.phone("call", line.number, "--withheld", "--expect", "您好"))
    assert line.application.wait_for("CallHangUp")["phone"] == ""


@dialogue(ASKED_FIRST, {"MAIN": [{"node": "hello", "text": "您好", "nextNode": "END"}]})
def test_what_is_not_heard_ends_with_1(line: Line) -> None:
    said = line.call("--expect", "天氣", status=1)
    assert "not heard: 「天氣」 before the call ended (the service hung up)" in said
    assert "heard instead: 「您好」" in said


@dialogue(ASKED_FIRST, {})
def test_a_number_nobody_rents(line: Line) -> None:
    said = line.end(line.phone("call", "035550000", "--from", CALLER, "--expect", "早"), 1)
    assert "the number is not in service" in said


def until_said(phone: subprocess.Popen[str], text: str) -> None:
    """Read what a phone prints, up to and with ``text``."""
    assert phone.stdout is not None
    said = ""
    while text not in said:
        more = phone.stdout.readline()
        assert more, f"{said}{phone.stderr.read() if phone.stderr else ''}"
        said += more


@pytest.mark.req("T-37")
def test_at_its_own_pace_a_key_cuts_a_text_short() -> None:
    """What is said takes time; a script does not run out of patience meanwhile."""
    with Twin(replace(FREE, char_seconds=0.02, quiet=True)) as slow:
        number = rest(slow, "reg", {"appName": "test"})
        rest(slow, "phoneConfig", {"serviceNumber": number["serviceNumber"], "ivrData": [
            {"node": "MAIN", "text": "歡迎" * 50, "nextNode": "menu"},  # two seconds
            {"node": "menu", "text": "請按一" * 60, "collectDTMF": True, "DTMF": {"1": "bye"}},
            {"node": "bye", "text": "再見", "nextNode": "END"}]})
        with Application(slow.ports["phone"], slow.ca_file, slow.api_key, number["SNKey"],
                         {}) as application:
            line = Line(slow, number["serviceNumber"], application)
            line.call("--expect", "歡迎", "--expect", "請按", "--keys", "1", "--expect", "再見",
                      "--expect-end", "--timeout", "1s")
            assert application.wait_until_over() == ["CallEstablished", "CallHangUp"]
