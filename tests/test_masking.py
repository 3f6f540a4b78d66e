"""A number may be recognised, never called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.masking import masked


@pytest.mark.parametrize(("phone", "shown"), [
    ("0900000001", "0900***001"), ("034240000", "0342***000"), ("12345678", "***78"),
    ("110", "***"), ("", "withheld"), (None, "withheld"), ("****0000", "***00"),
])
def test_masked(phone: str | None, shown: str) -> None:
    assert masked(phone) == shown


@given(st.text(alphabet="0123456789", min_size=5, max_size=20))
def test_at_least_two_digits_are_hidden(phone: str) -> None:
    assert phone not in masked(phone)
    assert sum(sign.isdigit() for sign in masked(phone)) <= len(phone) - 2
