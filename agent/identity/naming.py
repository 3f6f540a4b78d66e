"""The names the agent derives for itself. Each is stable over restarts and reinstallations."""

from __future__ import annotations

import base64
import hashlib
import re

from agent.errors import ConfigError

CLIENT_ID_LENGTH = 23
"""What every MQTT 3.1 broker must accept."""

_WILL_NAME = re.compile(r"[A-Za-z0-9]{4,}")


def client_id(role: str, serial: str) -> str:
    """The MQTT client id of one of our connections: the role's name, then letters and digits.

    Stable, so that a new session replaces the old one before the old one's will can strike
    (decision 2). The serial goes in as a hash: everybody knows the registry's password, and an id
    that can be guessed is one that can be taken over. Raises ValueError for a role that is not a
    short plain word (a bug).
    """
    if not re.fullmatch(r"[a-z0-9]{1,8}", role):
        raise ValueError(f"role {role!r} must be 1 to 8 small letters and digits")
    return role + _digest("client", role, serial)[: CLIENT_ID_LENGTH - len(role)]


def stand_in_serial(device_id: str, machine_id: str | None) -> str:
    """What serves as the serial of a configured device on a machine without one of its own."""
    return _digest("machine", device_id, machine_id or "")[:16]


def will_name(
    configured: str | None, product_code: str | None, serial: str, device_id: str | None = None
) -> str:
    """``custom`` of the will topic: at least four letters and digits (P-20), unique (P-29).

    ``configured``, else product code and serial joined without a separator (P-28), else, where
    that breaks P-20 or is the device id itself, a name derived from both. Raises ConfigError for
    a ``configured`` one that the platform would not take.
    """
    if configured is not None:
        if not _WILL_NAME.fullmatch(configured):
            raise ConfigError(
                f"[last_will] name {configured!r} must be at least four letters A-Z a-z and digits"
            )
        return configured
    joined = f"{product_code}{serial}" if product_code else ""
    if _WILL_NAME.fullmatch(joined) and joined != device_id:
        return joined
    return "will" + _digest("will", product_code or "", serial)[:16]


def _digest(*parts: str) -> str:
    """52 small letters and digits; parts are kept apart, so that ab+c is not a+bc."""
    hashed = hashlib.sha256("\0".join(("cht-agent", *parts)).encode()).digest()
    return base64.b32encode(hashed).decode().rstrip("=").lower()
