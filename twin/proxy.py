"""A TCP proxy that misbehaves on request, between a client and a server on loopback.

What the demo and the tests cannot do to the machine's own network they do here: refuse, reset,
swallow, slow down, or break off in the middle of a packet. It runs on a thread of its own; every
method may be called from any thread and has taken effect when it returns.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self, TypeVar

HOST = "127.0.0.1"
T = TypeVar("T")
Way = Literal["up", "down"]  # up: from the client to the server
_CHUNK = 65536
_SLICES_PER_SECOND = 50


class FaultProxy:
    """Listens on a free ``port`` from ``with`` on, and passes everything to ``target``.

    ``target`` may be set at any time; connections made later go there.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._links: dict[asyncio.Task[None], tuple[socket.socket, ...]] = {}
        self._open: dict[Way, asyncio.Event] = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._rate: float | None = None
        self._resetting = False
        self._left: dict[Way, int | None] = {"up": None, "down": None}

    # What may be asked for. Each fault replaces the one before; `cut_after` goes off once.

    def passing(self) -> None:
        """Behave. What a black hole held back flows again, as TCP would send it again."""
        self._call(self._behave)

    def refuse(self) -> None:
        """Like a machine without the service: open connections are reset, new ones refused."""
        def fault() -> None:
            self._behave()
            self._stop_listening()
            self._drop()
        self._call(fault)

    def reset(self) -> None:
        """Reset every open connection, and every new one as soon as it is made."""
        def fault() -> None:
            self._behave()
            self._resetting = True
            self._drop()
        self._call(fault)

    def drop(self) -> None:
        """Reset the open connections once; the fault in force stays."""
        self._call(self._drop)

    def black_hole(self, way: Way | Literal["both"] = "both") -> None:
        """Connections stay open, new ones are accepted, and nothing arrives any more."""
        def fault() -> None:
            self._behave()
            for each, gate in self._open.items():
                if way in (each, "both"):
                    gate.clear()
        self._call(fault)

    def slow(self, bytes_per_second: float) -> None:
        """Each connection passes at most this much, in either direction."""
        def fault() -> None:
            self._behave()
            self._rate = bytes_per_second
        self._call(fault)

    def cut_after(self, count: int, way: Way = "up") -> None:
        """Pass exactly ``count`` more bytes that way, then reset all connections, then behave."""
        def fault() -> None:
            self._behave()
            self._left[way] = count
        self._call(fault)

    @property
    def connections(self) -> int:
        """How many clients are connected to the proxy now."""
        return self._call(lambda: len(self._links))

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._behave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    # On the proxy's own thread from here on.

    def _call(self, action: Callable[[], T]) -> T:
        async def run() -> T:
            return action()
        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(5)

    def _behave(self) -> None:
        self._rate = None
        self._resetting = False
        self._left = {"up": None, "down": None}
        for gate in self._open.values():
            gate.set()
        if self._accepting is None:
            if self._listener is None:
                self._bind()
            assert self._listener is not None  # noqa: S101 (just bound)
            self._listener.listen(128)
            self._accepting = self._loop.create_task(self._accept(self._listener))

    def _bind(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind((HOST, self.port))
        self.port = self._listener.getsockname()[1]

    def _stop_listening(self) -> None:
        if self._accepting is not None and self._listener is not None:
            self._accepting.cancel()
            self._accepting = None
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._bind()  # bound but deaf: the kernel refuses, and nobody else gets the port

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = await self._loop.sock_accept(listener)
            self.accepted += 1
            if self._resetting:
                _close_with_reset(client)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket()
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setblocking(False)
            link = self._loop.create_task(self._link(client, server))
            self._links[link] = (client, server)
            link.add_done_callback(self._forget)

    async def _link(self, client: socket.socket, server: socket.socket) -> None:
        try:
            await self._open["up"].wait()
            await self._loop.sock_connect(server, (HOST, self.target))
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump("up", client, server))
                both.create_task(self._pump("down", server, client))
        except* OSError:
            self._reset((client, server))

    async def _pump(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        while True:
            size = _CHUNK if self._rate is None else max(1, int(self._rate / _SLICES_PER_SECOND))
            data = await self._loop.sock_recv(source, size)
            await self._open[way].wait()
            left = self._left[way]
            if left is not None:
                data = data[:left]
                self._left[way] = left - len(data)
            await self._loop.sock_sendall(sink, data)
            self.passed[way] += len(data)
            if left is not None and self._left[way] == 0:
                self._behave()
                self._drop()
                return
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            if self._rate is not None:
                await asyncio.sleep(len(data) / self._rate)

    def _forget(self, link: asyncio.Task[None]) -> None:
        for sock in self._links.pop(link, ()):
            sock.close()

    def _drop(self) -> None:
        for link, sockets in list(self._links.items()):
            self._reset(sockets)
            link.cancel()

    def _reset(self, sockets: tuple[socket.socket, ...]) -> None:
        for sock in sockets:
            if sock.fileno() >= 0:
                self._loop.remove_reader(sock)
                self._loop.remove_writer(sock)
            _close_with_reset(sock)

    async def _end(self) -> None:
        self._stop_listening()
        self._drop()
        await asyncio.gather(*self._links, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()


def _close_with_reset(sock: socket.socket) -> None:
    if sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
