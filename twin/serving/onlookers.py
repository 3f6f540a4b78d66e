"""Shows what passes to who watches over the control socket: each message, and what became of it.

Bounded: who reads too slowly misses the oldest, and is told how many. Nobody waits for them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from twin import watch
from twin.messages import Message
from twin.serving.exchange import Note

MOST = 2000
"""Messages kept for one that reads slowly."""
LONGEST = 5000
"""Characters of a payload that are shown: as long as the platform takes (P-04)."""
_LINGER = 0.05
"""Seconds; what passes within them leaves in one write."""


class Onlooker:
    """One who watches."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque()
        self._missed = 0
        self._some = asyncio.Event()

    def put(self, entry: dict[str, Any]) -> None:
        """Keep it until it is fetched; the oldest makes room."""
        if len(self._kept) >= MOST:
            self._kept.popleft()
            self._missed += 1
        self._kept.append(entry)
        self._some.set()

    async def news(self) -> list[dict[str, Any]]:
        """What has passed since the last time, at least one; first how much was missed, if any."""
        await self._some.wait()
        await asyncio.sleep(_LINGER)
        found = list(self._kept)
        if self._missed:
            found.insert(0, {"event": "missed", "count": self._missed})
        self._kept.clear()
        self._missed = 0
        self._some.clear()
        return found


class Onlookers:
    """All who watch now; a journal of the exchange.

    An entry has ``event`` ``message``, ``time`` (ISO 8601, UTC), ``way`` (``came`` from a client,
    or ``went`` to them), ``topic``, ``text`` and ``dropped``: what the rules noted of it, or null.
    What only repeats a reading or an ack to subscribers is left out.
    """

    def __init__(self) -> None:
        self._all: list[Onlooker] = []
        self._last: dict[str, Any] = {}

    @contextmanager
    def one(self) -> Iterator[Onlooker]:
        """Somebody new, as long as the context lasts."""
        onlooker = Onlooker()
        self._all.append(onlooker)
        try:
            yield onlooker
        finally:
            self._all.remove(onlooker)

    def came(self, message: Message, when: datetime) -> None:
        self._put("came", message, when)

    def went(self, message: Message, when: datetime) -> None:
        if not watch.is_echo(message.topic):
            self._put("went", message, when)

    def noted(self, note: Note) -> None:
        """Notes follow what they are about at once: nobody has fetched that yet."""
        if self._last and self._last["topic"] == note.topic:
            before = self._last["dropped"]
            self._last["dropped"] = f"{before}; {note.what}" if before else note.what

    def _put(self, way: str, message: Message, when: datetime) -> None:
        if not self._all:
            return
        text = message.payload[:4 * LONGEST].decode(errors="replace")[:LONGEST]
        self._last = {"event": "message", "time": when.isoformat(timespec="milliseconds"),
                      "way": way, "topic": message.topic, "text": text, "dropped": None}
        for onlooker in self._all:
            onlooker.put(self._last)
