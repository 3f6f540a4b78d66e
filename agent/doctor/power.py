"""Power and heat, as the Pi's firmware counts them."""

from __future__ import annotations

from collections.abc import Iterable

from agent.doctor.machine import Machine
from agent.doctor.visit import Visit
from agent.finding import Finding

_PLACES = ("sys/devices/platform/soc*/*firmware/get_throttled",
           "sys/devices/platform/soc*/*/*firmware/get_throttled")  # fmt: skip
_WEAK, _SLOWED, _HOT = 0b0001, 0b0110, 0b1000
_SINCE_BOOT = 16  # the same bits again, so far up: what was so at any time
_SUPPLY = "use the supply made for this Pi and a short, thick cable; move USB devices to a fed hub"
_COOL = "give it air or a heat sink"


def power(visit: Visit) -> Iterable[Finding]:
    """Under-voltage corrupts cards and resets sensors long before anybody suspects it."""
    flags = _throttled(visit.machine)
    if flags is None:
        return
    ever = flags | flags >> _SINCE_BOOT
    # The clock goes down for a low voltage, too: it tells of heat where that is not why.
    heat = _HOT if ever & _WEAK else _HOT | _SLOWED
    if flags & _WEAK:
        yield Finding("error", "its supply voltage is too low", _SUPPLY)
    elif ever & _WEAK:
        yield Finding("warning", "its supply voltage was too low since the boot", _SUPPLY)
    if flags & heat:
        yield Finding("warning", "it runs slower because it is hot", _COOL)
    elif ever & heat:
        yield Finding("warning", "it was too hot since the boot", _COOL)
    if not ever & (_WEAK | heat):
        yield Finding("good", "never too weak and never too hot since the boot")


def _throttled(machine: Machine) -> int | None:
    """The firmware's bits; of the kernel's own alarm where it does not show them."""
    for place in _PLACES:
        for path in machine.root.glob(place):
            try:
                return int(path.read_text(encoding="ascii"), 16)
            except (OSError, ValueError):
                continue
    for folder in machine.path("/sys/class/hwmon").glob("hwmon*"):
        try:
            if (folder / "name").read_text(encoding="ascii").strip() == "rpi_volt":
                return int((folder / "in0_lcrit_alarm").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return None
