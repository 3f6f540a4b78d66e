import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.schedule import LONGEST_BACK_OFF, back_off, is_late, next_slot

origins = st.floats(0, 1e7)
periods = st.floats(0.1, 86400)
delays = st.floats(0, 1e6)


@given(origins, periods, delays)
def test_the_next_slot_is_on_the_grid_half_to_one_and_a_half_periods_away(
    origin: float, period: float, delay: float
) -> None:
    now = origin + delay
    slot = next_slot(origin, period, now)
    steps = (slot - origin) / period
    assert abs(steps - round(steps)) < 1e-3
    assert 0.499 * period <= slot - now <= 1.501 * period


@given(periods, st.lists(st.floats(-0.001, 0.4), min_size=1, max_size=50))
def test_jitter_of_the_timer_never_adds_up(period: float, jitter: list[float]) -> None:
    due = next_slot(0.0, period, 0.0)
    for late in jitter:
        due = next_slot(0.0, period, due + late * period)
    assert due == pytest.approx((len(jitter) + 1) * period)


def test_slots_missed_while_suspended_are_skipped() -> None:
    assert next_slot(100.0, 10.0, 5003.0) == 5010.0


def test_a_slot_too_near_is_left_out_for_a_sensor_added_between() -> None:
    assert next_slot(0.0, 10.0, 8.0) == 20.0
    assert next_slot(0.0, 10.0, 2.0) == 10.0


@given(origins, st.integers(1, 50), delays)
def test_equal_and_dividing_periods_fall_together(origin: float, factor: int, now: float) -> None:
    long = next_slot(origin, 1.0 * factor, origin + now)
    assert next_slot(origin, 1.0, long - 1.0) == pytest.approx(long)


def test_openings_are_retried_ever_more_rarely_up_to_a_minute() -> None:
    assert [back_off(1.0, n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert back_off(0.1, 10**9) == LONGEST_BACK_OFF
    assert back_off(600.0, 5) == 600.0


def test_late_is_more_than_three_periods() -> None:
    assert not is_late(10.0, 100.0, 130.0)
    assert is_late(10.0, 100.0, 130.1)
