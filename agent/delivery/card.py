"""Rows between memory and the SD card: what is saved, when, and what is forgotten again.

Nothing is written while the platform confirms within ``hold`` (decision 5). What stays unproven
for longer goes to the card in one commit with all that is behind it; an urgent row goes at once
while the link is down. A card that fails is told once; rows then stay in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, TypeVar

from agent.clock import Clock
from agent.delivery.lane import Lane
from agent.delivery.outbox import Outbox
from agent.delivery.rows import LANES, LaneName, Row, stamped
from agent.errors import StorageError
from agent.threads import Worker
from agent.wake import Wake

log = logging.getLogger("cht_agent.delivery")

T = TypeVar("T")

IN_MEMORY = 20_000  # rows a lane may hold while the card does not take them
_FORGET_EVERY = 1.0  # a commit each: what is proven, but not yet deleted, may be sent twice
_READ_TRIES = 3


class Card:
    """The outbox behind the lanes. ``on_drop(kind, rows, why)``, ``on_move`` when rows moved,
    ``on_backlog`` when rows of an earlier run now stand before all others."""

    def __init__(
        self,
        lanes: Mapping[LaneName, Lane],
        outbox: Outbox,
        clock: Clock,
        hold: float,
        untimed: Literal["drop", "send"],
        on_drop: Callable[[str, int, str], None],
        on_move: Callable[[], None],
        on_backlog: Callable[[], None],
    ) -> None:
        self._lanes = lanes
        self._outbox = outbox
        self._clock = clock
        self._hold = hold
        self._untimed = untimed
        self._on_drop = on_drop
        self._on_move = on_move
        self._on_backlog = on_backlog
        self._worker = Worker("outbox")
        self._moving = asyncio.Lock()  # one move at a time
        self._wake = Wake()
        self._hurried = False
        self._found = False  # what an earlier run left
        self._set_aside = 0
        self._unread: dict[LaneName, int] = dict.fromkeys(lanes, 0)
        self._fails = False
        self._rests_until = 0.0  # after a failure

    def hurry(self) -> None:
        """Save what is in memory now."""
        self._hurried = True
        self._wake.call()

    def proven(self) -> None:
        """Rows on the card were proven: they are deleted when it is time."""
        self._wake.call(self._until_due())

    async def run(self) -> None:
        """Save and forget when it is time, until cancelled."""
        while True:
            self._wake.call(self._until_due())
            await self._wake.wait()
            if not self._found:
                await self.find_backlog()
            due = self._hurried or self._overdue() >= 0
            self._hurried = False
            if due and self._found:
                # Shielded: a row half-way between memory and card must not be written twice.
                await asyncio.shield(self._spill())
            await self._forget()

    async def close(self) -> None:
        """Save all that is left in memory, forget all that is proven, close the database."""
        if any(lane.memory for lane in self._lanes.values()):
            await self._spill()
        await self._forget()
        await self._worker.run(self._outbox.close)

    async def read(self, lane: Lane, most: int) -> list[tuple[int, Row]]:
        """The next unsent rows of a lane on the card, with their ids. Raises StorageError; a card
        that fails again and again is not waited for, or it would hold back what is in memory."""
        try:
            rows = await self._do(partial(self._outbox.read, lane.name, lane.sent_id, most))
        except StorageError:
            self._unread[lane.name] += 1
            if self._unread[lane.name] >= _READ_TRIES:
                self._on_drop("unreadable", lane.lost_disk(), "the card cannot be read")
                self._unread[lane.name] = 0
            raise
        self._unread[lane.name] = 0
        return rows

    async def find_backlog(self) -> None:
        """What an earlier run left; readings whose time nobody will ever know are dropped.

        A card that does not answer is asked again; nothing new is written to it before.
        """
        try:
            if self._outbox.exists:
                await self._ask_for_backlog()
            self._found = True
        except StorageError:
            self._rest()
        self._on_move()

    async def _ask_for_backlog(self) -> None:
        if self._untimed == "drop":
            boot = self._clock.boot_id
            gone = await self._do(lambda: self._outbox.drop_untimed(boot))
            self._on_drop("untimed", gone, "made in a boot that never got the time")
        for name, (rows, last_id) in (await self._do(self._outbox.counts)).items():
            self._lanes[name].found_on_disk(rows, last_id)
        self._on_backlog()

    async def stamp_all(self) -> bool:
        """Give everything made in this boot its time, wherever it waits; False: not all yet."""
        async with self._moving:
            boot, mono, utc = self._clock.boot_id, self._clock.monotonic(), self._clock.utc()
            data = self._lanes["data"]
            for held in data.memory:
                held.row = stamped(held.row, boot, mono, utc)
            try:
                if data.on_disk:
                    await self._do(lambda: self._outbox.stamp(boot, mono, utc))
            except StorageError:
                return False
            return True

    def _overdue(self) -> float:
        """Seconds since the oldest row in memory should have been on disk; negative: until then."""
        oldest = [lane.memory[0].since for lane in self._lanes.values() if lane.memory]
        if not oldest:
            return -self._hold
        return self._clock.monotonic() - max(min(oldest) + self._hold, self._rests_until)

    def _until_due(self) -> float:
        """Seconds until something is to be saved or, when the last of a lane was proven at once,
        else now and then, forgotten."""
        due = -self._overdue()
        if behind := [lane for lane in self._lanes.values() if lane.proven > lane.forgotten]:
            soon = 0.0 if all(lane.on_disk == 0 for lane in behind) else _FORGET_EVERY
            due = min(due, max(soon, self._rests_until - self._clock.monotonic()))
        return max(due, 0.01)

    async def _spill(self) -> None:
        """Move all that is in memory to disk, in order, in one commit."""
        async with self._moving:
            going = {name: lane.begin_spill() for name, lane in self._lanes.items()}
            rows = [held.row for name in LANES for held in going[name]]
            try:
                ids, dropped = await self._do(lambda: self._outbox.append(rows))
            except StorageError:
                for lane in self._lanes.values():
                    lane.spill_failed()
                self._rest()
                return
            for name in LANES:
                held, mine, ids = going[name], ids[: len(going[name])], ids[len(going[name]) :]
                self._lanes[name].spilled(held, mine)
                if name in dropped:
                    gone = self._lanes[name].dropped_from_disk(dropped[name])
                    self._on_drop("disk_limit", gone, "disk_limit reached, the oldest make room")
        self._on_move()

    async def _forget(self) -> None:
        for lane in self._lanes.values():
            upto = lane.proven
            if upto > lane.forgotten:
                try:
                    await self._do(partial(self._outbox.forget, lane.name, upto))
                except StorageError:
                    self._rest()
                else:
                    lane.forgotten = upto

    def _rest(self) -> None:
        """A card that fails is left alone for a while."""
        self._rests_until = self._clock.monotonic() + self._hold

    async def _do(self, work: Callable[[], T]) -> T:
        """Do ``work`` on the outbox's thread. Raises StorageError, having told it once."""
        try:
            done = await self._worker.run(work)
        except StorageError as exc:
            if not self._fails:
                log.error("%s; keeping up to %d rows in memory", exc, IN_MEMORY)
            self._fails = True
            raise
        finally:
            self._notice_loss()
        if self._fails:
            log.info("the outbox takes rows again")
        self._fails = False
        return done

    def _notice_loss(self) -> None:
        if self._outbox.set_aside != self._set_aside:
            self._set_aside = self._outbox.set_aside
            for lane in self._lanes.values():
                self._on_drop("damaged", lane.lost_disk(), "the outbox was damaged")
