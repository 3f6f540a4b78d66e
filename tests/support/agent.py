"""The real agent as a process of its own, with its log, always reaped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def write_config(
    folder: Path, *, port: int, device_id: str, key: str = "some-key", body: str = "",
) -> Path:
    """An ``agent.toml`` for a plain broker on loopback and the simulated board, with a will named
    after the device; ``body`` is what comes after (sensors, actuators, other sections)."""
    path = folder / "agent.toml"
    path.touch(mode=0o600)
    path.write_text(
        f"""
[platform]
host = "127.0.0.1"
port = {port}
tls = false
device_id = "{device_id}"
key = "{key}"
[last_will]
name = "will{device_id}"
[hardware]
backend = "simulated"
{body}
""",
        encoding="utf-8",
    )
    return path


class AgentProcess:
    """``python -m agent run --config FILE``, from ``with`` (or ``start``) to the end of it.

    State and socket are in ``folder`` and survive ``kill`` and ``start`` again, as on a Pi. The
    log is everything it wrote on stderr and stdout, over all its starts.
    """

    def __init__(
        self, config: Path, *, folder: Path | None = None, env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        self.config = config
        self.folder = folder or config.parent
        self._log = self.folder / "agent.log"
        self._arguments = tuple(arguments)
        # A socket's path may be 107 bytes long, and pytest's folders are deep.
        self._runtime = tempfile.TemporaryDirectory(prefix="agent-")
        self.env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "STATE_DIRECTORY": str(self.folder / "state"),
            "RUNTIME_DIRECTORY": self._runtime.name,
            **(env or {}),
        }
        (self.folder / "state").mkdir(mode=0o700, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the agent was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start it; returns at once."""
        assert not self.running, "the agent runs already"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "agent", "run", "--config", str(self.config),
                 *self._arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=self.folder)

    def wait_for_log(self, pattern: str, timeout: float = 10.0, *, after: int = 0) -> str:
        """The text that matches the regular expression, from character ``after`` of the log on."""
        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.log[after:])
            if found is None and not self.running:
                raise AssertionError(f"the agent ended without {pattern!r}:\n{self.log}")
            return found
        return wait_until(look, timeout, f"{pattern!r} in the agent's log:\n{self.log}")[0]

    def status(self) -> dict[str, Any] | None:
        """What ``status --json`` prints; None when the daemon does not answer."""
        done = self.command("status", "--json")
        return dict(json.loads(done.stdout)) if done.returncode == 0 else None

    def wait_until_up(self, link: str = "platform", timeout: float = 15.0) -> dict[str, Any]:
        """The status, once that link is up."""
        def look() -> dict[str, Any] | None:
            assert self.running, f"the agent ended:\n{self.log}"
            status = self.status()
            return status if status and status["links"][link]["state"] == "up" else None
        return wait_until(look, timeout, f"link {link} up; the log:\n{self.log}")

    def command(self, *words: str, timeout: float = 20.0) -> subprocess.CompletedProcess[str]:
        """Another subcommand beside the daemon, with its configuration and environment."""
        return subprocess.run(
            [sys.executable, "-m", "agent", *words, "--config", str(self.config)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env,
            cwd=self.folder, timeout=timeout, check=False)

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the daemon alone."""
        os.kill(self.pid, which)

    def terminate(self, timeout: float = 10.0) -> int:
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """SIGKILL, as a power cut for this process."""
        if self.running:
            self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout: float = 10.0) -> int:
        """The exit status, when it has ended."""
        assert self._process is not None, "the agent was not started"
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the agent still runs after {timeout:g} s:\n{self.log}") from None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.kill()
        self._runtime.cleanup()
