"""Waking a task: the soonest wish wins, and none is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from agent.wake import Wake


def run(scenario: Callable[[Wake], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await scenario(Wake())

    asyncio.run(main())


async def waits(wake: Wake) -> float:
    begun = time.monotonic()
    await asyncio.wait_for(wake.wait(), 5)
    return time.monotonic() - begun


def test_a_call_before_the_wait_is_remembered_once() -> None:
    async def scenario(wake: Wake) -> None:
        wake.call()
        wake.call()
        assert await waits(wake) < 0.05
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wake.wait(), 0.05)

    run(scenario)


def test_the_soonest_wish_wins_whatever_their_order() -> None:
    async def scenario(wake: Wake) -> None:
        for delays in ((0.1, 30.0), (30.0, 0.1)):
            for delay in delays:
                wake.call(delay)
            assert 0.08 < await waits(wake) < 1.0

    run(scenario)


def test_a_call_now_takes_the_place_of_one_to_come() -> None:
    async def scenario(wake: Wake) -> None:
        wake.call(0.1)
        wake.call()
        assert await waits(wake) < 0.05
        with pytest.raises(TimeoutError):  # who wants to be woken then says so again
            await asyncio.wait_for(wake.wait(), 0.2)

    run(scenario)


def test_it_wakes_who_waits_already_and_survives_a_cancelled_wait() -> None:
    async def scenario(wake: Wake) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wake.wait(), 0.02)
        asyncio.get_running_loop().call_later(0.05, wake.call)
        assert 0.03 < await waits(wake) < 1.0

    run(scenario)
