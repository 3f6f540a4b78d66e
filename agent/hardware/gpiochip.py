"""GPIO lines as the kernel offers them: requests on ``/dev/gpiochipN`` (linux/gpio.h, version 2).

Nothing foreign is imported, and little of Python's own (after a crash the outputs wait for the
helper's imports): the daemon and the helper that runs after it (``safe_outputs``) claim
an output in the very same way, in one request that carries direction, level and pull (design,
decision 8). lgpio would do that too, but at the price of a thread that wakes fifty times a second
for an opened chip, and one that polls two thousand times a second for the first edge asked for;
the kernel's own file descriptors sleep until something happens, and debounce as well.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from enum import IntFlag

from agent.errors import HardwareError

CONSUMER = b"cht-agent"
"""Who holds the line, as ``gpioinfo`` and other programs see it."""
FREE_A_PIN = "stop that program, take its dtoverlay out of config.txt, or choose another pin"


class Flag(IntFlag):
    """GPIO_V2_LINE_FLAG_…"""

    USED = 1 << 0
    INPUT = 1 << 2
    OUTPUT = 1 << 3
    RISING = 1 << 4
    FALLING = 1 << 5
    PULL_UP = 1 << 8
    PULL_DOWN = 1 << 9
    NO_PULL = 1 << 10


_ATTRIBUTE = struct.Struct("=IIQQ")  # id, padding, value, mask
_ATTRIBUTES = 10
_CONFIG = struct.Struct(f"=QI20x{_ATTRIBUTES * _ATTRIBUTE.size}s")  # flags, count, attributes
_REQUEST = struct.Struct(f"=I252x32s{_CONFIG.size}sI24xi")  # offset, consumer, config, count, fd
_VALUES = struct.Struct("=QQ")  # bits, mask
_LINE_INFO = struct.Struct("=32s32sI4xQ176x")  # name, consumer, offset, flags

OUTPUT_VALUES, DEBOUNCE = 2, 3
Attribute = tuple[int, int]
"""What can be asked of a line beside its flags: (one of the two above, its value)."""


def _both_ways(number: int, layout: struct.Struct) -> int:  # _IOWR(0xB4, number, layout)
    return 3 << 30 | layout.size << 16 | 0xB4 << 8 | number


_GET_LINE_INFO = _both_ways(0x05, _LINE_INFO)
_GET_LINE = _both_ways(0x07, _REQUEST)
_GET_VALUES = _both_ways(0x0E, _VALUES)
_SET_VALUES = _both_ways(0x0F, _VALUES)
_SET_CONFIG = _both_ways(0x0D, _CONFIG)


class Line:
    """A line that is ours. It is given back by :meth:`close` alone, or by the end of the process;
    losing the object changes nothing."""

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self._name = name

    def read(self) -> bool:
        """The level of the pin itself, of an output too. Raises HardwareError."""
        return bool(_VALUES.unpack(self._ask(_GET_VALUES, 0))[0] & 1)

    def write(self, level: bool) -> None:
        """Drive an output. Raises HardwareError."""
        self._ask(_SET_VALUES, int(level))

    def configure(self, flags: Flag, attribute: Attribute | None = None) -> None:
        """Make another kind of line of it. Raises HardwareError."""
        self._control(_SET_CONFIG, _config(flags, attribute))

    def close(self) -> None:
        """Give the line back. Never for an output: the kernel may float it."""
        os.close(self.fd)

    def _ask(self, request: int, bits: int) -> bytes:
        return self._control(request, _VALUES.pack(bits, 1))

    def _control(self, request: int, data: bytes) -> bytes:
        try:
            return fcntl.ioctl(self.fd, request, data)
        except OSError as exc:
            raise HardwareError(f"{self._name}: {exc.strerror}") from exc


def claim_output(chip: int, line: int, level: bool) -> Line:
    """Make ``line`` an output that is at ``level`` from its first moment on.

    The pull points the same way as the level: a kernel that frees the line of a dead process then
    lets it fall there. Raises HardwareError.
    """
    pull = Flag.PULL_UP if level else Flag.PULL_DOWN
    return Line(*request_line(chip, line, Flag.OUTPUT | pull, (OUTPUT_VALUES, int(level))))


def request_line(
    chip: int, line: int, flags: Flag, attribute: Attribute | None
) -> tuple[int, str]:
    """Claim ``line``: the file it is now, and its name for errors. Raises HardwareError."""
    request = _REQUEST.pack(line, CONSUMER, _config(flags, attribute), 1, -1)
    device = open_chip(f"/dev/gpiochip{chip}")
    try:
        answer = fcntl.ioctl(device, _GET_LINE, request)
    except OSError as exc:
        if exc.errno == errno.EBUSY:
            check_free(chip, line)
        raise HardwareError(f"{_name(chip, line)} cannot be used: {exc.strerror}") from exc
    finally:
        os.close(device)
    return _REQUEST.unpack(answer)[-1], _name(chip, line)


def holder(chip: int, line: int) -> str | None:
    """Who has claimed ``line``, "" for somebody without a name; None: nobody. Raises
    HardwareError."""
    device = open_chip(f"/dev/gpiochip{chip}")
    try:
        _, consumer, _, flags = _LINE_INFO.unpack(
            fcntl.ioctl(device, _GET_LINE_INFO, _LINE_INFO.pack(b"", b"", line, 0))
        )
    except OSError as exc:
        raise HardwareError(f"{_name(chip, line)} cannot be used: {exc.strerror}") from exc
    finally:
        os.close(device)
    return padded_text(consumer) if flags & Flag.USED else None


def check_free(chip: int, line: int) -> None:
    """Raises HardwareError, naming the holder, when somebody has claimed ``line``."""
    who = holder(chip, line)
    if who is not None:
        raise HardwareError(
            f'{_name(chip, line)} is in use by "{who or "another program"}": {FREE_A_PIN}'
        )


def _config(flags: Flag, attribute: Attribute | None) -> bytes:
    packed = b"" if attribute is None else _ATTRIBUTE.pack(attribute[0], 0, attribute[1], 1)
    return _CONFIG.pack(flags, len(packed) // _ATTRIBUTE.size, packed)


def _name(chip: int, line: int) -> str:
    return f"GPIO{line} of /dev/gpiochip{chip}"


def padded_text(padded: bytes) -> str:
    """A name as the kernel tells it."""
    return padded.rstrip(b"\0").decode("utf-8", "replace")


def open_chip(path: str) -> int:
    """The chip's file, to be closed by the caller. Raises HardwareError."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        raise HardwareError(f"{path} does not exist: is the GPIO driver loaded?") from exc
    except PermissionError as exc:
        raise HardwareError(
            f"{path} may not be opened: run as a member of the group gpio "
            "(sudo usermod -aG gpio USER, then log in again)"
        ) from exc
    except OSError as exc:
        raise HardwareError(f"{path} cannot be opened: {exc.strerror}") from exc


def chip_number(path: str) -> int:
    """``/dev/gpiochip4`` → 4; HardwareError for any other name."""
    match = re.fullmatch(r"(?:/dev/)?gpiochip(\d{1,4})", path)
    if match is None:
        raise HardwareError(f"{path} is not a GPIO chip: expected /dev/gpiochipN")
    return int(match[1])
