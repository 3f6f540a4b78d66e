"""What the platform thinks of us: its heartbeat and activity notices (P-14, P-15)."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from agent.protocol.liveness import ActiveNotice, HeartbeatNotice

log = logging.getLogger("cht_agent.presence")


MOST_CHARACTERS = 40


@dataclass(frozen=True)
class Seen:
    """The last notice of a kind: its word (``Lost``, ``online`` …) and its time as it came."""

    word: str
    time: str | None


class Watch:
    """Keeps the last notice of each kind for ``status`` and logs when its word changes.

    Who holds a key may send any text here: it is kept and logged short and on one line.
    """

    def __init__(self) -> None:
        self.heartbeat: Seen | None = None
        self.active: Seen | None = None

    def heartbeat_notice(self, notice: HeartbeatNotice) -> None:
        """Live, Lost, ReLive, LastInfo, or whatever else the platform says."""
        before, self.heartbeat = self.heartbeat, _seen(notice.type, notice.time)
        level = logging.WARNING if notice.type.lower() == "lost" else logging.INFO
        self._tell(level, "heartbeat", before, self.heartbeat, f"last beat {_plain(notice.last)}")

    def active_notice(self, notice: ActiveNotice) -> None:
        """start, online, abnormal, offline, stop."""
        before, self.active = self.active, _seen(notice.status, notice.create_time)
        level = logging.WARNING if notice.status in ("abnormal", "offline") else logging.INFO
        detail = f"last data {_plain(notice.last_data_time)}"
        if notice.record is not None:
            detail += f", {_plain(str(notice.record))} samples in the period"
        self._tell(level, "device", before, self.active, detail)

    def _tell(self, level: int, what: str, before: Seen | None, now: Seen, detail: str) -> None:
        if before is None or before.word != now.word:
            log.log(level, "platform: %s %s (%s)", what, now.word, detail)


def _seen(word: str, time: str | None) -> Seen:
    return Seen(_plain(word), None if time is None else _plain(time))


def _plain(text: str | None) -> str:
    shown = "".join(one if one.isprintable() else "?" for one in (text or "unknown"))
    return shown if len(shown) <= MOST_CHARACTERS else shown[: MOST_CHARACTERS - 1] + "…"
