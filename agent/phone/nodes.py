"""The names of the nodes we send (T-04, T-36; decision 9).

The service tells a request's node alone, so it says which call this is: a token minted for the
call, ``c`` + two characters that stand for the menu + twelve random ones. A text that goes on in a
second turn leads through a helper of the uploaded menu (T-06), and then the helper's name comes
back instead; so each helper serves one call at a time.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from secrets import choice
from typing import Literal

Kind = Literal["c", "a"]
"""``c``: somebody called us, the menus answer. ``a``: an alarm called somebody."""

HELPERS = tuple(f"more{number}" for number in range(16))
"""The nodes that are uploaded with ``MAIN``, each ``{"node": name, "nextNode": "CUSTOM"}``."""

_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANDOM = 12
_TOKEN = re.compile(rf"([ca])([0-9a-z]{{2}})([0-9a-z]{{{_RANDOM}}})")


@dataclass(frozen=True)
class Token:
    """``code`` stands for the menu; ``secret`` alone tells which call it is."""

    kind: Kind
    code: str
    secret: str

    def __str__(self) -> str:
        return f"{self.kind}{self.code}{self.secret}"


def parse(node: str) -> Token | None:
    """The token that ``node`` is, in whatever case it comes back; None when it is none."""
    found = _TOKEN.fullmatch(node.lower())
    return Token(found[1], found[2], found[3]) if found else None  # type: ignore[arg-type]


def fresh(pick: Callable[[str], str] = choice) -> str:
    """The random part of a new token: some 62 bits. ``pick`` chooses one sign of several."""
    return "".join(pick(_SIGNS) for _ in range(_RANDOM))


def codes(names: Iterable[str]) -> Mapping[str, str]:
    """Name → two characters, all different, and the same whenever the names are.

    One more name changes none of the others, but for the rare case that two fall together. There
    is room for 1,296.
    """
    return _codes(tuple(sorted(names)))


@lru_cache(maxsize=16)
def _codes(names: tuple[str, ...]) -> Mapping[str, str]:
    taken: dict[str, str] = {}
    for name in names:
        start = zlib.crc32(name.encode())
        tries = (_code(start + step) for step in range(len(_SIGNS) ** 2))
        code = next(code for code in tries if code not in taken)
        taken[code] = name
    return {name: code for code, name in taken.items()}


def _code(number: int) -> str:
    number %= len(_SIGNS) ** 2
    return _SIGNS[number // len(_SIGNS)] + _SIGNS[number % len(_SIGNS)]
