"""Reads what an application answers (T-03…T-11): the next turn, a wait text, or what is wrong.

One wrong field and the service ignores the whole message. The documents say so for an illegal
node and for two ways of collecting at once; here it holds for every field.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from twin.phone.fields import Fields
from twin.phone.settings import LONGEST_RECORDING
from twin.phone.turn import (
    CONFIG,
    CUSTOM,
    END,
    Keys,
    Line,
    Listen,
    Recording,
    Speech,
    Turn,
    legal,
    plays,
    reserved,
)

_MODES = ("collectDTMF", "collectDigits", "collectText")
_LEAST = 10


@dataclass(frozen=True)
class Answer:
    """The final answer to the request ``id``. ``warnings``: what was taken, but should not be
    relied upon."""

    id: str
    turn: Turn
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class WaitText:
    """To be said while the application takes its time (T-11)."""

    id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Malformed:
    """Nothing of it counts. ``id``: the request it was for, as far as that is known."""

    id: str | None
    errors: tuple[str, ...]


def read_action(payload: bytes) -> Answer | WaitText | Malformed:
    """Whether ``nextNode`` exists depends on the call: see ``unknown_target``."""
    try:
        content = json.loads(payload.decode())
    except (ValueError, RecursionError):
        return Malformed(None, ("not JSON in UTF-8",))
    if not isinstance(content, dict):
        return Malformed(None, ("not an object",))
    fields = Fields(content)
    id = _id(fields)
    read = _wait_text(id, fields) if fields.flag("isWaitText") else _answer(id, fields)
    return Malformed(id or None, tuple(fields.errors)) if fields.errors else read


def unknown_target(answer: Answer, known: Container[str]) -> str | None:
    """What is wrong with ``nextNode`` in a call that knows these nodes; None when nothing is."""
    target = answer.turn.next_node
    if target is None or target in (END, CUSTOM) or target in known:
        return None
    return f"'nextNode' names '{target}', which the menu does not have"


def _id(fields: Fields) -> str:
    id: Any = fields.raw("id")
    if id is None:
        fields.wrong("missing 'id'")
    elif not isinstance(id, str):
        fields.wrong("'id' is not a string")
    return id if isinstance(id, str) else ""


def _wait_text(id: str, fields: Fields) -> WaitText:
    return WaitText(id, _lines(fields))


def _answer(id: str, fields: Fields) -> Answer:
    node = fields.raw("node")
    if node is None:
        fields.wrong("missing 'node'")
    elif not isinstance(node, str) or not legal(node):
        fields.wrong("illegal 'node'")
    target = reserved(fields.string("nextNode")) or None
    if target == CONFIG:
        fields.wrong("'nextNode' may not be CONFIG")
    listen = _listen(fields)
    warnings = []
    if target == CUSTOM:
        warnings.append("nextNode CUSTOM is not documented for an answer")
    if isinstance(listen, Keys) and "collectDTMFTimeout" in fields and listen.timeout < _LEAST:
        warnings.append(f"one document wants collectDTMFTimeout to be {_LEAST} at least")
    return Answer(id, Turn(str(node), _lines(fields), listen, target), tuple(warnings))


def _lines(fields: Fields) -> tuple[Line, ...]:
    return plays(fields.text(), fields.voice(), fields.number("repeat", 1, 99, 1),
                 fields.number("betweenTextRepeatDelay", 0, 99, 0))


def _listen(fields: Fields) -> Listen | None:
    wanted = [mode for mode in _MODES if fields.flag(mode)]
    most = fields.number("maxDTMF", 1, 20, 1)
    # T-09: the default may lie below the least that can be asked for; it is taken as documented.
    timeout = fields.number("collectDTMFTimeout", 1, 60, 2 * most)
    duration = fields.number("maxRecordDuration", 0, LONGEST_RECORDING, 0)
    transcript = fields.flag("recordToText")
    if len(wanted) > 1:
        fields.wrong(f"{' and '.join(wanted)} at once")
    match wanted:
        case ["collectDTMF", *_]:
            return Keys(most, timeout)
        case [mode, *_]:
            return Speech(digits=mode == "collectDigits")
    return Recording(duration, transcript) if duration else None

