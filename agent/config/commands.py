"""``commands``: from each word that moves an actuator to what it does (decision 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.config.model import Action
from agent.config.problems import Place, quote
from agent.config.reader import Reader, type_name
from agent.config.schema import DAY, Key
from agent.hardware.ports import Range
from agent.values import shortest

ACTION_KEYS = (
    Key("pulse", "duration", between=(0.001, DAY)),
    Key("value", "number"),
)
LONGEST_WORD = 64


def words(levels: Range) -> dict[str, Action]:
    """The actions that have a name; they are also the commands where no table is given."""
    named = {word: Action("set", level) for word, level in levels.words.items()}
    return named | {"toggle": Action("toggle")} if _switches(levels) else named


def read_commands(reader: Reader, value: object, place: Place, levels: Range) -> dict[str, Action]:
    """The good words of a table of commands; the others are reported."""
    if not isinstance(value, dict):
        reader.findings.error(
            place, f'must be a table of words, such as {{ on = "on" }}, not {type_name(value)}'
        )
        return {}
    if not value:
        reader.findings.error(
            place,
            f"is empty: nothing could move it; leave it out for {', '.join(words(levels))}",
        )
    commands = {}
    for word, does in value.items():
        here = (*place, word)
        wrong = _bad_word(word)
        if wrong:
            reader.findings.error(here, wrong)
        action = _action(reader, does, here, levels)
        if action is not None:
            commands[word] = action
    return commands


def _bad_word(word: str) -> str | None:
    if not word or len(word) > LONGEST_WORD or word != word.strip() or not word.isprintable():
        return f"a command is 1 to {LONGEST_WORD} printable characters without blanks around it"
    if word == "unknown" or word.lower().startswith("error"):
        # A success is acknowledged with the word itself.
        return "is what an acknowledgement says when it failed: choose another word"
    return None


def _action(reader: Reader, does: object, place: Place, levels: Range) -> Action | None:
    named = words(levels)
    if isinstance(does, str) and does in named:
        return named[does]
    allowed = f"{', '.join(map(quote, named))} or {{ pulse = \"500ms\" }}"
    if levels.continuous:
        allowed += f" or {{ value = {shortest((levels.low + 3 * levels.high) / 4)} }}"
    if not isinstance(does, dict):
        reader.findings.error(place, f"must be {allowed}")
        return None
    if not does:
        reader.findings.error(place, f"is empty; it must be {allowed}")
        return None
    before = len(reader.findings)
    keys = [replace(key, between=(levels.low, levels.high)) if key.name == "value" else key
            for key in ACTION_KEYS]  # fmt: skip
    read: dict[str, Any] = reader.table(keys, does, place)
    level = read.get("value", levels.high)
    if "value" in read and not levels.continuous and level not in levels.words.values():
        known = " and ".join(map(quote, levels.words)).replace('"', "")
        reader.findings.error((*place, "value"), f"this driver knows {known} only: {allowed}")
    if "value" not in does and not _switches(levels):
        reader.findings.error(place, f"needs a value besides, from {_span(levels)}")
    if len(reader.findings) > before:
        return None
    if "pulse" not in read:
        return Action("set", level)
    if level == 0:
        reader.findings.error((*place, "value"), "must not be 0 in a pulse, which ends there")
        return None
    return Action("pulse", level, read["pulse"])


def _switches(levels: Range) -> bool:
    """On and off are among its words."""
    return "on" in levels.words


def _span(levels: Range) -> str:
    return f"{shortest(levels.low)} to {shortest(levels.high)}"
