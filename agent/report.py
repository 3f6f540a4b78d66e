"""The status document (design, section 3), put together from what each room tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import __version__
from agent.control.control import ActuatorStatus
from agent.delivery.delivery import DeliveryStatus
from agent.identity.founder import Founding
from agent.identity.registry import Identity
from agent.link.model import LinkStatus
from agent.presence.watch import Seen, Watch
from agent.protocol.times import format_time
from agent.sensing.status import SensorStatus

if TYPE_CHECKING:  # bring the whole telephone, which most agents never need
    from agent.phone.alarms.report import AlarmStatus, CallsStatus
    from agent.phone.bridge import BridgeStatus


@dataclass(frozen=True)
class Now:
    """The moment a document is made: both clocks, and since when the agent runs (monotonic)."""

    mono: float
    utc: datetime
    trusted: bool
    started: float

    def time_of(self, mono: float) -> str:
        """A monotonic moment as UTC text, by the wall clock as it shows now."""
        return format_time(self.utc + timedelta(seconds=mono - self.mono))


@dataclass(frozen=True)
class Loaded:
    """The configuration in use: the file, when it was written (as it was read; UTC), and what has
    changed in it since that only a restart takes over."""

    file: Path
    written: datetime | None
    restart: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: Path, restart: tuple[str, ...] = ()) -> Loaded:
        """The file as it is now."""
        try:
            written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except OSError:
            written = None
        return cls(file.absolute(), written, restart)


def document(
    now: Now,
    identity: Identity | None,
    links: Mapping[str, LinkStatus],
    sensors: Sequence[SensorStatus],
    actuators: Sequence[ActuatorStatus],
    delivery: DeliveryStatus,
    watch: Watch,
    counts: Mapping[str, int],
    loaded: Loaded,
    reload_error: str | None,
    founding: Founding | None = None,
    calls: BridgeStatus | None = None,
    alarms: Sequence[AlarmStatus] = (),
    callouts: CallsStatus | None = None,
) -> dict[str, Any]:
    """Everything ``cht-agent status`` shows. Holds no key and no secret."""
    return {
        "version": __version__,
        "uptime_s": round(now.mono - now.started, 1),
        "identity": _identity(identity),
        "links": {name: _link(status, now) for name, status in links.items()},
        "clock": {"trusted": now.trusted},
        "sensors": [_sensor(status, now) for status in sensors],
        "actuators": [_actuator(status, now) for status in actuators],
        "delivery": {
            "confirm": delivery.confirm,
            "waiting": delivery.waiting,
            "on_disk": delivery.on_disk,
            "confirmed": delivery.confirmed,
            "dropped": delivery.dropped,
            "oldest_s": round(delivery.oldest, 1),
        },
        "readings": asdict(delivery.readings),
        "calls": _calls(calls),
        "alarms": [_alarm(status, now) for status in alarms],
        "callouts": _callouts(callouts),
        "platform": {"heartbeat": _seen(watch.heartbeat), "active": _seen(watch.active)},
        "ignored": dict(counts),
        "configuration": {
            "file": str(loaded.file),
            "written": None if loaded.written is None else format_time(loaded.written),
            "restart": list(loaded.restart),
        },
        "reload_error": reload_error,
        "reconfigure": None
        if founding is None
        else {"state": founding.state, "error": founding.error},
    }


def _identity(identity: Identity | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    return {"device_id": identity.device_id, "source": identity.source}


def _link(status: LinkStatus, now: Now) -> dict[str, Any]:
    return {
        "state": status.state,
        "since": now.time_of(status.since),
        "error": status.error,
        "connects": status.connects,
    }


def _sensor(status: SensorStatus, now: Now) -> dict[str, Any]:
    known = status.mono is not None
    return {
        "id": status.id,
        "values": list(status.values),
        "unit": status.unit,
        "time": now.time_of(status.mono) if status.mono is not None else None,
        "age_s": round(now.mono - status.mono, 1) if known and status.mono is not None else None,
        "quality": status.quality,
        "error": status.error,
        "reads": status.reads,
        "failures": status.failures,
    }


def _actuator(status: ActuatorStatus, now: Now) -> dict[str, Any]:
    last = status.last_command
    return {
        "id": status.id,
        "state": status.state,
        "since": now.time_of(status.since),
        "last_command": None
        if last is None
        else {"cmd": last.cmd, "from": last.source, "result": last.result},
    }


def _calls(calls: BridgeStatus | None) -> dict[str, Any]:
    if calls is None:
        return {"open": 0, "answered": 0}
    return {"open": calls.open, "answered": calls.answered, "counts": dict(calls.counts)}


def _alarm(status: AlarmStatus, now: Now) -> dict[str, Any]:
    fine = status.state == "ok"
    return {
        "id": status.id,
        "sensor": status.sensor,
        "severity": status.severity,
        "state": status.state,
        "missing": status.missing,
        "since": None if fine else now.time_of(now.mono - status.age),
        "value": status.value,
        "acknowledged": status.acknowledged,
        "calls": status.calls,
    }


def _callouts(status: CallsStatus | None) -> dict[str, Any] | None:
    if status is None:
        return None
    return {
        "enabled": status.enabled,
        "dry_run": status.dry_run,
        "today": status.today,
        "most": status.most,
        "calling": status.calling,
        "held": status.held,
    }


def _seen(seen: Seen | None) -> dict[str, Any] | None:
    return None if seen is None else {"word": seen.word, "time": seen.time}


