"""Readings and acks on their way to the platform: kept until proven, memory first, card last.

Three tasks share two lanes (decisions 3, 4, 5). *pump* puts what waits on the line, acks before
readings, the card's backlog at a limited rate. *prove* sends a fence behind it and forgets what
is proven. The card's own task saves what is not proven in time. Order in a lane never changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, Protocol

from agent.clock import Clock
from agent.config.model import DeliveryConfig
from agent.delivery.card import IN_MEMORY, Card
from agent.delivery.caution import Caution
from agent.delivery.lane import Flight, Held, Lane
from agent.delivery.outbox import Outbox
from agent.delivery.patience import Patience
from agent.delivery.rows import LANES, LaneName, Row, fitting, time_of
from agent.errors import LinkLost, StorageError
from agent.noticing import Noticing
from agent.protocol import control, sensing, topics
from agent.protocol.times import format_time
from agent.sensing.reading import Reading
from agent.wake import Wake

log = logging.getLogger("cht_agent.delivery")

_LINGER = 0.05  # readings of one tick leave in one message
_URGENT_LINGER = 0.002  # what one command or one bouncing contact changes, too
_FLIGHTS = 32  # messages on the line before the first must be proven
_LOOK_AHEAD = 100  # rows looked at for one message: more never fit
_FENCE_LINGER = 0.02  # one fence proves all that was sent meanwhile


class Channel(Protocol):
    """The link, as delivery needs it."""

    confirm: Literal["fence", "none"]

    @property
    def up(self) -> bool: ...

    def publish(self, topic: str, payload: bytes) -> None: ...

    async def fence(self) -> None: ...


@dataclass(frozen=True)
class ReadingsStatus:
    """Readings alone: handed in and confirmed since the start; waiting anywhere, of them on the
    card."""

    made: int = 0
    confirmed: int = 0
    waiting: int = 0
    on_disk: int = 0


@dataclass(frozen=True)
class DeliveryStatus:
    """Rows, readings and acks: waiting anywhere, of them on disk; confirmed and dropped since the
    start.

    ``oldest`` is the age in seconds of the oldest row in memory, 0.0 without one.
    """

    confirm: Literal["fence", "none"]
    waiting: int
    on_disk: int
    confirmed: int
    dropped: int
    oldest: float
    readings: ReadingsStatus = ReadingsStatus()


class Delivery:
    """The outbox in memory and on disk, and what empties it.

    ``device`` may change while running (the registry can move a device).
    """

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        clock: Clock,
        config: DeliveryConfig,
        untimed: Literal["drop", "send"] = "drop",
    ) -> None:
        self.device: str | None = None
        self._channel = channel
        self._clock = clock
        self._config = config
        self._noticing = Noticing(log, clock)
        self._lanes: dict[LaneName, Lane] = {name: Lane(name) for name in LANES}
        self._work = Wake()
        self._flown = Wake()
        self._card = Card(
            self._lanes, outbox, clock, config.hold, untimed, self._drop, self._work.call,
            on_backlog=self._begin_with_backlog,
        )  # fmt: skip
        self._flights: deque[tuple[int, Flight]] = deque()
        self._number = 0
        self._asked: float | None = None  # since when a fence is out (monotonic)
        self._patience = Patience()
        self._caution = Caution()
        self._confirmed: dict[LaneName, int] = dict.fromkeys(LANES, 0)
        self._made = 0
        self._dropped = 0
        self._next_backfill = 0.0
        self._timed = False
        self._started = clock.monotonic()
        self._landed = asyncio.Event()

    # --- what the rooms hand in -------------------------------------------------------------------

    def reading(self, reading: Reading) -> None:
        """Take a reading. Never blocks, never fails; one that cannot be sent is counted."""
        self._made += 1
        try:
            body = sensing.element(
                sensing.Rawdata(reading.sensor, reading.values, lat=reading.lat, lon=reading.lon)
            )
        except ValueError as exc:
            self._drop("unsendable", 1, f"a reading of {reading.sensor}: {exc}")
            return
        clock, time, now = self._clock, None, self._clock.monotonic()
        if clock.trusted():
            time = time_of(reading.mono, now, clock.utc())
        row = Row("data", body, time, clock.boot_id, reading.mono)
        self._hold(row, now, reading.urgent)
        self._work.call(_URGENT_LINGER if reading.urgent else _LINGER)

    def ack(self, sensor: str, text: str) -> None:
        """Take an acknowledgement (P-11). With the link up it is on the line when this returns."""
        time = format_time(self._clock.utc()) if self._clock.trusted() else None
        body = control.element(control.Ack(sensor, text, time=time))
        now = self._clock.monotonic()
        self._hold(Row("ack", body, None, self._clock.boot_id, now), now, urgent=True)
        lane = self._lanes["ack"]
        if lane.disk_unsent or not self._may_fly() or not self._send_from_memory(lane):
            self._work.call()

    def status(self) -> DeliveryStatus:
        oldest = [lane.memory[0].since for lane in self._lanes.values() if lane.memory]
        data = self._lanes["data"]
        return DeliveryStatus(
            self._channel.confirm,
            sum(lane.waiting for lane in self._lanes.values()),
            sum(lane.on_disk for lane in self._lanes.values()),
            sum(self._confirmed.values()),
            self._dropped,
            self._clock.monotonic() - min(oldest) if oldest else 0.0,
            ReadingsStatus(self._made, self._confirmed["data"], data.waiting, data.on_disk),
        )

    # --- what the link and the clock tell ---------------------------------------------------------

    def link_up(self) -> None:
        """What was on the line of the last connection is sent again."""
        self._asked = None  # the last one's fence may not have heard yet that it ended
        self._rewind()
        self._work.call()

    def link_down(self, by_broker: bool) -> None:
        """``by_broker``: it ended the connection, rather than falling silent."""
        if by_broker:
            self._caution = self._caution.dropped(sum(f.rows for _, f in self._flights))
            if self._caution.give_up:
                self._give_up(self._flights[0][1])
        self._rewind()
        self._landed.set()  # nothing more will land: drain need not wait
        if any(held.urgent for lane in self._lanes.values() for held in lane.memory):
            self._card.hurry()

    def clock_trusted(self) -> None:
        """The wall clock is right now: readings that waited for their time get it."""
        self._work.call()

    def _give_up(self, flight: Flight) -> None:
        self._caution = Caution()
        gone = self._lanes[flight.lane].prove(flight)
        text = flight.held[0].row.body.decode() if flight.held else "a row on disk"
        self._drop("poison", gone, f"the broker ends every connection that carries {text[:200]}")

    # --- life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then call :meth:`close`."""
        await self._card.find_backlog()
        self._work.call()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pump(), name="delivery-pump")
            tasks.create_task(self._prove(), name="delivery-prove")
            tasks.create_task(self._card.run(), name="delivery-card")

    async def drain(self, seconds: float) -> None:
        """Give what is in memory ``seconds`` to be proven. :meth:`run` must still be running."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._channel.up and any(lane.memory for lane in self._lanes.values()):
                    self._landed.clear()
                    await self._landed.wait()

    async def close(self) -> None:
        """Everything that is not proven goes to disk; the database is closed."""
        await self._card.close()
        unsaved = sum(len(lane.memory) for lane in self._lanes.values())
        self._drop("unsaved", unsaved, "stopping, and the card takes nothing")

    # --- pump -------------------------------------------------------------------------------------

    async def _pump(self) -> None:
        while True:
            if not self._timed and self._clock.trusted():
                self._timed = await self._card.stamp_all()
                if not self._timed:
                    self._work.call(self._config.hold)
            pause = await self._send_next() if self._may_fly() else None
            if pause == 0.0:
                continue
            if pause is not None:
                self._work.call(pause)
            await self._work.wait()

    def _may_fly(self) -> bool:
        if not self._channel.up or self.device is None:
            return False
        return len(self._flights) < (1 if self._caution.single else _FLIGHTS)

    def _doubted(self) -> bool:
        """Whether nobody answers any more: readings wait, acks are sent all the same."""
        return (self._asked is not None
                and self._clock.monotonic() - self._asked > self._patience.seconds)

    async def _send_next(self) -> float | None:
        """Send one message. 0.0: done, ask again; None: wait for work; else wait so long (s)."""
        wait: float | None = None
        for name in LANES:
            lane = self._lanes[name]
            if name == "data" and self._doubted():
                continue
            if lane.disk_unsent:
                pause = self._next_backfill - self._clock.monotonic() if name == "data" else 0.0
                found = pause if pause > 0 else await self._send_from_disk(lane)
                if found == 0.0:
                    return 0.0
                wait = found if wait is None else min(wait, found or wait)
            elif lane.memory_unsent and self._send_from_memory(lane):
                return 0.0
        return wait

    def _send_from_memory(self, lane: Lane) -> bool:
        held = lane.unsent(_LOOK_AHEAD)
        if not self._timed:
            held = list(takewhile(lambda h: self._sendable(h.row), held))
        if not held:
            return False
        payload, count = fitting([h.row for h in held], self._caution.most)
        if not self._publish(lane.name, payload):
            return False
        self._fly(lane.send(held[:count]))
        return True

    async def _send_from_disk(self, lane: Lane) -> float | None:
        after = lane.sent_id
        try:
            found = await self._card.read(lane, _LOOK_AHEAD)
        except StorageError:
            return self._config.hold
        if not self._may_fly() or lane.sent_id != after:
            return 0.0 if self._channel.up else None  # the link changed while the card was read
        if not found:
            lane.sent_id = lane.last_id  # they made room for newer ones
            return 0.0
        ready = list(takewhile(lambda item: self._sendable(item[1]), found))
        if not ready:
            return None
        payload, count = fitting([row for _, row in ready], self._caution.most)
        if not self._publish(lane.name, payload):
            return None
        self._fly(lane.send_disk([row_id for row_id, _ in ready[:count]]))
        if lane.name == "data":
            self._next_backfill = self._clock.monotonic() + 1 / self._config.backfill_rate
        return 0.0

    def _publish(self, lane: LaneName, payload: bytes) -> bool:
        if self.device is None:
            return False
        topic = topics.ack(self.device) if lane == "ack" else topics.rawdata(self.device)
        try:
            self._channel.publish(topic, payload)
        except LinkLost:
            return False
        return True

    def _fly(self, flight: Flight) -> None:
        self._number += 1
        self._flights.append((self._number, flight))
        self._flown.call(0.0 if len(self._flights) >= _FLIGHTS // 2 else _FENCE_LINGER)

    def _begin_with_backlog(self) -> None:
        """Found late, after a failure, it may stand before readings that are on the line already,
        and hold some of this boot that wait for their time."""
        self._timed = False
        self._rewind()

    def _rewind(self) -> None:
        self._flights.clear()
        for lane in self._lanes.values():
            lane.rewind()

    # --- prove ------------------------------------------------------------------------------------

    async def _prove(self) -> None:
        while True:
            await self._flown.wait()
            if not self._flights or not self._channel.up:
                continue
            mark = self._number
            self._asked = asked = self._clock.monotonic()
            try:
                await self._channel.fence()
            except LinkLost:
                continue
            finally:
                self._asked = None
            self._patience = self._patience.answered(self._clock.monotonic() - asked)
            self._confirm(mark)

    def _confirm(self, mark: int) -> None:
        rows = 0
        while self._flights and self._flights[0][0] <= mark:
            _, flight = self._flights.popleft()
            proven = self._lanes[flight.lane].prove(flight)
            self._confirmed[flight.lane] += proven
            rows += proven
        self._caution = self._caution.confirmed(rows)
        self._landed.set()
        if any(lane.proven > lane.forgotten for lane in self._lanes.values()):
            self._card.proven()
        if any(lane.disk_unsent or lane.memory_unsent for lane in self._lanes.values()):
            self._work.call()

    # --- rows -------------------------------------------------------------------------------------

    def _sendable(self, row: Row) -> bool:
        """Acks go out with or without a time; a reading waits for it, while its boot lasts."""
        return row.lane == "ack" or row.time is not None or row.boot != self._clock.boot_id

    def _hold(self, row: Row, now: float, urgent: bool) -> None:
        dropped = self._lanes[row.lane].add(Held(row, now, urgent), IN_MEMORY)
        self._drop("memory", dropped, "the card takes nothing and memory is full, the oldest go")
        if urgent and not self._channel.up and not self._starting:
            self._card.hurry()

    @property
    def _starting(self) -> bool:
        """The first link is still being made: every start would write its first states to the
        card, only to delete them a moment later."""
        return self._clock.monotonic() - self._started < self._config.hold

    def _drop(self, kind: str, rows: int, why: str) -> None:
        if rows:
            self._dropped += rows
            self._noticing.note(kind, f"{rows} dropped: {why}")
