"""What all of the platform's rules share: settings, what they give back, the platform's times.

Documented: notices take about 3 s and may be lost (P-05), payloads over 5 KB are discarded
(P-04). The twin's own choice: every default of Settings that stands for something undocumented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from twin.messages import Message


@dataclass(frozen=True)
class Settings:
    """How the platform behaves where it is slow, lossy or not documented; seconds throughout.

    ``delay``: every notice is due that much later. ``loss``: share of notices that vanish, 0–1.
    ``replay_on_subscribe``: who subscribes gets the last value or command again.
    ``heartbeat_slack``: what a beat may be late beyond its pulse before the device counts as lost.
    ``last_info``: who subscribes to heartbeat notices gets ``LastInfo`` (P-23).
    ``active_period``, ``active_records``: fewer readings than that in a period are ``abnormal``,
    none at all is ``offline`` (P-24).
    ``only_changes``: no notice of a reading whose values are those of the last one.
    ``merge_duplicates``: a reading with sensor, time and values of one already there is ignored.
    ``registry_retain``: registry messages are kept for a device that is not subscribed yet.
    ``device_key_creates``: a device key, too, may create devices.
    ``wrong_key_status``: the HTTP status of an answer to a key nobody knows.
    ``payload_limit``: bytes; ``history_limit``: records per sensor; ``note_limit``: notes.
    """

    delay: float = 0.0
    loss: float = 0.0
    replay_on_subscribe: bool = False
    heartbeat_slack: float = 1.0
    last_info: bool = False
    active_period: float = 60.0
    active_records: int = 2
    only_changes: bool = False
    merge_duplicates: bool = False
    registry_retain: bool = False
    device_key_creates: bool = False
    wrong_key_status: int = 403
    payload_limit: int = 5000
    history_limit: int = 1000
    note_limit: int = 1000


class Refused(Exception):
    """A REST call that fails: HTTP ``status``, and ``message`` for the ``status`` field of the
    object that answers it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Due:
    """A message to be published at ``at``."""

    at: datetime
    message: Message


@dataclass(frozen=True)
class Note:
    """Something that passed without a notice: what was dropped and why. Holds no key."""

    at: datetime
    what: str
    topic: str


def stamp(moment: datetime) -> str:
    """As the platform writes times: UTC, three digits of milliseconds, ``Z``."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='milliseconds')}Z"


def moment_of(text: str) -> datetime | None:
    """An ISO 8601 time, zoneless as UTC; None when it is not one (an impossible second, say)."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
