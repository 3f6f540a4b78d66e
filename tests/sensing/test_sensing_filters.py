import math
import statistics

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.config.model import QuantityConfig
from agent.sensing.filters import TEXT_LIMIT, Bad, FilterState, Good, Outcome, mark_reported, step

finite = st.floats(-1e9, 1e9)
BLANK = FilterState()


def run(spec: QuantityConfig, *values: float | str) -> list[Outcome]:
    state, outcomes = BLANK, []
    for value in values:
        state, outcome = step(spec, state, value)
        outcomes.append(outcome)
    return outcomes


def texts(spec: QuantityConfig, *values: float | str) -> list[str]:
    return [outcome.text for outcome in run(spec, *values) if isinstance(outcome, Good)]


@pytest.mark.req("P-06")
def test_a_value_is_the_shortest_text() -> None:
    assert texts(QuantityConfig("t"), 25.0, 25.3, -0.0, 1e-7) == ["25", "25.3", "0", "0.0000001"]


def test_scale_comes_before_offset_and_decimals_last() -> None:
    spec = QuantityConfig("t", scale=0.001, offset=-1.5, decimals=1)
    assert texts(spec, 25349) == ["23.8"]


def test_the_median_takes_a_spike_away_before_the_range_is_checked() -> None:
    spec = QuantityConfig("t", median=3, valid=(-40, 80))
    assert texts(spec, 20, 20.2, 85, 20.4) == ["20", "20", "20.2", "20.4"]


def test_fresh_forgets_what_the_median_saw() -> None:
    spec = QuantityConfig("t", median=3)
    _, outcome = step(spec, FilterState(window=(20.0, 20.0)), 31.0, fresh=True)
    assert isinstance(outcome, Good) and outcome.text == "31"


@given(st.lists(finite, min_size=1, max_size=20), st.integers(1, 7))
def test_a_median_is_one_of_the_last_values_measured(values: list[float], n: int) -> None:
    state = BLANK
    for count, value in enumerate(values, 1):
        state, outcome = step(QuantityConfig("t", median=n), state, value)
        last = values[max(0, count - n) : count]
        assert isinstance(outcome, Good)
        assert outcome.value == statistics.median_low(last)


@pytest.mark.parametrize("value", [81.0, -40.1])
def test_outside_the_valid_range_is_a_fault_that_names_it(value: float) -> None:
    [outcome] = run(QuantityConfig("t", valid=(-40, 80)), value)
    assert isinstance(outcome, Bad)
    assert outcome.error == f"t: {value:g} is outside valid range -40 to 80"


def test_the_bounds_are_valid() -> None:
    assert texts(QuantityConfig("t", valid=(-40, 80)), -40, 80) == ["-40", "80"]


@given(finite, finite, finite)
def test_a_value_is_never_reported_from_outside_the_range(
    value: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    [outcome] = run(QuantityConfig("t", valid=(low, high)), value)
    assert isinstance(outcome, Good) == (low <= value <= high)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_a_fault_and_leaves_the_median_alone(value: float) -> None:
    spec = QuantityConfig("t", median=3)
    outcomes = run(spec, 1, value, 2, 3)
    assert outcomes[1] == Bad("t: not a number")
    assert texts(spec, 1, value, 2, 3) == ["1", "1", "2"]


def test_a_scale_that_overflows_is_a_fault() -> None:
    assert run(QuantityConfig("t", scale=1e300), 1e300) == [Bad("t: not a number")]


def moved(spec: QuantityConfig, reported: float | str, value: float | str) -> bool:
    _, outcome = step(spec, FilterState(reported=reported), value)
    assert isinstance(outcome, Good)
    return outcome.moved


@pytest.mark.parametrize(
    ("reported", "value", "expected"),
    [(25.3, 25.4, False), (25.3, 25.5, True), (25.3, 25.1, True), (25.3, 25.3, False)],
)
def test_the_deadband_is_reached_as_written_in_decimals(
    reported: float, value: float, expected: bool
) -> None:
    assert moved(QuantityConfig("t", deadband=0.2), reported, value) is expected


def test_without_a_deadband_every_value_counts_as_moved() -> None:
    assert moved(QuantityConfig("t"), 25.3, 25.3)


def test_the_deadband_compares_what_was_sent() -> None:
    spec = QuantityConfig("t", deadband=1, decimals=0)
    assert not moved(spec, 25.0, 25.49)
    assert moved(spec, 25.0, 25.51)


@given(st.lists(finite, min_size=1, max_size=30), st.floats(0.01, 100))
def test_values_drifting_inside_the_deadband_never_lose_touch(
    values: list[float], deadband: float
) -> None:
    """The band counts from what was sent, so a slow drift is reported in the end."""
    spec, state, sent = QuantityConfig("t", deadband=deadband), BLANK, math.nan
    for value in values:
        state, outcome = step(spec, state, value)
        assert isinstance(outcome, Good)
        if outcome.moved:
            state, sent = mark_reported(state, outcome), value
        assert abs(value - sent) <= deadband * (1 + 1e-6)


def test_text_passes_as_it_is() -> None:
    assert texts(QuantityConfig("t", scale=2, decimals=0), "溫室 開", "3.14159") == [
        "溫室 開",
        "3.14159",
    ]


def test_text_moves_when_it_differs() -> None:
    spec = QuantityConfig("t", deadband=5)
    assert moved(spec, "on", "off")
    assert not moved(spec, "on", "on")


@given(st.text(max_size=400))
@example("長" * 400)
def test_text_can_always_be_sent(text: str) -> None:
    [sent] = texts(QuantityConfig("t"), text + "\n\x00\x1b[31m\x7f")
    assert len(sent) <= TEXT_LIMIT
    assert not any(ord(c) < 32 or c == "\x7f" for c in sent)


def test_a_lone_surrogate_is_left_out() -> None:
    assert texts(QuantityConfig("t"), "a\ud800b") == ["ab"]


@given(st.floats(), st.floats(), st.floats(), st.integers(1, 5), st.none() | st.integers(0, 6))
def test_no_number_at_all_breaks_the_filters(
    value: float, scale: float, offset: float, median: int, decimals: int | None
) -> None:
    spec = QuantityConfig("t", None, scale, offset, median, decimals=decimals)
    for outcome in run(spec, value, value):
        assert isinstance(outcome, Bad) or math.isfinite(float(outcome.text))
