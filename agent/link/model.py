"""What a connection needs to be made, and what can be known of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from agent.config.model import Secret

OnMessage = Callable[[str, bytes, bool], None]
"""(topic, payload, retained), on the loop."""

State = Literal["up", "down", "refused", "waiting", "off"]


@dataclass(frozen=True)
class Will:
    """The last will, set in CONNECT at QoS 0 (P-20)."""

    topic: str
    payload: bytes
    retain: bool


@dataclass(frozen=True)
class Account:
    """Who connects where. User name and password are the same secret everywhere (P-03).

    ``tls`` None is plain text, because the configuration says so; it is never a fall-back.
    """

    host: str
    port: int
    client_id: str
    login: Secret
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    will: Will | None = None
    keepalive: float = 60.0
    mqtt_version: Literal["3.1.1", "3.1"] = "3.1.1"


@dataclass(frozen=True)
class LinkStatus:
    """A link's state; ``since`` is on the monotonic clock; ``error`` is the last one, or None."""

    state: State
    since: float
    error: str | None = None
    connects: int = 0
