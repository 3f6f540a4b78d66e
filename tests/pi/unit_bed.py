"""The bed with systemd as process 1 and the package installed: a Pi as its user has it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.pi import bed
from tests.pi.bed import Guest, Kernel
from tests.support.waiting import wait_until
from tests.systemd.machine import Done, Systemd

PYTHON, SCRIPT, SYSTEMD = "/usr/bin/python3", Path("/opt/guest.py"), "/lib/systemd/systemd"


@dataclass(frozen=True)
class Machine(Systemd):
    """A running machine; ``guest`` has its lines."""

    guest: Guest

    def try_(self, command: str, timeout: float = 60, fed: str = "") -> Done:
        return Done(*self.guest.do("shell", command=command, timeout=timeout, fed=fed))


@contextlib.contextmanager
def card(rootfs: Path, installed: Path, others: Sequence[Path] = ()) -> Iterator[Path]:
    """The files of a machine: Debian with one package installed, ``others`` waiting in /root.

    Made in a chroot, as an image is: nothing has run from it yet.
    """
    with tempfile.TemporaryDirectory(prefix="bed-card-") as name:
        root = Path(name) / "root"
        subprocess.run(["cp", "--archive", "--reflink=auto", str(rootfs), str(root)], check=True)
        shutil.copy(bed.SCRIPT, root / SCRIPT.relative_to("/"))
        for package in (installed, *others):
            shutil.copy(package, root / "root")
        done = subprocess.run(
            ["chroot", str(root), "dpkg", "--install", f"/root/{installed.name}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if done.returncode != 0:
            raise bed.BedError(f"the package was not installed: {done.stdout}")
        # Services of Debian's that these tests have no use for.
        for unit in ("mosquitto", "e2scrub_reap", "systemd-logind"):
            (root / f"etc/systemd/system/{unit}.service").symlink_to("/dev/null")
        yield root


@contextlib.contextmanager
def boot(kernel: Kernel, root: Path) -> Iterator[Machine]:
    """Such a machine, from power on to power off; ten seconds."""
    with bed.boot(kernel, root, PYTHON, SCRIPT, SYSTEMD) as guest:
        machine = Machine(guest)
        wait_until(lambda: machine.try_("systemctl is-system-running").out.strip()
                   in ("running", "degraded"), 120, "the machine to boot")  # fmt: skip
        yield machine
