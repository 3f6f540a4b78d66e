"""The real agent on a machine whose clock is not set until a file says so.

``python -m tests.end_to_end.own_clock CONFIG TIMESYNC_DIR``: as ``cht-agent run``, but with
TIMESYNC_DIR for systemd's folder, in which ``synchronized`` appears once the time is known.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from agent.app import App
from agent.clock import SystemClock
from agent.config.load import load
from agent.service import logs


async def run(config: Path, timesync: Path) -> int:
    return await App(load(config), os.environ, SystemClock("auto", timesync)).run()


if __name__ == "__main__":
    logs.configure()
    code = asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
    sys.stderr.flush()
    os._exit(code)
