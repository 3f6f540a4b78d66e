"""A boot partition as Raspberry Pi Imager leaves it, and a package like ours."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

IMAGER = """\
#cloud-config
hostname: greenhouse
users:
- name: grower
  lock_passwd: false
  passwd: $5$made$up
runcmd:
  - [ rfkill, unblock, wifi ]
"""

CONFIG = """\
[platform]
device_id = "7432"
key = "credential:device-key"
[hardware]
backend = "pi"
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
"""


def partition(folder: Path, user_data: str = IMAGER) -> Path:
    """A fresh card's boot partition, made at ``folder``."""
    (folder / "overlays").mkdir(parents=True)
    (folder / "config.txt").write_text("[all]\n\n[pi5]\ndtparam=audio=on\n")
    (folder / "cmdline.txt").write_text("console=tty1 root=PARTUUID=12 rootwait\n")
    (folder / "kernel8.img").write_bytes(b"\0" * 10)
    (folder / "user-data").write_text(user_data)
    (folder / "meta-data").write_text("instance_id: rpios-image\n")
    (folder / "network-config").write_text("#network\n")
    return folder


def package(path: Path, name: str = "cht-agent") -> Path:
    """A Debian package with nothing but a control file in it."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz") as archive:
        control = f"Package: {name}\nVersion: 1\nDescription: x\n more: than that\n".encode()
        entry = tarfile.TarInfo("./control")
        entry.size = len(control)
        archive.addfile(entry, io.BytesIO(control))
    members = [("debian-binary", b"2.0\n"), ("control.tar.xz", tar.getvalue()),
               ("data.tar.xz", lzma.compress(b""))]  # fmt: skip
    out = b"!<arch>\n"
    for member, body in members:
        head = f"{member:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n"
        out += head.encode() + body + b"\n" * (len(body) % 2)
    path.write_bytes(out)
    return path
