"""The text of a number: one rule for sensors, acks and states."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.values import shortest

PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d*[1-9])?")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (25.3, None, "25.3"),
        (25.0, None, "25"),
        (100, None, "100"),
        (0.0, None, "0"),
        (-0.0, None, "0"),
        (-0.001, 2, "0"),
        (-5.0, None, "-5"),
        (0.1 + 0.2, None, "0.30000000000000004"),
        (0.1 + 0.2, 3, "0.3"),
        (25.349, 1, "25.3"),
        (1250.0, 0, "1250"),
        (99.96, 1, "100"),
        (1e-7, None, "0.0000001"),
        (1.5e-7, 3, "0"),
        (1e22, None, "1" + "0" * 22),
        (-1.25e17, None, "-125000000000000000"),
    ],
)
def test_shortest_text(value: float, decimals: int | None, text: str) -> None:
    assert shortest(value, decimals) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("decimals", [None, 2])
def test_no_text_for_what_is_not_a_number(value: float, decimals: int | None) -> None:
    with pytest.raises(ValueError, match="not a number"):
        shortest(value, decimals)


def test_negative_decimals_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        shortest(1.0, -1)


@given(FINITE)
def test_the_text_is_plain_and_reads_back_as_the_same_number(value: float) -> None:
    text = shortest(value)
    assert PLAIN.fullmatch(text)
    assert text != "-0"
    assert float(text) == value


@given(FINITE, st.integers(0, 6))
def test_rounding_stays_within_half_a_digit(value: float, decimals: int) -> None:
    text = shortest(value, decimals)
    assert PLAIN.fullmatch(text)
    assert text != "-0"
    assert len(text.partition(".")[2]) <= decimals
    assert abs(float(text) - value) <= 0.5 * 10**-decimals + abs(value) * 1e-15
