"""Lines that are inputs: their edges, as the kernel numbers and times them."""

from __future__ import annotations

import os
import select
import struct
from dataclasses import dataclass

from agent.hardware.gpiochip import DEBOUNCE, OUTPUT_VALUES, Flag, Line, request_line

_EVENT = struct.Struct("=QI8xI24x")  # nanoseconds, edge, how many of this line came before it
_RISING_EDGE = 1


@dataclass(frozen=True)
class Edge:
    """A change of an input: the new level and when, in seconds of the monotonic clock.

    ``number``: the how manieth edge of its line it is, from 1 and modulo 2³². The kernel keeps the
    last sixteen that nobody has read, but numbers all.
    """

    level: bool
    time: float
    number: int


class InputLine(Line):
    """A line that is listened to, and driven at most for a while."""

    def edge(self) -> Edge | None:
        """The next change of a line claimed with edges; None when there is none yet."""
        try:
            data = os.read(self.fd, _EVENT.size)
        except BlockingIOError:
            return None
        nanoseconds, kind, number = _EVENT.unpack(data)
        return Edge(kind == _RISING_EDGE, nanoseconds / 1e9, number)

    def wait(self, seconds: float) -> Edge | None:
        """The next edge, waited for; None when none came within ``seconds``."""
        if not select.select([self.fd], [], [], max(0.0, seconds))[0]:
            return None
        return self.edge()

    def drive(self, level: bool) -> None:
        """Make the line an output at ``level``. Raises HardwareError."""
        self.configure(Flag.OUTPUT, (OUTPUT_VALUES, int(level)))

    def listen(self, flags: Flag) -> None:
        """Make the line an input with that pull and those edges. Raises HardwareError."""
        self.configure(Flag.INPUT | flags)


def claim_input(chip: int, line: int, flags: Flag, debounce: float = 0.0) -> InputLine:
    """Make ``line`` an input with that pull and those edges.

    ``debounce`` in seconds: the kernel reports, and reads as, what has lasted that long. Raises
    HardwareError.
    """
    microseconds = round(debounce * 1e6)
    attribute = (DEBOUNCE, microseconds) if microseconds else None
    claimed = InputLine(*request_line(chip, line, Flag.INPUT | flags, attribute))
    os.set_blocking(claimed.fd, False)
    return claimed
