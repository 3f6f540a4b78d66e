"""What this machine was booted with: its model, its kernel, the overlays of ``config.txt``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from agent.doctor.bootconfig import PLACES, Overlay, overlays
from agent.doctor.machine import Machine
from agent.doctor.visit import Visit
from agent.finding import Finding

_CHANGED_AFTER = 60.0  # seconds: the clock at boot may be a little off


@dataclass(frozen=True)
class Boot:
    """``file``: the config.txt there is, or should be. ``changed``: after this boot."""

    model: str
    file: str
    overlays: tuple[Overlay, ...]
    changed: bool

    def named(self, *names: str) -> list[Overlay]:
        """The overlays of these names, in the order of the file."""
        return [overlay for overlay in self.overlays if overlay.name in names]

    def add(self, line: str) -> str:
        """The mend for an overlay that is not there."""
        return f"add {line} to {self.file} and reboot"


def boot(machine: Machine) -> Boot:
    """Never raises: what cannot be read is not there."""
    model = machine.text("/proc/device-tree/model") or ""
    place = next((one for one in PLACES if machine.text(one) is not None), None)
    if place is None:
        return Boot(model, PLACES[0], (), False)
    beside = PurePosixPath(place).parent
    found = overlays(machine.text(place) or "", model, lambda name: machine.text(beside / name))
    changed = _written_after_boot(machine.path(place), machine.text("/proc/stat") or "")
    return Boot(model, place, found, changed)


def _written_after_boot(file: Path, proc_stat: str) -> bool:
    booted = re.search(r"^btime (\d+)$", proc_stat, re.MULTILINE)
    try:
        written = file.stat().st_mtime
    except OSError:
        return False
    return booted is not None and written > int(booted[1]) + _CHANGED_AFTER


def kernel(visit: Visit) -> Iterable[Finding]:
    """Whether the running kernel still has its modules, and was booted with today's config.txt."""
    machine = visit.machine
    release = machine.text("/proc/sys/kernel/osrelease") or ""
    modules = machine.path("/lib/modules")
    if release and modules.is_dir() and not (modules / release).is_dir():
        yield Finding(
            "error",
            f"the modules of the running kernel {release} are gone: it was upgraded, and no"
            " overlay can be loaded",
            "reboot",
        )
    now = boot(machine)
    if now.changed:
        yield Finding("warning", f"{now.file} was changed after this boot", "reboot to apply it")
