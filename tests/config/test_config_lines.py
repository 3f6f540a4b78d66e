from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from agent.config.lines import locate
from agent.config.problems import Place

TEXT = '''\
top = 1
[platform]
host = "a#b"   # not = here
"quoted key" = '[x]'
a.b."c d" = 2

[[sensor]]
id = "one"
valid = [
  -40,   # ]
  80,
]
text = """
[no.header]
x = 1
"""
[[sensor]]
id = "two"
commands = { on = "on", ring = { pulse = "1s" } }
empty = {}
after = [[1, 2], { x = 1 }]
[sensor.extra]
key = true
[[sensor.part]]
n = 1
[[sensor.part]]
n = 2
[ spaced . "name" ]
z = 1979-05-27T07:32:00Z
'''


def test_every_key_has_its_line() -> None:
    tomllib.loads(TEXT)
    lines = locate(TEXT)
    expected: dict[Place, int] = {
        ("top",): 1,
        ("platform",): 2,
        ("platform", "host"): 3,
        ("platform", "quoted key"): 4,
        ("platform", "a"): 5,
        ("platform", "a", "b", "c d"): 5,
        ("sensor",): 7,
        ("sensor", 0): 7,
        ("sensor", 0, "id"): 8,
        ("sensor", 0, "valid"): 9,
        ("sensor", 0, "valid", 0): 10,
        ("sensor", 0, "valid", 1): 11,
        ("sensor", 0, "text"): 13,
        ("sensor", 1): 17,
        ("sensor", 1, "id"): 18,
        ("sensor", 1, "commands", "ring", "pulse"): 19,
        ("sensor", 1, "empty"): 20,
        ("sensor", 1, "after", 0, 1): 21,
        ("sensor", 1, "after", 1, "x"): 21,
        ("sensor", 1, "extra"): 22,
        ("sensor", 1, "extra", "key"): 23,
        ("sensor", 1, "part", 0, "n"): 25,
        ("sensor", 1, "part", 1): 26,
        ("sensor", 1, "part", 1, "n"): 27,
        ("spaced", "name"): 28,
        ("spaced", "name", "z"): 29,
    }
    assert {place: lines.get(place) for place in expected} == expected
    assert ("no", "header") not in lines


keys = st.text("ab-é \"'=#[", min_size=1, max_size=4)
leaves = st.booleans() | st.integers(-9, 9) | st.text("x=[]{},#\"'\\\n", max_size=5)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_any_table_written_line_by_line_is_found_again(table: dict[str, object]) -> None:
    text = "".join(
        f'# comment [x] = "\n{_toml(key)} = {_toml(value)}\n' for key, value in table.items()
    )
    assert tomllib.loads(text) == table
    lines = locate(text)
    for number, key in enumerate(table):
        assert lines[(key,)] == 2 * number + 2
        for place in _places((key,), table[key]):
            assert lines[place] == 2 * number + 2


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return str(value)


def _places(place: Place, value: object) -> list[Place]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [found for part, child in inner
            for found in [(*place, part), *_places((*place, part), child)]]  # fmt: skip
