"""Readings straight into delivery: what it costs from a finished reading to the broker.

``python -m bench.feeder PORT SECONDS`` feeds 35 readings a tick, 20 ticks a second, through the
agent's own Delivery and Link, and prints the microseconds of CPU each of them took, less what the
same ticks cost without a reading.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from agent.clock import SystemClock
from agent.config.model import DeliveryConfig, Secret
from agent.delivery.delivery import Delivery
from agent.delivery.outbox import Outbox
from agent.link.link import Link, Plan
from agent.link.model import Account
from agent.sensing.reading import Reading

BATCH, TICKS = 35, 20


async def feed(port: int, seconds: float, folder: Path) -> float:
    """Microseconds of CPU a reading."""
    clock = SystemClock("always")
    up = asyncio.Event()
    link = Link("platform", clock, lambda *_: None, confirm="fence", on_up=up.set)
    delivery = Delivery(link, Outbox(folder / "outbox.db", 1_000_000), clock, DeliveryConfig())
    delivery.device = "bench"
    account = Account("127.0.0.1", port, "benchfeeder", Secret("bench"))
    plan = Plan(account, (), fence_topic="/v1/device/bench/sensor/s0/csv")
    tasks = [asyncio.create_task(link.run(plan)), asyncio.create_task(delivery.run())]
    await up.wait()
    delivery.link_up()
    costs = []
    for batch in (0, BATCH):
        began = time.process_time()
        for tick in range(round(seconds * TICKS)):
            mono = clock.monotonic()
            for n in range(batch):
                delivery.reading(Reading(f"sensor{n}", (f"{tick % 100}.5",), mono))
            await asyncio.sleep(1 / TICKS)
        await delivery.drain(5.0)
        costs.append(time.process_time() - began)
    made = round(seconds * TICKS) * BATCH
    if delivery.status().confirmed != made:
        raise SystemExit(f"{made} made, {delivery.status().confirmed} confirmed")
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return (costs[1] - costs[0]) / made * 1e6


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(asyncio.run(feed(int(sys.argv[1]), float(sys.argv[2]), Path(folder))))
