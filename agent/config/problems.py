"""What is wrong with a configuration, each finding with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agent.config.model import Config

Place = tuple[str | int, ...]
"""Keys and list positions from the top of the file: ``("sensor", 0, "pin")``."""


@dataclass(frozen=True)
class Problem:
    """One finding. ``line`` counts from 1; None when it is about the file as a whole."""

    severity: Literal["error", "warning"]
    file: Path
    line: int | None
    key: str | None
    text: str

    def __str__(self) -> str:
        """One line: ``file:line: key: text``."""
        place = f"{self.file}" if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.text) if part)


@dataclass(frozen=True)
class Report:
    """The outcome of an inspection. ``config`` is None when any problem is an error."""

    config: Config | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "warning")


class Findings:
    """Collects problems and gives each its line and a readable key."""

    def __init__(self, file: Path, lines: Mapping[Place, int]) -> None:
        self._file = file
        self._lines = lines
        self._names: dict[Place, str] = {}
        self._problems: list[Problem] = []

    def name(self, place: Place, name: str) -> None:
        """From now on list entry ``place`` is called ``name`` in keys."""
        self._names[place] = name

    def error(self, place: Place, text: str) -> None:
        self._add("error", place, text)

    def warning(self, place: Place, text: str) -> None:
        self._add("warning", place, text)

    def __len__(self) -> int:
        """How many errors there are."""
        return sum(problem.severity == "error" for problem in self._problems)

    def problems(self) -> tuple[Problem, ...]:
        """All findings, in the order of their lines."""
        return tuple(sorted(dict.fromkeys(self._problems), key=lambda found: found.line or 0))

    def _add(self, severity: Literal["error", "warning"], place: Place, text: str) -> None:
        line = next(
            (self._lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in self._lines),
            None,
        )
        self._problems.append(Problem(severity, self._file, line, self._key(place), text))

    def _key(self, place: Place) -> str | None:
        parts = []
        for depth, part in enumerate(place):
            if isinstance(part, int):
                # An id says more than a position; people count from one.
                part = self._names.get(place[: depth + 1], str(part + 1))
            parts.append(quote_key(part))
        return ".".join(parts) or None


def quote_key(key: str) -> str:
    """The key as TOML writes it: quoted unless it is a bare one; never more than one line."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quote(key)


def quote(text: str, limit: int = 60) -> str:
    """The text in quotes on one line, shortened beyond ``limit`` characters."""
    return json.dumps(text if len(text) <= limit else text[: limit - 1] + "…", ensure_ascii=False)


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """``; did you mean "host"?`` when a known word is near, else nothing."""
    from difflib import get_close_matches  # only where there is an error: the start has none

    near = get_close_matches(word[:100].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {quote(near[0])}?" if near else ""
