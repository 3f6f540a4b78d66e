"""The state folder, its disk, and the card below."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.doctor import storage
from agent.doctor.storage import Space
from tests.doctor.rig import Patient, told


@pytest.fixture(autouse=True)
def state_there(pi: Patient) -> None:
    pi.environ["STATE_DIRECTORY"] = str(pi.state)


def test_a_good_state_folder(pi: Patient) -> None:
    pi.own(pi.write("/var/lib/cht-agent/outbox.db", ""))
    assert told(storage.state(pi.visit())) == [f"good {pi.state}"]
    pi.environ["STATE_DIRECTORY"] = str(pi.root / "not/there")
    assert told(storage.state(pi.visit())) == [], "it is made at the first start"


def test_files_that_the_agent_may_not_write(pi: Patient) -> None:
    for name in ("outbox.db", "commands.journal"):
        file = pi.write(f"/var/lib/cht-agent/{name}", "")
        pi.own(file)
        file.chmod(0o400)
    assert told(storage.state(pi.visit())) == [
        f"error {pi.state}: pi may not write commands.journal and 1 more; was the agent once run"
        f" with sudo?: sudo chown -R pi: {pi.state}"]
    pi.state.chmod(0o500)
    assert f"pi may not write {pi.state} and 2 more" in told(storage.state(pi.visit()))[0]
    pi.serve()
    assert f"sudo chown -R cht-agent: {pi.state}" in told(storage.state(pi.visit()))[0]


def test_what_was_damaged_once(pi: Patient) -> None:
    pi.own(pi.write("/var/lib/cht-agent/outbox.db.corrupt", ""))
    (line, _) = told(storage.state(pi.visit()))
    assert line.startswith(f"warning {pi.state}/outbox.db.corrupt was found damaged and set aside")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_is_closed_to_us(pi: Patient) -> None:
    pi.state.chmod(0o000)
    assert told(storage.state(pi.visit())) == [
        f"skipped {pi.state} is the agent's alone: use sudo"]
    pi.state.chmod(0o700)


# --- disk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("space", "line"), [
    (Space(10**9, 1000, False, "ext4"), "good 1000 MB left"),
    (Space(20_000_000, 1000, False, "ext4"), "warning /s has 20 MB left, less than a long outage"),
    (Space(100_000, 1000, False, "ext4"), "error /s has no room: the disk is full: sudo journal"),
    (Space(10**9, 0, False, "ext4"), "error /s has no files more: the disk is full"),
    (Space(10**9, 1000, True, "ext4"), "error /s cannot be written: its file system is read-only"),
    (Space(10**9, 1000, False, "overlay"), "warning /s is on an overlay, most likely in memory"),
    (Space(10**9, 1000, False, "tmpfs"), "warning /s is in memory: what waits there is lost at"),
])  # fmt: skip
def test_what_space_means(space: Space, line: str) -> None:
    (found,) = told(storage.judge(Path("/s"), space, 64_000_000))
    assert found.startswith(line)


def test_which_file_system_a_folder_is_on(pi: Patient) -> None:
    pi.write("/proc/self/mountinfo", f"""\
22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw
23 22 0:30 / {pi.root} rw - overlay overlay rw
24 23 0:31 / {pi.state}\\040old rw - tmpfs tmpfs rw
odd line
""")
    (line,) = told(storage.disk(pi.visit()))
    assert "is on an overlay" in line
    assert storage._kind(pi.machine(), pi.state) == "overlay"
    assert storage._kind(pi.machine(), Path("/usr")) == "ext4"


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
                          capture_output=True, check=False)
    if done.returncode:
        pytest.skip("a disk of one's own needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full(pi: Patient) -> None:
    with mounted(pi.state, "size=8m"):
        with contextlib.suppress(OSError), (pi.state / "ballast").open("wb") as file:
            file.write(b"x" * 9_000_000)
        (line,) = told(storage.disk(pi.visit()))
    assert line.startswith(f"error {pi.state} has no room")


def test_a_disk_that_is_read_only(pi: Patient) -> None:
    with mounted(pi.state, "ro"):
        (line,) = told(storage.disk(pi.visit()))
    assert "its file system is read-only" in line


# --- card -----------------------------------------------------------------------------------------


def test_a_card_that_fails(pi: Patient) -> None:
    assert told(storage.card(pi.visit())) == []
    pi.write("/sys/fs/ext4/mmcblk0p2/errors_count", "0\n")
    assert told(storage.card(pi.visit())) == ["good no errors counted"]
    pi.write("/sys/fs/ext4/mmcblk0p2/errors_count", "3\n")
    assert told(storage.card(pi.visit())) == [
        "warning the file system of mmcblk0p2 has met 3 errors: copy what you need, and replace"
        " the card"]


@pytest.mark.parametrize(("life", "end", "worn"), [
    ("0x01 0x02", "0x01", False), ("0x0a 0x01", "0x01", True), ("0x01 0x01", "0x03", True),
    ("0x00 0x00", "0x00", False), ("odd", "odd", False),
])  # fmt: skip
def test_a_card_that_counts_its_own_wear(pi: Patient, life: str, end: str, worn: bool) -> None:
    pi.write("/sys/block/mmcblk0/device/life_time", f"{life}\n")
    pi.write("/sys/block/mmcblk0/device/pre_eol_info", f"{end}\n")
    said = told(storage.card(pi.visit()))
    assert said == (["warning mmcblk0 is worn out by its own count: replace it soon"]
                    if worn else [])
