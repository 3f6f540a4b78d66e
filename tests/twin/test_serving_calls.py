"""Calls over the running twin: the control socket, the terminal's phones, and an application."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.observer import Observer
from tests.support.waiting import wait_until
from tests.twin.served import PHONE, ask, rent
from twin.serving.process import FREE, Twin, TwinError
from twin.terminal.line import Line

ROOT = Path(__file__).parents[2]
MENU = {"node": "MAIN", "text": "歡迎", "nextNode": "CUSTOM"}


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(replace(FREE, char_seconds=0.0)) as running:
        yield running


@pytest.fixture(scope="module")
def rented(twin: Twin) -> tuple[str, str]:
    """A number whose menu greets and asks the application, and its SNKey."""
    return rent(twin, MENU)


class Phone:
    """One connection to the control socket, event by event."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._events: list[dict[str, Any]] = []

    def say(self, **message: Any) -> None:
        self._line.send(message)

    def hear(self) -> dict[str, Any]:
        while not self._events:
            self._events = self._line.read()
        return self._events.pop(0)

    def hear_until(self, kind: str) -> dict[str, Any]:
        while True:
            event = self.hear()
            if event.get("event", "error") == kind:
                return event


def answering(twin: Twin, sn_key: str) -> Observer:
    return Observer(twin.ports["phone"], [f"phone-conn/+/{sn_key}"], user=twin.api_key,
                    ca=twin.ca_file)


def request_of(application: Observer, node: str) -> str:
    """The id of the application's request at that node."""
    found = application.wait_for(lambda m: m.json().get("node") == node)
    return str(found.json()["id"])


def answer(application: Observer, sn_key: str, **action: Any) -> None:
    application.publish(f"phone-conn/callAction/{sn_key}", action)


@pytest.mark.req("T-01", "T-03", "T-38")
def test_a_call_is_heard_and_answered(twin: Twin, rented: tuple[str, str]) -> None:
    number, sn_key = rented
    with answering(twin, sn_key) as application, twin.line() as line:
        phone = Phone(line)
        phone.say(op="call", number=number, **{"from": "0912345678"})
        assert phone.hear()["text"] == "歡迎"
        answer(application, sn_key, id=request_of(application, "MAIN"), node="ask", text="幾度",
               collectDTMF=True, maxDTMF=2, collectDTMFTimeout=10)
        assert phone.hear_until("listening")["for"] == "keys"
        phone.say(keys="2")
        phone.say(keys="5")
        answer(application, sn_key, id=request_of(application, "ask,25"), node="bye", text="再見",
               nextNode="END", promptMode="F")
        spoken = phone.hear_until("spoken")
        assert (spoken["text"], spoken["voice"]) == ("再見", "F")
        assert phone.hear()["event"] == "ended"
        application.wait_for(lambda m: b"CallHangUp" in m.payload)
    assert "0912345678" not in twin.log


@pytest.mark.req("T-11")
def test_four_minutes_of_music_take_no_time(twin: Twin, rented: tuple[str, str]) -> None:
    number, sn_key = rented
    with answering(twin, sn_key) as application, twin.line() as line:
        phone = Phone(line)
        phone.say(op="call", number=number)
        answer(application, sn_key, id=request_of(application, "MAIN"), isWaitText=True,
               text="請稍候")
        phone.hear_until("music")
        twin.advance(239)
        assert twin.status()["calls"] == 1
        twin.advance(2)
        phone.hear_until("ended")
        application.wait_for(lambda m: b"CallHangUp" in m.payload)


def test_a_line_that_is_cut_hangs_up(twin: Twin, rented: tuple[str, str]) -> None:
    number, sn_key = rented
    with answering(twin, sn_key) as application:
        with twin.line() as line:
            Phone(line).say(op="call", number=number)
            request_of(application, "MAIN")
        application.wait_for(lambda m: b"CallHangUp" in m.payload)
    wait_until(lambda: twin.status()["calls"] == 0)


def call_out(twin: Twin, number: str, phone: str) -> str:
    body = {"serviceNumber": number, "phones": [phone], "ivrData": {"text": "溫度過高"}}
    status, told = ask(f"{twin.rest_url}{PHONE}/callout", twin.api_key, body, header="X-API-KEY")
    assert status == 200
    return str(told["groupId"])


@pytest.mark.req("T-13", "T-33")
@pytest.mark.parametrize(("how", "status"), [
    ("answer", "answered"), ("busy", "reject"), ("reject", "reject"), ("voicemail", "answered"),
    ("timeout", "timeout"), ("notfound", "notfound"), ("failed", "failed"),
])
def test_a_callee_takes_a_call_out_as_told(
    twin: Twin, rented: tuple[str, str], how: str, status: str
) -> None:
    number, sn_key = rented
    with answering(twin, sn_key) as application, twin.line() as line:
        phone = Phone(line)
        phone.say(op="callee", phone="0912345678", how=how)
        group = call_out(twin, number, "0912345678")
        result = application.wait_for(lambda m: "calloutResult" in m.topic).json()
        assert (result["groupId"], result["status"]) == (group, status)
        assert phone.hear() == {"event": "ringing"}
        if status == "answered":
            assert phone.hear()["text"] == "溫度過高"
        phone.hear_until("ended")


@pytest.mark.req("T-33")
def test_a_phone_nobody_is_at_rings_in_vain(twin: Twin, rented: tuple[str, str]) -> None:
    number, sn_key = rented
    with answering(twin, sn_key) as application:
        call_out(twin, number, "0912345678")
        assert twin.status()["ringing"] == ["0912345678"]
        twin.advance(60)
        result = application.wait_for(lambda m: "calloutResult" in m.topic).json()
        assert result["status"] == "timeout"


def test_who_comes_to_a_ringing_phone_may_take_it(twin: Twin, rented: tuple[str, str]) -> None:
    number, _ = rented
    call_out(twin, number, "0912345678")
    with twin.line() as line:
        phone = Phone(line)
        phone.say(op="callee", phone="0912345678", how="answer")
        assert phone.hear_until("spoken")["text"] == "溫度過高"


def test_who_leaves_is_not_called(twin: Twin, rented: tuple[str, str]) -> None:
    number, _ = rented
    with twin.line() as line:
        Phone(line).say(op="callee", phone="0912345678", how="answer")
    wait_until(lambda: twin.status()["ringing"] == [])
    call_out(twin, number, "0912345678")
    assert twin.status()["ringing"] == ["0912345678"]


@pytest.mark.parametrize("said", [
    {"op": "sing"}, {"op": "call"}, {"op": "callee", "phone": "0912345678", "how": "late"},
    {"op": "advance"}, {"op": "advance", "seconds": -1}, {"op": "advance", "seconds": 1e12},
    {"op": "advance", "seconds": True}, {"keys": "1"}, {"nothing": 0},
])
def test_what_cannot_be_done_is_told(twin: Twin, said: dict[str, Any]) -> None:
    with pytest.raises(TwinError):
        twin.ask(said)
    assert twin.status()["event"] == "status"


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b"[" * 60000])
def test_noise_on_the_control_socket_harms_nobody(twin: Twin, raw: bytes) -> None:
    with twin.line() as line:
        line._socket.sendall(raw + b"\n")
        assert "error" in Phone(line).hear()
    assert twin.running and "Traceback" not in twin.log


def test_a_line_without_end_is_cut(twin: Twin) -> None:
    with twin.line() as line:
        line._socket.sendall(b"x" * 200_000)
        assert "error" in Phone(line).hear()
    assert twin.running and "Traceback" not in twin.log


def test_a_wrong_number_is_told(twin: Twin) -> None:
    with twin.line() as line:
        phone = Phone(line)
        phone.say(op="call", number="0299999999")
        assert "not in service" in phone.hear()["why"]


def terminal(twin: Twin, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "twin", *words, "--socket", str(twin.socket)],
                          cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, check=False)


def test_the_terminals_phone_calls_this_twin(twin: Twin) -> None:
    menu = [{"node": "MAIN", "text": "查詢請按一", "collectDTMF": True, "DTMF": {"1": "warm"}},
            {"node": "warm", "text": "二十五度", "nextNode": "END"}]
    number, _ = rent(twin, *menu)
    script = ["--expect", "查詢", "--keys", "1", "--expect", "二十五"]
    done = terminal(twin, "call", number, "--from", "0912345678", *script)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    done = terminal(twin, "call", number, "--withheld", "--expect", "三十", "--timeout", "1s")
    assert done.returncode == 1, done.stdout


def test_the_terminals_callee_is_called_by_this_twin(twin: Twin, rented: tuple[str, str]) -> None:
    number, _ = rented
    with subprocess.Popen(
        [sys.executable, "-m", "twin", "callee", "0912345678", "--answer", "--expect", "溫度過高",
         "--socket", str(twin.socket)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    ) as callee:
        call_out(twin, number, "0912345678")
        assert callee.wait(20) == 0


def test_the_socket_is_its_owners_alone(twin: Twin) -> None:
    assert twin.socket.stat().st_mode & 0o777 == 0o600


def test_status_is_json_and_counts(twin: Twin) -> None:
    status = twin.status()
    assert json.loads(json.dumps(status)) == status
    assert status["ports"] == twin.ports
    assert status["calls"] == 0
