"""Folders that look like the kernel's, with files that fail as the kernel's do.

The kernel computes a value when its file is read; plain files cannot, so :meth:`FileTree.refresh`
writes them anew and is called whenever somebody asks where the folder is. Faults are real ones:
``checksum`` and ``no_answer`` fail with EIO, ``hang`` blocks the reader.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from hw_mocks.world import World

Device = TypeVar("Device")

_UNREADABLE = Path("/proc/self/mem")
"""Opens, and fails with EIO at its first byte: the one portable way to a real read error."""


class FileTree(Generic[Device]):
    """The folder of ``devices``; it exists from the first :meth:`refresh` until :meth:`close`."""

    def __init__(
        self, devices: tuple[Device, ...], fault: Callable[[str], str | None]
    ) -> None:
        self.fault = fault
        self._devices = devices
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, root: Path, number: int, device: Device, world: World) -> None:
        """Write the files of one device, the ``number``th, under ``root``."""
        raise NotImplementedError

    def ready(self, folder: Path, name: str) -> bool:
        """The ``folder`` of the device ``name``, made; False when nothing is to be written there:
        it is ``unplugged`` and has no folder, or ``stuck`` and shows what it showed before."""
        fault = self.fault(name)
        if fault == "unplugged":
            shutil.rmtree(folder, ignore_errors=True)
            return False
        if fault == "stuck" and folder.exists():
            return False
        folder.mkdir(exist_ok=True)
        put(folder / "name", name)
        return True

    def refresh(self, world: World) -> Path:
        """Write what the devices show of ``world``; the folder."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="hw_mocks-")
        root = Path(self._folder.name)
        for number, device in enumerate(self._devices):
            self.write(root, number, device, world)
        return root

    def close(self) -> None:
        """Remove the folder; whoever hangs on one of its files gets an empty answer."""
        if self._folder is not None:
            for path in Path(self._folder.name).glob("*/*"):
                _let_go(path)
            self._folder.cleanup()
            self._folder = None


def seen(shows: str | float, world: World) -> float:
    """What a device measures: something of ``world`` by its name, or a number that stays."""
    return float(getattr(world, shows)) if isinstance(shows, str) else shows


def show(path: Path, text: str, fault: str | None) -> None:
    """Put ``text`` there, or what the fault makes of it."""
    if fault in ("checksum", "no_answer"):
        _replace(path, lambda new: new.symlink_to(_UNREADABLE))
    elif fault == "hang":
        if not path.is_fifo():
            _replace(path, os.mkfifo)
    else:
        put(path, text)


def put(path: Path, text: str) -> None:
    _replace(path, lambda new: new.write_text(text + "\n", encoding="ascii"))


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    """Swap the file in one step: a reader sees the old one or the new one, never half of one."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    make(new)
    _let_go(path)
    new.replace(path)


def _let_go(path: Path) -> None:
    """End the wait of whoever hangs on ``path``; ENXIO says that nobody does."""
    if path.is_fifo():
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
