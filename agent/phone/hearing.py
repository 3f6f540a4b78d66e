"""What a caller's entry amounts to. Pure."""

from __future__ import annotations

from agent.config.menus import Menu
from agent.phone.prompts import heard_as
from agent.protocol.calls import Entry, Keys, Spoken


def digits_in(entry: Entry) -> str:
    """Digits that were keyed in or spoken; none for anything else."""
    match entry:
        case Keys(digits) if digits.isdecimal():
            return digits
        case Spoken(text):
            bare = heard_as(text)
            return bare if bare.isascii() and bare.isdecimal() else ""
    return ""


def understood(menu: Menu, words: Spoken) -> str | None:
    """The target of what was said, if the service is sure enough of it."""
    if words.confidence is not None and words.confidence < menu.min_confidence:
        return None
    heard = heard_as(words.text)
    found = (to for said, to in menu.speech.items() if heard_as(said) == heard)
    return next(found, None)
