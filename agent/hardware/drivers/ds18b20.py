"""``ds18b20``: a 1-Wire thermometer, read by the kernel (``dtoverlay=w1-gpio``).

``w1_slave`` is two lines, each with the nine bytes the sensor sent; the first ends with the verdict
on their checksum, the second with the temperature::

    50 05 4b 46 7f ff 0c 10 1c : crc=1c YES
    50 05 4b 46 7f ff 0c 10 1c t=85000
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.errors import SensorError
from agent.hardware.drivers.small_files import read_text
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec

TRIES = 3
PAUSE = 0.5
COLDEST, HOTTEST = -55.0, 125.0
POWER_ON = 85.0
"""What it answers when it lost its power before it had measured."""

FAMILIES = ("28", "10", "22", "3b", "42")
"""How the addresses of thermometers begin: DS18B20, DS18S20, DS1822, DS1825, DS28EA00."""

_ANSWER = re.compile(
    r"(?P<bytes>(?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (?P<crc>YES|NO)\n"
    r"(?:[0-9a-f]{2} ){9}t=(?P<milli>-?\d{1,6})"
)


def temperature(answer: str) -> float:
    """°C from the text of ``w1_slave``. Raises SensorError."""
    match = _ANSWER.fullmatch(answer)
    if match is None:
        raise SensorError(f"{answer[:40]!r} is no answer of a thermometer")
    if match["crc"] == "NO":
        raise SensorError("a wrong checksum: check the 4.7 kΩ pull-up, the cable and its length")
    if set(match["bytes"]) == {"0", " "}:  # whose checksum is right
        raise SensorError("all zeros: the data line is held low")
    celsius = int(match["milli"]) / 1000
    if celsius == POWER_ON:
        raise SensorError("85 °C, which it says after losing power: check its supply wire")
    if not COLDEST <= celsius <= HOTTEST:
        raise SensorError(f"impossible answer {celsius:g} °C")
    return celsius


class Ds18b20:
    """``address`` None: the only thermometer there is, whichever that is at the time."""

    def __init__(
        self,
        root: Callable[[], Path],
        address: str | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root = root
        self._address = address and address.lower()
        self._sleep = sleep

    def read(self) -> Sample:
        for left in reversed(range(TRIES)):
            try:
                return {"temperature": self._once()}
            except SensorError as exc:
                if not left:
                    raise SensorError(f"{exc} ({TRIES} tries)") from exc
            self._sleep(PAUSE)
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Nothing is held open between reads."""

    def _once(self) -> float:
        folder = self._folder(self._root())
        try:
            return temperature(read_text(folder / "w1_slave"))
        except SensorError as exc:
            raise SensorError(f"thermometer {folder.name}: {exc}") from exc

    def _folder(self, root: Path) -> Path:
        found = sorted(path for family in FAMILIES for path in root.glob(f"{family}-*"))
        names = ", ".join(path.name for path in found)
        if not found:
            raise SensorError(
                "there is no 1-Wire thermometer: check its wiring and its 4.7 kΩ pull-up, and "
                "dtoverlay=w1-gpio in /boot/firmware/config.txt"
            )
        if self._address is not None:
            for path in found:
                if path.name == self._address:
                    return path
            raise SensorError(f"there is no thermometer {self._address} (there are: {names})")
        if len(found) > 1:
            raise SensorError(f"there are several thermometers, so address must name one: {names}")
        return found[0]


def open_ds18b20(hardware: Hardware, options: Mapping[str, Any]) -> Ds18b20:
    return Ds18b20(hardware.w1_root, options["address"])


SPEC = SensorSpec(
    name="ds18b20",
    quantities={"temperature": "°C"},
    options=(
        Option(
            "address",
            "text",
            "its folder in /sys/bus/w1/devices, such as 28-0316a2795bff; left out: the only one",
        ),
    ),
    open=open_ds18b20,
    blocking=True,  # a measurement takes 0.75 s
    min_every=1.0,
)
