"""The whole application: both services, their description, and a page to read and try it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from twin.phone.effects import Effect
from twin.phone.errors import TasError
from twin.phone.telephone import Telephone
from twin.platform import Due, Platform, Refused
from twin.rest import phone
from twin.rest import platform as devices
from twin.rest.bodies import BadBody
from twin.rest.operations import KeysChanged, plain, told

log = logging.getLogger("cht_twin.rest")

_SEALED = {"Content-Security-Policy":
           "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
           "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
"""The page may ask this server and nobody else: it works without any network."""


def make_app(platform: Platform, telephone: Telephone, now: Callable[[], datetime],
             emit: Callable[[list[Due] | list[Effect]], None],
             on_keys_changed: KeysChanged) -> FastAPI:
    """The application over these rules.

    ``emit`` gets the messages and effects a request causes, before the request is answered; it
    must not block. ``on_keys_changed`` is awaited when devices, keys or numbers have come or
    gone: only then messages and the answer tell of them, so a new key works at once. Both are
    called in the event loop.
    """
    app = FastAPI(
        title="cht-twin", version="v1", docs_url=None, redoc_url=None, redirect_slashes=False,
        description="The platform and its telephone service on this machine, for trying, "
                    "developing and testing. Nothing here costs money or rings a real phone.")
    app.include_router(
        devices.PlatformRest(platform, now, emit, on_keys_changed).router())
    app.include_router(phone.PhoneRest(telephone, now, emit, on_keys_changed).router())
    page = files("twin.rest").joinpath("docs.html").read_text(encoding="utf-8")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page, headers=_SEALED)

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return HTMLResponse(_ROOT, headers=_SEALED)

    @app.exception_handler(Refused)
    async def refused(request: Request, exc: Refused) -> Response:
        return _failed(request, exc.status, exc.message)

    @app.exception_handler(TasError)
    async def tas_error(request: Request, exc: TasError) -> Response:
        return _failed(request, exc.status, exc.message)

    @app.exception_handler(BadBody)
    async def bad_body(request: Request, exc: BadBody) -> Response:
        return _failed(request, 400, str(exc))

    @app.exception_handler(HTTPException)
    async def no_such_call(request: Request, exc: HTTPException) -> Response:
        return _failed(request, exc.status_code, exc.detail, exc.headers)

    return app


def _failed(request: Request, status: int, text: str,
            headers: Mapping[str, str] | None = None) -> Response:
    """A failure in the shape of the service that was asked, and a line in the log."""
    log.warning("%s: %d %s", told(request), status, plain(text))
    of_phone = request.scope["path"].startswith(f"{phone.BASE}/")
    shape = phone.failure if of_phone else devices.failure
    return JSONResponse(shape(status, text), status, headers)


_ROOT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>cht-twin</title>
<style>:root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;margin:2rem}</style>
<h1>cht-twin</h1>
<p>The platform and its telephone service on this machine.</p>
<ul><li><a href="/docs">All calls, to read and to try</a></li>
<li><a href="/openapi.json">The same as OpenAPI</a></li></ul>
</html>
"""
