"""Serves an app inside an event loop that is already running and belongs to somebody else."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GRACE = 1
"""Seconds a request under way may still take when the server stops."""


class ServerError(Exception):
    """The server cannot be had; one line: what, where, how to mend it."""


class RestServer:
    """An HTTP server for ``app``; it leaves signals alone.

    ``port`` 0 means any free one; after ``start`` it is the real one. With ``tls``, the files of
    a certificate and its key, it is HTTPS.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", port: int = 0,
                 tls: tuple[Path, Path] | None = None) -> None:
        self.host, self.port = host, port
        self._scheme = "https" if tls else "http"
        cert, key = tls or (None, None)
        self._config = uvicorn.Config(
            app, interface="asgi3", http="h11", ws="none", lifespan="off", log_config=None,
            server_header=False, proxy_headers=False, timeout_graceful_shutdown=_GRACE,
            ssl_certfile=cert, ssl_keyfile=key)
        self._server = _Server(self._config)
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is to be found, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self._scheme}://{host}:{self.port}"

    async def start(self) -> None:
        """Return when requests are answered. Raises ServerError (a port that is taken, a host
        that is not ours, a certificate that is none)."""
        try:
            self._config.load()
        except OSError as exc:
            raise ServerError("the REST server cannot use its certificate: "
                              f"{exc.strerror or exc}; have it made anew") from exc
        listening = self._listen()
        self.port = listening.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve([listening]), name="rest")
        ready = asyncio.create_task(self._server.ready.wait(), name="rest ready")
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()

    async def stop(self) -> None:
        """Finish what is under way, close everything. Harmless when it does not run."""
        if self._task is None:
            return
        self._server.should_exit = True
        task, self._task = self._task, None
        await task

    def _listen(self) -> socket.socket:
        # Bound here: uvicorn would log a refusal and leave the whole process.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # The protocol is named, as asyncio switches Nagle's delay off only where it is: an answer
        # would take 40 ms longer.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.host, self.port))
            listening.listen()
            return listening
        except (OSError, OverflowError) as exc:
            listening.close()
            raise ServerError(f"the REST server cannot listen on {self.host} port {self.port}: "
                              f"{_reason(exc)}") from exc


def _reason(exc: OSError | OverflowError) -> str:
    if isinstance(exc, OverflowError):
        return "ports go from 0 to 65535"
    if exc.errno == errno.EADDRINUSE:
        return "the port is taken; end what uses it or choose another"
    return f"{exc.strerror or exc}; choose an address of this machine and a port you may use"


class _Server(uvicorn.Server):
    """uvicorn's own, but it tells when it is ready and takes no signals from the program."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
