"""Small text files as sensors: bounded reads, numbers, and errors that say how to mend them."""

from __future__ import annotations

import math
from pathlib import Path

from agent.errors import SensorError

LIMIT = 4096
"""Bytes a sensor's file may have: a log named by mistake must not be read for ever."""


def read_text(path: Path) -> str:
    """The file's text without surrounding blanks, never empty. Raises SensorError."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError as exc:
        raise SensorError(
            f"{path} is not there: check the path, and that the device is plugged in"
        ) from exc
    except PermissionError as exc:
        raise SensorError(
            f"{path} may not be read: give the agent's user permission, or a group that has it"
        ) from exc
    except OSError as exc:
        raise SensorError(f"{path} cannot be read: {exc.strerror}") from exc
    if len(data) > LIMIT:
        raise SensorError(f"{path} is longer than {LIMIT} bytes: name a file with one value")
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError as exc:
        raise SensorError(f"{path} is not UTF-8 text: name a file with one value") from exc
    if not text:
        raise SensorError(f"{path} is empty")
    return text


def read_number(path: Path) -> float:
    """The file's one finite number. Raises SensorError."""
    text = read_text(path)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        raise SensorError(f"{path} holds {text[:40]!r}, which is not a number")
    return value
