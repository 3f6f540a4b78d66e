"""The kernel's DHT driver (``dtoverlay=dht11``, which reads the DHT22 too) as a DhtReader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.errors import SensorError
from agent.hardware.drivers.small_files import read_number, read_text


class KernelDht:
    """Reads both quantities of one sample: the driver asks the wire only when two seconds passed
    since its last good answer, and hands out that answer until then."""

    def __init__(self, root: Callable[[], Path], pin: int) -> None:
        self._root = root
        self._pin = pin

    def measure(self) -> tuple[float, float]:
        folder = find(self._root(), self._pin)
        if folder is None:
            raise SensorError("the kernel's DHT device is gone")
        temperature = read_number(folder / "in_temp_input")
        humidity = read_number(folder / "in_humidityrelative_input")
        return temperature / 1000, humidity / 1000

    def close(self) -> None:
        """Nothing is held open between reads."""


def find(root: Path, pin: int) -> Path | None:
    """The folder of the kernel's DHT device on BCM ``pin``.

    Its device-tree node names the pin; without one the name may (``dht11@11``, in hexadecimal as
    all unit addresses are); a nameless one fits when it is the only one.
    """
    devices = {
        folder: _pin(folder) for folder in sorted(root.glob("iio:device*")) if _is_dht(folder)
    }
    for folder, its_pin in devices.items():
        if its_pin == pin:
            return folder
    if list(devices.values()) == [None]:
        return next(iter(devices))
    return None


def _is_dht(folder: Path) -> bool:
    try:
        return read_text(folder / "name").startswith("dht11")
    except SensorError:
        return False


def _pin(folder: Path) -> int | None:
    try:
        cells = (folder / "of_node" / "gpios").read_bytes()
    except OSError:
        cells = b""
    if len(cells) >= 8:
        return int.from_bytes(cells[4:8], "big")  # controller, line, flags
    try:
        return int(read_text(folder / "name").partition("@")[2], 16)
    except (SensorError, ValueError):
        return None
