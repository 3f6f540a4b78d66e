"""How a connection is closed so that what was said last is read."""

from __future__ import annotations

import asyncio
import contextlib
import socket

_MOST_BYTES = 65_536


def farewell(sock: socket.socket, seconds: float) -> asyncio.Task[None]:
    """Say no more on ``sock``, and throw away what still comes until the peer has closed, too.

    ``sock`` may be closed meanwhile. Closing alone would not do: with something unread the kernel
    resets the connection, and a broker that then cannot write takes us for dead and sends the
    will, though our DISCONNECT lies unread before it (P-21). After ``seconds`` it is closed anyway.
    """
    kept = socket.socket(fileno=socket.dup(sock.fileno()))
    kept.setblocking(False)
    return asyncio.create_task(_hear_out(kept, seconds), name="farewell")


async def _hear_out(sock: socket.socket, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    with sock, contextlib.suppress(OSError, TimeoutError):
        sock.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(seconds):
            while await loop.sock_recv(sock, _MOST_BYTES):
                pass
