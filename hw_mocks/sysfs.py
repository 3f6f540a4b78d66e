"""1-Wire thermometers and hardware monitors as folders of the kernel, read errors included."""

from __future__ import annotations

from pathlib import Path

from hw_mocks.files import FileTree, seen, show
from hw_mocks.scenario import Monitor, Thermometer
from hw_mocks.world import World

_PARTS = {"temp": 1e3, "in": 1e3, "curr": 1e3, "humidity": 1e3, "power": 1e6, "energy": 1e6}
"""Kind of hwmon channel → how many of the kernel's units are one °C, V, A, %, W or J."""


class W1Tree(FileTree[Thermometer]):
    """The folder of the 1-Wire devices: one DS18B20 each, and the bus master's own entry.

    ``checksum`` is the sensor's (the kernel says NO), ``power_on`` the 85 °C after a lost supply.
    """

    def write(self, root: Path, number: int, device: Thermometer, world: World) -> None:
        (root / "w1_bus_master1").mkdir(exist_ok=True)
        folder = root / device.address
        if not self.ready(folder, device.address):
            return
        fault = self.fault(device.address)
        celsius = 85.0 if fault == "power_on" else seen(device.shows, world)
        answer = w1_slave(celsius, spoiled=fault == "checksum")
        show(folder / "w1_slave", answer, None if fault == "checksum" else fault)


def w1_slave(celsius: float, *, spoiled: bool = False) -> str:
    """What the kernel shows of a DS18B20 at twelve bits. ``spoiled``: a bit fell over on the way.
    """
    sixteenths = round(celsius * 16) & 0xFFFF
    data = bytes([sixteenths & 0xFF, sixteenths >> 8, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10])
    sum_of_all = crc8(data)
    data = (bytes([data[0] ^ 1]) + data[1:] if spoiled else data) + bytes([sum_of_all])
    verdict = "YES" if crc8(data[:8]) == sum_of_all else "NO"
    raw = int.from_bytes(data[:2], "little", signed=True)
    shown = data.hex(" ")
    return f"{shown} : crc={sum_of_all:02x} {verdict}\n{shown} t={raw * 1000 // 16}"


def crc8(data: bytes) -> int:
    """The checksum of 1-Wire (polynomial x⁸ + x⁵ + x⁴ + 1, reflected)."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


class HwmonTree(FileTree[Monitor]):
    """The folder of the hardware monitors."""

    def write(self, root: Path, number: int, device: Monitor, world: World) -> None:
        folder = root / f"hwmon{number}"
        if not self.ready(folder, device.name):
            return
        fault = self.fault(device.name)
        for channel, shows in device.channels.items():
            value = seen(shows, world)
            if "_" in channel:  # a file of its own, such as an alarm
                show(folder / channel, f"{value:g}", fault)
            else:
                parts = _PARTS.get(channel.rstrip("0123456789"), 1)
                show(folder / f"{channel}_input", f"{round(value * parts)}", fault)
