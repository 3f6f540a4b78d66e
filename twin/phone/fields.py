"""Reads the fields of a JSON object that somebody else wrote, and gathers what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin.phone.settings import LONGEST_TEXT


class Fields:
    """The fields of one object. A field that is missing, ``null`` or wrong reads as its default;
    what was wrong is in ``errors``, each with ``where`` before it."""

    def __init__(self, content: Mapping[str, Any], where: str = "") -> None:
        self._content = content
        self._where = where
        self.errors: list[str] = []

    def __contains__(self, name: str) -> bool:
        return self._content.get(name) is not None

    def wrong(self, error: str) -> None:
        self.errors.append(f"{self._where}{error}")

    def raw(self, name: str) -> Any:
        return self._content.get(name)

    def string(self, name: str, *, most: int | None = None) -> str:
        value = self._content.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.wrong(f"'{name}' is not a string")
            return ""
        if most is not None and len(value) > most:
            self.wrong(f"'{name}' is longer than {most} characters")
        return value

    def text(self) -> str:
        """``text``; absent is the same as empty: nothing is spoken (T-35)."""
        return self.string("text", most=LONGEST_TEXT)

    def voice(self) -> str:
        value = self._content.get("promptMode")
        if value is None:
            return "M"
        if value not in ("M", "F"):
            self.wrong("'promptMode' is neither M nor F")
            return "M"
        return str(value)

    def flag(self, name: str) -> bool:
        """A boolean; the strings ``true`` and ``false`` do too, as one document shows them."""
        value = self._content.get(name)
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if value is None or isinstance(value, bool):
            return bool(value)
        self.wrong(f"'{name}' is neither true nor false")
        return False

    def number(self, name: str, least: int, most: int, default: int) -> int:
        value = self._content.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(f"'{name}' is not a whole number")
            return default
        if not least <= value <= most:
            self.wrong(f"'{name}' is not within {least} and {most}")
            return default
        return value
