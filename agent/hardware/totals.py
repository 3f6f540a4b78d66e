"""What a meter has counted, kept in two files so that no damage of one loses it.

Each save writes a new file, syncs it, and only then moves the one before aside: whatever moment the
power goes in, one of the two is whole. Each carries a checksum, because a flipped bit in a number
is a number.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from agent.errors import StorageError

log = logging.getLogger("cht_agent.hardware")

_UNUSABLE = (OSError, ValueError, KeyError, TypeError)
"""What reading a damaged file can raise."""


@dataclass(frozen=True)
class Total:
    """``base`` + ``pulses`` × ``per_pulse``, so that no rounding adds up."""

    per_pulse: float
    pulses: int = 0
    base: float = 0.0

    @property
    def value(self) -> float:
        return self.base + self.pulses * self.per_pulse

    def counted(self, pulses: int) -> Total:
        return Total(self.per_pulse, self.pulses + pulses, self.base)

    def worth(self, per_pulse: float) -> Total:
        """The same total when each further pulse is worth ``per_pulse``."""
        return self if per_pulse == self.per_pulse else Total(per_pulse, 0, self.value)


def place(folder: Path, sensor: str) -> Path:
    """The file of the sensor called ``sensor``, whose id may hold what no file name can."""
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", sensor)[:40]
    return folder / f"total-{readable}-{zlib.crc32(sensor.encode()):08x}"


def load(path: Path) -> Total | None:
    """The greatest total of the two files; None when there is no usable one.

    A damaged file is told and passed over.
    """
    found = []
    for file in (path, _before(path)):
        try:
            found.append(_parse(file.read_bytes()))
        except FileNotFoundError:
            pass
        except _UNUSABLE as exc:
            log.error("the total in %s cannot be used: %s", file, exc)
    return max(found, key=lambda total: total.value, default=None)


def save(path: Path, total: Total) -> None:
    """Keep ``total``; on the disk when this returns. Raises StorageError."""
    body = json.dumps({"base": total.base, "pulses": total.pulses, "per_pulse": total.per_pulse})
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(f"{body} {zlib.crc32(body.encode()):08x}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        _belong_to(new, path.parent)
        if _is_whole(path):  # else the one before is the better one
            path.replace(_before(path))
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise StorageError(f"the total cannot be kept in {path}: {exc.strerror}") from exc


def _parse(data: bytes) -> Total:
    body, _, check = data.decode("ascii").strip().rpartition(" ")
    if f"{zlib.crc32(body.encode()):08x}" != check:
        raise ValueError("its checksum is wrong")
    kept = json.loads(body)
    total = Total(float(kept["per_pulse"]), int(kept["pulses"]), float(kept["base"]))
    if not math.isfinite(total.value) or total.pulses < 0:
        raise ValueError("it holds no total")
    return total


def _is_whole(path: Path) -> bool:
    try:
        _parse(path.read_bytes())
    except _UNUSABLE:
        return False
    return True


def _before(path: Path) -> Path:
    return path.with_name(f"{path.name}.before")


def _belong_to(file: Path, folder: Path) -> None:
    """What root writes (``sudo cht-agent probe``) the service must be able to read."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
