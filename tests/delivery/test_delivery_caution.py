"""A message that the broker never takes: found, counted, and no obstacle to the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agent.delivery.caution import Caution
from tests.delivery.rig import Rig, acks, delivering, values
from tests.support.waiting import until

POISON = b'"666"'


def after(*drops: int) -> Caution:
    caution = Caution()
    for unproven in drops:
        caution = caution.dropped(unproven)
    return caution


@pytest.mark.parametrize(
    ("drops", "most", "single", "give_up"),
    [
        ((), None, False, False),
        ((0, 0, 0, 0), None, False, False),  # nothing was on the line: not a message's fault
        ((9,), None, False, False),  # once is chance
        ((9, 9), 32, True, False),
        ((9, 9, 9), 16, True, False),
        ((9, 9, 9, 9, 4, 2), 2, True, False),
        ((9, 9, 9, 9, 4, 2, 2), 1, True, False),
        ((9, 9, 9, 9, 4, 2, 2, 1, 1, 1, 1), 1, True, False),
        ((9, 9, 9, 9, 4, 2, 2, 1, 1, 1, 1, 1), 1, True, True),
        ((9, 0, 9, 0, 9), 16, True, False),
    ],
)
def test_what_so_many_drops_in_a_row_mean(
    drops: tuple[int, ...], most: int | None, single: bool, give_up: bool
) -> None:
    caution = after(*drops)
    assert (caution.single, caution.give_up) == (single, give_up)
    assert most is None or caution.most == most


def test_a_proof_between_two_drops_makes_them_chance() -> None:
    assert after(9).confirmed(3) == Caution()
    assert not after(9).confirmed(3).dropped(9).single
    narrow = after(9, 9, 9, 9, 9, 9, 9, 1, 1, 1, 1)
    assert (narrow.most, narrow.alone) == (1, 4)
    relieved = narrow.confirmed(1)
    assert (relieved.most, relieved.alone) == (1, 0)  # still careful: the culprit is near
    assert relieved.confirmed(63) == Caution()


async def keep_up(rig: Rig) -> None:
    """The link's supervisor: a moment after each drop it is up again."""
    while True:
        await until(lambda: not rig.line.up, 60)
        await asyncio.sleep(0.002)
        rig.line.connect()


@pytest.mark.parametrize("way", ["memory", "card"])
def test_a_poison_row_is_given_up_and_nothing_else(
    tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [*range(40), 666, *range(40, 140)]

    async def scenario() -> None:
        if way == "card":
            async with delivering(tmp_path, up=False) as rig:
                rig.read(*numbers)
        async with delivering(tmp_path) as rig:
            rig.line.kills = lambda payload: POISON in payload
            supervisor = asyncio.create_task(keep_up(rig))
            if way == "memory":
                rig.read(*numbers)
            rig.delivery.ack("lamp", "on")
            await until(lambda: rig.delivery.status().confirmed == 141, 20,
                        f"all but one; {rig.delivery.status()}")
            supervisor.cancel()
            assert values(rig.line.read) == list(range(140))
            assert acks(rig.line.read)[-1] == "on"
            assert rig.delivery.status().dropped == 1
            assert rig.delivery.status().waiting == 0
            rig.read(*range(200, 240))
            await rig.idle()
            assert len(rig.line.sent[-1][1]) > 1000  # many to a message again

    asyncio.run(scenario())
    assert sum("ends every connection that carries" in r.getMessage()
               for r in caplog.records) == 1


def test_a_line_that_only_falls_silent_blames_no_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            rig.line.answers.clear()
            rig.read(1)
            for _ in range(20):
                await until(lambda: rig.line.fences == rig.line.connections)
                rig.line.drop(by_broker=False)
                rig.line.connect()
            rig.line.answers.set()
            await rig.idle()
            assert values(rig.line.read) == [1]
            assert rig.delivery.status().dropped == 0

    asyncio.run(scenario())


def test_many_drops_with_some_progress_lose_nothing(tmp_path: Path) -> None:
    """A bad line: every third connection lives long enough for one proof."""

    async def scenario() -> None:
        async with delivering(tmp_path) as rig:
            count = 0

            def sometimes(_payload: bytes) -> bool:
                nonlocal count
                count += 1
                return count % 3 != 0

            rig.line.kills = sometimes
            supervisor = asyncio.create_task(keep_up(rig))
            rig.read(*range(200))
            await rig.idle(20)
            supervisor.cancel()
            assert rig.delivery.status().dropped == 0
            assert values(rig.line.read) == list(range(200))

    asyncio.run(scenario())
