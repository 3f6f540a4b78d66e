"""What a phone hears, as lines for a terminal of any width. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from twin.terminal.events import Ended, Event, Listening, Music, Other, Spoken, Trouble
from twin.terminal.steps import Act, told

_RESET = "\x1b[0m"
_COLOURS = {"M": "\x1b[36m", "F": "\x1b[35m", ">": "\x1b[32m", "!": "\x1b[31m", "=": "\x1b[1m",
            " ": "\x1b[2m"}
_LEAST = 20
_NEVER_FIRST = "，。、；：？！」』）》〉…—,.;:?!)"
"""Signs that do not stand at the beginning of a line."""


def heard(event: Event, at: float, columns: int, *, colour: bool = False) -> list[str]:
    """The lines for an event ``at`` seconds after the call began, none for what has no meaning to
    a listener. A column tells the voice: ``M`` or ``F``."""
    match event:
        case Spoken(text, voice):
            return _lines(voice if voice in ("M", "F") else "?", text, at, columns, colour)
        case Music():
            return _lines(" ", "(music)", at, columns, colour)
        case Listening(kind, seconds):
            limit = "" if seconds is None else f", {seconds:g} s"
            return _lines(" ", f"(the service listens: {kind}{limit})", at, columns, colour)
        case Ended(why):
            return _lines("=", f"the call ended: {why}" if why else "the call ended",
                          at, columns, colour)
        case Trouble(text):
            return _lines("!", text, at, columns, colour)
        case Other(name):
            return _lines(" ", f"({name})", at, columns, colour) if name else []


def done(act: Act, at: float, columns: int, *, colour: bool = False) -> list[str]:
    """The lines for what this phone did."""
    return _lines(">", told(act), at, columns, colour)


def width(text: str) -> int:
    """Columns a text takes: a Chinese character takes two, a combining sign none."""
    return sum(map(_width, text))


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most ``columns``, broken at blanks and between Chinese characters;
    a word that is longer than a line is cut."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and width(line) + width(piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        for sign in piece:
            if width(line) + _width(sign) > columns and not sign.isspace():
                lines.append(line.rstrip())
                line = ""
            line += sign
    return [*lines, line.rstrip()]


def _lines(mark: str, text: str, at: float, columns: int, colour: bool) -> list[str]:
    stamp = f"{int(at) // 60:02d}:{int(at) % 60:02d}"
    first = f"{stamp}  {mark if mark in 'MF>!?' else ' '}  "
    after = " " * len(first)
    texts = wrap(_printable(text), max(columns - len(first), _LEAST))
    if not colour:
        return [f"{after if number else first}{part}" for number, part in enumerate(texts)]
    tint = _COLOURS.get(mark, "")
    return [f"{after if number else first}{tint}{part}{_RESET}"
            for number, part in enumerate(texts)]


def _printable(text: str) -> str:
    """On one line, without what could steer a terminal: it came from outside."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _pieces(text: str) -> Iterator[str]:
    """What must not be broken: words with the blanks behind them, single wide characters, each
    with the punctuation that closes it."""
    piece = ""
    for sign in text:
        joined = sign.isspace() or sign in _NEVER_FIRST or (
            _width(sign) < 2 and not piece[-1:].isspace() and _width(piece[-1:] or " ") < 2)
        if piece and not joined:
            yield piece
            piece = ""
        piece += sign
    if piece:
        yield piece
