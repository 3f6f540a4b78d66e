"""An agent with a telephone beside the twin's telephone service, and phones that call it."""

from __future__ import annotations

import contextlib
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.phone.pin import PinHash
from tests.end_to_end.station import LAMP, prepared
from tests.support.agent import AgentProcess
from tests.support.waiting import wait_until
from tests.twin.served import PHONE, rent
from twin.serving.process import FREE, Twin
from twin.terminal.line import Line

PIN = "480215"
LISTED, STRANGER = "0900000001", "0900000002"
QUICK = replace(FREE, char_seconds=0.0)
"""A twin whose voice takes no time."""

WATER = """
[[sensor]]
id = "water"
driver = "file"
path = "water"
unit = "°C"
every = "250ms"
"""
MENUS = f"""
stale_after = "10m"
[callers]
allow = ["{LISTED}"]
unknown = "read"
[pin]
hash = "file:pin.hash"
lock_after = 5
[menu.main]
say = "溫室您好。查詢水溫請按一，控制電燈請按二，留言請按三。"
keys = {{ 1 = "read.water", 2 = "menu.lamp", 3 = "memo.note" }}
[read.water]
say = "水溫{{water}}，{{water:age}}測得。"
[menu.lamp]
auth = "pin"
say = "開燈請按一，關燈請按二。"
keys = {{ 1 = "do.on", 2 = "do.off" }}
[do.on]
command = {{ actuator = "lamp", cmd = "on" }}
say = "打開電燈"
done = "電燈已打開。"
[do.off]
command = {{ actuator = "lamp", cmd = "off" }}
[memo.note]
say = "請留言。"
record = "60s"
transcript = true
"""


class Handset:
    """A phone in a call; ``heard``: all texts of the service so far."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.heard = ""
        self.music = 0
        self.ended = ""
        self._listens = 0

    def hear(self, *texts: str, timeout: float = 15.0) -> str:
        """What was said until all of ``texts`` were, in that order; it is forgotten then."""
        self._until(lambda: self._position(texts), timeout, f"{texts} to be said")
        said, self.heard = self.heard, ""
        return said

    def press(self, keys: str) -> None:
        """As a person does: when the service listens."""
        self._listen()
        self._line.send({"keys": keys})

    def record(self, text: str) -> None:
        self._listen()
        self._line.send({"record": text})

    def hang_up(self) -> None:
        self._line.send({"hangup": True})
        self.hear_end()

    def hear_end(self, timeout: float = 15.0) -> str:
        """Why the call is over."""
        self._until(lambda: self.ended, timeout, "the call to end")
        return self.ended

    def _listen(self) -> None:
        self._until(lambda: self._listens, 15.0, "the service to listen")
        self._listens = 0

    def _position(self, texts: tuple[str, ...]) -> bool:
        at = 0
        for text in texts:
            at = self.heard.find(text, at)
            if at < 0:
                return False
            at += len(text)
        return True

    def _until(self, look: Any, timeout: float, what: str) -> None:
        def found() -> bool:
            if not look() and select.select([self._line], [], [], 0.05)[0]:
                for event in self._line.read():
                    self._take(event)
            return bool(look())

        try:
            wait_until(found, timeout)
        except AssertionError:
            told = f"heard {self.heard!r}, ended {self.ended!r}"
            raise AssertionError(f"waited {timeout:g} s for {what}; {told}") from None

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "spoken":
                self.heard += event["text"]
            case "listening":
                self._listens += 1
            case "music":
                self.music += 1
            case "ended":
                self.ended = event["why"]


@dataclass
class PhoneSite:
    """``number`` is the agent's."""

    twin: Twin
    agent: AgentProcess
    number: str

    @contextlib.contextmanager
    def call(self, phone: str = LISTED) -> Iterator[Handset]:
        """A call to the agent; ``phone`` "" is withheld. Put down at the end."""
        with self.twin.line() as line:
            line.send({"op": "call", "number": self.number, "from": phone})
            yield Handset(line)

    def status(self) -> dict[str, Any]:
        status = self.agent.status()
        assert status is not None, self.agent.log
        return status

    def up(self) -> None:
        self.agent.wait_until_up("phone")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.agent.command("phone", *words)

    def log(self) -> str:
        return self.command("log", "-n", "200").stdout

    @property
    def menus(self) -> Path:
        return self.agent.folder / "phone.toml"


@contextlib.contextmanager
def phone_site(
    twin: Twin, rented: tuple[str, str], folder: Path, menus: str = MENUS,
    devices: str = WATER + LAMP, pin: str = PIN, arguments: tuple[str, ...] = (), port: int = 0,
) -> Iterator[PhoneSite]:
    """A started agent that answers the ``rented`` number (and its SNKey), with its menu there. Its
    platform is nowhere, which the telephone does not mind. ``port``: of something between the two.
    """
    number, sn_key = rented
    folder.mkdir(exist_ok=True)
    (folder / "water").write_text("25.3")
    (folder / "phone.toml").write_text(menus, encoding="utf-8")
    (folder / "pin.hash").write_text(str(PinHash.of(pin, bytes(16))))
    agent = prepared(folder, f"""
[platform]
host = "127.0.0.1"
port = 9
tls = false
device_id = "1"
key = "DKnobody"
[clock]
trust = "always"
[hardware]
backend = "simulated"
[phone]
host = "127.0.0.1"
port = {port or twin.ports["phone"]}
ca_file = "{twin.ca_file}"
api_key = "{twin.api_key}"
sn_key = "{sn_key}"
service_number = "{number}"
rest_url = "{twin.rest_url}{PHONE}"
{devices}""", arguments=arguments)
    with agent:
        here = PhoneSite(twin, agent, number)
        here.up()
        pushed = here.command("menu", "push", "--yes")
        assert pushed.returncode == 0, pushed.stderr
        yield here


def rented_number(twin: Twin) -> tuple[str, str]:
    """A number and its SNKey. Three can be had."""
    return rent(twin)
