"""The page over HTTP: who may come, and with what on the answers."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from twin.page.page import Options, Page
from twin.page.stage import BrokerState, Faults, NetworkState, PowerState, Refused, Sensor, Things


class Hand:
    """Remembers what was done; the broker is out of its reach."""

    def __init__(self) -> None:
        self.device: str | None = "7432"
        self.faults = Faults()
        self.done: list[tuple[str, ...]] = []

    def command(self, actuator: str, cmd: str) -> None:
        self.done.append((actuator, cmd))

    def press(self, button: str) -> None:
        self.done.append(("press", button))

    def unplug(self, sensor: str) -> None:
        self.done.append(("unplug", sensor))

    def plug(self, sensor: str) -> None:
        self.done.append(("plug", sensor))

    def network(self, state: NetworkState) -> None:
        self.done.append(("network", state))

    def broker(self, state: BrokerState) -> None:
        raise Refused("out of reach")

    def power(self, state: PowerState) -> None:
        self.done.append(("power", state))

    def clock(self, seconds: float) -> None:
        self.done.append(("clock", f"{seconds:g}"))


class Browser:
    """Plain HTTP to one page."""

    def __init__(self, page: Page, hand: Hand) -> None:
        self.page = page
        self.hand = hand
        self._port = urlsplit(page.url).port

    def ask(self, method: str, path: str, body: object = None,
            headers: Mapping[str, str] = {}) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        host = f"127.0.0.1:{self._port}"
        usual = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {**usual, **headers})
        answer = connection.getresponse()
        found = answer.status, answer.headers, answer.read()
        connection.close()
        return found


def things(folder: Path) -> Things:
    return Things((Sensor("temperature", "°C", True),), {"lamp": ("on", "off")}, None, None,
                  "0900000001", folder / "no-agent", folder / "no-twin")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    hand = Hand()
    with Page(Options(port=0), things(tmp_path), hand) as page:
        yield Browser(page, hand)


def test_the_page_and_its_parts_are_served_and_nothing_else(browser: Browser) -> None:
    status, headers, body = browser.ask("GET", "/")
    assert status == 200 and b"<html" in body
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert browser.ask("GET", "/static/main.js")[0] == 200
    for path in ("/static/none.js", "/static/../app.py", "/static/%2e%2e/app.py",
                 "/static//etc/passwd", "/static/.hidden.js"):
        assert browser.ask("GET", path)[0] == 404, path


def test_what_is_asked_is_done(browser: Browser) -> None:
    assert browser.ask("POST", "/do", {"do": "command", "actuator": "lamp", "cmd": "on"})[0] == 200
    assert browser.ask("POST", "/do", {"do": "unplug", "sensor": "temperature"})[0] == 200
    assert browser.hand.done == [("lamp", "on"), ("unplug", "temperature")]


def test_what_cannot_be_done_says_why(browser: Browser) -> None:
    status, _, body = browser.ask("POST", "/do", {"do": "broker", "state": "killed"})
    assert (status, json.loads(body)) == (409, {"error": "out of reach"})
    assert browser.ask("POST", "/do", {"do": "keys", "keys": "1"})[0] == 409
    assert browser.ask("POST", "/do", {"do": "dial", "from": ""})[0] == 409
    assert browser.ask("POST", "/do", {"do": "fly"})[0] == 400
    assert browser.ask("POST", "/do", {"do": "say", "text": "x" * 10_000})[0] == 400


@pytest.mark.parametrize("headers", [
    {"Origin": "http://elsewhere.example"}, {"Origin": "null"},
    {"Content-Type": "text/plain"}, {"Host": "elsewhere.example"},
])
def test_no_other_page_may_ask(browser: Browser, headers: Mapping[str, str]) -> None:
    """A web page of somebody else's, which the user looks at, reaches loopback, too."""
    status, _, _ = browser.ask(
        "POST", "/do", {"do": "command", "actuator": "lamp", "cmd": "on"}, headers)
    assert status in (403, 415)
    assert browser.hand.done == []


def test_elsewhere_a_password_is_asked_for(tmp_path: Path) -> None:
    hand = Hand()
    with Page(Options("0.0.0.0", 0), things(tmp_path), hand) as page:
        browser = Browser(page, hand)
        assert page.password is not None and len(page.password) >= 16
        for path in ("/", "/events", "/static/main.js"):
            status, headers, _ = browser.ask("GET", path)
            assert status == 401 and "Basic" in headers["WWW-Authenticate"]
        assert browser.ask("POST", "/do", {"do": "press", "button": "b"})[0] == 401
        assert browser.ask("GET", "/", headers=_password(page.user, "guessed"))[0] == 401
        right = _password(page.user, page.password)
        assert browser.ask("GET", "/", headers=right)[0] == 200
        assert browser.ask("POST", "/do", {"do": "press", "button": "b"}, right)[0] == 200
        assert hand.done == [("press", "b")]


def test_on_this_machine_there_is_none(browser: Browser) -> None:
    assert browser.page.password is None
    assert urlsplit(browser.page.url).hostname == "127.0.0.1"


def _password(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
