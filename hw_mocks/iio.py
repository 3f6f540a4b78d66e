"""A folder that looks like ``/sys/bus/iio/devices``, real read errors included.

The kernel computes a value when its file is read; plain files cannot, so :meth:`IioTree.refresh`
writes them anew and is called whenever somebody asks where the folder is. Faults are real ones:
``checksum`` and ``no_answer`` fail with EIO as the kernel's DHT driver does, ``unplugged`` has no
folder, ``hang`` blocks the reader, ``stuck`` is not refreshed.
"""

from __future__ import annotations

import struct
from pathlib import Path

from hw_mocks.files import FileTree, put, seen, show
from hw_mocks.scenario import Iio
from hw_mocks.world import World

_MILLI = ("temp", "humidityrelative", "voltage", "current", "power")
"""Channel types the kernel gives in thousandths of °C, %, V, A and W."""


class IioTree(FileTree[Iio]):
    """The folder of the IIO devices."""

    def write(self, root: Path, number: int, device: Iio, world: World) -> None:
        folder = root / f"iio:device{number}"
        if not self.ready(folder, device.name):
            return
        fault = self.fault(device.name)
        if device.pin is not None:
            (folder / "of_node").mkdir(exist_ok=True)
            # A device-tree cell list: GPIO controller, line, flags.
            (folder / "of_node" / "gpios").write_bytes(struct.pack(">III", 0x10, device.pin, 0))
        for channel, shows in device.channels.items():
            value = seen(shows, world)
            if channel.rstrip("0123456789") in _MILLI:
                value *= 1000
            path = folder / f"in_{channel}_input"
            if device.scale is not None:
                path = folder / f"in_{channel}_raw"
                put(folder / f"in_{channel}_scale", f"{device.scale:.6f}")
                put(folder / f"in_{channel}_offset", f"{device.offset:g}")
                value = value / device.scale - device.offset
            show(path, f"{round(value)}" if abs(value) >= 1000 else f"{value:g}", fault)
