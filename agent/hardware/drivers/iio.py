"""``iio``: one channel of a kernel IIO device (ADCs, light, pressure, climate sensors).

The kernel gives either a finished value (``in_CHANNEL_input``) or raw counts with an offset and a
scale, whose value is (raw + offset) × scale; scale and offset may belong to the channel or to all
channels of its type. Units are the kernel's (Documentation/ABI/testing/sysfs-bus-iio), except that
thousandths become whole: °C, %, V, A, W. Others stay: kPa, lx, Ω, m.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.errors import SensorError
from agent.hardware.drivers.small_files import read_number, read_text
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec

MILLI = ("temp", "humidityrelative", "voltage", "current", "power")


class IioSensor:
    """``device`` is a folder (``iio:device0``) or a device's name, ``channel`` as in its files."""

    def __init__(self, root: Callable[[], Path], device: str, channel: str) -> None:
        self._root = root
        self._device = device
        self._channel = channel.removeprefix("in_")
        kind = re.match("[a-z]*", self._channel)  # of voltage0, or of voltage0-voltage1
        self._type = kind[0] if kind else ""

    def read(self) -> Sample:
        folder = self._folder(self._root())
        finished = folder / f"in_{self._channel}_input"
        if finished.exists():
            value = read_number(finished)
        elif (raw := folder / f"in_{self._channel}_raw").exists():
            value = read_number(raw) + self._factor(folder, "offset", 0.0)
            value *= self._factor(folder, "scale", 1.0)
        else:
            channels = sorted(
                path.name.removeprefix("in_").rpartition("_")[0]
                for path in (*folder.glob("in_*_input"), *folder.glob("in_*_raw"))
            )
            raise SensorError(
                f"IIO device {self._device!r} has no channel {self._channel!r}, "
                f"only {', '.join(channels) or 'none'}"
            )
        return {"value": value / 1000 if self._type in MILLI else value}

    def close(self) -> None:
        """Nothing is held open between reads."""

    def _folder(self, root: Path) -> Path:
        folders = sorted(root.glob("iio:device*"))
        for folder in folders:
            if self._device in (folder.name, _name(folder)):
                return folder
        names = ", ".join(_name(folder) for folder in folders) or "none"
        raise SensorError(
            f"there is no IIO device {self._device!r} (there are: {names}): "
            "check its wiring and its dtoverlay"
        )

    def _factor(self, folder: Path, what: str, default: float) -> float:
        for owner in (self._channel, self._type):
            path = folder / f"in_{owner}_{what}"
            if path.exists():
                return read_number(path)
        return default


def _name(folder: Path) -> str:
    try:
        return read_text(folder / "name")
    except SensorError:
        return folder.name


def open_iio(hardware: Hardware, options: Mapping[str, Any]) -> IioSensor:
    # The folder is asked for at each read: devices come and go with their modules.
    return IioSensor(hardware.iio_root, options["device"], options["channel"])


SPEC = SensorSpec(
    name="iio",
    quantities={"value": None},
    options=(
        Option("device", "text", "the device's name, or its folder iio:deviceN", required=True),
        Option("channel", "text", "such as temp, pressure, voltage0, illuminance", required=True),
    ),
    open=open_iio,
    blocking=True,
    min_every=0.1,
)
