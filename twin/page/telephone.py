"""The telephone on the page: it calls the twin's numbers, and call-outs to its own number ring it.

One telephone, however many browsers look at it. While it talks it is busy for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twin.page.line import Gone, Line, connected
from twin.page.stage import Refused
from twin.terminal.events import Ended, Event, Listening, Music, Spoken, Trouble, event_of

_AGAIN = 1.0
"""Seconds after which a twin that is not there is tried again."""

Tell = Callable[[dict[str, Any]], None]
"""Told the data of each ``phone`` event."""


class Telephone:
    """``call``: the data of the call that is on, for ``hello``; None without one."""

    def __init__(self, twin_socket: Path, number: str | None, own_number: str, tell: Tell) -> None:
        self.call: dict[str, Any] | None = None
        self._socket = twin_socket
        self._number = number
        self._own = own_number
        self._tell = tell
        self._line: Line | None = None
        self._dialling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Be there for call-outs, until cancelled."""
        try:
            while True:
                try:
                    async with connected(self._socket) as line:
                        line.send({"op": "callee", "phone": self._own, "how": "person"})
                        await self._await_ring(line)
                except Gone:
                    await asyncio.sleep(_AGAIN)
        finally:
            if self._dialling is not None:
                self._dialling.cancel()

    def dial(self, caller: str, to: str | None) -> None:
        """Raises Refused when it is in use, or there is nobody to call."""
        if self.call is not None:
            raise Refused("the telephone is in use: hang up first")
        number = to or self._number
        if number is None:
            raise Refused("there is no number to call: this agent has no telephone")
        self.call = {"to": number, "from": caller, "state": "calling"}
        self._tell({"what": "calling", "to": number, "from": caller})
        self._dialling = asyncio.create_task(self._talk_to(number, caller), name="call")

    def talk(self, words: Mapping[str, str | bool]) -> None:
        """Keys, words, or putting it down. Raises Refused without a call."""
        if self.call is None or self._line is None or (
                self.call["state"] == "ringing" and "hangup" not in words):
            raise Refused("there is no call")
        self._line.send(words)

    def take(self, *, answer: bool) -> None:
        """What rings. Raises Refused when nothing does."""
        if self.call is None or self._line is None or self.call["state"] != "ringing":
            raise Refused("the telephone does not ring")
        if answer:
            self.call = {**self.call, "state": "talking"}
            self._line.send({"take": "answer"})
        else:
            self._line.send({"hangup": True})

    async def _talk_to(self, number: str, caller: str) -> None:
        try:
            async with connected(self._socket) as line:
                self._line = line
                line.send({"op": "call", "number": number, "from": caller})
                await self._listen(line)
        except Gone as exc:
            self._over(str(exc))

    async def _await_ring(self, line: Line) -> None:
        first = await line.read()
        if first.get("event") != "ringing":
            raise Gone(str(first.get("error", "not understood")))
        if self.call is not None:
            line.send({"take": "busy"})
            while not isinstance(event_of(await line.read()), Ended):
                pass
            return
        self._line = line
        self.call = {"to": self._own, "from": self._number, "state": "ringing"}
        self._tell({"what": "ringing", "from": self._number, "to": self._own})
        try:
            await self._listen(line)
        except Gone as exc:
            self._over(str(exc))
            raise

    async def _listen(self, line: Line) -> None:
        """Tell what is heard until the call ends. Raises Gone."""
        while True:
            event = event_of(await line.read())
            if isinstance(event, Ended):
                self._over(event.why)
                return
            if isinstance(event, Trouble) and self.call and self.call["state"] == "calling":
                self._tell({"what": "trouble", "text": event.text})
                self._over(event.text)
                return
            if (told := _told(event)) is not None:
                if self.call is not None:
                    self.call = {**self.call, "state": "talking"}
                self._tell(told)

    def _over(self, why: str) -> None:
        self.call = self._line = None
        self._tell({"what": "ended", "why": why})


def _told(event: Event) -> dict[str, Any] | None:
    match event:
        case Spoken(text, voice, seconds):
            return {"what": "spoken", "text": text, "voice": voice, "seconds": seconds}
        case Music():
            return {"what": "music"}
        case Listening(kind, seconds):
            return {"what": "listening", "for": kind, "seconds": seconds}
        case Trouble(text):
            return {"what": "trouble", "text": text}
    return None
