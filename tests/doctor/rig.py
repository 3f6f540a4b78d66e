"""A machine to seed troubles into: a folder for ``/``; pins and systemd say what they are told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agent.config import load
from agent.doctor.accounts import Account
from agent.doctor.machine import Machine
from agent.doctor.visit import Visit
from agent.errors import HardwareError
from agent.finding import Finding

PI4 = "Raspberry Pi 4 Model B Rev 1.4"
SHOWN = {
    "LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Result": "success",
    "NRestarts": "0", "UnitFileState": "enabled", "ExecMainStatus": "0", "User": "cht-agent",
    "SupplementaryGroups": "gpio", "DevicePolicy": "closed", "DeviceAllow": "char-gpiochip rw",
    "Environment": "PYTHONFAULTHANDLER=1", "EnvironmentFiles": "", "NeedDaemonReload": "no",
    "FragmentPath": "/lib/systemd/system/cht-agent.service", "DropInPaths": "",
    "ProtectHome": "yes", "StateDirectory": "cht-agent",
}  # fmt: skip
UID = os.geteuid() or 4711
"""Whose the agent's files are: root may give them away, anybody else keeps them."""
LIBRARIES = {"gpiozero": "2.0.1", "systemd-python": "235"}


@dataclass
class FakePins:
    """``held``: pin → who has it. ``wrong``: what the kernel says instead of a chip."""

    number: int = 0
    held: dict[int, str] = field(default_factory=dict)
    wrong: str = ""

    def chip(self) -> int:
        if self.wrong:
            raise HardwareError(self.wrong)
        return self.number

    def holder(self, pin: int) -> str | None:
        self.chip()
        return self.held.get(pin)


@dataclass
class Patient:
    """A Pi in a folder, in good health until something is done to it."""

    root: Path
    pins: FakePins = field(default_factory=FakePins)
    shown: dict[str, str] | None = None
    """What ``systemctl show`` says; None: there is no service."""
    libraries: dict[str, str] = field(default_factory=lambda: dict(LIBRARIES))
    environ: dict[str, str] = field(default_factory=dict)
    me: Account = field(default_factory=lambda: Account("pi", UID, frozenset({os.getegid()})))

    def __post_init__(self) -> None:
        self.root.chmod(0o755)
        self.write("/proc/device-tree/model", PI4 + "\0")
        self.write("/proc/device-tree/serial-number", "100000001234abcd\0")
        self.write("/proc/stat", "cpu  1 2 3\nbtime 1790000000\n")
        self.write("/proc/sys/kernel/osrelease", "6.12.25+rpt-rpi-v8\n")
        self.write("/lib/modules/6.12.25+rpt-rpi-v8/modules.dep", "")
        self.write("/etc/passwd", f"root:x:0:0::/root:/bin/sh\ncht-agent:x:{UID}:990::/:/bin/no\n")
        self.write("/etc/group", f"gpio:x:{os.getegid()}:\nspi:x:4242:\ncht-agent:x:990:\n")
        self.write("/etc/resolv.conf", "nameserver 192.0.2.1\n")
        self.write("/dev/gpiochip0", "").chmod(0o660)
        self.boot()
        self.state.mkdir(parents=True)
        self.state.chmod(0o700)
        self.own(self.state)
        self.config = self.write("/etc/cht-agent/agent.toml", "")
        self.configure("")

    def write(self, path: str, text: str) -> Path:
        """A file of the machine."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def state(self) -> Path:
        return self.root / "var/lib/cht-agent"

    @staticmethod
    def own(path: Path) -> None:
        """Give it to the agent's user."""
        os.chown(path, UID, -1)

    def boot(self, *lines: str, since: bool = True) -> None:
        """``config.txt``, booted with or (not ``since``) changed after the boot."""
        file = self.write("/boot/firmware/config.txt", "\n".join(lines))
        written = 1_790_000_000 + (-500 if since else 500)
        os.utime(file, (written, written))

    def configure(self, more: str, platform: str = "") -> None:
        """``agent.toml``: a device with an identity, on real pins."""
        who = platform or 'device_id = "7432"\nkey = "file:device.key"'
        self.write("/etc/cht-agent/device.key", "a-key-of-nobody\n").chmod(0o600)
        self.own(self.root / "etc/cht-agent/device.key")
        self.config.write_text(
            f'[platform]\n{who}\n[hardware]\nbackend = "pi"\n{more}', encoding="utf-8")

    def serve(self, **properties: str) -> None:
        """Install the service, for this configuration."""
        argv = f"/usr/bin/cht-agent run --config {self.config}"
        exec_start = f"{{ path=/usr/bin/cht-agent ; argv[]={argv} ; ignore_errors=no }}"
        # Files of the machine are below its root, and so is what the unit names.
        self.shown = SHOWN | {"ExecStart": exec_start.replace(str(self.root), "")} | properties
        self.write("/lib/systemd/system/cht-agent.service",
                   "[Service]\nLoadCredential=device-key\nLoadCredential=tas-key\n")

    def machine(self) -> Machine:
        shown = "\n".join(
            f"{name}={value}" for name, text in (self.shown or {}).items()
            for value in text.split("\n"))
        return Machine(self.root, self.environ, self.me, lambda: shown, self.pins,
                       self.libraries.get)

    def visit(self) -> Visit:
        """A visit that has read the configuration."""
        return Visit(self.config, self.machine(), load.load(self.config))

def told(findings: Iterable[Finding]) -> list[str]:
    """As a person reads them, with the severity."""
    return [f"{finding.severity} {finding}" for finding in findings]
