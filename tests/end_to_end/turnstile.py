"""A REST server before another one, which has something happen at a chosen request."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self


@dataclass(frozen=True)
class Cut:
    """The moment: a request whose line (``GET /device``) fits the pattern, before the server gets
    it, or after it has done it and before the client hears of it; or a new connection, before
    anything of its first request is read."""

    when: Literal["connect", "before", "after"]
    request: str = ""


class Turnstile:
    """Passes every request on to the server on loopback at ``target``, from ``with`` on.

    At the moment of the first of ``cuts`` that is left it does ``act``, and the request goes no
    further: the connection is closed without an answer.
    """

    def __init__(self, target: int, cuts: Sequence[Cut], act: Callable[[], None]) -> None:
        self.left = list(cuts)
        self.passed: list[str] = []
        self._target = target
        self._act = act
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        turnstile = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_arguments: object) -> None:
                """Nothing on stderr."""

            def handle(self) -> None:
                if not turnstile.struck("connect"):
                    super().handle()

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    turnstile.pass_on(self)
                else:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        """One request, or the end of it."""
        body = asked.rfile.read(int(asked.headers.get("Content-Length", 0)))
        line = f"{asked.command} {asked.path}"
        if self.struck("before", line):
            asked.close_connection = True
            return
        server = http.client.HTTPConnection("127.0.0.1", self._target, timeout=10)
        try:
            server.request(asked.command, asked.path, body, dict(asked.headers.items()))
            answer = server.getresponse()
            content = answer.read()
        finally:
            server.close()
        self.passed.append(line)
        if self.struck("after", line):
            asked.close_connection = True
            return
        asked.send_response(answer.status)
        asked.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        asked.send_header("Content-Length", str(len(content)))
        asked.end_headers()
        asked.wfile.write(content)

    def struck(self, when: str, line: str = "") -> bool:
        """Whether this is the moment; then it has been acted upon."""
        with self._lock:
            if not self.left or self.left[0].when != when or not re.search(
                    f"{self.left[0].request}$", line):
                return False
            self._act()  # before it is off the list: who waits for that finds it done
            del self.left[0]
            return True
