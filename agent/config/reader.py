"""Reads one TOML table by its table of keys: the only interpreter of ``schema.Key``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from agent.config.problems import Findings, Place, did_you_mean, quote
from agent.config.schema import RENAMED, SECTIONS, Key
from agent.config.secrets import parse_ref
from agent.config.units import parse_duration, parse_rate, parse_size, show_duration, show_size
from agent.errors import ConfigError

HOMES = {f"[{name}]": frozenset(k.name for k in sec.keys) for name, sec in SECTIONS.items()}
_LARGEST = 1e15
"""No number of ours is larger; integers beyond lose digits as floats."""


@dataclass(frozen=True)
class Reader:
    """What reading needs everywhere: ``base`` is the folder relative paths start from.

    ``homes``: what each section is called and the keys that belong to it, for keys gone astray.
    """

    findings: Findings
    base: Path
    renamed: Mapping[tuple[str, str], str] = field(default_factory=lambda: RENAMED)
    homes: Mapping[str, frozenset[str]] = field(default_factory=lambda: HOMES)

    def table(
        self, keys: Iterable[Key], value: object, place: Place, *, others: bool = False
    ) -> dict[str, Any]:
        """The converted values of the keys that are there and good; the rest is reported.

        ``others``: keys outside the table are someone else's affair.
        """
        if not isinstance(value, dict):
            self.findings.error(place, f"is {type_name(value)}; it must be a table of keys")
            return {}
        known = {key.name: key for key in keys}
        table = self._modernise(value, place)
        read: dict[str, Any] = {}
        for name, raw in table.items():
            if name in known:
                try:
                    read[name] = convert(known[name], raw, self.base)
                except ConfigError as exc:
                    self.findings.error((*place, self._written(name, value, place)), str(exc))
            elif not others:
                self.findings.error((*place, name), self._unknown(name, tuple(known), place))
        for key in known.values():
            if key.required and key.name not in table:
                allowed = f": {key.allowed}" if key.allowed else ""
                self.findings.error((*place, key.name), f"is missing{allowed}")
        return read

    def _modernise(self, table: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The table with old key names replaced by today's, each with a warning."""
        modern: dict[str, Any] = {}
        for name, raw in table.items():
            new = self.renamed.get((str(place[0]), name)) if place else None
            if new is None:
                modern[name] = raw
            elif new in table:
                self.findings.error(
                    (*place, name),
                    f"is the old name of {new}, which stands here too: remove this one",
                )
            else:
                self.findings.warning((*place, name), f"is now called {new}: rename it")
                modern[new] = raw
        return modern

    def _written(self, name: str, table: Mapping[str, Any], place: Place) -> str:
        """The name under which the key stands in the file: its old one, if it was renamed."""
        old = (
            o
            for (section, o), new in self.renamed.items()
            if new == name and section == place[0] and o in table
        )
        return name if name in table else next(old, name)

    def _unknown(self, name: str, known: tuple[str, ...], place: Place) -> str:
        """What to say of a key nobody knows: the nearest one here, or where it belongs."""
        near = did_you_mean(name, known)
        home = next((home for home, keys in self.homes.items() if name in keys), None)
        if not near and home is not None and not (place and home == f"[{place[0]}]"):
            return f"unknown key here: it belongs to {home}"
        return f"unknown key{near}" if near else f"unknown key; known here: {', '.join(known)}"


def convert(key: Key, value: object, base: Path) -> Any:
    """The value as the model wants it. Raises ConfigError with what is wrong and what is allowed;
    a secret is never part of the text."""
    match key.kind:
        case "raw":
            return value
        case "bool":
            if not isinstance(value, bool):
                raise _wrong_type("true or false", value)
            return value
        case "int" | "pin":
            if not isinstance(value, int) or isinstance(value, bool):
                wanted = "a BCM pin number" if key.kind == "pin" else "a whole number"
                raise _wrong_type(wanted + _bounds(key), value)
            _check_bounds(key, value)
            return value
        case "number":
            number = _number(value, key)
            _check_bounds(key, number)
            return number
        case "range":
            return _range(value, key)
    return _convert_text(key, value, base)


def _convert_text(key: Key, value: object, base: Path) -> Any:
    if not isinstance(value, str):
        wanted = {
            "duration": 'a duration in quotes, such as "60s"',
            "size": 'a size in quotes, such as "64MB"',
            "rate": 'a rate in quotes, such as "10/1m"',
        }
        raise _wrong_type(wanted.get(key.kind, "a text in quotes"), value)
    match key.kind:
        case "secret":
            return parse_ref(value, base)
        case "path":
            if not value or "\0" in value:
                raise ConfigError("must be a path")
            return base / value
    try:
        match key.kind:
            case "duration":
                seconds = parse_duration(value)
                _check_bounds(key, seconds)
                return seconds
            case "size":
                size = parse_size(value)
                _check_bounds(key, size)
                return size
            case "rate":
                return parse_rate(value)
    except ConfigError as exc:
        raise ConfigError(f"{quote(value)} {exc}") from exc
    if key.choices and value not in key.choices:
        allowed = ", ".join(quote(choice) for choice in key.choices)
        raise ConfigError(
            f"{quote(value)} is not one of {allowed}{did_you_mean(value, key.choices)}"
        )
    if key.matches and not re.fullmatch(key.matches, value):
        raise ConfigError(f"{quote(value)} is not allowed: {key.allowed}")
    return value


def _number(value: object, key: Key) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong_type("a number" + _bounds(key), value)
    if not abs(value) <= _LARGEST:  # catches nan too; before float(), which large integers overflow
        raise ConfigError(f"must be a number{_bounds(key) or f' within ±{_LARGEST:g}'}")
    return float(value)


def _range(value: object, key: Key) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ConfigError("must be two numbers, the lowest and the highest, such as [-40, 80]")
    low, high = (_number(bound, key) for bound in value)
    if not low < high:
        raise ConfigError(f"the lowest ({low:g}) must be below the highest ({high:g})")
    return low, high


def _check_bounds(key: Key, value: float) -> None:
    if key.between is not None and not key.between[0] <= value <= key.between[1]:
        raise ConfigError(f"must be{_bounds(key)}")


def _bounds(key: Key) -> str:
    if key.between is None:
        return ""
    low, high = (_show(key, bound) for bound in key.between)
    return f" from {low} to {high}"


def _show(key: Key, bound: float) -> str:
    if key.kind == "duration":
        return show_duration(bound)
    if key.kind == "size":
        return show_size(int(bound))
    return str(int(bound)) if math.isfinite(bound) and bound == int(bound) else f"{bound:g}"


def _wrong_type(wanted: str, value: object) -> ConfigError:
    # The value itself stays unsaid: it could be a secret in the wrong place.
    return ConfigError(f"must be {wanted}, not {type_name(value)}")


def type_name(value: object) -> str:
    """What the operator wrote, in TOML's words."""
    names: dict[type, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a table",
    }
    if isinstance(value, date | time):
        return "a date or time"
    return names.get(type(value), "something else")
