"""The whole agent as the campaign strikes it: with the same handles as the Writer."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agent.errors import AgentError
from agent.service import client
from tests.end_to_end.station import platform_toml, prepared
from tests.end_to_end.writer import HOLD, SENSORS
from tests.support.agent import ROOT, AgentProcess
from tests.support.waiting import wait_until

TEXT = f"[delivery]\nhold = \"{HOLD:g}s\"\nbackfill_rate = 500\n" + "".join(f"""
[[sensor]]
id = "s{number}"
driver = "file"
path = "tick"
every = "100ms"
""" for number in range(SENSORS))


class _Recorded(AgentProcess):
    """recorded_agent.py as a process."""

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.campaign.recorded_agent", str(self.config),
                 str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=ROOT)


class WholeAgent:
    """Its state is in ``FOLDER/card``. ``look``: is called while it is dead."""

    def __init__(
        self, port: int, folder: Path, device: str, look: Callable[[], None] = lambda: None
    ) -> None:
        self.kills: list[float] = []
        self._look = look
        self._folder = folder
        state = {"STATE_DIRECTORY": str(folder / "card")}
        made = prepared(folder, platform_toml(port, device) + TEXT, env=state)
        self._agent = _Recorded(made.config, env=made.env | state)

    @property
    def ledger(self) -> list[list[str]]:
        path = self._folder / "ledger"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def log(self) -> str:
        return self._agent.log

    def start(self) -> None:
        lines = len(self.ledger)
        self._agent.start()
        wait_until(lambda: len(self.ledger) > lines, 20, f"the agent to begin:\n{self.log[-2000:]}")

    def kill(self) -> None:
        assert self._agent.running, self.log[-4000:]
        self._agent.kill()
        self.kills.append(time.monotonic())
        self._look()
        self.start()

    def finish(self) -> int:
        """Once the card's backlog is gone: what is in memory then has its chance at the exit."""
        wait_until(lambda: self._on_disk() == 0, 60, "the backlog to go")
        return self._agent.terminate()

    def close(self) -> None:
        self._agent.kill()

    def _on_disk(self) -> int | None:
        socket = Path(self._agent.env["RUNTIME_DIRECTORY"]) / "agent.sock"
        with contextlib.suppress(AgentError):
            return int(client.request(socket, {"op": "status"})["delivery"]["on_disk"])
        return None
