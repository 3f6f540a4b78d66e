"""Where the rows of one lane are: in memory, on disk, on the line. No I/O.

A lane is one queue: the rows on disk first, then those in memory. Rows are put on the line in
that order, and leave the queue only when they are proven; when the connection ends, what was on
the line is simply not on the line any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from agent.delivery.rows import LaneName, Row


class Held:
    """A row in memory since ``since`` (monotonic). It may be proven, or dropped for want of room,
    while it is being written to disk."""

    __slots__ = ("dropped", "proven", "row", "since", "urgent")

    def __init__(self, row: Row, since: float, urgent: bool) -> None:
        self.row = row
        self.since = since
        self.urgent = urgent
        self.proven = False
        self.dropped = False


@dataclass(frozen=True)
class Flight:
    """One message on the line: rows held in memory, or on disk under ``ids``."""

    lane: LaneName
    held: tuple[Held, ...] = ()
    ids: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        return len(self.held) + len(self.ids)


class Lane:
    """One queue. ``proven`` is the highest disk id that may be forgotten."""

    def __init__(self, name: LaneName) -> None:
        self.name: LaneName = name
        self.memory: deque[Held] = deque()
        self.in_flight = 0  # of memory, from the left
        self.on_disk = 0
        self.last_id = 0
        self.sent_id = 0
        self.proven = 0
        self.forgotten = 0
        self._gone = 0  # disk ids up to here made room
        self._writing = 0  # of memory, from the left: being written to disk
        self._late: dict[Held, int] = {}  # on the line when they went to disk

    @property
    def disk_unsent(self) -> bool:
        return self.last_id > self.sent_id

    @property
    def memory_unsent(self) -> bool:
        return len(self.memory) > self.in_flight

    @property
    def waiting(self) -> int:
        """Rows not proven yet, wherever they are."""
        return len(self.memory) + self.on_disk

    def found_on_disk(self, rows: int, last_id: int) -> None:
        """What an earlier run left."""
        self.on_disk, self.last_id = rows, last_id

    def add(self, held: Held, most: int) -> int:
        """Queue a row; how many of the oldest were dropped to keep at most ``most`` in memory.

        What is being written to disk is not dropped: it leaves memory in a moment.
        """
        self.memory.append(held)
        dropped = 0
        while len(self.memory) > most:
            self._drop_oldest()
            dropped += 1
        return dropped

    def unsent(self, most: int) -> list[Held]:
        """The next rows of memory that are not on the line."""
        return list(islice(self.memory, self.in_flight, self.in_flight + most))

    def send(self, held: Sequence[Held]) -> Flight:
        """``held``, the next unsent ones, are now on the line."""
        self.in_flight += len(held)
        return Flight(self.name, tuple(held))

    def send_disk(self, ids: Sequence[int]) -> Flight:
        """The rows on disk under ``ids``, the next unsent ones, are now on the line."""
        self.sent_id = ids[-1]
        return Flight(self.name, ids=tuple(ids))

    def rewind(self) -> None:
        """The connection ended: nothing is on the line."""
        self.in_flight = 0
        self.sent_id = self.proven
        self._late.clear()

    def prove(self, flight: Flight) -> int:
        """The broker has read this message; how many rows that proves."""
        proven = sum(self._leave_disk(row_id) for row_id in flight.ids)
        for held in flight.held:
            if held.proven or held.dropped:
                continue
            held.proven = True
            if (late := self._late.pop(held, None)) is not None:
                proven += self._leave_disk(late)
            else:
                self.memory.popleft()
                self.in_flight -= 1
                self._writing = max(0, self._writing - 1)
                proven += 1
        return proven

    def begin_spill(self) -> list[Held]:
        """All of memory, to be written to disk now: :meth:`spilled` or :meth:`spill_failed`."""
        self._writing = len(self.memory)
        return list(self.memory)

    def spill_failed(self) -> None:
        """The disk did not take them: they stay in memory."""
        self._writing = 0

    def spilled(self, held: Sequence[Held], ids: Sequence[int]) -> None:
        """``held``, all of memory when writing began, are on disk now under ``ids``.

        What was proven while they were written is on disk too, and forgotten next.
        """
        self._writing = 0
        for one, row_id in zip(held, ids, strict=True):
            self.last_id = row_id
            self.on_disk += 1
            if one.proven:
                # All before it are proven too: forgetting "up to here" forgets no other.
                self._leave_disk(row_id)
                self.sent_id = max(self.sent_id, row_id)
                continue
            self.memory.popleft()
            if self.in_flight:
                self.in_flight -= 1
                self.sent_id = row_id
                self._late[one] = row_id

    def dropped_from_disk(self, ids: Sequence[int]) -> int:
        """The oldest rows made room; how many of them were not proven yet."""
        gone = sum(row_id > self.proven for row_id in ids)
        self.on_disk -= gone
        self._gone = max(self._gone, *ids)
        return gone

    def lost_disk(self) -> int:
        """The disk cannot give its rows back, so nobody waits for them; how many they were."""
        gone, self.on_disk = self.on_disk, 0
        self.sent_id = self.proven = self.forgotten = self._gone = self.last_id
        return gone

    def _drop_oldest(self) -> None:
        self.memory[self._writing].dropped = True
        del self.memory[self._writing]
        if self._writing < self.in_flight:
            self.in_flight -= 1

    def _leave_disk(self, row_id: int) -> int:
        self.proven = max(self.proven, row_id)
        if row_id <= self._gone:
            return 0  # it made room before, and was counted then
        self.on_disk -= 1
        return 1
