"""The status socket: one JSON request a line, one JSON answer a line, for the commands here.

``{"op":"status"}`` → ``{"ok": …}`` or ``{"error": "…"}``. Everybody on the machine may ask; what an
operation allows to whom is its handler's affair (:func:`for_controllers`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from agent.errors import AgentError, ConfigError, StorageError
from agent.service import logs
from agent.service.peer import CONTROL_GROUP, Peer, may_control, peer_of

log = logging.getLogger("cht_agent.service")

Handler = Callable[[Peer, Mapping[str, Any]], Awaitable[Any]]
"""Answers one request with something JSON can hold. An AgentError becomes the error's text."""

MOST_BYTES = 64 * 1024
MOST_CONNECTIONS = 32
IDLE = 30.0


class _BadRequest(AgentError):
    """Not a request at all."""


def for_controllers(handler: Handler, own_uid: int, group_gid: int | None) -> Handler:
    """``handler`` for root, ``own_uid`` and members of the control group; others are refused."""

    async def guarded(peer: Peer, request: Mapping[str, Any]) -> Any:
        if not may_control(peer, own_uid, group_gid):
            raise AgentError(
                f"not permitted: use sudo, or join the group {CONTROL_GROUP}"
                f" (sudo usermod -aG {CONTROL_GROUP} USER, then log in again)"
            )
        return await handler(peer, request)

    return guarded


class StatusServer:
    """Serves ``handlers`` (operation → handler) at ``path`` from ``start()`` to ``stop()``.

    ``idle``: seconds a connection may say nothing, or not take its answer, before it is closed.
    """

    def __init__(
        self, path: Path, handlers: Mapping[str, Handler], *, idle: float = IDLE
    ) -> None:
        self._path = path
        self._handlers = handlers
        self._idle = idle
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._stopped = False
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. Raises AgentError when another daemon does so here; StorageError, ConfigError."""
        listener = _listen(self._path)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(
            self._connected, sock=listener, limit=MOST_BYTES
        )

    async def stop(self) -> None:
        """Stop listening, drop who is connected, remove the socket."""
        if self._server is None or self._stopped:
            return
        self._stopped = True
        # While we still listen no successor takes the path, so what is there is ours, unless the
        # operator removed it by hand.
        with contextlib.suppress(OSError):
            if self._path.lstat().st_ino == self._inode:
                self._path.unlink()
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped:  # accepted just before, told of just after
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="status-connection")
        self._connections.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            # Here and not in the task, which may be cancelled before its first step.
            self._connections.discard(task)
            writer.close()

        task.add_done_callback(ended)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._connections) > MOST_CONNECTIONS:
                text = "too many connections at once: try again"
                await self._send(writer, _line({"error": text}))
                return
            peer = peer_of(writer.get_extra_info("socket"))
            while True:
                try:
                    # Not wait_for: Python 3.11's loses a cancellation that comes with the line.
                    async with asyncio.timeout(self._idle):
                        line = await reader.readline()
                except ValueError:  # asyncio's word for a line beyond the limit
                    text = f"the request is longer than {MOST_BYTES} bytes"
                    await self._send(writer, _line({"error": text}))
                    return
                if not line.endswith(b"\n"):
                    return
                await self._send(writer, await self._handle(peer, line))
                await asyncio.sleep(0)  # where many requests are here, nothing above waits
        except (OSError, TimeoutError):
            pass  # the client went away, or said nothing for too long

    async def _handle(self, peer: Peer, line: bytes) -> bytes:
        try:
            request = _parse(line)
            handler = self._handlers.get(request["op"])
            if handler is None:
                known = ", ".join(sorted(self._handlers))
                raise _BadRequest(f"unknown op; known: {known}")
            return _line({"ok": await handler(peer, request)})
        except AgentError as exc:
            return _line({"error": str(exc)})
        except Exception:
            # A task border: whatever a handler gets wrong must neither end the daemon nor leave
            # the client without an answer.
            log.exception("the status socket could not answer")
            return _line({"error": "internal error: the daemon's log tells more"})

    async def _send(self, writer: asyncio.StreamWriter, line: bytes) -> None:
        writer.write(line)
        async with asyncio.timeout(self._idle):
            await writer.drain()


def _line(answer: Mapping[str, Any]) -> bytes:
    text = json.dumps(logs.mask(answer), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="replace") + b"\n"


def _parse(line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise _BadRequest("the request is not JSON") from exc
    if not isinstance(request, dict) or not isinstance(request.get("op"), str):
        raise _BadRequest('a request is an object such as {"op":"status"}')
    return request


def ensure_alone(path: Path) -> None:
    """Before any state is touched: raises AgentError when a living daemon answers at ``path``."""
    with contextlib.suppress(OSError):  # what is wrong with the path is told when we listen
        _clear(path)


def _listen(path: Path) -> socket.socket:
    """A listening socket at ``path`` that everybody may connect to."""
    if len(os.fsencode(path)) > 107:
        raise ConfigError(f"{path} is too long for a socket: give a shorter [service] socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _clear(path)
        listener.bind(os.fspath(path))
        os.chmod(path, 0o666)  # noqa: S103 - everybody may ask; see the module's text
        listener.listen(MOST_CONNECTIONS)
    except OSError as exc:
        listener.close()
        raise StorageError(
            f"the socket {path} cannot be made ({exc.strerror}): check the folder's owner,"
            " or give [service] socket"
        ) from exc
    except AgentError:
        listener.close()
        raise
    return listener


def _clear(path: Path) -> None:
    """Remove what a dead daemon left. Raises AgentError if it is alive, or is no socket at all."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path} is there and no socket: remove it or give [service] socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            # Its queue may be full: a living one that does not take us at once is still alive.
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(path))
            except ConnectionRefusedError:
                path.unlink()
                return
            except BlockingIOError:
                pass
        raise AgentError(
            f"another daemon is running: it answers at {path}."
            " Stop it first, or give this one its own [service] socket and state_dir"
        )
