import logging
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensing.edges import BURST, WAITING_LIMIT, Budget, Edges


class Hops:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def levels(edges: Edges, now: float) -> list[object]:
    return [change.sample["value"] for change in edges.flush(now)]


def test_changes_pass_in_order_with_the_time_of_their_edge() -> None:
    edges = Edges("s", Hops())
    edges.put(1.0, {"value": 1})
    edges.put(1.2, {"value": 0})
    assert [(c.at, c.sample["value"]) for c in edges.flush(5.0)] == [(1.0, 1), (1.2, 0)]
    assert edges.due == math.inf


def test_many_changes_share_one_hop() -> None:
    hops = Hops()
    edges = Edges("s", hops)
    for at in range(5):
        edges.put(at, {"value": at})
    assert hops.count == 1
    edges.flush(5.0)
    edges.put(6.0, {"value": 6})
    assert hops.count == 2


def test_a_storm_is_bounded_and_its_last_state_arrives(caplog: pytest.LogCaptureFixture) -> None:
    """A floating input: 10,000 edges a second for five seconds."""
    hops = Hops()
    edges = Edges("door", hops)
    told: list[tuple[float, object]] = []
    looked = 0

    def flush(now: float) -> None:
        nonlocal looked
        looked += 1
        told.extend((now, level) for level in levels(edges, now))

    with caplog.at_level(logging.WARNING):
        seen = 0
        for n in range(50_000):
            now = n / 10_000
            edges.put(now, {"value": n % 2})
            if hops.count > seen:
                seen = hops.count
                flush(now)
            if edges.due <= now:
                flush(now)
        while edges.due < math.inf:
            flush(edges.due)

    for start in range(50):
        begin = start / 10
        assert sum(begin <= at < begin + 1 for at, _ in told) <= 20
    assert told[-1][1] == 1
    assert looked < 200
    assert edges.left_out + len(told) == 50_000
    assert len([r for r in caplog.records if "door" in r.getMessage()]) == 1


def test_a_busy_loop_keeps_only_so_many_and_the_last() -> None:
    edges = Edges("s", Hops())
    for n in range(10 * WAITING_LIMIT):
        edges.put(n, {"value": n})
    assert len(edges._waiting) == WAITING_LIMIT  # nothing else shows how much memory it takes
    told = levels(edges, 1000.0)
    assert told == list(range(BURST))
    told = levels(edges, edges.due)
    assert told == [10 * WAITING_LIMIT - 1]
    assert edges.left_out == 10 * WAITING_LIMIT - BURST - 1


@given(st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_the_budget_grants_no_more_than_twenty_in_any_second(waits: list[float]) -> None:
    budget, now, granted_at = Budget(), 0.0, list[float]()
    for wait in waits:
        now += wait / 30
        budget, granted = budget.spend(now)
        if granted:
            granted_at.append(now)
        assert granted or budget.ready_at() > now
    for first in granted_at:
        assert sum(first <= at < first + 1 for at in granted_at) <= 20


def test_a_token_waited_for_is_granted() -> None:
    budget = Budget()
    for _ in range(BURST):
        budget, granted = budget.spend(3.3)
        assert granted
    for _ in range(1000):
        budget, granted = budget.spend(budget.ready_at())
        assert granted
