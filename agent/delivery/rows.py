"""What waits for delivery, and what time it is given (decision 6). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from agent.protocol import sensing
from agent.protocol.limits import MAX_PAYLOAD
from agent.protocol.times import format_time

LaneName = Literal["ack", "data"]
LANES: tuple[LaneName, ...] = ("ack", "data")


@dataclass(frozen=True, slots=True)
class Row:
    """One element of a rawdata or ack array, ready but for its time.

    ``body``: the JSON object, without ``time`` unless the message needs none of ours.
    ``time``: what is sent as its time; None while unknown. Once set it never changes, so that a
    resent row is the same row. ``mono``: seconds of boot ``boot`` when it came to be.
    """

    lane: LaneName
    body: bytes
    time: str | None
    boot: str
    mono: float

    def element(self) -> bytes:
        """The JSON object as it is sent."""
        return sensing.timed(self.body, self.time) if self.time is not None else self.body


def time_of(mono: float, mono_now: float, utc_now: datetime) -> str:
    """The UTC time of a moment ``mono`` of this boot, as the platform writes times."""
    return format_time(utc_now + timedelta(seconds=mono - mono_now))


def stamped(row: Row, boot: str, mono_now: float, utc_now: datetime) -> Row:
    """The row with its time, if it lacks one and is of this ``boot``."""
    if row.time is not None or row.boot != boot:
        return row
    return replace(row, time=time_of(row.mono, mono_now, utc_now))


def fitting(rows: list[Row], most: int, limit: int = MAX_PAYLOAD) -> tuple[bytes, int]:
    """As many of the first rows as one message may hold (P-04), at least one, at most ``most``.

    Returns the payload and how many rows are in it. ``rows`` must not be empty.
    """
    elements = [rows[0].element()]
    size = 2 + len(elements[0])
    for row in rows[1:most]:
        element = row.element()
        size += 1 + len(element)
        if size > limit:
            break
        elements.append(element)
    return sensing.join(elements), len(elements)
