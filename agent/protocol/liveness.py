"""Heartbeats, and what the platform tells of who is alive (P-13, P-14, P-15)."""

from dataclasses import dataclass

from agent.protocol import _json
from agent.protocol.batch import encode


@dataclass(frozen=True)
class Heartbeat:
    """One beat: the next comes within ``pulse_ms`` milliseconds (P-13)."""

    pulse_ms: int

    def __post_init__(self) -> None:
        if isinstance(self.pulse_ms, bool) or not isinstance(self.pulse_ms, int):
            raise ValueError("pulse_ms must be a whole number of milliseconds")
        if self.pulse_ms <= 0:
            raise ValueError("pulse_ms must be more than 0")


def encode_heartbeat(beat: Heartbeat) -> bytes:
    """The payload: an object, not an array; the pulse is a text (P-13, P-23)."""
    return encode({"pulse": str(beat.pulse_ms)})


@dataclass(frozen=True)
class HeartbeatNotice:
    """The platform tells how a device beats (P-14, P-23).

    ``type`` is ``Live``, ``Lost``, ``ReLive`` or ``LastInfo``; an unknown one is kept as it is.
    ``pulse`` is milliseconds as text, ``origin`` the address of the device's last message (the
    field ``from``), ``last`` its time, ``time`` now.
    """

    type: str
    pulse: str | None = None
    origin: str | None = None
    last: str | None = None
    time: str | None = None
    device_id: str | None = None


def decode_heartbeat(payload: bytes) -> Heartbeat | HeartbeatNotice:
    """A device's beat (a broker may echo our own) or a notice: only the notice has a ``type``.

    Raises Malformed.
    """
    with _json.reading("heartbeat"):
        message = _json.load_object(payload)
        kind = _json.optional_text(message, "type")
        if kind is None:
            return Heartbeat(_json.required_whole(message, "pulse"))
        return HeartbeatNotice(
            type=kind,
            pulse=_json.optional_text(message, "pulse"),
            origin=_json.optional_text(message, "from"),
            last=_json.optional_text(message, "last"),
            time=_json.optional_text(message, "time"),
            device_id=_json.optional_text(message, "deviceId"),
        )


@dataclass(frozen=True)
class ActiveNotice:
    """The platform tells how often a device sends data (P-15, P-24).

    ``status`` is ``start``, ``online``, ``abnormal``, ``offline`` or ``stop``; an unknown one is
    kept as it is. ``last_data_time`` comes with online, abnormal and offline, ``record`` (samples
    seen in the period) with abnormal alone.
    """

    device_id: str | None
    status: str
    create_time: str | None
    last_data_time: str | None = None
    record: int | None = None


def decode_active(payload: bytes) -> ActiveNotice:
    """Raises Malformed."""
    with _json.reading("active notice"):
        message = _json.load_object(payload)
        return ActiveNotice(
            device_id=_json.optional_text(message, "deviceId"),
            status=_json.filled(message, "status"),
            create_time=_json.optional_text(message, "createTime"),
            last_data_time=_json.optional_text(message, "lastDataTime"),
            record=_json.whole(message, "record"),
        )
