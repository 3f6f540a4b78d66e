"""The agent as the twin knows it: a program that is started, listened to and stopped."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_STOP_TIMEOUT = 10.0
_PLACES = {"STATE_DIRECTORY": "state", "RUNTIME_DIRECTORY": "run"}


class Agent:
    """``python -m agent run`` from ``with`` on, its state, socket and board in ``folder``.

    ``said`` gets each line it writes, on a thread of its own. ``socket``: where it tells its
    status, if its configuration says so.
    """

    def __init__(self, config: Path, folder: Path, said: Callable[[str], None]) -> None:
        self._config = config
        self._folder = folder
        self._said = said
        self.socket = folder / "run" / "agent.sock"
        self._board = folder / "board.sock"
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def board(self, order: str) -> str:
        """The answer of the simulated board to one line of its control channel."""
        try:
            with socket.socket(socket.AF_UNIX) as channel:
                channel.settimeout(2)
                channel.connect(str(self._board))
                channel.sendall(order.encode() + b"\n")
                with channel.makefile(encoding="utf-8") as replies:
                    return replies.readline().rstrip("\n")
        except OSError as exc:
            return f"the simulated board does not answer: {exc.strerror or exc}"

    def await_board(self, seconds: float) -> None:
        """Return when the board answers, the agent has ended, or it takes longer."""
        deadline = time.monotonic() + seconds
        while self.running and time.monotonic() < deadline and not self._board_answers():
            time.sleep(0.05)

    def command(self, *words: str) -> str | None:
        """``cht-agent`` with these words; what it complains of, None when it does as told."""
        done = subprocess.run(  # noqa: S603 (our own program, no shell)
            [sys.executable, "-m", "agent", *words, "--config", str(self._config)],
            env=self._environ(), cwd=self._folder, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=60, check=False)
        return None if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"

    def start(self, begin: Sequence[str] = ()) -> None:
        """Start it, or start it again; ``begin``: what its board does first of all."""
        for name in _PLACES.values():
            (self._folder / name).mkdir(mode=0o700, exist_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
            [sys.executable, "-m", "agent", "run", "--config", str(self._config)],
            env={**self._environ(), "HW_MOCKS_BEGIN": "\n".join(begin)},
            cwd=self._folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,  # Ctrl-C is ours to pass on, in the right order
        )
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        self._listener = threading.Thread(
            target=self._listen, args=(self._process.stdout,), name="agent log", daemon=True)
        self._listener.start()

    def kill(self) -> None:
        """SIGKILL, as a power cut would; harmless when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the end; SIGKILL when it does not come."""
        if self._process is None:
            return
        if self.running:
            self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._said(f"does not end within {_STOP_TIMEOUT:.0f} s and is killed")
            self._process.kill()
            self._process.wait()
        if self._listener is not None:
            self._listener.join(1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _board_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as channel:
            return channel.connect_ex(str(self._board)) == 0

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            **{variable: str(self._folder / name) for variable, name in _PLACES.items()},
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HW_MOCKS_CONTROL": str(self._board),
        }

    def _listen(self, output: IO[str]) -> None:
        with output:
            for written in output:
                self._said(re.sub(r"^[\d:]{8} ", "", written.rstrip("\n")))  # we show the time
