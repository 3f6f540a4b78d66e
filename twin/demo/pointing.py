"""A configuration of the agent, pointed at the twin: text in, text out. Pure."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

Value = str | int | bool | None


class NotPointed(Exception):
    """The text cannot be changed so; one line that says why."""


def changed(text: str, changes: Mapping[str, Mapping[str, Value]]) -> str:
    """The TOML ``text`` with these keys, by section, set (None: taken out), the rest as it was.

    A section that is not there is added. Raises NotPointed where that does not come out right:
    the text is no TOML, or writes these sections in some way unheard of.
    """
    for name, keys in changes.items():
        text = _section_changed(text, name, keys)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise NotPointed(f"not a configuration: {exc}") from exc
    for name, keys in changes.items():
        section = tables.get(name)
        if not isinstance(section, dict) or any(
                section.get(key) != value for key, value in keys.items()):
            raise NotPointed(f"[{name}] is not written as a plain section")
    return text


def _section_changed(text: str, name: str, keys: Mapping[str, Value]) -> str:
    added = [f"{key} = {json.dumps(value, ensure_ascii=False)}"
             for key, value in keys.items() if value is not None]
    section = re.search(rf"^\[{name}\][^\n]*(?:\n(?!\[).*)*", text, re.M)
    if section is None:
        return "\n".join([text.rstrip("\n"), f"[{name}]", *added, ""])
    head, *lines = section[0].split("\n")
    names = "|".join(map(re.escape, keys))
    kept = [line for line in lines if not re.match(rf"\s*(?:{names})\s*=", line)]
    return text[:section.start()] + "\n".join([head, *added, *kept]) + text[section.end():]
