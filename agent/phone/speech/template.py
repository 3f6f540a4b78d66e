"""Texts with readings in them: ``{id}``, ``{id:value}``, ``{id:age}``, ``{now}``.

A list sensor's quantity follows a dot: ``{climate.humidity}``, ``{climate.humidity:value}``. A
brace that is meant is written twice.

A reading is never said to be better than it is. Where a sensor is faulty, its clause says so
instead of a number; where one is out of date, the sentence begins with that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from agent.config.menus import Language
from agent.phone.model import Heard, Moment, Seen
from agent.phone.speech.say import age, clock_time, number, quantity

Kind = Literal["whole", "value", "age", "now"]


@dataclass(frozen=True)
class Field:
    """What stands in braces. ``whole`` speaks number and unit, ``value`` the number alone."""

    kind: Kind
    sensor: str = ""
    quantity: str | None = None


@dataclass(frozen=True)
class _Words:
    fault: str
    never: str
    stale: str
    no_clock: str


_WORDS: Mapping[Language, _Words] = {
    "zh": _Words("感測器故障，沒有數值", "還沒有量測值", "資料已過期，", "時間不明"),
    "en": _Words("not available, the sensor is faulty", "not measured yet",
                 "This is out of date: ", "at an unknown time"),
}  # fmt: skip

_FIELD = re.compile(r"\{([^{}]*)\}|(\{\{|\}\})|([{}])")
_NAME = re.compile(r"(?P<sensor>[^\s.:{}]+)(?:\.(?P<quantity>[^\s.:{}]+))?(?::(?P<kind>\w+))?")
_SENTENCE = re.compile(r"[^。！？.!?]*(?:\.(?=\d)[^。！？.!?]*)*(?:[。！？.!?]+\s*|$)")
_CLAUSE = re.compile(r"[^，；,;]*(?:[，；,;]\s*|$)")
_LONGEST_AGE = 59.0 * 3600

Piece = str | Field


def fields(text: str) -> tuple[Field, ...]:
    """The fields of ``text``, in order. Raises ValueError that says what is wrong with it."""
    return tuple(piece for piece in _pieces(text) if isinstance(piece, Field))


def render(
    text: str, seen: Seen, now: Moment, stale_after: float, language: Language
) -> str:
    """``text`` with everything filled in. ``stale_after``: an older reading, in seconds, is said to
    be out of date. Raises ValueError as :func:`fields`."""
    words = _WORDS[language]
    said = ""
    for sentence, parts in _taken_apart(text):
        clauses, stale = [], False
        for clause in parts:
            spoken, old = _clause(clause, seen, now, stale_after, language)
            stale = stale or old
            if spoken:
                clauses.append(spoken)
        joined = _closed("".join(clauses), sentence)
        said += (words.stale if stale and joined else "") + joined
    return said


def longest(text: str, values: Mapping[str, int], language: Language) -> int:
    """Characters that ``text`` may take when everything in it is said at its longest.

    ``values``: sensor id → the most characters of a value as published.
    """
    length = len(_WORDS[language].stale)
    for piece in _pieces(text):
        if isinstance(piece, str):
            length += len(piece)
        elif piece.kind == "age":
            length += max(len(age(seconds, language)) for seconds in (_LONGEST_AGE, 99 * 86_400))
        elif piece.kind == "now":
            length += len("twenty-three fifty-eight" if language == "en" else "二十三點五十八分")
        else:
            # Each digit with its place and a zero before it; in English a word for each.
            each, rest = (3, 14) if language == "zh" else (16, 40)
            length += max(each * values.get(piece.sensor, 8) + rest, len(_WORDS[language].fault))
    return length


@lru_cache(maxsize=256)
def _taken_apart(text: str) -> tuple[tuple[list[Piece], list[list[Piece]]], ...]:
    """The sentences, each with its clauses. Kept: the same few texts are said in every call."""
    return tuple((sentence, _clauses(sentence)) for sentence in _sentences(_pieces(text)))


def _pieces(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for found in _FIELD.finditer(text):
        pieces.append(text[at : found.start()])
        at = found.end()
        if found[3]:
            raise ValueError(f"a brace {found[3]} that stands alone: write it twice if it is meant")
        pieces.append(found[2][0] if found[2] else _field(found[1]))
    pieces.append(text[at:])
    return [piece for piece in pieces if piece != ""]


def _field(name: str) -> Field:
    if name == "now":
        return Field("now")
    found = _NAME.fullmatch(name)
    if found is None or found["kind"] not in (None, "value", "age"):
        raise ValueError(f"{{{name}}}: write {{id}}, {{id:value}}, {{id:age}} or {{now}}")
    kinds: dict[str | None, Kind] = {None: "whole", "value": "value", "age": "age"}
    return Field(kinds[found["kind"]], found["sensor"], found["quantity"])


def _sentences(pieces: list[Piece]) -> list[list[Piece]]:
    return _cut(pieces, _SENTENCE, "。！？.!?")


def _clauses(pieces: list[Piece]) -> list[list[Piece]]:
    return _cut(pieces, _CLAUSE, "，；,;")


def _cut(pieces: list[Piece], part: re.Pattern[str], ends: str) -> list[list[Piece]]:
    """The pieces in groups, a new one after each text that ends with a mark."""
    groups: list[list[Piece]] = [[]]
    for piece in pieces:
        if isinstance(piece, Field):
            groups[-1].append(piece)
            continue
        for text in part.findall(piece):
            if not text:
                continue
            groups[-1].append(text)
            if text.rstrip().endswith(tuple(ends)):
                groups.append([])
    return [group for group in groups if group]


def _clause(
    clause: list[Piece], seen: Seen, now: Moment, stale_after: float, language: Language
) -> tuple[str, bool]:
    """What is said of one clause, and whether a reading in it is out of date.

    "" for one that tells nothing but the age of a reading that is not there.
    """
    words = _WORDS[language]
    said, stale = "", False
    for piece in clause:
        if isinstance(piece, str):
            said += piece
            continue
        if piece.kind == "now":
            said += clock_time(now.utc.astimezone(now.zone), language) if now.trusted else (
                words.no_clock)  # fmt: skip
            continue
        heard = seen.get(piece.sensor, Heard((), quality="fault"))
        missing = _missing(heard, piece, words)
        if missing is not None:
            if piece.kind == "age":
                return "", False
            # What follows in the clause was about the number; only the pause stays.
            last = clause[-1]
            pause = re.search(r"[，；,;]\s*$", last) if isinstance(last, str) else None
            blank = " " if language == "en" else ""
            return f"{said.rstrip()}{blank}{missing}{pause[0] if pause else ''}", False
        if piece.kind == "age":
            said += age(heard.age or 0.0, language)
            continue
        stale = stale or heard.quality == "stale" or (heard.age or 0.0) > stale_after
        at = 0 if piece.quantity is None else heard.quantities.index(piece.quantity)
        value = heard.values[at]
        unit = heard.units[at] if at < len(heard.units) else None
        said += number(value, language) if piece.kind == "value" else (
            quantity(value, unit, language))  # fmt: skip
    return said, stale


def _missing(heard: Heard, field: Field, words: _Words) -> str | None:
    """Why there is no value for ``field``; None: there is one."""
    if heard.quality == "fault":
        return words.fault
    if heard.age is None:
        return words.never
    at = 0 if field.quantity is None else (
        heard.quantities.index(field.quantity) if field.quantity in heard.quantities else -1)
    return None if 0 <= at < len(heard.values) else words.fault


def _closed(said: str, sentence: list[Piece]) -> str:
    """``said``, ended as the sentence was, when its last clause told nothing or was replaced."""
    last = sentence[-1]
    ends = re.search(r"[。！？.!?]+\s*$", last) if isinstance(last, str) else None
    bare = said.rstrip()
    if not bare or ends is None or bare.endswith(tuple("。！？.!?")):
        return said
    return bare.rstrip("，；,;") + ends[0]
