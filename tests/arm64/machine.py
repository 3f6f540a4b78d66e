"""An emulated ARM machine of 64 bits with Debian, and what it says on its console."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

HOST = "10.0.2.2"
"""This machine's loopback, as seen from the emulated one."""
_BED = """\
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /root/bed
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyAMA0
"""


class Machine:
    """A running one."""

    def __init__(self, process: subprocess.Popen[bytes], console: Path) -> None:
        self._process = process
        self._console = console

    @property
    def console(self) -> str:
        return self._console.read_text(encoding="utf-8", errors="replace").replace("\r", "")

    def says(self, pattern: str, timeout: float) -> re.Match[str]:
        """The first match on its console; AssertionError when it ends before, or takes longer."""
        def look() -> re.Match[str] | None:
            running = self._process.poll() is None
            found = re.search(pattern, self.console, re.M)
            assert found or running, f"it ended without {pattern!r}:\n{self.console[-6000:]}"
            return found
        try:
            return wait_until(look, timeout, pattern)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; the console:\n{self.console[-6000:]}") from None


@contextmanager
def machine(root: Path, folder: Path, script: str, files: Mapping[str, Path]) -> Iterator[Machine]:
    """Boots what is in ``root`` with more ``files`` (path there → here), and runs ``script``."""
    tree = folder / "tree"
    subprocess.run(["cp", "--archive", "--reflink=auto", str(root), str(tree)], check=True)
    for there, here in files.items():
        shutil.copy(here, tree / there.lstrip("/"))
    (tree / "root/bed").write_text(script, encoding="utf-8")
    units = tree / "etc/systemd/system"
    (units / "bed.service").write_text(_BED)
    (units / "bed.target").write_text("[Unit]\nRequires=multi-user.target bed.service\n"
                                      "AllowIsolate=yes\n")
    (tree / "etc/fstab").write_text("/dev/vda / ext4 rw 0 1\n")
    (tree / "etc/hostname").write_text("arm64-bed\n")
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(3 << 30)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tree), str(image)], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    console = folder / "console"
    with console.open("wb") as output:
        process = subprocess.Popen([
            "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024",
            "-nographic", "-no-reboot", "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", "root=/dev/vda rw console=ttyAMA0 systemd.unit=bed.target "
                       "systemd.mask=mosquitto.service net.ifnames=0 "
                       "systemd.mask=serial-getty@ttyAMA0.service",
            "-drive", f"file={image},format=raw,if=virtio,cache=unsafe",
            "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
        ], stdin=subprocess.DEVNULL, stdout=output, stderr=output)  # fmt: skip
    try:
        yield Machine(process, console)
    finally:
        process.kill()
        process.wait(20)
        image.unlink()
