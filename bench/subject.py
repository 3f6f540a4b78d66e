"""A program under measurement: started, watched through /proc, always ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
[platform]
host = "127.0.0.1"
port = {port}
tls = false
device_id = "bench"
key = "bench-key"
[clock]
trust = "always"
[heartbeat]
pulse = "60s"
[hardware]
backend = "simulated"
[service]
state_dir = "state"
socket = "agent.sock"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
max_command_age = "1h"
{sensors}
"""

PHONE = """
[phone]
host = "127.0.0.1"
port = {port}
tls = false
api_key = "bench-key"
sn_key = "{sn_key}"
"""
MENUS = """
[callers]
unknown = "all"
[menu.main]
say = "溫室您好。查詢請按一，離開請按二。"
keys = { 1 = "read.s0", 2 = "end" }
[read.s0]
say = "目前{s0}，{s0:age}測得。"
"""

SENSOR = '[[sensor]]\nid = "s{n}"\ndriver = "{driver}"\n{more}every = "{every}"\n'


def agent_config(folder: Path, port: int, sensors: int = 10, every: str = "1s") -> Path:
    """A configuration of ``sensors`` polled digital inputs and one relay."""
    free = [pin for pin in range(4, 28) if pin != 17]  # 2 and 3 have pull-ups of their own
    parts = [
        SENSOR.format(n=n, driver="digital_input", more=f"pin = {free[n]}\n", every=every)
        for n in range(sensors)
    ]
    path = folder / "agent.toml"
    path.write_text(CONFIG.format(port=port, sensors="\n".join(parts)), encoding="utf-8")
    return path


def phone_config(folder: Path, port: int, sn_key: str) -> Path:
    """The same with a telephone, whose broker is the platform's."""
    path = agent_config(folder, port)
    more = PHONE.format(port=port, sn_key=sn_key)
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    (folder / "phone.toml").write_text(MENUS, encoding="utf-8")
    return path


class Subject:
    """``python -m MODULE ARGS`` as a process of its own."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", *arguments]
        self._folder = folder
        self._log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0

    def __enter__(self) -> Self:
        # An installed program has its byte code; a checkout may not be allowed to keep any.
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(self._folder / "bytecode")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        with self._log.open("ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(self._arguments, stdout=log, stderr=log, env=env)
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(6)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def _proc(self) -> Path:
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}")

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def cpu_precise(self) -> float:
        """The same in finer steps, where the kernel tells (schedstat: nanoseconds a thread)."""
        total = 0
        for thread in (self._proc / "task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
        return total / 1e9

    def rss_mb(self) -> float:
        """Resident memory in 10^6 bytes."""
        found = re.search(r"VmRSS:\s+(\d+) kB", (self._proc / "status").read_text())
        return int(found[1]) * 1024 / 1e6 if found else 0.0

    def written_bytes(self) -> int:
        """Bytes this process caused to be written to a disk."""
        found = re.search(r"^write_bytes: (\d+)", (self._proc / "io").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0

    def system_calls(self, seconds: float) -> float | None:
        """System calls a second, counted by strace for ``seconds``; None without strace."""
        strace = shutil.which("strace")
        if strace is None or self.process is None:
            return None
        out = self._folder / f"{self.name}.strace"
        # -c counts in the tracer; INT makes it write its table and detach.
        tracer = subprocess.Popen(
            [strace, "-f", "-c", "-o", str(out), "-p", str(self.process.pid)],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        tracer.send_signal(signal.SIGINT)
        tracer.wait(5)
        total = re.search(r"^\s*100[.,]00\s+\S+\s+\S*\s+(\d+).*total$", out.read_text(), re.M)
        return int(total[1]) / seconds if total else None
