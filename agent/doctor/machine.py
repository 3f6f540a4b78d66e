"""This machine, as the doctor looks at it: a tree of files, pins, and what systemd tells."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path, PurePath
from typing import Protocol

from agent.doctor import unit as units
from agent.doctor.accounts import Account, account, current
from agent.doctor.unit import Unit

_SYSTEMCTL_TIMEOUT = 10.0


class Pins(Protocol):
    """The pins of the 40-pin header, to look at only."""

    def chip(self) -> int:
        """The number of their GPIO chip. Raises HardwareError."""

    def holder(self, pin: int) -> str | None:
        """Who has claimed it, "" for somebody without a name; None: nobody. Raises
        HardwareError."""


class KernelPins:
    """Those of this machine."""

    def chip(self) -> int:
        from agent.hardware.gpioheader import header_chip

        return header_chip()

    def holder(self, pin: int) -> str | None:
        from agent.hardware.gpiochip import holder

        return holder(self.chip(), pin)


def show_unit() -> str:
    """What systemd knows of our service; nothing where there is no systemd."""
    command = ("systemctl", "show", units.NAME, f"--property={','.join(units.PROPERTIES)}")
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command, from the PATH of who asks
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=_SYSTEMCTL_TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def version_of(distribution: str) -> str | None:
    """The version of an installed Python distribution; None: it is not there."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True)
class Machine:
    """``root``: where its files are; the tests' is a folder. ``me``: who runs this command."""

    root: Path = Path("/")
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    me: Account = field(default_factory=current)
    show_unit: Callable[[], str] = show_unit
    pins: Pins = field(default_factory=KernelPins)
    version_of: Callable[[str], str | None] = version_of

    def path(self, path: str | PurePath) -> Path:
        """An absolute path, below the root."""
        return self.root / str(path).lstrip("/")

    def text(self, path: str | PurePath) -> str | None:
        """What stands in a small file, without its last newline or NUL; None: not to be read."""
        try:
            return self.path(path).read_bytes().decode("utf-8", "replace").rstrip("\n\0")
        except OSError:
            return None

    @cached_property
    def unit(self) -> Unit | None:
        """The service, where there is one."""
        shown = self.show_unit()
        return units.unit(shown, {path: self.text(path) or "" for path in units.files_of(shown)})

    def agent(self, config: Path) -> Account | None:
        """Who runs the agent with this configuration: the service's user, if the configuration is
        the service's, else who asks. None: the service names a user that does not exist."""
        if self.unit is None or not self.serves(config):
            return self.me
        passwd, group = self.text("/etc/passwd") or "", self.text("/etc/group") or ""
        return account(passwd, group, self.unit.user, self.unit.groups)

    def serves(self, config: Path) -> bool:
        """Whether the service is there and runs with this configuration."""
        its = self.unit.config if self.unit is not None else None
        return its is not None and self.path(its).resolve() == config.resolve()
