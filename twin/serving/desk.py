"""The control socket: phones of the terminal, and what tests ask of a running twin.

One JSON object a line, both ways. A line with ``op`` begins something, any other belongs to the
call of the connection. Only the user who runs the twin may connect.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, cast

from twin.mosquitto import BrokerError
from twin.phone.callout import HOWS, How
from twin.platform import Refused
from twin.serving.exchange import Exchange
from twin.serving.onlookers import Onlookers
from twin.serving.phones import Callee, Handset, Phones

_LONGEST_LINE = 64 * 1024
_FURTHEST = 366 * 86400.0
_RECORDS = 3600.0
_PERSON = "person"
"""How a callee takes a call who says so when it rings."""

BrokerSwitch = Callable[[bool], Awaitable[None]]
"""Kill the platform's broker (False), or start it again (True) and wait until it serves."""


class DeskError(Exception):
    """The socket cannot be had; one line that says why and how to mend it."""


class _Wrong(Exception):
    """What the other end said cannot be done; the text goes back to it."""


class Desk:
    """Serves the socket at ``path`` from ``open`` to ``close``; ``status`` is told to who asks,
    and what ``onlookers`` are shown to who watches."""

    def __init__(
        self, path: Path, exchange: Exchange, phones: Phones, status: Callable[[], dict[str, Any]],
        onlookers: Onlookers, broker: BrokerSwitch,
    ) -> None:
        self.path = path
        self._exchange = exchange
        self._phones = phones
        self._status = status
        self._onlookers = onlookers
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Raises DeskError."""
        try:
            _make_room(self.path)
            mask = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(
                    self._visit, self.path, limit=_LONGEST_LINE)
            finally:
                os.umask(mask)
        except OSError as exc:
            raise DeskError(f"no control socket at {self.path}: {exc.strerror or exc}; "
                            "--socket names another place") from exc

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in self._visits:
            writer.close()
        self.path.unlink(missing_ok=True)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = _Visit(self._exchange, self._phones, self._status, self._onlookers,
                       self._broker, writer)
        self._visits.add(writer)
        try:
            while line := await reader.readline():
                visit.take(line)
                await writer.drain()
        except ValueError:
            visit.tell({"error": f"a line is at most {_LONGEST_LINE} bytes long"})
        except ConnectionError:
            pass  # it went away in the middle of a word: the same as any other end
        finally:
            visit.leave()
            self._visits.discard(writer)
            writer.close()


class _Visit:
    """One connection."""

    def __init__(
        self, exchange: Exchange, phones: Phones, status: Callable[[], dict[str, Any]],
        onlookers: Onlookers, broker: BrokerSwitch, writer: asyncio.StreamWriter,
    ) -> None:
        self._exchange = exchange
        self._phones = phones
        self._status = status
        self._onlookers = onlookers
        self._broker = broker
        self._writer = writer
        self._work: set[asyncio.Task[None]] = set()
        self._handset: Handset | None = None
        self._callee: Callee | None = None

    def take(self, line: bytes) -> None:
        """Do what a line says; what is wrong with it is told."""
        try:
            content = json.loads(line)
            if not isinstance(content, dict):
                raise _Wrong("a line is a JSON object")
            self._do(content) if "op" in content else self._act(content)
        except _Wrong as wrong:
            self.tell({"error": str(wrong)})
        except Refused as refused:
            self.tell({"error": refused.message})
        except (ValueError, RecursionError):
            self.tell({"error": "not JSON"})

    def tell(self, message: Mapping[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def leave(self) -> None:
        """The other end is gone: a phone that it held is put down."""
        for task in self._work:
            task.cancel()
        if self._callee is not None:
            self._phones.leave(self._callee)
        if self._handset is not None:
            self._handset.hang_up()

    def _do(self, content: Mapping[str, Any]) -> None:
        match content:
            case {"op": "call", "number": str(number)}:
                self._only_one()
                self._handset = self._phones.call(number, str(content.get("from", "")), self.tell)
            case {"op": "callee", "phone": str(phone), "how": str(how)} if how in (*HOWS, _PERSON):
                self._only_one()
                self._callee = Callee(phone, _how(how), self.tell)
                self._phones.await_call(self._callee)
            case {"op": "status"}:
                self.tell({"event": "status", **self._status()})
            case {"op": "advance"}:
                self._exchange.advance(_number(content, "seconds", _FURTHEST))
                self.tell({"event": "advanced", "now": self._exchange.clock.now().isoformat()})
            case {"op": "active", "device": str(device), "on": bool(on)}:
                platform, now = self._exchange.platform, self._exchange.clock.now()
                watch = platform.start_active if on else platform.stop_active
                self._exchange.emit(watch(device, now))
                self.tell({"event": "done"})
            case {"op": "watch"}:
                self._begin(self._show())
            case {"op": "broker", "state": ("killed" | "up") as state}:
                self._begin(self._switch_broker(state == "up"))
            case _:
                raise _Wrong("not understood: op is call, callee, status, advance, active, watch "
                             "or broker, each with its fields")

    def _act(self, content: Mapping[str, Any]) -> None:
        handset = self._callee.handset if self._callee else self._handset
        if handset is None:
            raise _Wrong("there is no call")
        match content:
            case {"take": str(how)} if self._callee and how in HOWS:
                self._phones.take(self._callee, _how(how) or "answer")
            case {"keys": str(keys)}:
                handset.press(keys)
            case {"say": str(text)}:
                known = "confidence" in content
                handset.say(text, _number(content, "confidence", 1.0) if known else None)
            case {"record": str(text)}:
                handset.record(text)
            case {"record": _}:
                handset.record(_number(content, "record", _RECORDS))
            case {"silence": True}:
                pass  # saying nothing is what happens anyway
            case {"hangup": True}:
                handset.hang_up()
            case _:
                raise _Wrong("not understood: keys, say, record, silence, hangup or take")

    async def _show(self) -> None:
        """What passes, as fast as the other end reads it."""
        with self._onlookers.one() as onlooker:
            while True:
                for each in await onlooker.news():
                    self.tell(each)
                await self._writer.drain()

    async def _switch_broker(self, up: bool) -> None:
        try:
            await self._broker(up)
        except BrokerError as exc:
            self.tell({"error": str(exc)})
        else:
            self.tell({"event": "done"})

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def quietly() -> None:
            with contextlib.suppress(ConnectionError):  # who asked has gone
                await work

        task = asyncio.create_task(quietly(), name="desk")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _only_one(self) -> None:
        if self._handset or self._callee:
            raise _Wrong("one call for each connection")


def _number(content: Mapping[str, Any], key: str, most: float) -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise _Wrong(f"{key} is a number from 0 to {most:g}")
    return float(value)


def _how(word: str) -> How | None:
    """The way to take a call, None for a person who will say."""
    return None if word == _PERSON else cast(How, word)


def _make_room(path: Path) -> None:
    """Remove what a twin that was killed left behind; a twin that lives keeps its place."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise DeskError(f"another twin runs already, at {path}; --socket names another place")
