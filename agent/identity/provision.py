"""Our device on the platform: found, or created, with all its sensors (P-18).

Nothing is created before looking, so it may be cut at any point and done again: what the last try
left behind is found by the next. One device at most is ours; several are for a person to sort out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from agent.errors import AgentError, PlatformRefused
from agent.identity.blueprint import Blueprint
from agent.protocol.objects import Device, Sensor


class Objects(Protocol):
    """The platform's objects, as :class:`agent.identity.rest.Rest` reaches them."""

    def devices(self) -> tuple[Device, ...]: ...
    def device(self, device_id: str) -> Device: ...
    def sensors(self, device_id: str) -> tuple[Sensor, ...]: ...
    def create_device(self, name: str, attributes: Mapping[str, str]) -> str: ...
    def create_sensor(self, device_id: str, sensor: Sensor) -> None: ...
    def close(self) -> None: ...


Tell = Callable[[str, bool], None]
"""Hears of each thing in a few words; True: it is new, or would be."""


def provision(
    platform: Objects,
    plan: Blueprint,
    tell: Tell,
    *,
    device_id: str | None = None,
    dry_run: bool = False,
) -> str | None:
    """Make the platform hold what ``plan`` says; the id of the device.

    ``device_id``: it is known already and must exist. What is there is left as it is. ``dry_run``:
    tell what would be created and create nothing; None when that includes the device.
    Raises LinkError (then it may be done again), PlatformRefused, or AgentError when several
    devices could be ours.
    """
    if device_id is not None:
        device_id = platform.device(device_id).id
    else:
        device_id = find(platform.devices(), plan)
    known: tuple[Sensor, ...] = ()
    if device_id is not None:
        tell(f"device {device_id}: there already", False)
        known = platform.sensors(device_id)
    elif dry_run:
        tell(f"device {plan.name}: would be created", True)
    else:
        device_id = _create_device(platform, plan)
        tell(f"device {device_id}: created ({plan.name})", True)
    there = {sensor.id for sensor in known}
    for sensor in plan.sensors:
        if sensor.id in there:
            tell(f"sensor {sensor.id}: there already", False)
            continue
        what = ", ".join(part for part in (sensor.type, sensor.unit) if part)
        if dry_run or device_id is None:
            tell(f"sensor {sensor.id}: would be created ({what})", True)
        elif _create_sensor(platform, device_id, sensor):
            tell(f"sensor {sensor.id}: created ({what})", True)
        else:
            tell(f"sensor {sensor.id}: there already", False)
    return device_id


def find(devices: Iterable[Device], plan: Blueprint) -> str | None:
    """The one device that carries our serial (and product code), else the one with our name.

    One that has our name but another serial is not ours. Raises AgentError when several are.
    """
    candidates = [device for device in devices if _compatible(device, plan)]
    ours = [device for device in candidates if "serial" in device.attributes]
    ours = ours or [device for device in candidates if device.name == plan.name]
    if len(ours) > 1:
        ids = ", ".join(device.id for device in ours[:5])
        raise AgentError(
            f"{len(ours)} devices on the platform could be this one ({plan.name}): {ids};"
            " delete all but one there, or send SetDeviceId with the right one"
        )
    return ours[0].id if ours else None


def _compatible(device: Device, plan: Blueprint) -> bool:
    """Whether nothing it carries says that it is another's."""
    return all(device.attributes.get(key, value) == value for key, value in plan.attributes.items())


def _create_sensor(platform: Objects, device_id: str, sensor: Sensor) -> bool:
    """False when it is there by now: a request that was cut off can take effect late."""
    try:
        platform.create_sensor(device_id, sensor)
    except PlatformRefused:
        if sensor.id not in {known.id for known in platform.sensors(device_id)}:
            raise
        return False
    return True


def _create_device(platform: Objects, plan: Blueprint) -> str:
    try:
        return platform.create_device(plan.name, plan.attributes)
    except PlatformRefused as exc:
        if exc.status in (401, 403):
            raise PlatformRefused(
                f"{exc} (a device key may not create devices: use the project key,"
                " or send SetDeviceId)",
                exc.status,
            ) from exc
        raise
