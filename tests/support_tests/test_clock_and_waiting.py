"""The hands of the fake clock, and waiting that ends."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import timedelta

import pytest

from agent.clock import Clock
from tests.support.clock import START, FakeClock
from tests.support.waiting import until, wait_until


def test_time_passes_on_both_clocks_and_a_step_moves_one() -> None:
    clock = FakeClock()
    typed: Clock = clock
    clock.advance(2.5)
    assert (typed.monotonic(), typed.utc()) == (1002.5, START + timedelta(seconds=2.5))
    clock.step(-3600)
    assert (typed.monotonic(), typed.utc()) == (1002.5, START + timedelta(seconds=2.5 - 3600))
    clock.set_utc(START)
    assert typed.utc() == START


def test_a_reboot_starts_the_monotonic_clock_under_a_new_name() -> None:
    clock = FakeClock(trust=False)
    before, utc = clock.boot_id, clock.utc()
    clock.reboot(monotonic=12.0)
    assert clock.boot_id != before
    assert (clock.monotonic(), clock.utc()) == (12.0, utc)
    assert not clock.trusted()
    clock.trust = True
    assert clock.trusted()


def test_waiting_returns_the_first_true_value() -> None:
    numbers = itertools.count()
    assert wait_until(lambda: next(numbers) // 3 * 10) == 10
    assert asyncio.run(until(lambda: next(numbers) // 6 * 10)) == 10


def test_waiting_ends_and_names_what_it_waited_for() -> None:
    begun = time.monotonic()
    with pytest.raises(AssertionError, match="in vain for the moon"):
        wait_until(lambda: False, 0.05, "the moon")
    with pytest.raises(AssertionError, match="in vain for the moon"):
        asyncio.run(until(lambda: False, 0.05, "the moon"))
    assert time.monotonic() - begun < 2
