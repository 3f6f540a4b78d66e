"""The package's service on real kernel lines, with systemd as process 1.

Systemd's own end of it (restarts, walls, credentials) is tested in containers by tests/systemd,
which have no lines; what the outputs do meanwhile is tested here.

As a machine takes ten seconds to boot, one serves all tests: the first sees it fresh, the last
removes the package.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pi import unit_bed
from tests.pi.bed import Kernel
from tests.pi.recording import Recording
from tests.pi.unit_bed import Machine
from tests.support.package import Edit, build_package
from tests.support.waiting import wait_until
from tests.systemd.machine import CONFIG, UNIT

RELAY, PUMP = 17, 27
ON, OFF = 0, 1  # physical levels of both outputs: they are active low
OUTPUTS = f"""
[platform]
host = "127.0.0.1"
port = 1883
tls = false
device_id = "7432"
key = "a-key-of-nobody"

[registry]
product_code = "pi"
serial = "100000000001e240"

[clock]
trust = "always"

[hardware]
backend = "pi"

[[actuator]]
id = "relay"
driver = "relay"
pin = {RELAY}
active_high = false

[[actuator]]
id = "pump"
driver = "relay"
pin = {PUMP}
active_high = false
"""
BREAKS_AT_START: Edit = (
    "agent/app.py", "\nlog =", '\nraise SystemExit("broken on purpose")\nlog =',
)  # fmt: skip


@pytest.fixture(scope="session")
def card() -> Iterator[Path]:
    """A machine's files: version 1.0 installed and configured, 2.0 and a broken 3.0 at hand."""
    with ExitStack() as stack:
        one, two, broken = (
            build_package(Path(stack.enter_context(tempfile.TemporaryDirectory())), *edition)
            for edition in (("1.0",), ("2.0",), ("3.0", BREAKS_AT_START))
        )
        root = stack.enter_context(
            unit_bed.card(Path(os.environ["CHT_GPIO_ROOT"]), one, (two, broken))
        )
        (root / CONFIG.lstrip("/")).write_text(OUTPUTS)
        yield root


@pytest.fixture(scope="module")
def machine(network: None, kernel: Kernel, card: Path) -> Iterator[Machine]:
    """Its service is ready; wired so badly that a line let go switches a relay on."""
    with unit_bed.boot(kernel, card) as machine:
        machine.comes_up(120)
        for line in (RELAY, PUMP):
            machine.guest.pull(line, up=False)
        yield machine


def seconds_to_safety(machine: Machine, end: str, within: float) -> float:
    """Switch the relay on, send the agent the signal ``end``; how long after systemd noticed its
    death the relay was off (below 0: before). Tried up to three times while it is longer than
    ``within``, as this machine may be busy with something else for a moment."""
    for _ in range(3):
        machine.do(f"systemctl restart {UNIT} && cht-agent set relay on")
        machine.guest.mark("end")
        machine.do(f"kill -{end} {machine.pid()}")
        wait_until(lambda: machine.guest.level(RELAY) == OFF, 60, "the relay to be off")
        after = machine.guest.recording().since("end")
        off = next(event.time for event in after.of(RELAY) if event.value == OFF)
        late = off - int(machine.show("ExecMainExitTimestampMonotonic")) / 1e6
        print(f"off {late:+.3f} s after systemd noticed the end by {end}")
        stays_off(after, PUMP)
        assert set(after.levels(RELAY)) == {OFF}
        if late < within:
            break
    return late


def stays_off(recording: Recording, *lines: int) -> None:
    """Neither level nor direction ever said anything else."""
    for line in lines:
        assert set(recording.levels(line)) <= {OFF}
        assert set(recording.directions(line)) <= {"out"}


def test_from_power_on_the_outputs_are_safe_and_the_unit_may_drive_them(machine: Machine) -> None:
    recording = machine.guest.recording()
    for line in (RELAY, PUMP):
        assert recording.levels(line)[0] == OFF
    machine.do("cht-agent set relay on")
    assert (machine.guest.level(RELAY), machine.guest.level(PUMP)) == (ON, OFF)
    machine.do("cht-agent set relay off")
    assert machine.guest.recording().changes(RELAY) == [OFF, ON, OFF]


def test_after_sigkill_the_outputs_are_safe_within_a_second(
    machine: Machine, kernel: Kernel
) -> None:
    machine.drop_in("RestartSec=30")  # time to ask what the restart would make forgotten
    late = seconds_to_safety(machine, "KILL", within=1.0)
    assert late < 1.0
    # Where the kernel lets go itself, that is no merit of the helper's.
    assert kernel == "drop" or late > 0
    machine.do(f"systemctl restart {UNIT}")
    assert machine.guest.recording().since("end").changes(RELAY) == [OFF]


def test_without_the_helper_they_would_not_be(machine: Machine, kernel: Kernel) -> None:
    if kernel == "drop":
        pytest.skip("that kernel lets the line fall by itself")
    machine.drop_in("RestartSec=30\nExecStopPost=")
    machine.do(f"systemctl restart {UNIT} && cht-agent set relay on")
    machine.do(f"kill -KILL {machine.pid()}")
    wait_until(lambda: machine.show("SubState") == "auto-restart", 20, "systemd to notice")
    time.sleep(2)  # twice what the test above allows
    assert machine.guest.level(RELAY) == ON


def test_a_hang_ends_with_the_outputs_safe(machine: Machine) -> None:
    machine.drop_in("WatchdogSec=5\nRestartSec=30")
    assert seconds_to_safety(machine, "STOP", within=1.0) < 1.0
    machine.says("Watchdog timeout")


def test_over_an_upgrade_no_output_blips(machine: Machine) -> None:
    """Whether it comes off or is taken back; one that is on goes off once, and stays off."""
    machine.drop_in("")
    machine.do(f"systemctl restart {UNIT} && cht-agent set pump on")
    machine.guest.mark("upgrade")
    machine.do("dpkg --install /root/cht-agent_2.0_all.deb", timeout=240)
    assert machine.do("cht-agent --version") == "cht-agent 2.0"
    assert machine.is_up()
    recording = machine.guest.recording().since("upgrade")
    stays_off(recording, RELAY)
    assert set(recording.levels(PUMP)) == {OFF}

    machine.guest.mark("failed upgrade")
    assert not machine.try_("dpkg --install /root/cht-agent_3.0_all.deb", timeout=240)
    assert machine.is_up() and machine.do("cht-agent --version") == "cht-agent 2.0"
    stays_off(machine.guest.recording().since("failed upgrade"), RELAY, PUMP)

    machine.guest.mark("removal")
    machine.do("dpkg --purge cht-agent", timeout=120)
    stays_off(machine.guest.recording().since("removal"), RELAY, PUMP)
    assert [machine.guest.level(line) for line in (RELAY, PUMP)] == [OFF, OFF]
