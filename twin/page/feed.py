"""Server-sent events for every browser that looks: bounded, whatever a browser does.

A browser that reads too slowly loses what waits for it and begins anew with a ``hello``, which
tells how all is now; so neither its queue nor its delay ever grows.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

MOST = 1000
"""Events that wait for one browser."""
MOST_TEXT = 1_000_000
"""Characters of them."""
MOST_BROWSERS = 16
_LINGER = 0.1
"""Seconds; what happens within them leaves in one write."""
_BEAT = 15.0
"""Seconds after which a browser hears something, so that a dead line is found."""


class Full(Exception):
    """Too many browsers look already."""


def event(name: str, data: object) -> str:
    """One event as it goes over the line; JSON holds no line end."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


class Queue:
    """What waits for one browser."""

    def __init__(self) -> None:
        self.some = asyncio.Event()
        self._kept: deque[str] = deque()
        self._size = 0
        self._anew = True

    def put(self, text: str) -> None:
        if self._anew:
            return  # the hello will tell of it
        if len(self._kept) >= MOST or self._size + len(text) > MOST_TEXT:
            self.renew()
            return
        self._kept.append(text)
        self._size += len(text)
        self.some.set()

    def renew(self) -> None:
        """Begin with a hello again."""
        self._kept.clear()
        self._size = 0
        self._anew = True
        self.some.set()

    def take(self, hello: Callable[[], str]) -> str:
        """All that waits; with a hello before it where it is due."""
        text = (hello() if self._anew else "") + "".join(self._kept)
        self._kept.clear()
        self._size = 0
        self._anew = False
        self.some.clear()
        return text


class Feed:
    """``hello`` tells how all is now. For the thread of the event loop alone."""

    def __init__(self, hello: Callable[[], dict[str, Any]]) -> None:
        self._hello = hello
        self._queues: set[Queue] = set()
        self._closed = False

    def tell(self, name: str, data: object) -> None:
        """To every browser that looks."""
        if self._queues:
            text = event(name, data)
            for queue in self._queues:
                queue.put(text)

    def renew(self) -> None:
        """Say hello to all of them again."""
        for queue in self._queues:
            queue.renew()

    def close(self) -> None:
        """Every stream ends."""
        self._closed = True
        for queue in self._queues:
            queue.some.set()

    def stream(self) -> AsyncIterator[str]:
        """What one browser is sent, until it goes. Raises Full."""
        if len(self._queues) >= MOST_BROWSERS:
            raise Full(f"{MOST_BROWSERS} browsers look already: close one")
        return self._stream()

    async def _stream(self) -> AsyncIterator[str]:
        queue = Queue()
        self._queues.add(queue)
        try:
            yield queue.take(self._say_hello)
            while not self._closed:
                try:
                    async with asyncio.timeout(_BEAT):
                        await queue.some.wait()
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                await asyncio.sleep(_LINGER)
                yield queue.take(self._say_hello)
        finally:
            self._queues.discard(queue)

    def _say_hello(self) -> str:
        return event("hello", self._hello())
