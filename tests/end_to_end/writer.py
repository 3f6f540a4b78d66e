"""Readings as fast as asked through the real link, delivery and outbox, with a witness between.

``python -m tests.end_to_end.writer PORT FOLDER DEVICE FIRST`` hands in reading after reading until
SIGTERM, then lets delivery finish and ends with 0. ``FOLDER/ledger`` tells, one line each, written
with one system call and so on the record whatever happens to the process afterwards:

    m N MONO     reading N is handed in next
    p N N …      a fence has succeeded, which proves these; delivery is told only after this line
    u            fences were given up: from here on nothing is proven
    d MONO       the link was found to be down
    e WAITING    the end, with so many readings still waiting

``FOLDER/clock``, if it is there, holds the seconds by which this machine's wall clock is wrong.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from agent.clock import SystemClock
from agent.config.model import DeliveryConfig, Secret
from agent.delivery.delivery import Delivery
from agent.delivery.outbox import Outbox
from agent.errors import LinkLost
from agent.link.link import Link, Plan
from agent.link.model import Account
from agent.protocol import topics
from agent.retry import Reconnect
from agent.sensing.reading import Reading

SENSORS = 5
PER_SECOND = 50
HOLD = 1.0
FENCE_TIMEOUT = 1.0


class StepClock(SystemClock):
    """The machine's clocks, but for what somebody does to the wall clock."""

    def __init__(self, steps: Path) -> None:
        super().__init__("always")
        self._steps = steps

    def utc(self) -> datetime:
        steps = self._steps.read_text() if self._steps.exists() else ""
        return super().utc() + timedelta(seconds=float(steps or 0))


class Ledger:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def line(self, *words: object) -> None:
        os.write(self._fd, (" ".join(map(str, words)) + "\n").encode())


class Witness:
    """The link as delivery sees it; keeps which readings went out on this connection."""

    def __init__(self, link: Link, ledger: Ledger) -> None:
        self._link = link
        self._ledger = ledger
        self._sent: list[str] = []
        self._told = False

    @property
    def confirm(self) -> Literal["fence", "none"]:
        return self._link.confirm

    @confirm.setter
    def confirm(self, value: Literal["fence", "none"]) -> None:
        self._link.confirm = value

    @property
    def up(self) -> bool:
        return self._link.up

    def publish(self, topic: str, payload: bytes) -> None:
        self._link.publish(topic, payload)
        self._sent += [one["value"][0] for one in json.loads(payload)]

    async def fence(self) -> None:
        # Only what went out before the fence is behind it, and a new connection empties the list.
        mine, count = self._sent, len(self._sent)
        await self._link.fence()
        if self._link.confirm != "fence":
            if not self._told:
                self._told = True
                self._ledger.line("u")
            return
        if mine is not self._sent:
            raise LinkLost("the connection changed under a fence")
        if count:
            self._ledger.line("p", *mine[:count])
            del mine[:count]

    def ended(self) -> None:
        self._sent = []


async def run(port: int, folder: Path, device: str, first: int) -> int:
    clock, ledger = StepClock(folder / "clock"), Ledger(folder / "ledger")
    (folder / "card").mkdir(exist_ok=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def down(by_broker: bool) -> None:
        ledger.line("d", f"{clock.monotonic():.3f}")
        witness.ended()
        delivery.link_down(by_broker)

    link = Link(
        "platform", clock, lambda *_message: None, confirm="fence",
        on_up=lambda: delivery.link_up(), on_down=down, fence_timeout=FENCE_TIMEOUT,
        policy=Reconnect(eager=3600.0, quick=(0.05, 0.2)), rand=random.Random(first))
    witness = Witness(link, ledger)
    delivery = Delivery(
        witness, Outbox(folder / "card" / "outbox.db", 64_000_000), clock,
        DeliveryConfig(hold=HOLD, backfill_rate=500))
    delivery.device = device
    account = Account("127.0.0.1", port, "writer", Secret("anything"))
    tasks = [
        asyncio.create_task(delivery.run(), name="delivery"),
        asyncio.create_task(
            link.run(Plan(account, (), topics.sensor_csv(device, "s0"))), name="link"),
    ]
    number, started = first, time.monotonic()
    while not stop.is_set():
        made = clock.monotonic()
        ledger.line("m", number, f"{made:.3f}")
        delivery.reading(Reading(f"s{number % SENSORS}", (str(number),), made))
        number += 1
        await asyncio.sleep(max(0.0, started + (number - first) / PER_SECOND - time.monotonic()))
        assert not any(task.done() for task in tasks), tasks
    deadline = time.monotonic() + 20
    while delivery.status().waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await delivery.close()
    ledger.line("e", delivery.status().waiting)
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s.%(msecs)03d %(message)s",
                        datefmt="%H:%M:%S")
    sys.exit(asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
