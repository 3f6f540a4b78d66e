"""Durations, sizes and rates as an operator writes them: always with their unit."""

from __future__ import annotations

import re

from agent.config.model import RateLimit
from agent.errors import ConfigError

LONGEST = 3_650 * 86_400.0
"""Ten years: longer is a slip of the finger, and timers overflow in the end."""

_DURATION_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = re.compile(
    r"(?:(?P<d>N)d)?(?:(?P<h>N)h)?(?:(?P<m>N)m(?!s))?(?:(?P<s>N)s)?(?:(?P<ms>N)ms)?".replace(
        "N", r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
    )
)
_SIZE_UNITS = {
    "B": 1,
    "KB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?([A-Za-z]{1,3})")
_RATE = re.compile(r"([0-9]{1,9}) ?/ ?(.+)")


def parse_duration(text: str) -> float:
    """Seconds from ``"500ms"``, ``"60s"``, ``"10m"``, ``"2h"``, ``"1d"`` or ``"1m30s"``.

    Units stand from the largest to the smallest, each at most once. Raises ConfigError.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = {} if match is None else {u: v for u, v in match.groupdict().items() if v is not None}
    if not parts:
        raise ConfigError(
            'is not a duration: write a number and its unit, such as "60s" or "1m30s"'
            " (ms, s, m, h, d)"
        )
    # Milliseconds are divided: 0.001 is no exact float, and "700ms" shall be 0.7.
    seconds = sum(
        float(value) / 1000 if unit == "ms" else float(value) * _DURATION_UNITS[unit]
        for unit, value in parts.items()
    )
    if seconds > LONGEST:
        raise ConfigError("is longer than ten years")
    return seconds


def parse_size(text: str) -> int:
    """Bytes from ``"64MB"``, ``"512KB"`` (powers of ten) or ``"64MiB"`` (powers of two).

    Upper or lower case alike. Raises ConfigError.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = _SIZE_UNITS.get(match[2].upper()) if match else None
    if match is None or factor is None:
        raise ConfigError(
            'is not a size: write a number and its unit, such as "64MB" or "64MiB"'
            " (B, KB, MB, GB, KiB, MiB, GiB)"
        )
    return round(float(match[1]) * factor)


def parse_rate(text: str) -> RateLimit:
    """How many in how long, from ``"10/1m"``. Raises ConfigError."""
    match = _RATE.fullmatch(text.strip())
    if match is None:
        raise ConfigError('is not a rate: write how many in how long, such as "10/1m"')
    count, per = int(match[1]), parse_duration(match[2])
    if count < 1 or per <= 0:
        raise ConfigError('is not a rate: at least 1 in a time above zero, such as "10/1m"')
    return RateLimit(count, per)


def show_duration(seconds: float) -> str:
    """A short text that :func:`parse_duration` reads as ``seconds``, to the millisecond."""
    left = round(seconds * 1000)
    if left < 1000:
        return f"{left}ms" if left else "0s"
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    if left:
        parts.append(f"{left / 1000:.3f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)


def show_size(size: int) -> str:
    """The shortest text that :func:`parse_size` reads as ``size``."""
    for unit in ("GB", "MB", "KB"):
        if size and size % _SIZE_UNITS[unit] == 0:
            return f"{size // _SIZE_UNITS[unit]}{unit}"
    return f"{size}B"
