"""The twin's HTTP server in a thread of its own, and a client that is not ours."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import urllib3

from twin.phone.telephone import Telephone
from twin.platform import Platform
from twin.rest import phone, platform
from twin.rest.app import make_app
from twin.rest.server import RestServer

NOW = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
NOTHING = object()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content: bytes
    headers: urllib3.HTTPHeaderDict

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.content)

    @property
    def empty(self) -> bool:
        return self.status == 200 and self.content == b""


class Service:
    """A server over fresh rules. ``emitted``: what requests caused, in order; ``told``: how much
    of it there already was each time keys changed."""

    def __init__(self, url: str, platform_rules: Platform, telephone: Telephone,
                 emitted: list[Any], told: list[int]) -> None:
        self.url, self.platform, self.telephone = url, platform_rules, telephone
        self.emitted, self.told = emitted, told
        self.project = platform_rules.add_project("test").key
        self.account = "1355-77afd82"
        telephone.add_account(self.account)
        self.http = urllib3.PoolManager(retries=False, timeout=10)

    def send(self, method: str, path: str, content: bytes | None = None,
             headers: dict[str, str] | None = None) -> Answer:
        """Exactly this."""
        got = self.http.request(method, self.url + path, body=content, headers=headers or {})
        return Answer(got.status, got.data, got.headers)

    def iot(self, method: str, path: str, body: object = NOTHING, *,
            key: str | None = None) -> Answer:
        """A call of the platform, with the project's key where no other is given."""
        return self._call(method, platform.BASE + path, body,
                          {"CK": self.project if key is None else key})

    def tas(self, method: str, path: str, body: object = NOTHING, *,
            key: str | None = None) -> Answer:
        """A call of the telephone service."""
        return self._call(method, phone.BASE + path, body,
                          {"X-API-KEY": self.account if key is None else key})

    def _call(self, method: str, path: str, body: object, headers: dict[str, str]) -> Answer:
        if body is NOTHING:
            return self.send(method, path, None, headers)
        return self.send(method, path, json.dumps(body).encode(),
                         {**headers, "Content-Type": "application/json"})


class Stage:
    """A server in a thread that serves one set of rules after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rest loop")
        self._server = RestServer(self._serve)  # type: ignore[arg-type]
        self._app: Any = None

    def __enter__(self) -> Stage:
        self._thread.start()
        self._run(self._server.start())
        return self

    def __exit__(self, *_exc: object) -> None:
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def fresh(self) -> Service:
        """A Service over rules nobody has used."""
        rules, telephone = Platform(rand=Random(1)), Telephone(rand=Random(2))
        emitted: list[Any] = []
        told: list[int] = []

        async def keys_changed() -> None:
            told.append(len(emitted))

        self._app = make_app(rules, telephone, lambda: NOW, emitted.extend, keys_changed)
        return Service(self._server.url, rules, telephone, emitted, told)

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
