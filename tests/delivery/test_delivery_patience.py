"""A line that falls silent is given no more readings than it must, and acks all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.delivery.patience import Patience
from tests.delivery.rig import Rig, acks, delivering, settled, values
from tests.support.clock import FakeClock
from tests.support.waiting import until


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ((), 0.25),  # never answered yet: perhaps a slow one
        ((0.002,), 0.024),
        ((0.0,) * 20, 0.02),
        ((0.06, 0.002, 0.002), 0.14),  # the slowest counts
        ((0.06, *(0.002,) * 8), 0.024),  # while it is recent
        ((3.0,), 0.25),
    ],
)
def test_how_long_an_answer_may_be_out(answers: tuple[float, ...], seconds: float) -> None:
    patience = Patience()
    for took in answers:
        patience = patience.answered(took)
    assert patience.seconds == pytest.approx(seconds)


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_it_is_never_shorter_than_a_pause_nor_longer_than_a_quarter(answers: list[float]) -> None:
    patience = Patience()
    for took in answers:
        patience = patience.answered(took)
    assert 0.02 <= patience.seconds <= 0.25
    assert len(patience.recent) <= 8


async def unanswered(rig: Rig, number: int) -> None:
    """A reading on the line whose fence is out, and stays so."""
    rig.line.answers.clear()
    asked = rig.line.fences
    rig.read(number)
    await until(lambda: rig.line.fences > asked)


@pytest.mark.parametrize("usual", [0.0, 0.02])
def test_a_line_that_fell_silent_gets_acks_alone(tmp_path: Path, usual: float) -> None:
    clock = FakeClock()

    async def scenario() -> None:
        async with delivering(tmp_path, clock=clock) as rig:
            await unanswered(rig, 1)
            clock.advance(usual)
            rig.line.answers.set()
            await rig.idle()

            await unanswered(rig, 2)
            clock.advance(0.019 + 2 * usual)
            rig.read(3)
            await until(lambda: values(rig.line.sent) == [1, 2, 3])
            clock.advance(0.002)
            rig.read(4)
            rig.delivery.ack("lamp", "on")
            await settled()
            assert acks(rig.line.sent) == ["on"]
            assert values(rig.line.sent) == [1, 2, 3]

            rig.line.answers.set()
            await rig.idle()
            assert values(rig.line.read) == [1, 2, 3, 4]

    asyncio.run(scenario())


def test_a_new_connection_begins_without_doubt(tmp_path: Path) -> None:
    clock = FakeClock()

    async def scenario() -> None:
        async with delivering(tmp_path, clock=clock) as rig:
            await unanswered(rig, 1)
            clock.advance(1)
            rig.line.answers.set()
            rig.line.drop()
            rig.line.connect()
            await rig.idle()
            assert values(rig.line.read) == [1]

    asyncio.run(scenario())


def test_a_slow_line_is_given_the_time_it_takes(tmp_path: Path) -> None:
    clock = FakeClock()

    async def scenario() -> None:
        async with delivering(tmp_path, clock=clock) as rig:
            for number in (1, 3, 5):
                await unanswered(rig, number)
                clock.advance(0.2)
                rig.read(number + 1)
                await until(lambda: len(values(rig.line.sent)) == number + 1)  # noqa: B023
                rig.line.answers.set()
                await rig.idle()
            assert values(rig.line.read) == [1, 2, 3, 4, 5, 6]

    asyncio.run(scenario())
