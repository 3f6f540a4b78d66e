"""Which machine this is: the Pi's own serial number, or what the operator gave instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from agent.errors import ConfigError

DEVICE_TREE = (
    Path("/proc/device-tree/serial-number"),
    Path("/sys/firmware/devicetree/base/serial-number"),
)
CPUINFO = Path("/proc/cpuinfo")
MACHINE_ID = Path("/etc/machine-id")


def own_serial(
    given: str = "auto",
    device_tree: Sequence[Path] = DEVICE_TREE,
    cpuinfo: Path = CPUINFO,
) -> str:
    """``given``, unless it is ``"auto"``: then the number burnt into the Pi (P-16).

    Raises ConfigError where there is none, as on any other computer.
    """
    if given != "auto":
        return given
    for path in device_tree:
        # The kernel hands the property out as the firmware wrote it: ended by a NUL.
        if serial := _plausible(_text(path).split("\0")[0]):
            return serial
    found = re.search(r"^Serial\s*:\s*(\S+)", _text(cpuinfo), re.MULTILINE)
    if found and (serial := _plausible(found[1])):
        return serial
    raise ConfigError(
        "this machine has no serial number of its own:"
        ' give one in agent.toml, [registry] serial = "…"'
    )


def machine_id(path: Path = MACHINE_ID) -> str | None:
    """The installation's random id, None where there is none. To be hashed, never shown."""
    found = re.fullmatch(r"[0-9a-f]{32}", _text(path).strip())
    return found[0] if found else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", errors="replace")
    except OSError:
        return ""


def _plausible(serial: str) -> str | None:
    serial = serial.strip()
    # All zeros is what firmware and emulators say when they do not know.
    return serial if serial.isalnum() and serial.isascii() and serial.strip("0") else None
