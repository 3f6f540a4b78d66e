"""The twin's end of the control socket, played by a test: what it hears, and what it answers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Wire:
    """One connection of a phone."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")

    def next(self) -> dict[str, Any] | None:
        """What the phone says next; None when it is gone."""
        try:
            line = self._lines.readline()
        except ConnectionResetError:  # it went without hearing us out
            return None
        return json.loads(line) if line else None

    def tell(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.raw(json.dumps(message, ensure_ascii=False).encode() + b"\n")

    def raw(self, sent: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.sendall(sent)

    def speak(self, text: str, voice: str = "M", **more: Any) -> None:
        self.tell({"event": "spoken", "text": text, "voice": voice, **more})

    def listen(self, kind: str = "keys", seconds: float = 10) -> None:
        self.tell({"event": "listening", "for": kind, "seconds": seconds})

    def ask(self, text: str, kind: str = "keys") -> dict[str, Any] | None:
        """Speak, listen, and what the phone does then."""
        self.speak(text)
        self.listen(kind)
        return self.next()

    def end(self, why: str = "the service hung up") -> None:
        self.tell({"event": "ended", "why": why})


Part = Callable[[Wire], None]
"""What the twin does in one call; called with the connection after its first message."""


class Switchboard:
    """``said``: every message of the phones, in order. ``troubles``: what went wrong in a part."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []
        self.troubles: list[BaseException] = []


@contextmanager
def switchboard(path: Path, *parts: Part) -> Iterator[Switchboard]:
    """A twin on a socket at ``path``: it plays one part for each phone that connects, hears what
    the phone says until it is gone, and ends with the ``with``."""
    board = Switchboard()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(10)

        def serve() -> None:
            try:
                for part in parts:
                    connection, _ = server.accept()
                    connection.settimeout(10)
                    try:
                        _serve(_Ear(connection, board), part)
                    finally:  # closing alone would not do: a failed part's traceback keeps the wire
                        with contextlib.suppress(OSError):  # the phone went first
                            connection.shutdown(socket.SHUT_RDWR)
                        connection.close()
            except BaseException as error:
                board.troubles.append(error)

        thread = threading.Thread(target=serve, daemon=True, name="switchboard")
        thread.start()
        yield board
        thread.join(10)
    assert not thread.is_alive()
    assert board.troubles == []


def _serve(wire: Wire, part: Part) -> None:
    wire.next()
    part(wire)


class _Ear(Wire):
    """A wire whose messages the board keeps."""

    def __init__(self, connection: socket.socket, board: Switchboard) -> None:
        super().__init__(connection)
        self._board = board

    def next(self) -> dict[str, Any] | None:
        message = super().next()
        if message is not None:
            self._board.said.append(message)
        return message
