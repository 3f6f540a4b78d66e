"""Decisions: the table, and the properties behind it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.config.model import Action
from agent.control.decision import (
    Apply,
    Command,
    Context,
    Duplicate,
    Key,
    Refuse,
    Source,
    action_of,
    decide,
)
from tests.control.fakes import NOON, ON, WORDS, lamp

HOUR = 3600.0


def context(
    since_suback: float | None = 60.0,
    trusted: bool = True,
    applied: dict[Key, str | None] | None = None,
    refused: dict[Key, str] | None = None,
) -> Context:
    subscribed = None if since_suback is None else 1000.0 - since_suback
    return Context(1000.0, NOON, trusted, subscribed, applied or {}, refused or {})


def sent(age: float | None, cmd: str = "on", source: Source = "platform") -> Command:
    """A command stamped ``age`` seconds before noon; None: with an impossible time."""
    if age is None:
        return Command("lamp", cmd, None, "2019-03-30T08:32:118.136Z", source)
    time = NOON - timedelta(seconds=age)
    return Command("lamp", cmd, time, time.isoformat(), source)


# age at arrival → whether it is live: just after a SUBACK, later, and both with an unset clock
TABLE = [
    # age, strict, later
    (0.0, True, True),
    (60.0, True, True),
    (60.001, False, False),
    (3 * HOUR, False, False),
    (-2.0, True, True),
    (-2.001, False, True),
    (-60.0, False, True),
    (-60.001, False, False),
    (-1 * HOUR, False, False),
    (-8 * HOUR, False, True),
    (-8 * HOUR + 60, False, True),
    (-8 * HOUR + 60.001, False, False),
    (-8 * HOUR - 60, False, True),
    (-8 * HOUR - 60.001, False, False),
    (-9 * HOUR, False, False),
    (8 * HOUR, False, False),
    (None, False, True),
]


@pytest.mark.req("P-09", "P-26")
@pytest.mark.parametrize(("age", "strict", "later"), TABLE)
def test_staleness(age: float | None, strict: bool, later: bool) -> None:
    command = sent(age)
    assert isinstance(decide(command, lamp(), context(9.999)), Apply) is strict
    assert isinstance(decide(command, lamp(), context(None)), Apply) is strict
    assert isinstance(decide(command, lamp(), context(10.0)), Apply) is later


@pytest.mark.req("P-09")
@pytest.mark.parametrize(("age", "_strict", "_later"), TABLE)
def test_an_unset_clock_refuses_inside_the_window_only(
    age: float | None, _strict: bool, _later: bool
) -> None:
    inside = decide(sent(age), lamp(), context(9.999, trusted=False))
    assert inside == Refuse("clock not set yet, it may be an old one")
    assert decide(sent(age), lamp(), context(10.0, trusted=False)) == Apply(ON)


@pytest.mark.req("P-09")
def test_a_missing_time_is_live_but_not_where_replays_come() -> None:
    command = Command("lamp", "on")
    assert decide(command, lamp(), context(11)) == Apply(ON)
    assert isinstance(decide(command, lamp(), context(5)), Refuse)


@pytest.mark.parametrize("source", ["phone", "local"])
@pytest.mark.parametrize("age", [None, 0.0, 5 * HOUR, -5 * HOUR])
def test_what_is_said_here_and_now_is_never_stale(source: Source, age: float | None) -> None:
    command = sent(age, source=source)
    assert command.key is None
    assert decide(command, lamp(), context(None, trusted=False)) == Apply(ON)


@pytest.mark.req("P-09")
@pytest.mark.parametrize("ack", ["on", None, "error: interlock: fan is on"])
@pytest.mark.parametrize("age", [0.0, None, 5 * HOUR])
def test_a_duplicate_is_known_before_anything_else(ack: str | None, age: float | None) -> None:
    command = sent(age)
    assert command.key is not None
    for strict in (None, 5.0, 60.0):
        decision = decide(command, lamp(), context(strict, applied={command.key: ack}))
        assert decision == Duplicate(ack)
    other = sent(age, "off")
    assert not isinstance(decide(other, lamp(), context(applied={command.key: ack})), Duplicate)


@pytest.mark.req("P-09")
def test_a_refusal_for_its_time_is_final() -> None:
    command = sent(0.0)
    assert command.key is not None
    decision = decide(command, lamp(), context(refused={command.key: "too old: 70 s"}))
    assert decision == Refuse("too old: 70 s", for_time=True)


@pytest.mark.req("P-09")
@pytest.mark.parametrize(
    ("cmd", "action"),
    [
        ("on", ON),
        ("toggle", WORDS["toggle"]),
        ("ON", None),
        (" on", None),
        ("", None),
        ("reboot", None),
        ("0.5", None),
    ],
)
def test_only_words_of_the_table(cmd: str, action: Action | None) -> None:
    assert action_of(cmd, lamp()) == action


@pytest.mark.req("P-09")
@pytest.mark.parametrize(
    ("cmd", "level"),
    [("0", 0.0), ("1", 1.0), ("0.5", 0.5), (".25", 0.25), ("1.0", 1.0), ("on", 1.0)]
    + [(bad, None) for bad in ("1.01", "-0.1", "2", "1e-1", "nan", "inf", "٠", "0x1", "½", "1_0")]
    + [(bad, None) for bad in ("", ".", "1.", "+1", "0" * 5000, "0.5\n")],
)
def test_plain_numbers_where_the_actuator_takes_them(cmd: str, level: float | None) -> None:
    action = action_of(cmd, lamp(numbers=True))
    assert action == (None if level is None else Action("set", level))


@pytest.mark.req("P-09")
@pytest.mark.parametrize(
    ("cmd", "level"),
    [("-90", -90.0), ("45.5", 45.5), ("-.5", -0.5), ("-0", 0.0), ("180", None), ("--1", None)],
)
def test_numbers_are_those_of_the_driver(cmd: str, level: float | None) -> None:
    action = action_of(cmd, lamp(numbers=True, levels=(-90.0, 90.0)))
    assert action == (None if level is None else Action("set", level))
    assert action is None or str(action.level) != "-0.0"


@pytest.mark.req("P-11")
def test_an_unknown_word_is_told_the_known_ones() -> None:
    decision = decide(sent(0.0, "offf\n"), lamp(numbers=True), context())
    assert decision == Refuse(
        "unknown command 'offf?'; known: on, off, toggle, a number 0 to 1"
    )


@given(st.text(max_size=40))
def test_any_other_text_moves_nothing(cmd: str) -> None:
    action = action_of(cmd, lamp(numbers=True))
    if cmd not in WORDS:
        assert action is None or (action.kind == "set" and 0.0 <= action.level <= 1.0)
        assert action is None or set(cmd) <= set("-0123456789.")


EXTREMES = st.datetimes(timezones=st.just(UTC))


@given(
    st.one_of(st.none(), EXTREMES),
    EXTREMES,
    st.one_of(st.none(), st.floats(-100, 1e6)),
    st.booleans(),
    st.floats(0.1, 86400),
)
@example(datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), 60.0, True, 60.0)
def test_every_time_gets_a_decision_and_age_alone_decides_it(
    time: datetime | None, now: datetime, window: float | None, trusted: bool, max_age: float
) -> None:
    subscribed = None if window is None else 1000.0 - window
    moment = Context(1000.0, now, trusted, subscribed, {}, {})
    command = Command("lamp", "on", time, None if time is None else "a text")
    decision = decide(command, lamp(max_command_age=max_age), moment)
    strict = window is None or window < 10
    if not trusted or time is None:
        assert isinstance(decision, Refuse) is strict
        return
    age = (now - time).total_seconds()
    if isinstance(decision, Apply):
        assert age <= max_age
        assert age >= (-2 if strict else -8 * HOUR - 60)
    elif strict:
        assert age > max_age or age < -2
    else:
        assert age > max_age or age < -60
    if isinstance(decision, Refuse):
        assert decision.for_time


def test_an_incomplete_time_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="aware"):
        Command("lamp", "on", datetime(2027, 1, 1), "2027-01-01")
    with pytest.raises(ValueError, match="text"):
        Command("lamp", "on", NOON)
