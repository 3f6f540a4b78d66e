"""TOML tables that check what is taken from them, and tell what was left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class ScenarioError(ValueError):
    """The scenario cannot be used; the text says which part and what is allowed."""


def duration(text: object) -> float:
    """Seconds of a text such as ``"500ms"``. Raises ScenarioError."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ScenarioError(f'{text!r} is not a time: write it as "500ms", "30s", "10m" or "2h"')
    return float(match[1]) * _UNITS[match[2]]


_MISSING = object()
"""The default of a key that has none."""


class Table:
    """A TOML table that knows its name, and which of its keys nobody asked for."""

    def __init__(self, where: str, values: object) -> None:
        if not isinstance(values, dict):
            raise ScenarioError(f"{where} must be a table")
        self.where = where
        self._values = dict(values)
        self._left = set(values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def peek(self, key: str) -> object:
        return self._values.get(key)

    def _get(self, key: str, default: object, kinds: tuple[type, ...], what: str) -> Any:
        self._left.discard(key)
        value = self._values.get(key, default)
        if value is _MISSING:
            raise ScenarioError(f"{self.where}: {key} is missing")
        if value is not default and (type(value) not in kinds):
            raise ScenarioError(f"{self.where}: {key} must be {what}, not {value!r}")
        return value

    def text(self, key: str, default: object = _MISSING) -> str:
        return str(self._get(key, default, (str,), "a text"))

    def flag(self, key: str, default: Any) -> Any:
        return self._get(key, default, (bool,), "true or false")

    def number(
        self, key: str, default: Any = _MISSING, low: float = -1e9, high: float = 1e9
    ) -> Any:
        value = self._get(key, default, (int, float), "a number")
        if value is not None and not low <= value <= high:
            raise ScenarioError(f"{self.where}: {key} must be {low} to {high}, not {value}")
        return value

    def pin(self, key: str) -> int:
        value = self._get(key, _MISSING, (int,), "a BCM pin number")
        if not 0 <= value <= 27:
            raise ScenarioError(f"{self.where}: {key} must be a BCM pin 0 to 27, not {value}")
        return int(value)

    def choice(self, key: str, allowed: tuple[str, ...], default: object = _MISSING) -> str:
        value = self._get(key, default, (str,), f"one of {', '.join(allowed)}")
        if value not in allowed:
            raise ScenarioError(
                f"{self.where}: {key} must be one of {', '.join(allowed)}, not {value!r}"
            )
        return str(value)

    def duration(self, key: str, default: Any = _MISSING) -> Any:
        value = self._get(key, default, (str,), 'a time such as "30s"')
        return value if value is default else duration(value)

    def table(self, key: str) -> Table:
        self._left.discard(key)
        return Table(f"[{key}]", self._values.get(key, {}))

    def tables(self, key: str) -> list[Table]:
        self._left.discard(key)
        entries = self._values.get(key, [])
        if not isinstance(entries, list):
            raise ScenarioError(f"{key} must be written as [[{key}]]")
        return [Table(f"[[{key}]] {n}", entry) for n, entry in enumerate(entries, 1)]

    def done(self) -> None:
        """Raise ScenarioError when a key was left over."""
        if self._left:
            raise ScenarioError(f"{self.where}: unknown key {', '.join(sorted(self._left))}")
