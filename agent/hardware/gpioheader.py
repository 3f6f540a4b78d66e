"""Which of the kernel's GPIO chips is the one behind the Pi's 40-pin header."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from agent.errors import HardwareError
from agent.hardware.gpiochip import chip_number, open_chip, padded_text

DEV = Path("/dev")
LABELS = frozenset({"pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"})
"""How the kernel labels that chip; its number changed over the years."""

_CHIP_INFO = struct.Struct("=32s32sI")  # name, label, lines
_GET_CHIP_INFO = 2 << 30 | _CHIP_INFO.size << 16 | 0xB4 << 8 | 0x01  # _IOR


def chip_label(number: int, dev: Path = DEV) -> str:
    """How the kernel labels ``/dev/gpiochip<number>``. Raises HardwareError."""
    path = f"{dev}/gpiochip{number}"
    device = open_chip(path)
    try:
        answer = fcntl.ioctl(device, _GET_CHIP_INFO, bytes(_CHIP_INFO.size))
    except OSError as exc:
        raise HardwareError(f"{path} is not a usable GPIO chip: {exc.strerror}") from exc
    finally:
        os.close(device)
    return padded_text(_CHIP_INFO.unpack(answer)[1])


def header_chip(dev: Path = DEV) -> int:
    """The number of the chip behind the 40-pin header, found by its label.

    A Pi 5 has had it as gpiochip4 and as gpiochip0 (with the other name as a link), so the number
    says nothing. Raises HardwareError when there is none, or none that may be opened.
    """
    numbers = sorted({chip_number(path.resolve().name) for path in dev.glob("gpiochip[0-9]*")})
    if not numbers:
        raise HardwareError(
            "no /dev/gpiochip here, so this is no Raspberry Pi: "
            'to try without pins, set [hardware] backend = "simulated"'
        )
    labels = {}
    refused: HardwareError | None = None
    for number in numbers:
        try:
            labels[number] = chip_label(number, dev)
        except HardwareError as exc:
            refused = refused or exc
        else:
            if labels[number] in LABELS:
                return number
    if refused is not None:
        raise refused
    raise HardwareError(
        f"no GPIO chip of a Raspberry Pi header here, only {', '.join(labels.values())}: "
        'to try without pins, set [hardware] backend = "simulated"'
    )
