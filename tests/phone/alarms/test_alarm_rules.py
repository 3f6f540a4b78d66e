"""When an alarm fires and when it clears."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.alarms import AlarmConfig
from agent.phone.alarms.rules import RuleState, judge

HOT = AlarmConfig("hot", "air", above=35.0, clear=33.0, hold_for=10.0, keep=5.0, missing=60.0)


def play(alarm: AlarmConfig, *readings: tuple[float, str | None]) -> RuleState:
    """The state after these (time, value), from a start at 0."""
    state = RuleState(heard=0.0)
    for at, value in readings:
        state = judge(alarm, state, value, at)
    return state


def test_it_fires_once_it_has_been_so_for_long_enough() -> None:
    assert not play(HOT, (0, "36"), (9.9, "36")).firing
    assert play(HOT, (0, "36"), (10, "36")).firing
    assert not play(HOT, (0, "36"), (5, "34.9"), (10, "36")).firing
    assert not play(HOT, (0, "35"), (20, "35")).firing  # at the threshold is not above it


def test_it_clears_only_beyond_the_clear_threshold_and_for_long_enough() -> None:
    fired = ((0, "36"), (10, "36"))
    assert play(HOT, *fired, (11, "34"), (30, "33.1")).firing
    assert play(HOT, *fired, (11, "33"), (15.9, "33")).firing
    assert not play(HOT, *fired, (11, "33"), (16, "33")).firing
    assert play(HOT, *fired, (11, "33"), (13, "33.5"), (16, "33")).firing


def test_missing_data_neither_begins_nor_ends_anything() -> None:
    assert play(HOT, (0, "36"), (10, "36"), (11, None), (500, None)).firing
    assert not play(HOT, (0, "36"), (10, None), (20, None)).firing
    assert play(HOT, (0, "36"), (5, None), (10, "36")).firing  # a fault in between resets nothing
    # What is missing while it clears does not count as clear.
    assert play(HOT, (0, "36"), (10, "36"), (11, "30"), (14, None), (17, "30")).firing


def test_missing_data_is_an_alarm_of_its_own() -> None:
    state = play(HOT, (30, "20"), (31, None), (89, None))
    assert not state.missing
    state = judge(HOT, state, None, 90)
    assert state.missing and not state.firing
    assert not judge(HOT, state, "20", 91).missing
    assert not play(replace(HOT, missing=None), (1e6, None)).missing


@pytest.mark.parametrize(("alarm", "value", "fires"), [
    (AlarmConfig("a", "s", below=5.0), "4.9", True),
    (AlarmConfig("a", "s", below=5.0), "5", False),
    (AlarmConfig("a", "s", equals="1"), "1", True),
    (AlarmConfig("a", "s", equals="1"), "1.0", True),
    (AlarmConfig("a", "s", equals="open"), "open", True),
    (AlarmConfig("a", "s", equals="open"), "closed", False),
    (AlarmConfig("a", "s"), "1", False),
])  # fmt: skip
def test_the_kinds_of_condition(alarm: AlarmConfig, value: str, fires: bool) -> None:
    assert play(alarm, (0, value)).firing is fires


def test_a_text_where_a_number_is_wanted_is_no_data() -> None:
    state = play(HOT, (0, "36"), (10, "36"), (11, "broken"), (80, "broken"))
    assert state.firing and state.missing


@given(st.lists(st.tuples(st.floats(0.1, 30), st.one_of(st.none(), st.floats(25, 45))),
                max_size=60))  # fmt: skip
def test_what_fires_was_beyond_and_what_clears_was_clear(
    steps: list[tuple[float, float | None]],
) -> None:
    state, now = RuleState(heard=0.0), 0.0
    since_over: float | None = None
    for wait, value in steps:
        now += wait
        before = state
        state = judge(HOT, state, None if value is None else str(value), now)
        if state.firing and not before.firing:
            assert value is not None and value > 35
        if before.firing and not state.firing:
            assert value is not None and value <= 33
            assert since_over is not None and now - since_over >= 5
        if value is None or value > 33:
            since_over = None
        elif since_over is None:
            since_over = now
        if value is None:
            assert state.firing == before.firing
