"""Delivery with a line that the test holds in its hands, and the questions the tests ask."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Literal

from agent.clock import Clock, SystemClock
from agent.config.model import DeliveryConfig
from agent.delivery.delivery import Channel, Delivery
from agent.delivery.outbox import Outbox
from agent.errors import LinkLost
from agent.sensing.reading import Reading
from tests.support.waiting import until

RAWDATA = "/v1/device/7432/rawdata"
ACK = "/v1/device/7432/ack"


class Line:
    """A link as delivery sees it. ``answers``: whether a fence is answered now, or held back.

    ``kills(payload)``: the broker drops a connection that carries such a message. ``read`` is
    what a fence was answered for, ``sent`` all that was published, on every connection.
    """

    def __init__(self, confirm: Literal["fence", "none"] = "fence") -> None:
        self.confirm: Literal["fence", "none"] = confirm
        self.answers = asyncio.Event()
        self.answers.set()
        self.kills: Callable[[bytes], bool] = lambda _payload: False
        self.sent: list[tuple[str, bytes]] = []
        self.read: list[tuple[str, bytes]] = []
        self.connections = 0
        self.fences = 0
        self._unread: list[tuple[str, bytes]] = []
        self._end: asyncio.Future[None] | None = None
        self._owner: Delivery | None = None
        self._dying = False

    def belongs_to(self, owner: Delivery) -> None:
        self._owner = owner

    @property
    def up(self) -> bool:
        return self._end is not None

    def connect(self) -> None:
        """The link comes up, and delivery hears of it."""
        assert self._owner is not None
        self._end = asyncio.get_running_loop().create_future()
        self._unread = []
        self._dying = False
        self.connections += 1
        self._owner.link_up()

    def drop(self, by_broker: bool = True) -> None:
        """The link ends, and delivery hears of it."""
        assert self._owner is not None
        if self._end is not None:
            end, self._end = self._end, None
            end.set_result(None)
            self._owner.link_down(by_broker)

    def publish(self, topic: str, payload: bytes) -> None:
        if self._end is None:
            raise LinkLost("not connected")
        self.sent.append((topic, payload))
        self._unread.append((topic, payload))
        if self.kills(payload):
            self._dying = True
            asyncio.get_running_loop().call_soon(self.drop)

    async def fence(self) -> None:
        if (end := self._end) is None:
            raise LinkLost("not connected")
        self.fences += 1
        covered = list(self._unread)
        answer = asyncio.ensure_future(self.answers.wait())
        await asyncio.wait((answer, end), return_when="FIRST_COMPLETED")
        answer.cancel()
        if end.done() or self._dying:
            raise LinkLost("it ended")
        self.read += covered
        self._unread = self._unread[len(covered) :]


def elements(messages: list[tuple[str, bytes]], topic: str = RAWDATA) -> list[Any]:
    """The elements of the arrays of one topic, in order."""
    return [one for where, payload in messages if where == topic for one in json.loads(payload)]


def values(messages: list[tuple[str, bytes]]) -> list[int]:
    """The readings of these messages, which are numbers."""
    return [int(one["value"][0]) for one in elements(messages)]


def acks(messages: list[tuple[str, bytes]]) -> list[str]:
    return [one["ack"] for one in elements(messages, ACK)]


class Rig:
    """A running delivery. ``line`` is None with a channel of the test's own."""

    def __init__(self, delivery: Delivery, path: Path, clock: Clock, line: Line | None) -> None:
        self.delivery = delivery
        self.path = path
        self.clock = clock
        self._line = line
        self._task = asyncio.create_task(delivery.run(), name="delivery")

    @property
    def line(self) -> Line:
        assert self._line is not None
        return self._line

    def read(self, *numbers: int, sensor: str = "t", urgent: bool = False) -> None:
        """Readings, taken now."""
        for number in numbers:
            self.delivery.reading(
                Reading(sensor, (str(number),), self.clock.monotonic(), urgent=urgent))

    async def idle(self, timeout: float = 5.0) -> None:
        """Until all is proven."""
        await until(lambda: self.delivery.status().waiting == 0, timeout,
                    f"an empty lane; {self.delivery.status()}")

    async def saved(self, rows: int, timeout: float = 5.0) -> None:
        await until(lambda: self.delivery.status().on_disk == rows, timeout,
                    f"{rows} rows on disk; {self.delivery.status()}")

    async def stop(self) -> None:
        """As the agent stops: the tasks, then what is left."""
        await self.kill()
        await self.delivery.close()

    async def kill(self) -> None:
        """Nothing is saved any more."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        if not self._task.cancelled() and (failure := self._task.exception()) is not None:
            raise failure


@contextlib.asynccontextmanager
async def delivering(
    folder: Path, *, clock: Clock | None = None, channel: Channel | None = None,
    confirm: Literal["fence", "none"] = "fence", hold: float = 60.0, disk_limit: int = 64_000_000,
    backfill_rate: float = 1000.0, untimed: Literal["drop", "send"] = "drop", up: bool = True,
    outbox: Callable[[Path, int], Outbox] = Outbox, device: str | None = "7432",
) -> AsyncIterator[Rig]:
    """A running delivery whose card is in ``folder``. ``hold`` is so long that nothing is saved
    unless a test is about that."""
    clock = clock or SystemClock("always")
    line = Line(confirm) if channel is None else None
    config = DeliveryConfig(confirm, hold, disk_limit, backfill_rate)
    path = folder / "outbox.db"
    delivery = Delivery(channel or line, outbox(path, disk_limit), clock, config, untimed)  # type: ignore[arg-type]
    delivery.device = device
    if line is not None:
        line.belongs_to(delivery)
        if up:
            line.connect()
    rig = Rig(delivery, path, clock, line)
    try:
        yield rig
    finally:
        await rig.kill()
        await delivery.close()


async def settled(seconds: float = 0.15) -> None:
    """Time for what must not happen to happen."""
    await asyncio.sleep(seconds)
