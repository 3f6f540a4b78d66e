"""What is typed in the demo means what its help says."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.demo.prompt import Board, Command, Quit, Show, help_text, things_of, understand

THINGS = things_of(tomllib.loads("""
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
[[sensor]]
id = "door"
driver = "button"
pin = 23
[[sensor]]
id = "load"
driver = "load_average"
[[actuator]]
id = "lamp"
commands = { on = "on", flash = { pulse = "1s" } }
[[actuator]]
id = "fan"
"""))


@pytest.mark.parametrize(("line", "meaning"), [
    ("lamp on\n", Command("lamp", "on")),
    ("lamp  blink twice ", Command("lamp", "blink twice")),  # the agent is to refuse it
    ("press", Board("press 23")),
    ("press door", Board("press 23")),
    ("press bell", Show("no button bell; there is: door")),
    ("unplug temperature", Board("fault dht22@4 unplugged")),
    ("plug", Board("clear dht22@4")),
    ("unplug load", Show("no sensor to unplug load; there is: temperature")),
    ("lamp", Show("lamp what? lamp on | flash")),
    ("lmap on", Show("lmap is nothing here; help shows what is")),
    ("quit", Quit()),
    ("\n", Show("")),
])
def test_a_line_and_its_meaning(line: str, meaning: object) -> None:
    assert understand(line, THINGS) == meaning


def test_help_names_everything_and_help_shows_it() -> None:
    text = help_text(THINGS)
    for word in ("lamp on | flash", "fan on | off | toggle", "press door", "temperature", "quit"):
        assert word in text
    assert understand("help", THINGS) == Show(text)


def test_without_things_there_is_nothing_to_press() -> None:
    assert understand("press", things_of({})) == Show("no button here; there is: none")


@given(st.text())
def test_any_line_has_a_meaning(line: str) -> None:
    assert isinstance(understand(line, THINGS), Command | Board | Show | Quit)
