"""``hwmon``: one channel of a hardware monitor of the kernel: temperatures, fans, supply voltages.

Units are made whole from the kernel's (Documentation/hwmon/sysfs-interface): °C, V, A, W, J, %;
fans are in revolutions per minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.errors import SensorError
from agent.hardware.drivers.small_files import read_number, read_text
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec

PARTS = {"temp": 1e3, "in": 1e3, "curr": 1e3, "humidity": 1e3, "power": 1e6, "energy": 1e6}
"""Kind of channel → how many of the kernel's units make one of ours."""


class HwmonSensor:
    """``device`` is a monitor's name or its folder (``hwmon0``).

    ``channel`` is what stands before ``_input`` (``temp1``, ``fan1``), or the whole name of a file
    without that (``in0_lcrit_alarm``, 1 or 0).
    """

    def __init__(self, root: Callable[[], Path], device: str, channel: str) -> None:
        self._root = root
        self._device = device
        self._channel = channel.removesuffix("_input")
        kind = re.match("[a-z]*", self._channel)
        self._parts = PARTS.get(kind[0], 1.0) if kind else 1.0

    def read(self) -> Sample:
        folder = self._folder(self._root())
        path = folder / f"{self._channel}_input"
        if path.exists():
            broken = folder / f"{self._channel}_fault"
            if broken.exists() and read_number(broken) == 1:
                raise SensorError(f"{self._device} says that its {self._channel} is broken")
            return {"value": read_number(path) / self._parts}
        if "_" in self._channel and (folder / self._channel).exists():
            return {"value": read_number(folder / self._channel)}
        known = sorted(path.name.removesuffix("_input") for path in folder.glob("*_input"))
        alarms = sorted(path.name for path in folder.glob("*_alarm"))
        raise SensorError(
            f"{self._device} has no channel {self._channel!r}, "
            f"only {', '.join(known + alarms) or 'none'}"
        )

    def close(self) -> None:
        """Nothing is held open between reads."""

    def _folder(self, root: Path) -> Path:
        names = []
        for folder in sorted(root.glob("hwmon*")):
            try:
                name = read_text(folder / "name")
            except SensorError:
                name = folder.name
            if self._device in (folder.name, name):
                return folder
            names.append(name)
        raise SensorError(
            f"there is no hardware monitor {self._device!r} (there are: "
            f"{', '.join(names) or 'none'}): is its driver loaded?"
        )


def open_hwmon(hardware: Hardware, options: Mapping[str, Any]) -> HwmonSensor:
    # The folder is asked for at each read: its number changes with the order drivers load in.
    return HwmonSensor(hardware.hwmon_root, options["device"], options["channel"])


SPEC = SensorSpec(
    name="hwmon",
    quantities={"value": None},
    options=(
        Option("device", "text", "the monitor's name, or its folder hwmonN", required=True),
        Option("channel", "text", "such as temp1, fan1, in0, in0_lcrit_alarm", required=True),
    ),
    open=open_hwmon,
    blocking=True,
    min_every=1.0,
)
