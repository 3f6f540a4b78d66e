"""Reads an uploaded menu (T-24): its nodes as turns, or everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from twin.phone.errors import syntax_errors
from twin.phone.fields import Fields
from twin.phone.turn import (
    ANY_KEY,
    CONFIG,
    CUSTOM,
    END,
    MAIN,
    Keys,
    Turn,
    legal,
    plays,
    reserved,
)

Menu = Mapping[str, Turn]
"""The nodes a call can be at, by name; MAIN is where it starts."""

NOTHING_BUT_A_QUESTION: Menu = {MAIN: Turn(MAIN, next_node=CUSTOM)}
"""What an interactive call-out walks (T-27)."""


def read_menu(nodes: Any, timeout: float) -> Menu:
    """The nodes of ``ivrData``; a node waits ``timeout`` seconds for its key. Raises TasError.

    Names that stand there twice and jumps to nowhere are refused, though no document says so.
    """
    if nodes is None:
        raise syntax_errors(["missing 'ivrData'"])
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise syntax_errors(["'ivrData' is not an array of objects"])
    errors: list[str] = []
    turns = [_turn(node, number, timeout, errors) for number, node in enumerate(nodes, 1)]
    named = Counter(turn.node for turn in turns if turn is not None)
    if not named[MAIN]:
        errors.append("missing node 'MAIN'")
    errors += [f"node '{name}' occurs {count} times" for name, count in named.items() if count > 1]
    menu = {turn.node: turn for turn in turns if turn is not None and turn.node != CONFIG}
    errors += [f"node '{turn.node}' leads to '{target}', which does not exist"
               for turn in menu.values() for target in _targets(turn)
               if target not in menu and target not in (END, CUSTOM)]
    if errors:
        raise syntax_errors(errors)
    return menu


def _turn(content: Mapping[str, Any], number: int, timeout: float, errors: list[str],
          ) -> Turn | None:
    """None for a node without a usable name."""
    name = content.get("node")
    if not isinstance(name, str):
        errors.append(f"missing 'node' in node {number}")
        return None
    name = reserved(name)
    if name == CONFIG:
        return Turn(CONFIG)
    if name != MAIN and not legal(name):
        errors.append(f"illegal name of node {number}")
        return None
    fields = Fields(content, f"node '{name}': ")
    lines = plays(fields.text(), fields.voice())
    targets = _key_map(fields)
    listen = (Keys(1, timeout, targets, hash_ends=False) if fields.flag("collectDTMF") else None)
    next_node = reserved(fields.string("nextNode"))
    if next_node == CONFIG:
        fields.wrong("'nextNode' may not be CONFIG")
    if listen is not None or targets is not None or not next_node:
        next_node = END  # T-39: beside keys it has no effect
    errors += fields.errors
    return Turn(name, lines, listen, next_node)


def _key_map(fields: Fields) -> Mapping[str, str] | None:
    found = fields.raw("DTMF")
    if found is None:
        return None
    if not isinstance(found, dict):
        fields.wrong("'DTMF' is not an object")
        return None
    targets = {}
    for key, target in found.items():
        if len(key) != 1 or key not in ANY_KEY:
            fields.wrong("'DTMF' knows the keys 0 to 9 only")
        elif not isinstance(target, str) or reserved(target) in (END, CONFIG):
            fields.wrong(f"'DTMF' {key} is neither a node nor CUSTOM")
        else:
            targets[key] = reserved(target)
    return targets


def _targets(turn: Turn) -> set[str]:
    keys = turn.listen.targets if isinstance(turn.listen, Keys) else None
    return {turn.next_node or END, *(keys or {}).values()} - {CONFIG}
