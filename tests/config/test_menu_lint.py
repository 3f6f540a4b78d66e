"""What ``check`` says of menus that load, but are hard to use or too easy to misuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.menus import MAIN, book_of, look_at_menus, said_of_menus

PIN = '[pin]\nhash = "credential:phone-pin"\n[callers]\nallow = ["0900000001"]\n'
LAMP = """\
[menu.lamp]
auth = "pin"
say = "開燈請按一。"
keys = { 1 = "do.on" }
[do.on]
command = { actuator = "lamp", cmd = "on" }
"""


def main(say: str, keys: str, more: str = "") -> str:
    """A first menu whose reading has all it needs."""
    return (
        f"[menu.main]\nsay = '{say}'\nkeys = {{ {keys} }}\n{more}"
        "[read.temperature]\nsay = '{temperature}。'\n"
    )


def lint(folder: Path, menus: str) -> list[str]:
    return said_of_menus(look_at_menus(folder, menus))


def test_a_good_menu_has_nothing_to_be_said_of(tmp_path: Path) -> None:
    menus = main("溫度請按一，電燈請按二。", "1 = 'read.temperature', 2 = 'menu.lamp'")
    assert lint(tmp_path, menus + LAMP + PIN) == []


def test_who_is_behind_the_pin(tmp_path: Path) -> None:
    menus = main("溫度請按一，電燈請按二。", "1 = 'read.temperature', 2 = 'menu.lamp'")
    assert book_of(tmp_path, menus + LAMP + PIN).guarded == {"menu.lamp", "do.on"}
    # The second way leads past the PIN.
    other = "[menu.other]\nsay = '開燈請按一。'\nkeys = { 1 = 'do.on' }\n"
    menus = menus.replace("按二。", "按二，其他請按三。").replace(
        "'menu.lamp'", "'menu.lamp', 3 = 'menu.other'"
    )
    book = book_of(tmp_path, menus + LAMP + PIN + other)
    assert book.guarded == {"menu.lamp"}
    assert book.ways == {"main": ("main",), "lamp": ("main", "lamp"), "other": ("main", "other")}


def test_what_moves_something_without_pin_or_asking(tmp_path: Path) -> None:
    menus = main("溫度請按一，電燈請按二。", "1 = 'read.temperature', 2 = 'menu.lamp'")
    text = menus + LAMP.replace('auth = "pin"\n', "") + "confirm = false\n"
    assert lint(tmp_path, text) == [
        "[None callers: nobody is in allow, so no caller can reach any [do.NAME]]",
        "[9 do.on: moves lamp without the PIN: a caller's number is easily feigned]",
        "[11 do.on.confirm: moves lamp by one key, without asking]",
    ]
    assert lint(tmp_path, text.replace("confirm = false", "auth = 'pin'") + PIN) == []


@pytest.mark.parametrize(
    ("say", "keys", "expected"),
    [
        ("請按一。", "1 = 'read.temperature', 2 = 'end'", ["does not tell what 2 does"]),
        ("請按一，或按三。", "1 = 'read.temperature'", ["tells 3, which the menu does not have"]),
        ("您好。", "1 = 'read.temperature', 2 = 'end'", ["does not tell what 1, 2 do"]),
        ("請按一，重聽請按九，回上一層請按零。", "1 = 'read.temperature'", []),
        ("請按 1，for English press 2.", "1 = 'read.temperature', 2 = 'end'", []),
        ("按一下井字鍵。溫度請按１。", "1 = 'read.temperature'", []),
    ],
)
def test_spoken_keys_and_map(tmp_path: Path, say: str, keys: str, expected: list[str]) -> None:
    found = lint(tmp_path, main(say, keys))
    assert found == [f"[2 menu.main.say: {text}]" for text in expected]


def test_keys_that_are_taken_elsewhere(tmp_path: Path) -> None:
    menus = main("請按九，請按零。", "9 = 'read.temperature', 0 = 'end'")
    assert lint(tmp_path, menus) == [
        "[3 menu.main.keys.9: is the key that says it again everywhere else]",
        "[3 menu.main.keys.0: is the key that goes back everywhere else]",
    ]
    assert lint(tmp_path, 'repeat_key = "7"\nback_key = "8"\n' + menus) == []


def test_more_than_five_options(tmp_path: Path) -> None:
    say = "".join(f"請按{sign}，" for sign in "一二三四五六")
    keys = ", ".join(f"{key} = 'read.temperature'" for key in range(1, 7))
    assert lint(tmp_path, main(say, keys)) == [
        "[3 menu.main.keys: has 6 options: nobody keeps more than five in mind]"
    ]


def test_more_than_three_levels_and_who_is_never_reached(tmp_path: Path) -> None:
    menus = main("溫度請按一，下一層請按二。", "1 = 'read.temperature', 2 = 'menu.b'")
    for here, there in ("bc", "cd", "xy"):
        menus += f"[menu.{here}]\nsay = '請按一。'\nkeys = {{ 1 = 'menu.{there}' }}\n"
    menus += "[menu.d]\nsay = '請按一。'\nkeys = { 1 = 'end' }\n"
    menus += "[menu.y]\nsay = '請按一。'\nkeys = { 1 = 'menu.x' }\n"
    assert lint(tmp_path, menus) == [
        "[12 menu.x: no caller gets here: no way leads from menu.main to it]",
        "[15 menu.d: lies 4 levels deep: callers lose their way after three]",
        "[18 menu.y: no caller gets here: no way leads from menu.main to it]",
    ]


def test_readings_that_lead_round_in_a_circle(tmp_path: Path) -> None:
    menus = MAIN + "then = 'read.b'\n[read.b]\nsay = 'b'\nthen = 'read.temperature'\n"
    assert lint(tmp_path, menus) == [
        "[6 read.temperature.then: leads back here without a key being pressed]",
        "[9 read.b.then: leads back here without a key being pressed]",
    ]


def test_a_long_prompt(tmp_path: Path) -> None:
    assert lint(tmp_path, main("溫" * 76 + "請按一。", "1 = 'read.temperature'")) == []
    assert lint(tmp_path, main("溫" * 77 + "請按一。", "1 = 'read.temperature'")) == [
        "[2 menu.main.say: is 81 characters long: nobody listens for more than 20 s,"
        " which is about 80]"
    ]
