"""JSON as it comes from outside: bounded, strict where it is ambiguous, mild about types.

Whatever the bytes are, reading them returns or raises ``Malformed``.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from agent.protocol import _check
from agent.protocol.errors import Malformed
from agent.protocol.limits import MAX_FOREIGN

Object = dict[str, object]

MAX_DIGITS = 40


class Number(str):
    """A JSON number as it was written, so that 25.30 stays 25.30 and no huge integer is built."""

    __slots__ = ()


def _number(literal: str) -> Number:
    if len(literal) > MAX_DIGITS:
        raise Malformed(f"a number of {len(literal)} characters")
    return Number(literal)


def _no_constant(literal: str) -> NoReturn:
    raise Malformed(f"{literal} is not a JSON number")


def _unique(pairs: list[tuple[str, object]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in one object")
    return found


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_number, parse_float=_number, parse_constant=_no_constant
)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Names the message in every error: what would be illegal to build is malformed to receive."""
    try:
        yield
    except ValueError as exc:
        raise Malformed(f"{what}: {exc}") from exc


def decode_text(payload: bytes, limit: int = MAX_FOREIGN) -> str:
    """Bounded, strict UTF-8; a byte order mark is dropped."""
    if len(payload) > limit:
        raise Malformed(f"{len(payload)} bytes, more than {limit} are not read")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Malformed(f"not UTF-8 at byte {exc.start}") from exc


def load(payload: bytes, limit: int = MAX_FOREIGN) -> object:
    """The JSON value; numbers are :class:`Number`."""
    try:
        parsed: object = _DECODER.decode(decode_text(payload, limit))
    except json.JSONDecodeError as exc:
        raise Malformed(f"not JSON: {exc.msg} at character {exc.pos}") from exc
    except RecursionError as exc:
        raise Malformed("nested too deeply") from exc
    return parsed


def load_object(payload: bytes, limit: int = MAX_FOREIGN) -> Object:
    """The JSON object; the platform's ``{"result", "message"}`` is refused as what it is."""
    return _object(load(payload, limit))


def load_objects(payload: bytes, limit: int = MAX_FOREIGN) -> list[Object]:
    """The objects of a JSON array."""
    parsed = load(payload, limit)
    if not isinstance(parsed, list):
        _object(parsed)
        raise Malformed("an array is expected, not an object")
    return [_object(item) for item in parsed]


def _object(value: object) -> Object:
    if not isinstance(value, dict):
        raise Malformed(f"an object is expected, not {_kind(value)}")
    if "result" in value and "message" in value:
        raise Malformed(
            f"the platform answered with result {_check.shown(value['result'])}, "
            f"message {_check.shown(value['message'])}"
        )
    return value


def text(message: Object, key: str) -> str:
    """The text at ``key``; a number as it was written, a boolean as ``true`` or ``false``."""
    found = optional_text(message, key)
    if found is None:
        raise Malformed(f"{key} is missing")
    return found


def filled(message: Object, key: str) -> str:
    """The text at ``key``, which must not be empty."""
    return _check.filled(key, text(message, key))


def optional_text(message: Object, key: str) -> str | None:
    """Like :func:`text`; None when the key is missing or null."""
    value = message.get(key)
    return None if value is None else _scalar(key, value)


def texts(message: Object, key: str) -> tuple[str, ...]:
    """The array of texts at ``key``; one scalar counts as an array of one. Never empty."""
    value = message.get(key)
    if value is None:
        raise Malformed(f"{key} is missing")
    items = value if isinstance(value, list) else [value]
    if not items:
        raise Malformed(f"{key} is empty")
    return tuple(_scalar(key, item) for item in items)


def number(message: Object, key: str) -> float | None:
    """The JSON number at ``key``; None when missing or null."""
    value = message.get(key)
    if value is None:
        return None
    if not isinstance(value, Number):
        raise Malformed(f"{key} must be a number, not {_kind(value)}")
    return float(value)


def whole(message: Object, key: str) -> int | None:
    """The natural number at ``key``, written as a number or a text; None when missing or null."""
    digits = optional_text(message, key)
    if digits is None:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS):
        raise Malformed(f"{key} must be a whole number, not {_check.shown(digits)}")
    return int(digits)


def required_whole(message: Object, key: str) -> int:
    """Like :func:`whole`, but it must be there."""
    found = whole(message, key)
    if found is None:
        raise Malformed(f"{key} is missing")
    return found


def flag(message: Object, key: str) -> bool | None:
    """The boolean at ``key``; None when missing or null."""
    value = message.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise Malformed(f"{key} must be true or false, not {_kind(value)}")


def _scalar(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise Malformed(f"{key} must be a text, not {_kind(value)}")
    return _check.text(key, str(value))


def _kind(value: object) -> str:
    """What JSON calls it."""
    if isinstance(value, Number):
        return "a number"
    kinds: dict[type, str] = {dict: "an object", list: "an array", str: "a text", bool: "a boolean"}
    return kinds.get(type(value), "null")
