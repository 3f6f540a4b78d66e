"""The few nodes that the service itself walks: all else is said turn by turn (decision 9). Pure.

``MAIN`` greets at once, even while the agent is slow, and asks. The helpers let a long text go on
in a second turn (T-06).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import unified_diff

from agent.config.menus import MAIN, Book
from agent.phone import prompts, speech
from agent.phone.nodes import HELPERS
from agent.protocol.phone_service import Node
from agent.protocol.telephone import MAX_TEXT

_DEFAULTS: Mapping[str, object] = {"text": "", "promptMode": "M", "collectDTMF": False, "DTMF": {}}
"""Attributes of a node that mean nothing so (T-24, T-35)."""


def greeting(book: Book) -> str:
    """What ``MAIN`` says: the sentences of the main menu before those that tell keys. "" where a
    reading stands in them, which the service does not know, or they are too long."""
    main = book.menus[MAIN.removeprefix("menu.")]
    said = prompts.greeting(main.say, main.language or book.language).strip()
    return "" if speech.fields(said) or len(said) > MAX_TEXT else said


def nodes(book: Book) -> tuple[Node, ...]:
    """What is uploaded (T-24)."""
    main: dict[str, object] = {"node": "MAIN", "nextNode": "CUSTOM"}
    if said := greeting(book):
        main |= {"text": said, "promptMode": book.voice}
    return (main, *({"node": name, "nextNode": "CUSTOM"} for name in HELPERS))


def is_ours(uploaded: Sequence[Node]) -> bool:
    """Whether :func:`nodes` made it, whatever it greets with and how many helpers it has."""
    helpers = []
    for node in map(_bare, uploaded):
        name = node.pop("node", None)
        if name == "MAIN":
            node.pop("text", None)
            node.pop("promptMode", None)
        elif name in HELPERS:
            helpers.append(name)
        else:
            return False
        if node != {"nextNode": "CUSTOM"}:
            return False
    return bool(helpers)


def difference(before: Sequence[Node], after: Sequence[Node]) -> tuple[str, ...]:
    """Lines that tell what changes, as ``diff -u`` writes them; none when nothing does."""
    return tuple(
        line.rstrip("\n")
        for line in unified_diff(_lines(before), _lines(after), "on the service", "configured", n=1)
    )


def _lines(menu: Sequence[Node]) -> list[str]:
    """One line for each node. Their order means nothing, so MAIN comes first."""
    lines = sorted((node.get("node") != "MAIN", _line(_bare(node))) for node in menu)
    return [line for _, line in lines]


def _line(node: Node) -> str:
    return json.dumps(node, ensure_ascii=False, sort_keys=True) + "\n"


def _bare(node: Node) -> dict[str, object]:
    """Without what leaving it out says as well, since the service may write it all the same."""
    return {
        name: value
        for name, value in node.items()
        if value is not None and (name not in _DEFAULTS or value != _DEFAULTS[name])
    }
