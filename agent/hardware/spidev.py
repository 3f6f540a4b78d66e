"""SPI as the kernel offers it: ``/dev/spidevPORT.DEVICE`` (linux/spi/spidev.h).

gpiozero would need the spidev library for it, and without that drives four pins by itself, chip
select included; the kernel's device needs neither.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from pathlib import Path

from agent.errors import HardwareError, SensorError

DEV = Path("/dev")
SPEED = 500_000
"""Hz; slow enough for every chip of the MCP3xxx family at 3.3 V."""

_TRANSFER = struct.Struct("=QQIIHBBBBBx")
"""tx, rx, length, Hz, pause, bits per word, keep selected, wires out, wires in, pause of a word"""
_MESSAGE = 1 << 30 | _TRANSFER.size << 16 | ord("k") << 8 | 0  # _IOW, one transfer, mode 0


class SpiDevice:
    """One chip on a bus; several may be open for the same one, as each transfer is whole."""

    def __init__(self, port: int, device: int, dev: Path = DEV) -> None:
        """Raises HardwareError."""
        path = dev / f"spidev{port}.{device}"
        self._name = str(path)
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise HardwareError(
                f"{path} does not exist: add dtparam=spi=on to /boot/firmware/config.txt and reboot"
            ) from exc
        except PermissionError as exc:
            raise HardwareError(
                f"{path} may not be opened: run as a member of the group spi "
                "(sudo usermod -aG spi USER, then log in again)"
            ) from exc
        except OSError as exc:
            raise HardwareError(f"{path} cannot be opened: {exc.strerror}") from exc

    def transfer(self, data: bytes) -> bytes:
        """Send ``data``; what came in at the same time. Raises SensorError."""
        out = ctypes.create_string_buffer(data, len(data))
        back = ctypes.create_string_buffer(len(data))
        message = _TRANSFER.pack(
            ctypes.addressof(out), ctypes.addressof(back), len(data), SPEED, 0, 8, 0, 0, 0, 0
        )
        try:
            fcntl.ioctl(self._fd, _MESSAGE, message)
        except OSError as exc:
            raise SensorError(f"{self._name}: {exc.strerror}") from exc
        return back.raw

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
