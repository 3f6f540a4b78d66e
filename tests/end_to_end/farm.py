"""An agent with an alarm that phones two people through the twin, and those who sit there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end.station import prepared
from tests.end_to_end.twin_site import new_device, platform_toml
from tests.support.agent import ROOT, AgentProcess
from tests.twin.served import PHONE, rent
from twin.serving.process import Twin

ANN, BOB = "034240101", "034240102"  # landlines: busy is busy there


@dataclass
class Farm:
    """An agent with one reading that the test writes, and the phones of two people."""

    agent: AgentProcess
    twin: Twin
    folder: Path

    def measure(self, value: str) -> None:
        (self.folder / "air").write_text(value)

    def log(self, pattern: str) -> str:
        return self.agent.wait_for_log(pattern, 20)

    def status(self) -> dict[str, Any]:
        return self.agent.status() or {}

    def alarm(self) -> dict[str, Any]:
        return alarm_of(self.agent)

    def announce(self, phone: str, text: str) -> None:
        """``cht-agent phone call``: have somebody phoned beside the alarms."""
        done = subprocess.run(
            [sys.executable, "-m", "agent", "phone", "call", "--yes", text, "--config",
             str(self.agent.config)],
            input=f"{phone}\n", capture_output=True, text=True, env=self.agent.env, cwd=self.folder,
            timeout=30, check=False)
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def person(self, phone: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """``cht-twin callee``: somebody sits at this phone."""
        with subprocess.Popen(
            [sys.executable, "-m", "twin", "callee", phone, "--socket", str(self.twin.socket),
             "--wait", "60s", *words],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True) as process:
            try:
                assert process.stdout is not None
                assert "waits for a call" in process.stdout.readline()
                yield process
            finally:
                process.kill()


def ended_well(process: subprocess.Popen[str]) -> bool:
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    return True


def config(folder: Path, twin: Twin, calls: str, rest_url: str = "") -> str:
    number, sn_key = rent_once(twin)
    (folder / "phone.toml").write_text('[menu.main]\nsay = "離開請按一。"\nkeys = { 1 = "end" }\n',
                                       encoding="utf-8")
    (folder / "air").write_text("21.5")
    return platform_toml(twin.ports["mqtt"], new_device(twin, "air", "hot"),
                         key=twin.project_key) + f"""
[phone]
host = "127.0.0.1"
port = {twin.ports["phone"]}
ca_file = "{twin.ca_file}"
api_key = "{twin.api_key}"
sn_key = "{sn_key}"
service_number = "{number}"
rest_url = "{rest_url or twin.rest_url}{PHONE}"
[[sensor]]
id = "air"
driver = "file"
path = "air"
unit = "°C"
every = "250ms"
[contacts]
ann = "{ANN}"
bob = "{BOB}"
[calls]
{calls}
[[alarm]]
id = "hot"
sensor = "air"
above = 35
clear = 33
severity = "critical"
say = "溫室太熱，{{air}}，高於{{limit}}"
call = ["ann", "bob"]
publish_state = true
"""


_RENTED: dict[int, tuple[str, str]] = {}


def rent_once(twin: Twin) -> tuple[str, str]:
    """An account has three numbers at most."""
    if twin.pid not in _RENTED:
        _RENTED[twin.pid] = rent(twin)
    return _RENTED[twin.pid]


@contextlib.contextmanager
def farm(
    twin: Twin, folder: Path, calls: str = 'enabled = true\ncollect = "0s"\n', rest_url: str = ""
) -> Iterator[Farm]:
    """A started agent, with nothing wrong yet. ``rest_url``: of something before the twin."""
    with prepared(folder, config(folder, twin, calls, rest_url)) as agent:
        here = Farm(agent, twin, folder)
        agent.wait_until_up("phone")
        yield here


def alarm_of(agent: AgentProcess) -> dict[str, Any]:
    return dict(((agent.status() or {}).get("alarms") or [{}])[0])
