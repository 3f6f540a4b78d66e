"""What makes a message legal, asked by the constructors. Everything here raises ValueError."""

import math
import re

from agent.protocol.limits import MAX_ID

# NUL and half a surrogate pair cannot stand in any MQTT string; the rest would change the topic.
_NOT_IN_ID = re.compile("[/+#\x00\ud800-\udfff]")
_NOT_IN_MQTT = re.compile("[\x00\ud800-\udfff]")


def identifier(what: str, value: str) -> str:
    """``value``, if it can stand as one level of a topic."""
    if not isinstance(value, str) or not value or len(value) > MAX_ID or _NOT_IN_ID.search(value):
        raise ValueError(
            f"{what} must be a text of 1 to {MAX_ID} characters without / + # or NUL, "
            f"not {shown(value)}"
        )
    return value


def key(value: str) -> str:
    """``value``, if it can be an MQTT user name and password (P-03). Never shown."""
    if not isinstance(value, str) or not value or _NOT_IN_MQTT.search(value):
        raise ValueError("the key must be a text that is not empty and has no NUL")
    return value


def text(what: str, value: str) -> str:
    """``value``, if it is a text that UTF-8 can carry."""
    if not isinstance(value, str):
        raise ValueError(f"{what} must be a text, not {type(value).__name__}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as exc:
            raise ValueError(f"{what} holds half of a surrogate pair") from exc
    return value


def filled(what: str, value: str) -> str:
    """``value``, if it is a text that is not empty."""
    if not text(what, value):
        raise ValueError(f"{what} must not be empty")
    return value


def position(lat: float | None, lon: float | None) -> None:
    """Latitude and longitude in degrees, each optional (P-06, P-25)."""
    for what, value, most in (("lat", lat, 90), ("lon", lon, 180)):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{what} must be a number, not {type(value).__name__}")
        if not math.isfinite(value) or abs(value) > most:
            raise ValueError(f"{what} must be between -{most} and {most}")


def flag(what: str, value: bool | None) -> None:
    """True, False, or left to the platform's default."""
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{what} must be true or false, not {type(value).__name__}")


def shown(value: object) -> str:
    """A short quotation for an error line."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else repr(value[:40]) + "…"
    return type(value).__name__
