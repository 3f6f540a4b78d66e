"""Texts put together, and what they need."""

from __future__ import annotations

from collections.abc import Iterable

from agent.phone import speech


def sensors_in(text: str) -> tuple[str, ...]:
    """The sensors a configured text speaks of, each once."""
    named = (field.sensor for field in speech.fields(text) if field.sensor)
    return tuple(dict.fromkeys(named))


def joined(texts: Iterable[str]) -> str:
    """Sentences one after the other; a blank between two of which the first is not Chinese."""
    found = ""
    for text in texts:
        if found and text and found[-1].isascii() and not found[-1].isspace():
            found += " "
        found += text
    return found.strip()
