"""The envelope's rules one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import RateLimit
from agent.control.envelope import History, interlocked, permit
from tests.control.fakes import lamp

NOW = 1000.0


def test_without_rules_everything_is_permitted() -> None:
    for level in (0.0, 0.5, 1.0):
        assert permit(lamp(), level, History(1.0, NOW), {}, NOW) is None
        assert permit(lamp(), level, History(None, off_since=NOW), {}, NOW) is None


def test_min_on() -> None:
    spec = lamp(min_on=30.0)
    history = History(0.0, off_since=0.0).moved(1.0, NOW)
    reason = permit(spec, 0.0, history, {}, NOW + 18)
    assert reason == "on for at least 30 s, 12 s left"
    assert permit(spec, 0.0, history, {}, NOW + 30) is None
    assert permit(spec, 0.5, history, {}, NOW + 1) is None
    dimmed = history.moved(0.5, NOW + 20)
    assert permit(spec, 0.0, dimmed, {}, NOW + 29) == "on for at least 30 s, 1 s left"
    assert permit(spec, 0.0, dimmed, {}, NOW + 30) is None


def test_min_off() -> None:
    spec = lamp(min_off=30.0)
    history = History(1.0, on_since=0.0).moved(0.0, NOW)
    assert permit(spec, 1.0, history, {}, NOW + 29.9) == "off for at least 30 s, 0.1 s left"
    assert permit(spec, 1.0, history, {}, NOW + 30) is None
    assert permit(spec, 0.0, history, {}, NOW + 1) is None
    assert permit(spec, 1.0, history.moved(0.0, NOW + 20), {}, NOW + 30) is None


def test_a_level_nobody_knows_waits_as_if_it_had_just_gone_off() -> None:
    spec = lamp(min_off=30.0, min_on=30.0)
    lost = History(1.0, on_since=NOW - 1).moved(None, NOW)
    assert permit(spec, 1.0, lost, {}, NOW + 29) is not None
    assert permit(spec, 1.0, lost, {}, NOW + 30) is None
    assert permit(spec, 0.0, lost, {}, NOW) is None


def test_interlock_names_the_one_that_is_on() -> None:
    history = History(0.0, off_since=0.0)
    assert permit(lamp(), 1.0, history, {"fan": "on"}, NOW) == "interlock: fan is on"
    assert permit(lamp(), 0.2, history, {"fan": "unknown"}, NOW) == "interlock: fan is unknown"
    assert permit(lamp(), 0.0, History(1.0, 0.0), {"fan": "on"}, NOW) is None
    assert interlocked(1.0, {}) is None


def test_rate_limit() -> None:
    spec = lamp(rate_limit=RateLimit(2, 60.0))
    history = History(0.0, off_since=0.0)
    history = history.moved(1.0, NOW).counted(NOW, 2)
    assert permit(spec, 0.0, history, {}, NOW + 10) is None
    history = history.moved(0.0, NOW + 10).counted(NOW + 10, 2)
    assert permit(spec, 1.0, history, {}, NOW + 48) == "at most 2 changes in 60 s, 12 s left"
    assert permit(spec, 0.0, history, {}, NOW + 48) is None
    assert permit(spec, 1.0, history.unrated(), {}, NOW + 48) is None
    assert permit(spec, 1.0, history, {}, NOW + 60) is None
    history = history.counted(NOW + 60, 2)
    assert history.changes == (NOW + 10, NOW + 60)
    longer = History(0.0, off_since=0.0, changes=(NOW - 900, NOW, NOW + 10))
    assert permit(spec, 1.0, longer, {}, NOW + 48) is not None


@pytest.mark.req("P-11")
@given(st.floats(0.1, 1e5), st.floats(0, 1e5), st.floats(0, 1e6))
def test_times_add_up(least: float, passed: float, start: float) -> None:
    """Refused exactly until the minimum time is over, whatever the floats round to."""
    spec = lamp(min_on=least)
    history = History(0.0, off_since=0.0).moved(1.0, start)
    refused = permit(spec, 0.0, history, {}, start + passed) is not None
    if abs(least - passed) > 1e-5:
        assert refused is (passed < least)
    assert permit(spec, 0.0, history, {}, start + least) is None


def test_turning_the_other_way_is_going_off_first() -> None:
    spec = lamp(min_off=5.0, levels=(-1.0, 1.0))
    forward = History(0.0, off_since=0.0).moved(1.0, NOW)
    reason = permit(spec, -0.5, forward, {}, NOW + 60)
    assert reason == "it turns the other way: off for at least 5 s first"
    assert permit(spec, 0.3, forward, {}, NOW + 60) is None
    stopped = forward.moved(0.0, NOW + 60)
    assert permit(spec, -0.5, stopped, {}, NOW + 64) == "off for at least 5 s, 1 s left"
    assert permit(spec, -0.5, stopped, {}, NOW + 65) is None
    assert permit(lamp(levels=(-1.0, 1.0)), -1.0, forward, {}, NOW) is None, "where none is asked"


def test_backward_is_on() -> None:
    spec = lamp(min_on=30.0, levels=(-1.0, 1.0))
    backward = History(0.0, off_since=0.0).moved(-1.0, NOW)
    assert backward.on_since == NOW
    assert permit(spec, 0.0, backward, {}, NOW + 29) == "on for at least 30 s, 1 s left"
    assert interlocked(-0.2, {"fan": "on"}) == "interlock: fan is on"
