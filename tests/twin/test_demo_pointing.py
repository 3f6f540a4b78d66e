"""A configuration is pointed at the demo's twin, and stays what it was otherwise."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from twin.demo.__main__ import CONFIG
from twin.demo.pointing import NotPointed, Value, changed

CHANGES: dict[str, dict[str, Value]] = {
    "platform": {"host": "h", "port": 4321, "tls": False, "key": None},
    "registry": {"product_code": "demo"},
}


def expected(text: str) -> dict[str, Any]:
    tables = tomllib.loads(text)
    for name, keys in CHANGES.items():
        section = {**tables.get(name, {}), **keys}
        tables[name] = {key: value for key, value in section.items() if value is not None}
    return tables


@pytest.mark.parametrize("text", [
    '[platform]\nhost = "x"\nport = 1\ntls = true\nkey = "k"\n\n[hardware]\nbackend = "pi"\n',
    '# port = 9\n[hardware]\nbackend = "pi"\n[platform] # ours\nhost = "x"\nkeepalive = "9s"',
    "[hardware]\n",
    "",
    CONFIG.read_text(encoding="utf-8"),
])
def test_only_what_is_to_change_changes(text: str) -> None:
    assert tomllib.loads(changed(text, CHANGES)) == expected(text)


def test_comments_and_order_stay() -> None:
    text = "# first\n[platform]\nport = 1  # mine\n# then\nkeepalive = 1\n[x]\n# last\n"
    assert changed(text, {"platform": {"port": 2}}) == (
        "# first\n[platform]\nport = 2\n# then\nkeepalive = 1\n[x]\n# last\n")


@pytest.mark.parametrize(("text", "why"), [
    ("platform.port = 1\n", "not a configuration"),
    ("[platform\n", "not a configuration"),
    ("[platform]\n[platform.x]\n[[y]]\nz = '''\n[platform]\n'''\n[ platform ]\n", "not a"),
    ("x = '''\n[platform]\n[registry]\n'''\n", "not written as a plain section"),
])
def test_what_cannot_be_changed_is_told(text: str, why: str) -> None:
    with pytest.raises(NotPointed, match=why):
        changed(text, CHANGES)
