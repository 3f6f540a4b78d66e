"""Hands for a board in another process: a Unix socket, one line in, one line out.

    press PIN [SECONDS]          level PIN 0|1          release PIN
    fault DEVICE KIND [SECONDS]  clear DEVICE
    clock SECONDS                the wall clock of the machine is wrong by so much
    read PIN                     history PIN            world

Each answers ``ok``, what was asked for, or ``error: …``. A board listens where the environment
variable ``HW_MOCKS_CONTROL`` says, and first does the lines of ``HW_MOCKS_BEGIN``: what was so
before the power came back. ``python -m hw_mocks.control SOCKET press 27`` sends one line.
"""

from __future__ import annotations

import contextlib
import os
import socket
import socketserver
import sys
import threading
from pathlib import Path

from hw_mocks.board import BoardError, SimulatedBoard

ENVIRONMENT = "HW_MOCKS_CONTROL"
BEGIN = "HW_MOCKS_BEGIN"
_LONGEST = 200
_WRONGEST = 366 * 86400.0


def answer(board: SimulatedBoard, line: str) -> str:
    """Do what one line says; the line to answer."""
    match line.split():
        case ["press", pin, *rest] if len(rest) < 2:
            board.press(int(pin), *(float(seconds) for seconds in rest))
        case ["level", pin, "0" | "1" as level]:
            board.drive(int(pin), level == "1")
        case ["release", pin]:
            board.drive(int(pin), None)
        case ["fault", device, kind, *rest] if len(rest) < 2:
            board.fault(device, kind, *(float(seconds) for seconds in rest))
        case ["clear", device]:
            board.clear(device)
        case ["clock", seconds]:
            board.clock_error = _seconds(seconds)
        case ["read", pin]:
            return f"{board.level(int(pin)):g}"
        case ["history", pin]:
            return " ".join(f"{level:g}" for level in board.history(int(pin)))
        case ["world"]:
            world = board.world()
            return f"{world.temperature:.2f} {world.humidity:.2f} {world.light:.0f}"
        case _:
            raise ValueError("not understood: press, level, release, fault, clear, clock, read, "
                             "history, world")
    return "ok"


def _seconds(text: str) -> float:
    seconds = float(text)
    if not abs(seconds) <= _WRONGEST:  # NaN, too
        raise ValueError("a clock is wrong by a year at the most")
    return seconds


class ControlServer:
    """Listens on ``path`` (mode 0600) until closed, each client on a daemon thread."""

    def __init__(self, board: SimulatedBoard, path: Path) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline(_LONGEST).decode(errors="replace").strip():
                    try:
                        reply = answer(board, line)
                    except (ValueError, BoardError) as exc:
                        reply = f"error: {exc}"
                    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                        self.wfile.write(reply.encode() + b"\n")

        path.unlink(missing_ok=True)
        self._path = path
        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        path.chmod(0o600)
        threading.Thread(
            target=self._server.serve_forever, name="hw_mocks control", daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def listen(board: SimulatedBoard) -> ControlServer | None:
    """A control server where ``HW_MOCKS_CONTROL`` says, or None when it says nothing, after the
    lines of ``HW_MOCKS_BEGIN`` were done. Raises ValueError (one of those is wrong), OSError."""
    for line in os.environ.get(BEGIN, "").splitlines():
        answer(board, line)
    where = os.environ.get(ENVIRONMENT)
    return ControlServer(board, Path(where)) if where else None


def send(path: Path, line: str, timeout: float = 5.0) -> str:
    """Send one line to a board's socket; its answer. Raises OSError when nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(path))
        connection.sendall(line.encode() + b"\n")
        with connection.makefile(encoding="utf-8") as replies:
            return replies.readline().rstrip("\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m hw_mocks.control SOCKET press 27")
    reply = send(Path(sys.argv[1]), " ".join(sys.argv[2:]))
    print(reply)
    sys.exit(reply.startswith("error:"))
