"""The topics, built and taken apart. A builder raises ValueError for an id no topic can hold."""

import re
from dataclasses import dataclass
from typing import Literal

from agent.protocol import _check
from agent.protocol.errors import Malformed

Kind = Literal[
    "rawdata", "ack", "command", "heartbeat", "active",
    "sensor_rawdata", "sensor_csv", "sensor_command", "sensor_ack",
    "registry", "lwt",
]  # fmt: skip

_OF_DEVICE: dict[str, Kind] = {
    "rawdata": "rawdata",
    "ack": "ack",
    "command": "command",
    "heartbeat": "heartbeat",
    "active": "active",
}
_OF_SENSOR: dict[str, Kind] = {
    "rawdata": "sensor_rawdata",
    "csv": "sensor_csv",
    "command": "sensor_command",
    "ack": "sensor_ack",
}
_LWT_NAME = re.compile("[A-Za-z0-9]{4,}")


@dataclass(frozen=True)
class Topic:
    """A topic taken apart. ``name`` is the registry's product code + serial, or the will's name."""

    kind: Kind
    device: str | None = None
    sensor: str | None = None
    name: str | None = None


def rawdata(device: str) -> str:
    """Where a device publishes its readings (P-06)."""
    return _of_device(device, "rawdata")


def ack(device: str) -> str:
    """Where a device confirms commands (P-11)."""
    return _of_device(device, "ack")


def command(device: str) -> str:
    """Where an application sends commands to a device (P-10)."""
    return _of_device(device, "command")


def heartbeat(device: str) -> str:
    """Where a device beats, and where the platform tells of lost and live devices (P-13, P-14)."""
    return _of_device(device, "heartbeat")


def active(device: str) -> str:
    """Where the platform tells of its own watch of the data rate (P-15)."""
    return _of_device(device, "active")


def sensor_rawdata(device: str, sensor: str) -> str:
    """Where the platform tells of changed values (P-07)."""
    return _of_sensor(device, sensor, "rawdata")


def sensor_csv(device: str, sensor: str) -> str:
    """The same as CSV (P-08)."""
    return _of_sensor(device, sensor, "csv")


def sensor_command(device: str, sensor: str) -> str:
    """Where commands arrive (P-09)."""
    return _of_sensor(device, sensor, "command")


def sensor_ack(device: str, sensor: str) -> str:
    """Where confirmations arrive at an application (P-12)."""
    return _of_sensor(device, sensor, "ack")


def registry(product_code: str, serial: str) -> str:
    """Where a device waits to be told who it is; joined without a separator (P-16, P-28)."""
    name = _check.identifier("product code", product_code) + _check.identifier("serial", serial)
    return f"/v1/registry/{_check.identifier('product code and serial', name)}"


def lwt(name: str) -> str:
    """A will's topic; the name is at least four ASCII letters and digits (P-20)."""
    if not isinstance(name, str) or not _LWT_NAME.fullmatch(name):
        raise ValueError(
            "the will's name must be at least 4 letters and digits (A-Z a-z 0-9), "
            f"not {_check.shown(name)}"
        )
    return f"/v1/lwt/{name}"


def parse(topic: str) -> Topic:
    """The parts of ``topic``. Raises Malformed for one that no builder here would build."""
    levels = topic.split("/")
    try:
        match levels:
            case ["", "v1", "device", device, leaf] if leaf in _OF_DEVICE:
                return Topic(_OF_DEVICE[leaf], device=_check.identifier("device id", device))
            case ["", "v1", "device", device, "sensor", sensor, leaf] if leaf in _OF_SENSOR:
                return Topic(
                    _OF_SENSOR[leaf],
                    device=_check.identifier("device id", device),
                    sensor=_check.identifier("sensor id", sensor),
                )
            case ["", "v1", "registry", name]:
                return Topic("registry", name=_check.identifier("registry name", name))
            case ["", "v1", "lwt", name]:
                lwt(name)
                return Topic("lwt", name=name)
    except ValueError as exc:
        raise Malformed(f"topic {_check.shown(topic)}: {exc}") from exc
    raise Malformed(f"topic {_check.shown(topic)} is none of the platform's")


def _of_device(device: str, leaf: str) -> str:
    return f"/v1/device/{_check.identifier('device id', device)}/{leaf}"


def _of_sensor(device: str, sensor: str, leaf: str) -> str:
    identified = _check.identifier("sensor id", sensor)
    return f"/v1/device/{_check.identifier('device id', device)}/sensor/{identified}/{leaf}"
