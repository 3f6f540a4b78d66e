"""The bed: Debian with systemd as PID 1 in a container (systemd-nspawn), fresh for every test.

``tests/systemd/run`` provides what this relies on: root, a mount namespace of the tests' own (so
that no mount outlives them), a root file system per release, and packages built from this project.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_until
from tests.systemd.machine import Done, Systemd

SERIAL = "100000000001e240"
"""The serial number of the Raspberry Pi that the machine pretends to be."""

_NSPAWN = (
    "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=read-only",
    "--link-journal=no",
    # Both are needed for DeviceAllow= and IPAddressDeny=, which are BPF programs.
    "--capability=all", "--system-call-filter=bpf",
)  # fmt: skip

_HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
"""Where systemd looks for its cgroups: the first, or on an older kind of host the other two."""


class BedError(Exception):
    """The bed itself does not work; says nothing about the agent."""


@dataclass(frozen=True)
class Machine(Systemd):
    """A running container. ``init`` is its PID 1 as seen from outside; ``root`` its files."""

    init: int
    root: Path

    def try_(self, command: str, timeout: float = 60, fed: str = "") -> Done:
        done = subprocess.run(
            ["nsenter", "--target", str(self.init), "--all", "/bin/sh", "-c",
             f"cd /; {command}"],
            input=fed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, check=False, text=True, errors="replace",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"},
        )  # fmt: skip
        return Done(done.returncode, done.stdout)

    def install(self, package: Path) -> Done:
        """Install a package as its user does: by apt, without a network."""
        name = f"/root/{package.name}"
        (self.root / name.lstrip("/")).write_bytes(package.read_bytes())
        apt = "apt-get -q -o Dpkg::Use-Pty=0 install -y --allow-downgrades"
        return self.try_(f"{apt} {name}", timeout=120)


@contextlib.contextmanager
def boot(
    layers: Sequence[Path], upper: Path, *options: str, own_network: bool = True,
    settles_in: float = 30,
) -> Iterator[Machine]:  # fmt: skip
    """Boot a machine whose files are ``layers`` (the topmost first); its changes go to ``upper``.

    ``options`` are systemd-nspawn's. Each machine gets a cgroup of its own: left to themselves, all
    of them settle in the same one beside the tests, and each that boots or halts sweeps away what
    is empty there, such as what another's systemd has just made for a process it is about to start
    ("Failed to spawn executor: No such file or directory").

    ``own_network`` False: it shares that of the tests. ``settles_in``: seconds until everything
    that belongs to its boot has been started.
    """
    root = upper / "root"
    for folder in (root, upper / "changes", upper / "work"):
        folder.mkdir()
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o",
         f"lowerdir={':'.join(map(str, layers))},upperdir={upper / 'changes'},"
         f"workdir={upper / 'work'}", str(root)],
        check=True,
    )  # fmt: skip
    name = f"cht-{uuid.uuid4().hex[:8]}"
    cgroups = [Path(place, name) for place in _HIERARCHIES if Path(place, "cgroup.procs").exists()]
    for cgroup in cgroups:
        cgroup.mkdir()
    enter = "".join(f"echo $$ >{cgroup}/cgroup.procs && " for cgroup in cgroups)
    options += ("--private-network",) if own_network else ()
    with (upper / "console").open("wb") as console:
        # Killed in any way, the tests take the machine with them.
        nspawn = subprocess.Popen(
            ["/bin/sh", "-c", f'{enter}exec "$@"', "sh",
             "setpriv", "--pdeathsig", "TERM", *_NSPAWN, *options,
             f"--machine={name}", f"--directory={root}", "--boot"],
            stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )  # fmt: skip
    try:
        machine = Machine(_init_of(nspawn, upper / "console"), root)
        wait_until(lambda: machine.try_("systemctl is-system-running").out.strip()
                   in ("running", "degraded"), settles_in, "the machine to boot")  # fmt: skip
        _pretend_to_be_a_pi(machine)
        yield machine
    finally:
        nspawn.terminate()
        try:
            nspawn.wait(20)
        except subprocess.TimeoutExpired:
            nspawn.kill()
            nspawn.wait()
        subprocess.run(["umount", "--lazy", str(root)], check=False)
        for cgroup in cgroups:
            wait_until(lambda cgroup=cgroup: _swept(cgroup), 10, f"{cgroup} to be empty")


def _init_of(nspawn: subprocess.Popen[bytes], console: Path) -> int:
    def child() -> int | None:
        if nspawn.poll() is not None:
            raise BedError(f"systemd-nspawn ended: {console.read_text(errors='replace')}")
        for pid in _children(nspawn.pid):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                    return pid
        return None

    return wait_until(child, 20, "the machine's PID 1")


def _swept(cgroup: Path) -> bool:
    """Whether the cgroup, with all below, could be removed: no process is in it any more."""
    try:
        for folder, _, _ in os.walk(cgroup, topdown=False):
            Path(folder).rmdir()
    except OSError:
        return False
    return True


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _pretend_to_be_a_pi(machine: Machine) -> None:
    """Its serial number, where a Pi's firmware has it; the service's own /proc keeps it hidden
    nowhere else."""
    place = "/sys/firmware/devicetree/base"
    machine.do("mount -o remount,rw /sys && mkdir -p /sys/firmware &&"
               f" mount -t tmpfs tmpfs /sys/firmware && mkdir -p {place} &&"
               f" printf '{SERIAL}\\0' >{place}/serial-number")  # fmt: skip


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory for the changes of a machine: an overlay's upper side may not lie on
    every file system, but may on this one."""
    with tempfile.TemporaryDirectory(prefix="cht-machine-") as name:
        folder = Path(name)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", name], check=True)
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", name], check=False)
