"""A twin as a program of its own, for tests and the demo: started, asked, and always ended."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twin.serving.options import Options
from twin.terminal.line import Line

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 10.0
_ANSWER_TIMEOUT = 30.0

FREE = Options(port=0, tls_port=0, phone_port=0, rest_port=0, rest_tls_port=0)
"""Nobody's ports: any number of these may run beside each other."""


class TwinError(Exception):
    """The twin did not start, or not as asked, or refused something; one line that says why."""


class Twin:
    """``cht-twin run`` with these options, from ``start`` (or ``with``) to ``stop``.

    It ends with this program, however that ends. ``ports``: ``mqtt``, ``mqtt_tls``, ``phone``,
    ``rest``, ``rest_tls``. ``rest_url`` and ``rest_tls_url`` come without a path: the platform is
    below at ``/iot/v1``. Raises TwinError.
    """

    def __init__(self, options: Options = FREE) -> None:
        self.options = options
        self.ports: Mapping[str, int] = {}
        self.rest_url = self.rest_tls_url = self.project_key = self.api_key = ""
        self.ca_file = self.socket = Path()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise TwinError("the twin was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_file(self) -> Path:
        """Where all it shows goes, where everything is first, from ``start`` to ``stop``."""
        if self._folder is None:
            raise TwinError("the twin was not started")
        return Path(self._folder.name) / "log"

    @property
    def log(self) -> str:
        """What it has shown since it was started."""
        if self._folder is None:
            return ""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Return when everything is there."""
        self._folder = tempfile.TemporaryDirectory(prefix="twin-")
        folder = Path(self._folder.name)
        options = replace(self.options, socket=self.options.socket or folder / "twin.sock",
                          json=True, attached=True)
        try:
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 (our own program, no shell)
                    [sys.executable, "-m", "twin", "run", *options.arguments()],
                    stdin=subprocess.PIPE, stdout=log, stderr=log,
                    cwd=Path(__file__).parents[2], start_new_session=True)
            self._read(self._first_line())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and forget it; harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def status(self) -> dict[str, Any]:
        return self.ask({"op": "status"})

    def advance(self, seconds: float) -> None:
        """Let the twin's time pass at once; what falls due on the way happens."""
        self.ask({"op": "advance", "seconds": seconds})

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the control socket to one line."""
        with self.line() as line:
            line.send(question)
            if not select.select([line], [], [], _ANSWER_TIMEOUT)[0]:
                raise TwinError(f"the twin does not answer within {_ANSWER_TIMEOUT:.0f} s")
            (answer, *_) = line.read()
        if "error" in answer:
            raise TwinError(str(answer["error"]))
        return answer

    @contextlib.contextmanager
    def line(self) -> Iterator[Line]:
        """A connection to the control socket."""
        with Line(self.socket) as line:
            yield line

    def _first_line(self) -> str:
        """It says one line when it is ready, and another when it cannot be."""
        deadline = time.monotonic() + _START_TIMEOUT
        while "\n" not in self.log:
            if not self.running and "\n" not in self.log:
                raise TwinError("the twin ended without a word")
            if time.monotonic() > deadline:
                raise TwinError(f"the twin is not ready after {_START_TIMEOUT:.0f} s")
            time.sleep(0.01)
        return self.log.partition("\n")[0]

    def _read(self, text: str) -> None:
        try:
            where = json.loads(text)
        except ValueError:
            raise TwinError(self.log.strip()) from None
        self.ports = where["ports"]
        self.rest_url, self.rest_tls_url = where["rest_url"], where["rest_tls_url"]
        self.project_key, self.api_key = where["project_key"], where["api_key"]
        self.ca_file, self.socket = Path(where["ca_file"]), Path(where["socket"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
