"""On which line each key of a TOML text stands; tomllib itself does not tell.

A small scan for headers and keys over a text that tomllib has already accepted, so it need not
judge anything: it follows arrays of tables, dotted and quoted keys, inline tables and arrays over
several lines.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping

from agent.config.problems import Place

_TOKEN = re.compile(
    r'''
    (?P<string> """ (?:\\.|[^\\])*? "{3,5} | \'\'\' .*? \'{3,5}
              | " (?:\\.|[^"\\\n])* "     | ' [^'\n]* ' )
  | (?P<newline> \n )
  | (?P<skip> [ \t\r]+ | \#[^\n]* )
  | (?P<mark> [\[\]{}=,.] )
  | (?P<bare> [^\s\[\]{}=,."'\#]+ )
  | (?P<other> . )
    ''',
    re.VERBOSE | re.DOTALL,
)


def locate(text: str) -> Mapping[Place, int]:
    """Place → line (from 1) of every header, key and inline key of ``text``."""
    scan = _Scan()
    line = 1
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup or "", match[0]
        if kind != "skip":
            scan.feed(kind, piece, line)
        line += piece.count("\n")
    return scan.lines


class _Scan:
    """Where we are: the table of the last header, and the brackets open around a value."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self._entries: dict[Place, int] = {}  # array of tables → position of its last entry
        self._table: Place = ()
        self._open: list[tuple[str, Place, int]] = []  # (bracket, its place, entry number)
        self._key: list[str] = []
        self._header: str | None = None  # brackets seen at the start of a header
        self._in_value = False
        self._value: Place = ()

    def feed(self, kind: str, piece: str, line: int) -> None:
        if self._header is not None:
            self._feed_header(kind, piece, line)
        elif self._in_value:
            self._feed_value(kind, piece, line)
        elif piece == "[" and not self._key and not self._open:
            self._header = "["
        elif kind in ("bare", "string"):
            self._key.append(_plain(piece))
        elif piece == "=":
            self._start_value(line)
        elif piece == "}" and self._open:  # an empty inline table, or one after its last comma
            self._close()

    def _feed_header(self, kind: str, piece: str, line: int) -> None:
        if piece == "[":
            self._header = "[["
        elif kind in ("bare", "string"):
            self._key.append(_plain(piece))
        elif piece == "]":
            if self._key:
                *parents, last = self._key
                for depth in range(1, len(self._key)):  # [a.b] begins a, if nothing did before
                    self.lines.setdefault(self._enter(parents[:depth]), line)
                place = (*self._enter(parents), last)
                if self._header == "[[":
                    self._entries[place] = self._entries.get(place, -1) + 1
                    self.lines.setdefault(place, line)
                place = self._enter(self._key)
                self.lines.setdefault(place, line)
                self._table = place
                self._key = []
            if self._header == "[[":
                self._header = "["  # one more bracket to come
            else:
                self._header = None

    def _enter(self, keys: list[str]) -> Place:
        """The place those header keys name: the last entry of each array of tables on the way."""
        place: Place = ()
        for key in keys:
            place = (*place, key)
            if place in self._entries:
                place = (*place, self._entries[place])
        return place

    def _start_value(self, line: int) -> None:
        base = self._open[-1][1] if self._open else self._table
        for part in self._key:
            base = (*base, part)
            self.lines.setdefault(base, line)
        self._key = []
        self._value = base
        self._in_value = True

    def _feed_value(self, kind: str, piece: str, line: int) -> None:
        if piece in ("[", "{"):
            self._mark_entry(line)
            self._open.append((piece, self._value, 0))
            self._in_value = piece == "["
            if piece == "[":
                self._next_entry(0, line)
        elif piece in ("]", "}"):
            self._close()
        elif piece == "," and self._open:
            bracket, _, entry = self._open[-1]
            if bracket == "[":
                self._next_entry(entry + 1, line)
            else:
                self._in_value = False
        elif kind == "newline" and not self._open:
            self._in_value = False
        elif kind not in ("newline", "mark"):
            self._mark_entry(line)

    def _mark_entry(self, line: int) -> None:
        """An entry of an array stands where it begins, not where the comma before it was."""
        if self._open and self._open[-1][0] == "[":
            self.lines[self._value] = line

    def _next_entry(self, entry: int, line: int) -> None:
        bracket, place, _ = self._open[-1]
        self._open[-1] = (bracket, place, entry)
        self._value = (*place, entry)
        self.lines[self._value] = line

    def _close(self) -> None:
        if self._open:
            _, self._value, _ = self._open.pop()
        self._in_value = True


def _plain(piece: str) -> str:
    """A key without its quotes."""
    if piece[:1] not in ("'", '"'):
        return piece
    try:
        return str(tomllib.loads(f"k = {piece}")["k"])
    except ValueError:
        return piece


def outside_strings(text: str) -> Iterator[tuple[int, str]]:
    """(line, character) of all that stands outside strings and comments, in any text."""
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup not in ("string", "skip"):
            yield from ((line, character) for character in match[0])
        line += match[0].count("\n")
