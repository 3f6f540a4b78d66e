"""Commands as processes, with a configuration that leads them to a platform of the test's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.rest_platform import PROJECT

ROOT = Path(__file__).parents[2]
DEVICES = """
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
"""


@dataclass
class Bench:
    """``agent.toml``, a key in ``project.key``, and a state folder, all in ``folder``."""

    folder: Path
    url: str
    environ: dict[str, str] = field(default_factory=dict)
    broker: int = 0
    """The port of a plain broker; 0: the configuration's own default, where nothing is."""

    def __post_init__(self) -> None:
        (self.folder / "project.key").write_text(f"{PROJECT}\n")
        self.state.mkdir()
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "agent.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def configure(self, who: str = "", registry: str = 'serial = "00001"', more: str = "") -> None:
        """Without ``who`` (device_id and key) it waits in the registry."""
        section = "" if who else f'[registry]\nproduct_code = "pi"\n{registry}\n'
        self.config.touch(mode=0o600)
        port = f"port = {self.broker}\ntls = false\n" if self.broker else ""
        self.config.write_text(
            f'[platform]\nhost = "127.0.0.1"\n{port}rest_url = "{self.url}"\n{who}\n{section}'
            f'[hardware]\nbackend = "simulated"\n{DEVICES}{more}', encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``cht-agent`` with these words, in ``folder``."""
        return run_command(self.folder, *words,
                           environ={"STATE_DIRECTORY": str(self.state)} | self.environ)


def run_command(
    folder: Path, *words: str, input: str = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``cht-agent`` with these words and the ``agent.toml`` of ``folder``; ``input`` is its
    stdin."""
    return _run(folder, words, environ, input=input)


def run_at_terminal(folder: Path, *words: str, typed: str) -> subprocess.CompletedProcess[str]:
    """The same with a terminal for its stdin, where this has been typed (``\\x04`` is Ctrl-D)."""
    keyboard, stdin = os.openpty()
    try:
        os.write(keyboard, typed.encode())
        return _run(folder, words, None, stdin=stdin)
    finally:
        os.close(stdin)
        os.close(keyboard)


def _run(
    folder: Path, words: tuple[str, ...], environ: Mapping[str, str] | None, *,
    input: str | None = None, stdin: int | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words, "--config", "agent.toml"],
        input=input, stdin=stdin, capture_output=True, text=True,
        timeout=60, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(environ or {}))
