"""HTTP to one service, with one key in a header. The only file of urllib3.

Blocking, so the daemon uses it on a thread of its own. The certificate is verified as the
broker's is; nothing is redirected, as the key travels in a header. It asks once; what may be asked
again is its callers' affair.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import urllib3
from urllib3 import exceptions

from agent import __version__, tls
from agent.errors import AgentError, LinkLost, NotSent, PlatformRefused

CONNECT_TIMEOUT = 8.0
READ_TIMEOUT = 15.0
MAX_ANSWER = 8 * 1024 * 1024
_WHOLE_ANSWER = 60.0
_PASSING = (408, 425, 429)


@dataclass(frozen=True)
class Answer:
    """What came back, whatever it says."""

    status: int
    content: bytes

    @property
    def passing(self) -> bool:
        """Whether another try may find another answer."""
        return self.status in _PASSING or self.status >= 500


class Http:
    """Requests below ``base`` (a ``rest_url``), each with ``key`` in the header ``key_header``.

    ``context`` verifies a https base; a http one has None. Raises PlatformRefused for a key that no
    header can carry.
    """

    def __init__(
        self,
        base: str,
        key_header: str,
        key: str,
        context: ssl.SSLContext | None,
        *,
        clock_trusted: Callable[[], bool] = lambda: True,
        timeout: float = READ_TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not key.isprintable():
            raise PlatformRefused("the key holds characters that no HTTP header can carry")
        url = urllib3.util.parse_url(base.rstrip("/"))
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"{base} is no http address")  # the configuration has checked it
        self._path = url.path or ""
        self._key_header, self._key = key_header, key
        self._clock_trusted = clock_trusted
        self._timeout = timeout
        self._monotonic = monotonic
        self.where = f"{url.scheme}://{url.netloc}"
        limits = urllib3.Timeout(connect=min(timeout, CONNECT_TIMEOUT), read=timeout)
        self._pool: urllib3.HTTPConnectionPool
        if url.scheme == "https":
            if context is None:
                raise ValueError("https needs a TLS context")
            self._pool = urllib3.HTTPSConnectionPool(
                url.host, url.port, timeout=limits, retries=False, ssl_context=context
            )
        else:
            self._pool = urllib3.HTTPConnectionPool(
                url.host, url.port, timeout=limits, retries=False
            )

    def close(self) -> None:
        """Close what connections are kept open."""
        self._pool.close()

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request; ``body`` is JSON. Raises LinkLost (no answer), NotSent
        (not even asked) and LinkRefused (TLS)."""
        headers = {
            # As UTF-8: http.client takes texts of Latin-1 alone.
            self._key_header: self._key.encode().decode("latin-1"),
            "Content-Type": "application/json",
            "User-Agent": f"cht-agent/{__version__}",
        }
        try:
            answer = self._pool.urlopen(
                method, self._path + path, body, headers, redirect=False, preload_content=False
            )
            try:
                content = self._read(answer)
            except BaseException:
                answer.close()  # what is left of it must not be taken for the next answer
                raise
            answer.release_conn()
        except exceptions.HTTPError as exc:
            raise self._failure(exc) from exc
        return Answer(answer.status, content)

    def masked(self, text: str) -> str:
        """What the other side says may quote the key."""
        return text.replace(self._key, "****")

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """All of the answer, within bounds of size and time."""
        parts: list[bytes] = []
        size, deadline = 0, self._monotonic() + _WHOLE_ANSWER
        while part := answer.read1(65_536, decode_content=False):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise LinkLost(f"{self.where}: an answer of more than {MAX_ANSWER} bytes")
            if self._monotonic() > deadline:
                raise LinkLost(f"{self.where}: no whole answer within {_WHOLE_ANSWER:g} s")
        return b"".join(parts)

    def _failure(self, exc: exceptions.HTTPError) -> AgentError:
        """No answer at all, as an error of ours."""
        inner = exc.args[0] if exc.args else None
        if isinstance(exc, exceptions.SSLError) and isinstance(inner, ssl.SSLError):
            return tls.failure(inner, self.where, self._clock_trusted(), tls.REST)
        if isinstance(exc, exceptions.NameResolutionError):
            return NotSent(f"{self.where}: unknown host; check rest_url and DNS")
        if isinstance(exc, exceptions.NewConnectionError):
            cause = exc.__cause__
            why = cause.strerror if isinstance(cause, OSError) else None
            return NotSent(f"{self.where}: {why or 'cannot be reached'}")
        if isinstance(exc, exceptions.ConnectTimeoutError):
            return NotSent(f"{self.where}: no connection within {CONNECT_TIMEOUT:g} s")
        if isinstance(exc, exceptions.TimeoutError):
            return LinkLost(f"{self.where}: no answer within {self._timeout:g} s")
        reason = exc.args[1] if len(exc.args) > 1 else exc
        why = reason.strerror if isinstance(reason, OSError) else None
        return LinkLost(f"{self.where}: the connection broke off ({why or type(reason).__name__})")
