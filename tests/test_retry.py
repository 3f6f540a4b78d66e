"""When a link tries again: the numbers, and that the loop of tries uses them."""

from __future__ import annotations

import asyncio
import random

import pytest

from agent.errors import LinkLost, LinkRefused
from agent.retry import Reconnect, reconnecting, repeating

POLICY = Reconnect()
RAND = random.Random(1)


def delays(elapsed: float, *, refused: bool = False, attempt: int = 5) -> list[float]:
    return [POLICY.delay(attempt, elapsed, refused, RAND) for _ in range(200)]


def test_the_first_ten_seconds_are_tried_eagerly() -> None:
    for elapsed in (0.0, 3.0, 9.9):
        found = delays(elapsed)
        assert min(found) >= 0.25
        assert max(found) <= 0.5
        assert max(found) - min(found) > 0.2  # jitter, or a fleet returns in one instant


@pytest.mark.parametrize(
    ("elapsed", "most"), [(10, 1), (20, 2), (30, 4), (60, 32), (100, 60), (1e9, 60)]
)
def test_then_the_wait_doubles_up_to_its_cap(elapsed: float, most: float) -> None:
    found = delays(elapsed)
    assert max(found) <= most
    assert min(found) >= most / 2
    assert max(found) > most * 0.95


@pytest.mark.parametrize(("attempt", "about"), [(1, 30), (2, 60), (5, 480), (6, 900), (10**9, 900)])
def test_a_refusal_waits_long_however_early_it_comes(attempt: int, about: float) -> None:
    found = delays(0.0, refused=True, attempt=attempt)
    assert min(found) >= about * 0.8
    assert max(found) <= about * 1.2


def test_the_loop_waits_as_the_policy_says_and_tells_each_failure() -> None:
    policy = Reconnect(eager=1e9, quick=(1.0, 1.0), refused=50.0, refused_cap=50.0)
    failures = [LinkLost("a"), LinkRefused("b"), LinkLost("c")]
    slept: list[float] = []
    told: list[str] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def attempt() -> str:
        if failures:
            raise failures.pop(0)
        return "up"

    async def scenario() -> str:
        tries = reconnecting(policy, sleep, lambda exc: told.append(str(exc)), random.Random(1))
        return await tries(attempt)

    assert asyncio.run(scenario()) == "up"
    assert told == ["a", "b", "c"]
    assert slept[0] == slept[2] == 1.0
    assert 40 <= slept[1] <= 60


def test_a_bug_is_not_tried_again() -> None:
    async def attempt() -> None:
        raise KeyError("bug")

    async def scenario() -> None:
        async def sleep(_seconds: float) -> None:
            raise AssertionError("it must not wait")

        await reconnecting(POLICY, sleep, lambda exc: None)(attempt)

    with pytest.raises(KeyError):
        asyncio.run(scenario())


def test_what_may_be_repeated_is_tried_a_few_times() -> None:
    slept: list[float] = []
    failures: list[Exception] = [LinkLost("a"), LinkLost("b")]

    def ask() -> str:
        if failures:
            raise failures.pop(0)
        return "answer"

    assert repeating(3, slept.append)(ask) == "answer"
    assert len(slept) == 2 and max(slept) <= 2.0
    failures += [LinkLost("a"), LinkLost("b"), LinkLost("c")]
    with pytest.raises(LinkLost, match="c"):
        repeating(3, slept.append)(ask)
    failures += [LinkRefused("no")]
    with pytest.raises(LinkRefused):
        repeating(3, slept.append)(ask)
    assert len(slept) == 4
