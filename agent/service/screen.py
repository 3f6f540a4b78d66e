"""Text for a terminal: columns that hold Chinese, ages, colours. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Colour = Literal["plain", "bold", "good", "bad", "dim"]

_CODES = {"bold": "1", "good": "32", "bad": "31", "dim": "2"}


@dataclass(frozen=True)
class Cell:
    """A text in a table and how it is shown."""

    text: str
    colour: Colour = "plain"


def width(text: str) -> int:
    """Columns ``text`` takes: a Chinese character takes two, a combining sign none."""
    return sum(
        0 if unicodedata.combining(sign)
        else 2 if unicodedata.east_asian_width(sign) in "WF"
        else 1
        for sign in text
    )  # fmt: skip


def printable(text: str) -> str:
    """``text`` on one line, without what could steer a terminal: much of it came from outside."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def cut(text: str, columns: int) -> str:
    """``text`` within ``columns``, with … where something is missing."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + "…" if columns > 0 else ""


def age(seconds: float) -> str:
    """How long ago, in one unit: ``3 s ago``, ``5 min ago``, ``2 h ago``, ``4 d ago``."""
    return f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """A length of time in one unit; what is less than nothing (a stepped clock) is ``0 s``."""
    seconds = max(seconds, 0.0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def paint(text: str, colour: Colour, colours: bool) -> str:
    """``text`` in ``colour``, if the terminal has ``colours``."""
    if not colours or colour == "plain" or not text:
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def table(
    rows: Sequence[Sequence[Cell]], *, colours: bool = False, columns: int | None = None
) -> list[str]:
    """The rows as lines with aligned columns, two blanks apart, cut at ``columns``."""
    widths = [max(width(cell.text) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line, at = "", 0
        for cell, wide in zip(row, widths, strict=True):
            text = cell.text if columns is None else cut(cell.text, columns - at)
            line += paint(text, cell.colour, colours) + " " * (wide - width(text) + 2)
            at += wide + 2
        lines.append(line.rstrip())
    return lines
