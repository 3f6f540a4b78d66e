"""A daemon of three answers: the real status socket on a thread, with scripted handlers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from agent.service.socket import Handler, StatusServer


class Daemon:
    """Answers at ``socket`` from ``with`` to the end of it; ``config`` points there."""

    def __init__(self, folder: Path, handlers: Mapping[str, Handler]) -> None:
        # A socket's path may be 107 bytes long, and pytest's folders are deep.
        self._short = tempfile.TemporaryDirectory(prefix="daemon-")
        self.socket = Path(self._short.name) / "agent.sock"
        self.config = folder / "agent.toml"
        self.config.write_text(f'[service]\nsocket = "{self.socket}"\n')
        self._handlers = handlers
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a subcommand against this daemon."""
        return subprocess.run(
            [sys.executable, "-m", "agent", *words, "--config", str(self.config)],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def start(self) -> None:
        self._server = StatusServer(self.socket, self._handlers)
        self._do(self._server.start())

    def stop(self) -> None:
        self._do(self._server.stop())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._short.cleanup()
