"""Python libraries that the configuration needs: whether they are there and new enough."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.doctor.pins import pulsed, wires
from agent.doctor.visit import Visit, there
from agent.errors import HardwareError
from agent.finding import Finding

_GPIOZERO = (2, 0, 1)
"""Older ones know no Pi 5."""


def gpiozero(visit: Visit) -> Iterable[Finding]:
    """It reads the inputs and this machine's own values."""
    version = visit.machine.version_of("gpiozero")
    mend = "use the package, or a virtual environment of its own (docs/install.md)"
    if version is None:
        yield Finding("error", "gpiozero is not installed", mend)
    elif _numbers(version) < _GPIOZERO:
        text = f"gpiozero {version} is older than 2.0.1, which a Pi 5 needs"
        yield Finding("error", text, mend)
    else:
        yield Finding("good", version)


def lgpio(visit: Visit) -> Iterable[Finding]:
    """It pulses the outputs that are more than on and off; at its import it wants a folder
    (``LG_WD``)."""
    users = [wire.id for wire in wires(there(visit.config)) if pulsed(wire)]
    if not users:
        return
    from agent.hardware.pulses import library

    try:
        library()
    except HardwareError as exc:
        yield Finding("error", f"{users[0]}: {exc}")
    else:
        yield Finding("good", f"drives {', '.join(dict.fromkeys(users))}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
