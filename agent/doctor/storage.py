"""Where the agent keeps what outlives it: the state folder, its disk, and the card below."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.config import paths
from agent.doctor.accounts import READ, WRITE
from agent.doctor.machine import Machine
from agent.doctor.visit import Visit, there
from agent.finding import Finding

_ASIDE = (".corrupt", ".damaged")
_NO_ROOM = 4_000_000
_IN_MEMORY = {
    "tmpfs": "in memory", "ramfs": "in memory", "overlay": "on an overlay, most likely in memory",
}  # fmt: skip
_WORN = 0x0A  # of the tenths that an eMMC counts: nine gone
_URGENT = 0x03


def folder(visit: Visit) -> Path:
    """The state folder of the agent that has this configuration."""
    machine = visit.machine
    system = machine.path(paths.STATE_DIR)
    return paths.state_dir(visit.config, machine.environ, system, serving=False)


def state(visit: Visit) -> Iterable[Finding]:
    """Whether the agent's user may write there; what was found damaged there."""
    at, user = folder(visit), visit.machine.agent(visit.path)
    if user is None or not at.exists():
        return  # the service makes it
    try:
        entries = {at: at.stat()} | {path: path.lstat() for path in sorted(at.rglob("*"))}
        next(at.iterdir(), None)
    except OSError:
        yield Finding("skipped", f"{at} is the agent's alone: use sudo")
        return
    foreign = [path for path, status in entries.items() if not user.may(status, READ | WRITE)]
    if foreign:
        some = foreign[0] if foreign[0] == at else foreign[0].relative_to(at)
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        yield Finding(
            "error",
            f"{at}: {user.name} may not write {some}{more}; was the agent once run with sudo?",
            f"sudo chown -R {user.name}: {at}",
        )
    for path in entries:
        if path.name.endswith(_ASIDE):
            yield Finding(
                "warning",
                f"{path} was found damaged and set aside",
                "a card that does this again is dying; delete the file when you need its space",
            )
    if not foreign:
        yield Finding("good", str(at))


@dataclass(frozen=True)
class Space:
    """Of a file system: bytes and files that still fit, and whether it can be written at all."""

    free: int
    files: int
    read_only: bool
    kind: str


def disk(visit: Visit) -> Iterable[Finding]:
    """Whether what has to wait finds room, and is still there after a power cut."""
    at = folder(visit)
    while not at.exists():
        at = at.parent
    found = os.statvfs(at)
    space = Space(
        found.f_bavail * found.f_frsize,
        found.f_favail if found.f_files else 1,
        bool(found.f_flag & os.ST_RDONLY),
        _kind(visit.machine, at),
    )
    yield from judge(at, space, there(visit.config).delivery.disk_limit)


def judge(at: Path, space: Space, limit: int) -> Iterator[Finding]:
    """What that space means for a backlog of ``limit`` bytes. Pure."""
    megabytes = f"{space.free / 1e6:.0f} MB"
    if space.read_only:
        yield Finding(
            "error",
            f"{at} cannot be written: its file system is read-only",
            "sudo dmesg | grep -i 'mmc\\|ext4' tells whether the card failed; else mount it"
            " writable, or set [service] state_dir",
        )
    elif space.free < _NO_ROOM or space.files < 8:
        what = "no files more" if space.files < 8 else "no room"
        mend = "sudo journalctl --vacuum-size=50M and sudo apt clean give some back"
        yield Finding("error", f"{at} has {what}: the disk is full", mend)
    elif space.free < limit:
        yield Finding(
            "warning",
            f"{at} has {megabytes} left, less than a long outage fills ({limit / 1e6:.0f} MB)",
            "make room, or set [delivery] disk_limit lower",
        )
    elif space.kind in _IN_MEMORY:
        yield Finding(
            "warning",
            f"{at} is {_IN_MEMORY[space.kind]}: what waits there is lost at a power cut",
            "mount a partition that can be written there",
        )
    else:
        yield Finding("good", f"{megabytes} left")


def _kind(machine: Machine, at: Path) -> str:
    """The type of the file system that ``at`` is on."""
    best, kind = Path("/"), ""
    for line in (machine.text("/proc/self/mountinfo") or "").splitlines():
        fields, _, rest = line.partition(" - ")
        words = fields.split(" ")
        if len(words) < 5 or not rest:
            continue
        mount = Path(words[4].replace("\\040", " "))
        if at.resolve().is_relative_to(mount) and mount.is_relative_to(best):
            best, kind = mount, rest.split(" ")[0]
    return kind


def card(visit: Visit) -> Iterable[Finding]:
    """What the kernel has counted of a memory that fails."""
    root, counted, failing = visit.machine.root, False, False
    for path in sorted(root.glob("sys/fs/ext4/*/errors_count")):
        counted = True
        if errors := _number(path, 10):
            failing = True
            text = f"the file system of {path.parent.name} has met {errors} errors"
            yield Finding("warning", text, "copy what you need, and replace the card")
    for path in sorted(root.glob("sys/block/mmcblk*/device/life_time")):
        worn = max(map(_tenths, path.read_text(encoding="ascii").split()), default=0)
        if worn >= _WORN or _number(path.with_name("pre_eol_info"), 16) >= _URGENT:
            failing = True
            name = path.parents[1].name
            yield Finding("warning", f"{name} is worn out by its own count", "replace it soon")
    if counted and not failing:
        yield Finding("good", "no errors counted")


def _tenths(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


def _number(path: Path, base: int) -> int:
    try:
        return int(path.read_text(encoding="ascii").strip(), base)
    except (OSError, ValueError):
        return 0
