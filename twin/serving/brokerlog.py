"""What mosquitto's log tells that no message does: who subscribed, and what was refused.

Documented nowhere, read from mosquitto 2.0 and tested against the one installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OWN = "cht-twin"
"""The client id of the twin's own connections; what they do is not told."""

_LONGEST = 4 * 1024 * 1024
_REFUSED = re.compile(r"Denied PUBLISH from (?P<who>.*) \(d\d, q\d, r\d, m\d+, '(?P<topic>.*)', ")
_GRANTED = re.compile(r"(?P<who>.*) [012] (?P<topic>[/$p]\S*)")
_SUBSCRIBE = re.compile(r"Received SUBSCRIBE from (?P<who>.*)")
_ASKED = re.compile(r"\t(?P<topic>\S+) \(QoS [012]\)")
_ANSWERED = re.compile(r"Sending SUBACK to .*")
_TOLD = re.compile(r"Client (?P<who>.*?) (?P<what>disconnected, not authorised|"
                   r"disconnected due to .*|has exceeded timeout|already connected).*")
_WORDS = {
    "disconnected, not authorised": "refused at CONNECT: no such user name and password",
    "has exceeded timeout": "keep-alive missed: taken for dead",
    "already connected": "connects a second time with this client id: the first one is closed",
}


@dataclass(frozen=True)
class Subscribed:
    """Somebody subscribed to this topic filter, and may."""

    topic: str


@dataclass(frozen=True)
class Told:
    """Something the broker did on its own; one line."""

    text: str


class LogReader:
    """Understands the log, line by line."""

    def __init__(self) -> None:
        self._who = ""
        self._asked: list[str] = []

    def read(self, line: str) -> Iterator[Subscribed | Told]:
        """What this line, and those before it, tell; mostly nothing."""
        text = re.sub(r"^\d+: ", "", line)
        if found := _SUBSCRIBE.fullmatch(text):
            self._who, self._asked = found["who"], []
        elif found := _ASKED.fullmatch(text):
            self._asked.append(found["topic"])
        elif _ANSWERED.fullmatch(text):
            for topic in self._asked:
                yield Told(f"{self._who} may not subscribe to {topic}: refused")
            self._asked = []
        elif (found := _GRANTED.fullmatch(text)) and found["topic"] in self._asked:
            self._asked.remove(found["topic"])
            if found["who"] != OWN:
                yield Subscribed(found["topic"])
        elif found := _REFUSED.match(text):
            yield Told(f"{found['who']} may not publish on {found['topic']}: dropped")
        elif found := _TOLD.fullmatch(text):
            yield Told(f"client {found['who']}: {_WORDS.get(found['what'], found['what'])}")


class Tail:
    """New lines of a growing file, which is cut when it gets long: it is opened for appending."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = b""

    def lines(self) -> list[str]:
        """The whole lines since the last time."""
        with self._path.open("r+b") as file:
            file.seek(self._at)
            *whole, self._rest = (self._rest + file.read()).split(b"\n")
            self._at = file.tell()
            if self._at > _LONGEST:
                file.truncate(0)
                self._at = 0
        return [line.decode(errors="replace") for line in whole]
