"""The menu that is put on the service: what it says, whether it is ours, and what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agent.phone import upload
from agent.phone.nodes import HELPERS
from tests.config.menus import book_of

MENUS = """\
[menu.main]
say = "{say}"
keys = { 1 = "end" }
"""
Node = Mapping[str, object]
MAIN: Node = {"node": "MAIN", "nextNode": "CUSTOM"}
HELPER: Node = {"node": HELPERS[0], "nextNode": "CUSTOM"}


def main_node(folder: Path, say: str, top: str = "") -> Node:
    return upload.nodes(book_of(folder, top + MENUS.replace("{say}", say)))[0]


@pytest.mark.req("T-06", "T-24")
def test_one_main_and_the_helpers_lead_to_the_agent(tmp_path: Path) -> None:
    uploaded = upload.nodes(book_of(tmp_path, MENUS.replace("{say}", "按一。")))
    assert [node["node"] for node in uploaded] == ["MAIN", *HELPERS]
    assert {node["nextNode"] for node in uploaded} == {"CUSTOM"}


@pytest.mark.req("T-24", "T-35")
def test_what_main_says(tmp_path: Path) -> None:
    assert main_node(tmp_path, "溫室您好。結束請按一。") == {
        **MAIN, "text": "溫室您好。", "promptMode": "F"}  # fmt: skip
    assert main_node(tmp_path, "您好。按一。", 'voice = "M"\n')["promptMode"] == "M"
    assert main_node(tmp_path, "結束請按一。") == MAIN
    # The service knows no readings.
    assert main_node(tmp_path, "溫室{temperature}。結束請按一。") == MAIN


@pytest.mark.parametrize("menu", [
    [MAIN, HELPER],
    [HELPER, MAIN],
    [{**MAIN, "text": "早安", "promptMode": "F"}, HELPER],
    [{**MAIN, "collectDTMF": False, "DTMF": {}, "text": None}, {**HELPER, "promptMode": "M"}],
    [MAIN, *({"node": name, "nextNode": "CUSTOM"} for name in HELPERS)],
])  # fmt: skip
def test_ours(menu: Sequence[Node]) -> None:
    assert upload.is_ours(menu)


@pytest.mark.parametrize("menu", [
    [],
    [MAIN],
    [HELPER, {"node": "MAIN", "text": "別人的", "nextNode": "END"}],
    [MAIN, HELPER, {"node": "weather", "nextNode": "CUSTOM"}],
    [MAIN, HELPER, {"node": "CONFIG"}],
    [MAIN, {**HELPER, "text": "別人的"}],
    [MAIN, {**HELPER, "nextNode": "MAIN"}],
    [{**MAIN, "collectDTMF": True}, HELPER],
    [{**MAIN, "collectDTMF": True, "DTMF": {"1": "more0"}}, HELPER],
    [MAIN, HELPER, {"nextNode": "CUSTOM"}],
    [MAIN, HELPER, {"node": ["MAIN"], "nextNode": "CUSTOM"}],
])  # fmt: skip
def test_not_ours(menu: Sequence[Node]) -> None:
    assert not upload.is_ours(menu)


def test_only_what_means_something_is_a_difference() -> None:
    menu = [MAIN, HELPER]
    as_told = [{**HELPER, "collectDTMF": False}, {**MAIN, "text": "", "promptMode": "M"}]
    assert upload.difference(menu, menu) == upload.difference(as_told, menu) == ()
    changed = upload.difference(menu, [{**MAIN, "text": "早安"}, HELPER])
    assert next(line for line in changed if "早安" in line).startswith("+")
    assert sum(line.startswith("-{") for line in changed) == 1
    assert all(line.startswith(("+", "@", "-")) for line in upload.difference([], menu))
