"""The page as an ASGI application: its files, its events, and what it asks to be done."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from twin.page.asks import LONGEST, Ask, BadAsk, read
from twin.page.feed import Full
from twin.page.guard import Refusal, refusal
from twin.page.stage import Refused

HEADERS = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css",
          ".svg": "image/svg+xml", ".json": "application/json", ".txt": "text/plain"}
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PENANCE = 1.0
"""Seconds until a wrong password is answered; one after the other."""
_MOST_GUESSES = 20
"""Wrong passwords that wait for their answer; more are turned away at once."""


def make_app(stream: Callable[[], AsyncIterator[str]], do: Callable[[Ask], Awaitable[None]],
             password: str | None) -> ASGIApp:
    """``stream`` gives the events for one browser, or raises Full; ``do`` does what it asks, or
    raises Refused. ``password`` None: for loopback."""

    async def page(_request: Request) -> Response:
        return _file("page.html")

    async def static(request: Request) -> Response:
        return _file(request.path_params["name"])

    async def events(_request: Request) -> Response:
        try:
            return StreamingResponse(stream(), media_type="text/event-stream")
        except Full as exc:
            return PlainTextResponse(str(exc), 503)

    async def act(request: Request) -> Response:
        try:
            await do(read(await _body(request)))
        except BadAsk as exc:
            return _failed(400, str(exc))
        except Refused as exc:
            return _failed(409, str(exc))
        except ClientDisconnect:
            return _failed(400, "the sender went away")
        return JSONResponse({"ok": True})

    return _Guarded(Starlette(routes=[
        Route("/", page), Route("/static/{name:path}", static), Route("/events", events),
        Route("/do", act, methods=["POST"])]), password)


class _Guarded:
    """Lets in who may come, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, password: str | None) -> None:
        self._app = app
        self._password = password
        self._turn = asyncio.Lock()
        self._guesses = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                have = message["headers"]
                assert isinstance(have, list)  # noqa: S101 (so says ASGI)
                message["headers"] = [*have, *_ENCODED]
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1")
                   for name, value in scope.get("headers", ())}
        why = refusal(scope.get("method", ""), headers, self._password)
        if why is None:
            await self._app(scope, receive, with_headers)  # type: ignore[arg-type]
            return
        if why.guess:
            why = await self._slowly(why)
        await JSONResponse({"error": why.text}, why.status, dict(why.headers))(
            scope, receive, with_headers)  # type: ignore[arg-type]

    async def _slowly(self, why: Refusal) -> Refusal:
        """Whoever guesses gets one try a second, all guessers together."""
        if self._guesses >= _MOST_GUESSES:
            return Refusal(429, "too many wrong passwords: wait a while")
        self._guesses += 1
        try:
            async with self._turn:
                await asyncio.sleep(_PENANCE)
        finally:
            self._guesses -= 1
        return why


_ENCODED = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


def _file(name: str) -> Response:
    """One of the page's own files, 404 for anything else."""
    parts = name.split("/")
    found: Traversable = files("twin.page").joinpath("static")
    kind = _TYPES.get("." + name.rpartition(".")[2])
    if kind is None or not all(_PART.fullmatch(part) for part in parts):
        return _failed(404, "there is no such file")
    for part in parts:
        found = found.joinpath(part)
    if not found.is_file():
        return _failed(404, "there is no such file")
    return Response(found.read_bytes(), media_type=kind)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise BadAsk(f"a body is at most {LONGEST} bytes long")
    return body


def _failed(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status)
