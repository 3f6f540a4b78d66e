"""A lane against the simplest model of one: a list of rows, each somewhere, none ever lost."""

from __future__ import annotations

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from agent.delivery.lane import Flight, Held, Lane
from agent.delivery.rows import Row


def held(number: int) -> Held:
    return Held(Row("data", b"%d" % number, "t", "boot", float(number)), 0.0, False)


def number(one: Held) -> int:
    return int(one.row.body)


class LaneMachine(RuleBasedStateMachine):
    """``queue`` is the truth: the numbers not yet proven or dropped, in order. The card is a dict,
    the line a list of flights. Memory holds at most six rows."""

    @initialize(left=st.integers(0, 5))
    def begin(self, left: int) -> None:
        self.lane = Lane("data")
        self.next = left
        self.queue: list[int] = list(range(left))
        self.dropped: set[int] = set()
        self.card: dict[int, int] = {n + 1: n for n in range(left)}
        self.top = left
        self.line: deque[Flight] = deque()
        self.sent: list[int] = []  # on this connection
        self.being_written: list[Held] | None = None
        self.lane.found_on_disk(left, self.top)

    # --- what the rooms do ---

    @rule()
    def add(self) -> None:
        self.queue.append(self.next)
        before = [number(one) for one in self.lane.memory] + [self.next]
        gone = self.lane.add(held(self.next), 6)
        after = [number(one) for one in self.lane.memory]
        lost = [n for n in before if n not in after]
        written = [number(one) for one in self.being_written or ()]
        assert lost == [n for n in before if n not in written][:gone]
        for n in lost:
            self.queue.remove(n)
            self.dropped.add(n)
        self.next += 1

    @precondition(lambda self: not self.lane.disk_unsent and self.lane.memory_unsent)
    @rule(most=st.integers(1, 4))
    def send(self, most: int) -> None:
        going = self.lane.unsent(most)
        self.sent += [number(one) for one in going]
        self.line.append(self.lane.send(going))

    @precondition(lambda self: self.lane.disk_unsent)
    @rule(most=st.integers(1, 4))
    def send_disk(self, most: int) -> None:
        ids = sorted(i for i in self.card if i > self.lane.sent_id)[:most]
        if not ids:
            self.lane.sent_id = self.lane.last_id
            return
        self.sent += [self.card[i] for i in ids]
        self.line.append(self.lane.send_disk(ids))

    @precondition(lambda self: self.line)
    @rule()
    def prove(self) -> None:
        flight = self.line.popleft()
        sent, self.sent = self.sent[: flight.rows], self.sent[flight.rows :]
        waiting = [n for n in sent if n in self.queue]
        assert self.lane.prove(flight) == len(waiting)
        assert self.queue[: len(waiting)] == waiting  # always the oldest
        del self.queue[: len(waiting)]

    @rule()
    def end_of_connection(self) -> None:
        self.line.clear()
        self.sent = []
        self.lane.rewind()

    # --- what the card does, while all that goes on ---

    @precondition(lambda self: self.being_written is None and self.lane.memory)
    @rule()
    def begin_spill(self) -> None:
        self.being_written = self.lane.begin_spill()

    @precondition(lambda self: self.being_written is not None)
    @rule(works=st.booleans(), over=st.integers(0, 3))
    def end_spill(self, works: bool, over: int) -> None:
        assert self.being_written is not None
        written, self.being_written = self.being_written, None
        if not works:
            self.lane.spill_failed()
            return
        ids = list(range(self.top + 1, self.top + 1 + len(written)))
        self.top += len(written)
        self.card.update(zip(ids, map(number, written), strict=True))
        self.lane.spilled(written, ids)
        self._make_room(over)

    def _make_room(self, over: int) -> None:
        ids = sorted(self.card)[:over]
        if not ids:
            return
        lost = [n for n in (self.card.pop(i) for i in ids) if n in self.queue]
        assert self.lane.dropped_from_disk(ids) == len(lost)
        for n in lost:
            self.queue.remove(n)
            self.dropped.add(n)

    @rule()
    def forget(self) -> None:
        for i in [i for i in self.card if i <= self.lane.proven]:
            assert self.card.pop(i) not in self.queue, "an unproven row was forgotten"
        self.lane.forgotten = self.lane.proven

    @rule()
    def damaged(self) -> None:
        lost = [n for n in self.card.values() if n in self.queue]
        assert self.lane.lost_disk() == len(lost)
        self.card.clear()
        for n in lost:
            self.queue.remove(n)
            self.dropped.add(n)

    # --- what always holds ---

    @invariant()
    def every_row_is_where_it_should_be(self) -> None:
        if not hasattr(self, "lane"):
            return
        kept = [n for _, n in sorted(self.card.items())] + [number(m) for m in self.lane.memory]
        assert [n for n in kept if n in self.queue] == self.queue  # all, once, in order

    @invariant()
    def the_counts_are_true(self) -> None:
        if not hasattr(self, "lane"):
            return
        assert self.lane.waiting == len(self.queue)
        assert self.lane.on_disk == sum(n in self.queue for n in self.card.values())

    @invariant()
    def nothing_is_sent_twice_on_one_connection_and_all_in_order(self) -> None:
        if not hasattr(self, "lane"):
            return
        assert self.sent == sorted(set(self.sent))

    @invariant()
    def what_is_not_on_the_line_will_be_sent(self) -> None:
        if not hasattr(self, "lane"):
            return
        coming = [n for i, n in sorted(self.card.items()) if i > self.lane.sent_id]
        coming += [number(one) for one in self.lane.unsent(99)]
        on_line = [n for n in self.sent if n in self.queue]
        assert on_line + coming == self.queue


TestLane = LaneMachine.TestCase
TestLane.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
