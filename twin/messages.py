"""What the twin's rules take and give: messages, and nothing that does I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One MQTT message, as published or to be published."""

    topic: str
    payload: bytes
    retain: bool = False
