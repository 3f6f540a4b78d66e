"""``cpu_temperature``, ``load_average`` and ``disk_usage``: this machine itself, by gpiozero.

They read this machine with either backend, simulated or not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from agent.errors import HardwareError, SensorError
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec


class MachineSensor:
    """One property of one of gpiozero's internal devices.

    gpiozero reads the file at construction, so a machine without it would stop the agent at start;
    it is opened at the first read that succeeds instead, and the sensor is faulty until then.
    """

    def __init__(self, open_device: Callable[[], Any], quantity: str, attribute: str) -> None:
        self._open_device = open_device
        self._quantity = quantity
        self._attribute = attribute
        self._device: Any = None
        with contextlib.suppress(HardwareError):  # read tries again, and says why
            self._device = open_device()

    def read(self) -> Sample:
        try:
            if self._device is None:
                self._device = self._open_device()
            return {self._quantity: float(getattr(self._device, self._attribute))}
        except HardwareError as exc:
            raise SensorError(f"this machine has no such value: {exc}") from exc
        except OSError as exc:
            raise SensorError(f"cannot read {exc.filename}: {exc.strerror}") from exc
        except (ValueError, IndexError, ZeroDivisionError) as exc:
            raise SensorError(f"this machine gave no number: {exc}") from exc

    def close(self) -> None:
        if self._device is not None:
            self._device.close()


def open_cpu_temperature(hardware: Hardware, options: Mapping[str, Any]) -> MachineSensor:
    file = options["sensor_file"]
    return MachineSensor(
        lambda: hardware.internal("CPUTemperature", sensor_file=str(file)),
        "temperature",
        "temperature",
    )


def open_load_average(hardware: Hardware, options: Mapping[str, Any]) -> MachineSensor:
    minutes = options["minutes"]
    if minutes not in (1, 5, 15):
        raise HardwareError(f"minutes must be 1, 5 or 15, not {minutes}")
    return MachineSensor(
        lambda: hardware.internal("LoadAverage", minutes=minutes), "load", "load_average"
    )


def open_disk_usage(hardware: Hardware, options: Mapping[str, Any]) -> MachineSensor:
    file_system = options["filesystem"]
    return MachineSensor(
        lambda: hardware.internal("DiskUsage", filesystem=str(file_system)), "usage", "usage"
    )


CPU_TEMPERATURE = SensorSpec(
    name="cpu_temperature",
    quantities={"temperature": "°C"},
    options=(
        Option(
            "sensor_file",
            "path",
            "file with the temperature in thousandths of a degree",
            default="/sys/class/thermal/thermal_zone0/temp",
        ),
    ),
    open=open_cpu_temperature,
    min_every=1.0,
)

LOAD_AVERAGE = SensorSpec(
    name="load_average",
    quantities={"load": None},
    options=(
        Option(
            "minutes",
            "int",
            "over how many minutes the load is averaged: 1, 5 or 15",
            default=5,
            between=(1, 15),
        ),
    ),
    open=open_load_average,
    min_every=1.0,
)

DISK_USAGE = SensorSpec(
    name="disk_usage",
    quantities={"usage": "%"},
    options=(Option("filesystem", "path", "a folder on the file system to measure", default="/"),),
    open=open_disk_usage,
    blocking=True,  # a network file system can hang
    min_every=1.0,
)
