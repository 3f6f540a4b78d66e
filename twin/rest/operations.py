"""How an operation is put on the map: its path, what it takes and gives, and how it can fail.

What it means is told by the docstring of the function behind it; the tables here add examples.
They are shown to people and promised to work: a test sends every one of them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from twin.rest.bodies import BadBody, collect, judge

log = logging.getLogger("cht_twin.rest")

KeysChanged = Callable[[], Awaitable[None]]
"""Told, and waited for, when devices, keys or numbers have come or gone."""

Handler = Callable[..., Coroutine[Any, Any, Response]]


async def _body(request: Request) -> Any:
    try:
        return judge(request.headers.get("content-type"), await collect(request.stream()))
    except ClientDisconnect as exc:
        raise BadBody("the sender went away") from exc


async def _fields(request: Request) -> dict[str, Any]:
    try:
        content = await _body(request)
    except BadBody as exc:
        log.warning("%s: %s; taken as empty", told(request), exc)
        return {}
    return content if isinstance(content, dict) else {}


Body = Annotated[Any, Depends(_body)]
"""The JSON value that was sent; what is none never reaches the handler, but raises BadBody."""

Fields = Annotated[dict[str, Any], Depends(_fields)]
"""The JSON object that was sent. Anything else has no field at all, and so gets the answer that
is documented for a missing one, after the key was looked at."""

def told(request: Request) -> str:
    """The request, for the log."""
    return f"{request.method} {plain(request.scope['path'])}"


def plain(text: str) -> str:
    """On one line, and nothing in it that could disturb a terminal."""
    return "".join(c if c.isprintable() else " " for c in text).rstrip()


NOTHING = object()


@dataclass(frozen=True)
class Operation:
    """One row of a table of calls. ``body``, ``answer``: examples, where there is JSON at all;
    ``failures``: status → the texts that can go with it."""

    method: str
    path: str
    handler: Handler
    summary: str
    body: object = NOTHING
    answer: object = NOTHING
    failures: Mapping[int, tuple[str, ...]] | None = None


def add(router: APIRouter, operation: Operation, failure: Callable[[int, str], object]) -> None:
    """Put the operation on the router. ``failure`` makes the body for a status and a text."""
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "Done.", **_content([operation.answer])},
        # FastAPI promises its own 422 where no class of failures is documented.
        "4XX": {"description": "Refused.", **_content([failure(400, "what is wrong")])},
    }
    for status, texts in (operation.failures or {}).items():
        responses[status] = {"description": HTTPStatus(status).phrase,
                             **_content([failure(status, text) for text in texts])}
    router.add_api_route(
        operation.path, operation.handler, methods=[operation.method], summary=operation.summary,
        response_class=Response, response_model=None, responses=responses,
        openapi_extra=None if operation.body is NOTHING else {
            "requestBody": {"required": True, **_content([operation.body])}})


def _content(examples: list[object]) -> dict[str, Any]:
    if examples == [NOTHING]:
        return {}
    kind = "array" if isinstance(examples[0], list) else "object"
    return {"content": {"application/json": {
        "schema": {"type": kind, **({"items": {}} if kind == "array" else {})},
        "examples": {str(number): {"value": value}
                     for number, value in enumerate(examples, start=1)}}}}
