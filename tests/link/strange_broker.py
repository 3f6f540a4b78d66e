"""A small MQTT broker with opinions of its own about UNSUBSCRIBE; mosquitto has none."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Literal

Opinion = Literal["answers", "says nothing", "drops", "ignores CONNECT"]
CONNECT, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT = 1, 3, 8, 10, 14


class StrangeBroker:
    """Answers CONNECT and SUBSCRIBE. ``opinion`` may change at any time."""

    def __init__(self, opinion: Opinion = "answers", welcome: bytes = b"",
                 tls: ssl.SSLContext | None = None) -> None:
        self._welcome = welcome  # follows SUBACK, in the same write
        self._tls = tls
        self.opinion: Opinion = opinion
        self.refuses = False  # subscriptions
        self.sessions = 0
        self.published: list[bytes] = []
        self.partings: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[StrangeBroker]:
        """May be run again; at the end each connection is closed in good order."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()
            self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _packet(reader)
                if kind == CONNECT:
                    self.sessions += 1
                    if self.opinion != "ignores CONNECT":
                        writer.write(b"\x20\x02\x00\x00")
                elif kind == PUBLISH:
                    self.published.append(body)
                elif kind == SUBSCRIBE:
                    code = b"\x80" if self.refuses else b"\x00"
                    writer.write(b"\x90\x03" + body[:2] + code + self._welcome)
                elif kind == UNSUBSCRIBE and self.opinion == "answers":
                    writer.write(b"\xb0\x02" + body[:2])
                elif kind == UNSUBSCRIBE and self.opinion == "drops":
                    break
                elif kind == DISCONNECT:
                    self.partings.append(await _part(writer))
                    return
        writer.close()


async def _part(writer: asyncio.StreamWriter) -> str:
    """Close once everything was said; whether the other side heard it to the end."""
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return "reset"
    return "in peace"


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (first,) = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first >> 4, await reader.readexactly(length)
