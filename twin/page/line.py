"""A connection to a control socket, the twin's or the agent's: one JSON object a line each way."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_LONGEST = 1024 * 1024
_PATIENCE = 5.0


class Gone(Exception):
    """Nobody answers there, or not any more."""


class Line:
    """An open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, message: Mapping[str, Any]) -> None:
        """Lost when the other end has gone: ``read`` tells."""
        self._writer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    async def read(self) -> dict[str, Any]:
        """The next line. Raises Gone."""
        try:
            content = json.loads(await self._reader.readline())
        except (OSError, ValueError, RecursionError) as exc:
            raise Gone(str(exc)) from exc
        if not isinstance(content, dict):
            raise Gone("what answers is not what was called")
        return content


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Line]:
    """A connection for as long as the context lasts. Raises Gone."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=_LONGEST)
    except OSError as exc:
        raise Gone(f"nothing answers at {path}") from exc
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def ask(path: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one line. Raises Gone, also when it does not come within five seconds."""
    try:
        async with asyncio.timeout(_PATIENCE), connected(path) as line:
            line.send(question)
            return await line.read()
    except TimeoutError as exc:
        raise Gone(f"no answer from {path}") from exc
