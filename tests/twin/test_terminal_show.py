"""What is heard, as lines of a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.terminal.events import Ended, Listening, Music, Other, Spoken, Trouble
from twin.terminal.show import done, heard, width, wrap
from twin.terminal.steps import Keys, Say


def test_lines_tell_time_and_voice() -> None:
    assert heard(Spoken("早安", "F"), 62.9, 80) == ["01:02  F  早安"]
    assert heard(Spoken("早安", "M"), 0, 80) == ["00:00  M  早安"]
    assert heard(Music(), 3, 80) == ["00:03     (music)"]
    assert heard(Listening("keys", 10.0), 3, 80) == ["00:03     (the service listens: keys, 10 s)"]
    assert heard(Listening("speech"), 3, 80) == ["00:03     (the service listens: speech)"]
    assert heard(Ended("the service hung up"), 4, 80) == [
        "00:04     the call ended: the service hung up"]
    assert heard(Trouble("no call"), 4, 80) == ["00:04  !  no call"]
    assert heard(Other("ringing"), 4, 80) == ["00:04     (ringing)"]
    assert heard(Other(""), 4, 80) == []
    assert done(Keys("12#"), 5, 80) == ["00:05  >  12#"]
    assert done(Say("台北", 0.6), 5, 80) == ["00:05  >  「台北」 /0.6"]


def test_a_long_text_is_broken_at_the_width_with_its_lines_below_each_other() -> None:
    assert heard(Spoken("目前氣溫二十五度，天氣晴朗，請記得多喝水"), 0, 30) == [
        "00:00  M  目前氣溫二十五度，天",
        "          氣晴朗，請記得多喝水",
    ]


@pytest.mark.parametrize(("text", "lines"), [
    ("台北天氣晴", ["台北", "天氣", "晴"]),
    ("一二，三", ["一", "二，", "三"]),
    ("ab cd", ["ab", "cd"]),
    ("abcdefg", ["abcd", "efg"]),
    ("a台北", ["a台", "北"]),
    ("", [""]),
])
def test_breaking_into_four_columns(text: str, lines: list[str]) -> None:
    assert wrap(text, 4) == lines


@given(st.text(alphabet="a b台，。é\u0301１"), st.integers(2, 30))
def test_no_line_is_too_wide_and_nothing_but_blanks_is_lost(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_colours_stand_around_the_text_alone() -> None:
    for event in (Spoken("早", "F"), Spoken("早", "M"), Music(), Ended("so"), Trouble("x")):
        coloured, plain = heard(event, 0, 80, colour=True), heard(event, 0, 80)
        assert "\x1b[" in coloured[0]
        assert [re.sub(r"\x1b\[\d*m", "", line) for line in coloured] == plain


def test_what_is_spoken_cannot_steer_the_terminal() -> None:
    assert heard(Spoken("a\x1b[2Jb\nc"), 0, 80) == ["00:00  M  a [2Jb c"]
