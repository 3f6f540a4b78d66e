"""State words, error texts, durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import Action
from agent.control.words import clipped, error_text, seconds, state_word
from tests.control.fakes import OFF, ON, TOGGLE, lamp

CHINESE = {"切換": TOGGLE, "響": Action("pulse", 1.0, 0.5), "開": ON, "on": ON, "關": OFF}
STEPS = {"low": Action("set", 0.3), "on": ON, "off": OFF}


@pytest.mark.req("P-11")
@pytest.mark.parametrize(
    ("commands", "level", "word"),
    [
        ({"on": ON, "off": OFF}, 1.0, "on"),
        ({"on": ON, "off": OFF}, 0.0, "off"),
        (CHINESE, 1.0, "開"),
        (CHINESE, 0.0, "關"),
        (STEPS, 0.3, "low"),
        (STEPS, 0.35, "0.35"),
        ({"ring": Action("pulse", 1.0, 0.5)}, 1.0, "on"),
        ({"ring": Action("pulse", 1.0, 0.5)}, 0.0, "off"),
        ({"toggle": TOGGLE}, 1.0, "on"),
        ({}, 0.5, "0.5"),
        ({"on": ON}, None, "unknown"),
    ],
)
def test_a_state_is_the_configured_word(
    commands: dict[str, Action], level: float | None, word: str
) -> None:
    assert state_word(lamp(commands=commands), level) == word


@pytest.mark.req("P-11")
def test_one_is_on_only_where_it_is_the_most() -> None:
    servo = lamp(commands={"shut": Action("set", 0.0)}, levels=(0.0, 180.0))
    assert [state_word(servo, level) for level in (0.0, 1.0, 90.5)] == ["shut", "1", "90.5"]
    motor = lamp(commands={"up": ON, "down": Action("set", -1.0)}, levels=(-1.0, 1.0))
    assert [state_word(motor, level) for level in (1.0, -1.0, 0.0, -0.5)] == [
        "up", "down", "0", "-0.5",
    ]  # fmt: skip


@pytest.mark.req("P-11")
@given(st.text(max_size=300))
def test_an_error_ack_is_one_short_printable_line(reason: str) -> None:
    text = error_text(reason)
    assert text.startswith("error: ")
    assert len(text) <= 100
    assert text.isprintable()


def test_clipping_shows_that_something_is_missing() -> None:
    assert clipped("abcdef", 6) == "abcdef"
    assert clipped("abcdefg", 6) == "abcde…"
    assert clipped("a\nb\x00", 6) == "a?b?"


@pytest.mark.parametrize(
    ("duration", "text"),
    [(0.3, "0.3 s"), (0.04, "0.1 s"), (9.99, "10 s"), (12.0, "12 s"), (12.1, "13 s")],
)
def test_a_wait_is_never_told_too_short(duration: float, text: str) -> None:
    assert seconds(duration) == text
