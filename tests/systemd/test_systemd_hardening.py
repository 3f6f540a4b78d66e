"""The unit's walls, each with a negative control: what fails inside works without the directive."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.systemd import bed
from tests.systemd.bed import Machine
from tests.systemd.machine import UNIT

NOT_OF_A_PROBE = ("Type", "Exec\\w+", "Restart\\w*", "Watchdog\\w+", "RuntimeDir\\w+")
BUSES = """
    SupplementaryGroups=i2c spi dialout
    DeviceAllow=char-i2c rw
    DeviceAllow=char-spidev rw
    DeviceAllow=char-ttyAMA rw
"""


@dataclass(frozen=True)
class Wall:
    """Python code that raises inside, and the directives without which it does not."""

    name: str
    code: str
    directives: tuple[str, ...]


WALLS = (
    Wall("files outside of the state folder", "open('/srv/open/x', 'w')", ("ProtectSystem",)),
    # ProtectClock= adds to the allowed devices, and so closes the others as well.
    Wall("devices", "open('/srv/open/device', 'w')", ("Device[A-Z]\\w+", "ProtectClock")),
    Wall("kinds of sockets", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
         ("RestrictAddressFamilies",)),
    Wall("code written at run time",
         "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ|mmap.PROT_WRITE|mmap.PROT_EXEC)",
         ("MemoryDenyWriteExecute",)),
    Wall("system calls", "import os; os.sched_setaffinity(0, os.sched_getaffinity(0))",
         ("SystemCallFilter",)),
    Wall("homes", "open('/home/somebody/letter')", ("ProtectHome",)),
    Wall("setuid files", "import os; os.chmod('/var/lib/cht-agent/mine', 0o4755)",
         ("RestrictSUIDSGID",)),
    Wall("other users' processes", "open('/proc/1/status')", ("ProtectProc",)),
    # Every filter of system calls brings it along.
    Wall("becoming root", "import os, subprocess as s;"
         " assert s.run(['/srv/open/id', '-u'], stdout=s.PIPE).stdout == b'0\\n'",
         ("NoNewPrivileges", "SystemCall\\w+", "Restrict\\w+", "MemoryDenyWriteExecute",
          "LockPersonality", "Protect(Kernel\\w+|Clock|Hostname)", "CapabilityBoundingSet")),
)  # fmt: skip


@pytest.fixture(scope="module")
def walled(rootfs: Path, installed: Path) -> Iterator[Machine]:
    """A machine with something to get at for everybody, were it not for the walls."""
    with ExitStack() as stack:
        scratch = stack.enter_context(bed.scratch())
        machine = stack.enter_context(bed.boot([installed, rootfs], scratch))
        machine.do(
            "mkdir -m 777 /srv/open; mknod -m 666 /srv/open/device c 1 11;"
            " install -m 4755 /usr/bin/id /srv/open/id;"
            " mkdir -m 755 /home/somebody; echo hello >/home/somebody/letter;"
            " install -o cht-agent -m 600 /dev/null /var/lib/cht-agent/mine"
        )
        yield machine


@dataclass(frozen=True)
class Tried:
    """How a probe ended, and what it said."""

    succeeded: bool
    said: str


def tried(machine: Machine, code: str, without: tuple[str, ...] = ()) -> Tried:
    """Run ``code`` as a service like ours, but for some directives. Each is a unit of its own:
    nothing of the one before clings to it."""
    text = machine.do(f"cat /usr/lib/systemd/system/{UNIT}")
    for directive in (*without, *NOT_OF_A_PROBE):
        text = re.sub(rf"^{directive}=.*\n", "", text, flags=re.M)
    machine.write("/srv/probe.py", f"{code}\n")
    text = text.replace("[Service]", "[Service]\nType=oneshot\nExecStart=python3 /srv/probe.py")
    unit = f"probe-{uuid.uuid4().hex[:8]}.service"
    machine.write(f"/run/systemd/system/{unit}", text)
    machine.do("systemctl daemon-reload")
    done = machine.try_(f"systemctl start {unit}")
    said = machine.do(f"journalctl -q -o cat -u {unit}")
    assert done or "Error" in said, f"the probe failed for another reason: {done.out}{said}"
    return Tried(bool(done), said)


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.name)
def test_a_wall_stands_and_it_is_that_one(walled: Machine, wall: Wall) -> None:
    without = tried(walled, wall.code, wall.directives)
    assert without.succeeded, f"fails without the directive as well: {without.said}"
    assert not tried(walled, wall.code).succeeded


def test_what_the_agent_needs_passes_through_the_walls(walled: Machine) -> None:
    walled.write("/etc/hosts", "127.0.0.1 platform\n")
    everything = tried(walled, """
import os, socket, sqlite3, ssl, systemd.daemon, threading
socket.getaddrinfo("platform", 8883)
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
assert ssl.create_default_context().get_ca_certs()
open("/var/lib/cht-agent/x", "w"), open("/proc/cpuinfo"), open("/proc/loadavg")
open("/sys/firmware/devicetree/base/serial-number"), os.statvfs("/")
thread = threading.Thread(target=print)
thread.start()
thread.join()
""")
    assert everything.succeeded, everything.said


def exposure(machine: Machine) -> float:
    said = machine.try_(f"systemd-analyze security --no-pager {UNIT}").out
    found = re.search(r"Overall exposure level.*: ([\d.]+)", said)
    assert found, said
    return float(found[1])


def test_systemds_own_judgement(walled: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    alone = exposure(walled)
    walled.drop_in(BUSES)
    with_buses = exposure(walled)
    with capsys.disabled():
        print(f"\nexposure: {alone} with GPIO alone, {with_buses} with I2C, SPI and a serial port")
    assert alone <= 1.5
    assert with_buses <= 2.0
