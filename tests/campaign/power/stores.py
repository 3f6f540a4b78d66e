"""The stores under test: what each does in a life, and what it must hold after a power cut.

A life is lived in a traced process, and says on paper (``mark``) what it is about to do and what
it has done: done is promised. The judge reads that paper up to the cut, opens the store on what
the disk kept, and compares. Both work with plain values, so that a mark can carry them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

Say = Callable[..., None]
"""``mark(do="append", …)`` before, ``mark(did="append", …)`` after."""
Said = Sequence[Mapping[str, Any]]


@dataclass
class Verdict:
    """``kept``: how many promised things were looked for; ``holds``: what a next generation may
    rely on, as plain values."""

    kept: int
    holds: Any
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the store noticed and mended."""


class Store(Protocol):
    """One kind of file that must survive."""

    name: str

    def live(self, folder: Path, dice: Random, mark: Say) -> None:
        """Some hundred steps of its real work; may end in the middle of things."""

    def judge(self, folder: Path, before: Any, said: Said) -> Verdict:
        """What is wrong with what is in ``folder``. ``before``: what an earlier verdict holds,
        None for a new card. Opens, and so may mend, the files."""


def said(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Marks as they were made."""
    return [json.loads(text) for text in texts]


def split(marks: Said) -> tuple[list[tuple[Mapping[str, Any], Mapping[str, Any]]],
                                Mapping[str, Any] | None]:
    """The deeds that were done (what was to be done, what was), and the one under way, if any."""
    done, under_way = [], None
    for mark in marks:
        if "do" in mark:
            under_way = mark
        elif under_way is not None:
            done.append((under_way, mark))
            under_way = None
    return done, under_way
