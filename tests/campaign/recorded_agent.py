"""The whole agent, with a witness between its delivery and its link, and a wall clock that jumps.

``python -m tests.campaign.recorded_agent CONFIG FOLDER``: as ``cht-agent run``, but each reading
is numbered as delivery gets it, so that every one is another, and ``FOLDER/ledger`` tells of them
what tests/end_to_end/writer.py tells. ``FOLDER/clock``: see there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import agent.app
from agent.app import App
from agent.config.load import load
from agent.delivery.delivery import Delivery
from agent.sensing.reading import Reading
from agent.service import logs
from tests.end_to_end.writer import Ledger, StepClock, Witness


def recording(folder: Path) -> type[Delivery]:
    """A delivery that tells the ledger in this folder."""
    path = folder / "ledger"
    before = path.read_text().splitlines() if path.exists() else []
    first = 1 + max((int(line.split()[1]) for line in before if line.startswith("m")), default=-1)
    ledger = Ledger(path)

    class Recorded(Delivery):
        def __init__(self, channel: Any, *more: Any) -> None:
            self._witness = Witness(channel, ledger)
            self._next = first
            super().__init__(self._witness, *more)

        def reading(self, reading: Reading) -> None:
            number, self._next = self._next, self._next + 1
            ledger.line("m", number, f"{time.monotonic():.3f}", reading.sensor)
            super().reading(replace(reading, values=(str(number),)))

        def link_down(self, by_broker: bool) -> None:
            ledger.line("d", f"{time.monotonic():.3f}")
            self._witness.ended()
            super().link_down(by_broker)

    return Recorded


async def run(config: Path, folder: Path) -> int:
    agent.app.Delivery = recording(folder)  # type: ignore[attr-defined]
    return await App(load(config), os.environ, StepClock(folder / "clock")).run()


if __name__ == "__main__":
    logs.configure()
    code = asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.stderr.flush()
    os._exit(code)
