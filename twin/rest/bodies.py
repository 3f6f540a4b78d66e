"""The body of a request: read with a limit, then judged. Neither size nor content can do harm."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, NoReturn

LONGEST = 1 << 20
"""Bytes of a body that are kept; the longest menu anybody would write is a small part of it."""


class BadBody(ValueError):
    """What came is not JSON one could work with; the text says why, and quotes none of it."""


async def collect(parts: AsyncIterator[bytes]) -> bytes:
    """All of it. Raises BadBody beyond LONGEST bytes, but reads (and forgets) to the end even
    then: a sender that is cut off would see a broken connection instead of our answer."""
    kept, size = bytearray(), 0
    async for part in parts:
        size += len(part)
        if size <= LONGEST:
            kept += part
    if size > LONGEST:
        raise BadBody(f"the body is longer than {LONGEST} bytes")
    return bytes(kept)


def judge(content_type: str | None, body: bytes) -> Any:
    """The JSON value in it. Raises BadBody.

    A request without a content type is taken for JSON, as the platform's public samples send it.
    """
    if content_type is not None and not _is_json(content_type):
        raise BadBody("the content type is not application/json")
    try:
        content = json.loads(body.decode(), parse_constant=_refuse)
        # What could not be sent back later is refused now: 1e999, half of a surrogate pair.
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except json.JSONDecodeError as exc:
        raise BadBody(f"not JSON: {exc}") from exc
    except UnicodeError as exc:
        raise BadBody("not JSON: not UTF-8 text") from exc
    except ValueError as exc:
        raise BadBody("not JSON: a number out of range") from exc
    except RecursionError as exc:
        raise BadBody("not JSON: nested too deeply") from exc
    return content


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _refuse(_constant: str) -> NoReturn:
    raise ValueError
