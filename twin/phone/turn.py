"""One turn of a call: what the service says at a node, and what it does then.

A node of the uploaded menu, an application's answer and the text of a call-out all become the
same thing, so that one machine walks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MAIN, END, CUSTOM, CONFIG = "MAIN", "END", "CUSTOM", "CONFIG"
_RESERVED = {MAIN, END, CUSTOM, CONFIG}
_NODE = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_LONGEST_NODE = 16
ANY_KEY = "0123456789"


@dataclass(frozen=True)
class Line:
    """One thing to say, by a man (``M``) or a woman (``F``), and the silence after it."""

    text: str
    voice: str = "M"
    pause: float = 0.0


@dataclass(frozen=True)
class Keys:
    """Wait for keys: at most so many, so many seconds from the end of the text (T-09, T-37).

    ``targets``: the key map of a menu node; None when every key is the application's.
    ``hash_ends``: ``#`` closes the entry.
    """

    most: int
    timeout: float
    targets: Mapping[str, str] | None = None
    hash_ends: bool = True


@dataclass(frozen=True)
class Speech:
    """Listen once the text is over. ``digits``: for spoken digits alone."""

    digits: bool = False


@dataclass(frozen=True)
class Recording:
    """Record once the text is over, for so many seconds, with or without a transcript (T-10)."""

    most: float
    transcript: bool = False


Listen = Keys | Speech | Recording


@dataclass(frozen=True)
class Turn:
    """``next_node``: where to go when there is nothing to listen for, or after a recording; None
    when that was left open."""

    node: str
    lines: tuple[Line, ...] = ()
    listen: Listen | None = None
    next_node: str | None = None


def plays(text: str, voice: str, repeat: int = 1, delay: float = 0.0) -> tuple[Line, ...]:
    """The text so many times, with silence between, not after (T-07, T-34)."""
    if not text:
        return ()
    return (Line(text, voice, delay),) * (repeat - 1) + (Line(text, voice),)


def reserved(name: str) -> str:
    """A reserved word as we write it, in whatever case it came; any other name as it is."""
    return name.upper() if _is_reserved(name) else name


def legal(name: str) -> bool:
    """Whether somebody may give a node this name (T-04)."""
    return (_NODE.fullmatch(name) is not None and len(name) <= _LONGEST_NODE
            and not _is_reserved(name))


def _is_reserved(name: str) -> bool:
    return name.isascii() and name.upper() in _RESERVED
