"""How the agent is, in one sentence for ``systemctl status``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agent.delivery.delivery import DeliveryStatus
from agent.identity.founder import Founding
from agent.identity.registry import Identity
from agent.link.model import LinkStatus
from agent.sensing.status import SensorStatus

if TYPE_CHECKING:
    from agent.phone.alarms.report import AlarmStatus

_LONGEST = 160
"""Of an error that is quoted: the rest stands in the log."""


def headline(
    identity: Identity | None,
    platform: LinkStatus,
    sensors: Sequence[SensorStatus],
    delivery: DeliveryStatus,
    founding: Founding | None = None,
    alarms: Sequence[AlarmStatus] = (),
    *,
    clock_trusted: bool = True,
    reload_error: str | None = None,
    phone: LinkStatus | None = None,
    calls: int = 0,
) -> str:
    """What is wrong comes before what is counted. ``phone`` None: there is no telephone; ``calls``:
    with how many callers it speaks."""
    parts = [_platform(identity, platform, founding)]
    if not clock_trusted:
        parts.append("the clock is not set")
    parts += _alarms(alarms)
    parts += _sensors(sensors)
    parts += [] if phone is None else [_phone(phone, calls)]
    parts += _delivery(delivery)
    if reload_error is not None:
        parts.append("the last reload was refused")
    return "; ".join(parts) + "."


def _platform(
    identity: Identity | None, link: LinkStatus, founding: Founding | None
) -> str:
    if link.state == "waiting" and founding is not None and founding.state != "refused":
        return "Finding or creating this device on the platform" + _because(founding.error)
    if link.state == "waiting" or identity is None:
        return "Waiting in the registry for an identity"
    words = {
        "up": "is connected",
        "down": "is not connected" if link.error else "is connecting",
        "refused": "is refused by the platform",
    }
    return f"Device {identity.device_id} {words.get(link.state, link.state)}{_because(link.error)}"


def _alarms(alarms: Sequence[AlarmStatus]) -> Iterator[str]:
    for alarm in alarms:
        if alarm.state in ("ok", "pending"):
            continue
        known = f", acknowledged by {alarm.acknowledged}" if alarm.acknowledged else ""
        what = " (no readings)" if alarm.state == "missing" else ""
        yield f"ALARM {alarm.id}{what}{known}"


def _sensors(sensors: Sequence[SensorStatus]) -> Iterator[str]:
    if not sensors:
        return
    wrong = [sensor for sensor in sensors if sensor.quality != "good"]
    if not wrong:
        yield f"all {len(sensors)} sensors are well" if len(sensors) > 1 else "its sensor is well"
        return
    faulty = [sensor for sensor in wrong if sensor.quality == "fault"]
    first = (faulty or wrong)[0]
    why = f"{first.id}: {first.error or 'no recent reading'}"
    many = f"{len(wrong)} of {len(sensors)} sensors are not well" if len(sensors) > 1 else (
        "its sensor is not well")  # fmt: skip
    yield many + _because(why)


def _phone(link: LinkStatus, calls: int) -> str:
    if link.state == "waiting":
        return "the telephone has no number yet"
    if link.state != "up":
        return "the telephone is not connected" + _because(link.error)
    return "the telephone answers" if not calls else f"the telephone speaks with {calls}"


def _delivery(delivery: DeliveryStatus) -> Iterator[str]:
    counted = [f"{delivery.confirmed} confirmed"] if delivery.confirm == "fence" else []
    if delivery.waiting:
        on_disk = f" ({delivery.on_disk} on the card)" if delivery.on_disk else ""
        counted.append(f"{delivery.waiting} waiting{on_disk}")
    if delivery.dropped:
        counted.append(f"{delivery.dropped} lost")
    if counted:
        yield ", ".join(counted)


def _because(why: str | None) -> str:
    if not why:
        return ""
    return f" ({why if len(why) <= _LONGEST else why[: _LONGEST - 1] + '…'})"
