"""The line to the twin: the client's end of its control socket, one JSON object a line."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CONNECT_TIMEOUT = 5.0
_LONGEST_LINE = 4 * 1024 * 1024


class LineError(Exception):
    """There is nobody to talk to: no twin runs, or it went away. One line that says which."""


def default_socket(environ: Mapping[str, str]) -> Path:
    """Where a twin listens that was not told where to: in the user's runtime folder."""
    folder = environ.get("XDG_RUNTIME_DIR")
    if folder:
        return Path(folder) / "cht-twin.sock"
    return Path(tempfile.gettempdir()) / f"cht-twin-{os.getuid()}.sock"


class Line:
    """An open connection to the twin at ``path``. Raises LineError when there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_CONNECT_TIMEOUT)
        try:
            self._socket.connect(str(path))
        except OSError as exc:
            self._socket.close()
            raise LineError(f"no twin is running: nothing answers at {path} "
                            "(cht-twin run starts one, --socket names another)") from exc

    def fileno(self) -> int:
        """For select: readable when ``read`` will not block."""
        return self._socket.fileno()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises LineError when the twin is gone."""
        try:
            self._socket.sendall(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        except OSError as exc:
            raise self._gone() from exc

    def read(self) -> list[dict[str, Any]]:
        """What has arrived, perhaps nothing whole yet. Raises LineError when the twin is gone, or
        is none."""
        try:
            part = self._socket.recv(65536)
        except OSError as exc:
            raise self._gone() from exc
        if not part:
            raise self._gone()
        *lines, self._rest = (self._rest + part).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise self._no_twin()
        return [self._message(line) for line in lines if line.strip()]

    def close(self) -> None:
        """Hang up without a word."""
        self._socket.close()

    def _message(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise self._no_twin() from exc
        if not isinstance(message, dict):
            raise self._no_twin()
        return message

    def _gone(self) -> LineError:
        return LineError(f"the twin at {self._path} went away")

    def _no_twin(self) -> LineError:
        return LineError(f"what answers at {self._path} is no twin of this version")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
