"""Lines whose edges are counted or timed, by the kernel's own numbers and time stamps.

gpiozero has threads for each of these that sample or measure all the time; here nothing runs
between two reads.
"""

from __future__ import annotations

import time

from agent.errors import SensorError
from agent.hardware.gpiochip import Flag, claim_output
from agent.hardware.gpioinputs import claim_input

TRIGGER = 20e-6
"""Seconds a trigger is high; an HC-SR04 wants ten microseconds or more."""
ANSWER = 0.1
"""Seconds in which an echo must begin; an HC-SR04 begins within one millisecond."""
SETTLE = 0.3
"""Seconds an echo may still be high from the ping before: some clones take 0.2 s to give up."""
DRAIN = 0.1
"""Seconds to empty a capacitor of a few microfarads through a pin."""

_PULLS = {"up": Flag.PULL_UP, "down": Flag.PULL_DOWN, "floating": Flag.NO_PULL}


class CountedLine:
    """Counts rising or falling edges. The kernel numbers them, so none is missed however long
    nobody looks, and a storm of them wakes nobody. Two within the time its own handler takes (well
    below a millisecond) are one."""

    def __init__(self, chip: int, pin: int, *, pull: str, rising: bool, debounce: float) -> None:
        """Raises HardwareError."""
        flags = _PULLS[pull] | (Flag.RISING if rising else Flag.FALLING)
        self._line = claim_input(chip, pin, flags, debounce)
        self._number = 0
        self._count = 0

    def count(self) -> int:
        """Edges since the line was claimed."""
        while (edge := self._line.edge()) is not None:
            self._count += (edge.number - self._number) % 2**32
            self._number = edge.number
        return self._count

    def close(self) -> None:
        self._line.close()


class ChargedLine:
    """Times how long a capacitor at the line takes to charge through what charges it."""

    def __init__(self, chip: int, pin: int) -> None:
        """Raises HardwareError."""
        self._line = claim_input(chip, pin, Flag.NO_PULL)

    def charge_time(self, longest: float) -> float | None:
        self._line.drive(False)
        time.sleep(DRAIN)
        if self._line.read():
            self._line.listen(Flag.NO_PULL)
            return 0.0  # held high against us
        while self._line.edge() is not None:
            pass  # of the time before
        started = time.monotonic()
        self._line.listen(Flag.NO_PULL | Flag.RISING)
        edge = self._line.wait(longest)
        if edge is None:
            # High without an edge: charged before the kernel had begun to look.
            return 0.0 if self._line.read() else None
        return min(longest, max(0.0, edge.time - started))

    def close(self) -> None:
        self._line.close()


class EchoLine:
    """An ultrasonic sensor with a trigger and an echo."""

    def __init__(self, chip: int, trigger: int, echo: int) -> None:
        """Raises HardwareError."""
        self._trigger = claim_output(chip, trigger, False)
        try:
            flags = Flag.PULL_DOWN | Flag.RISING | Flag.FALLING
            self._echo = claim_input(chip, echo, flags)
        except BaseException:
            self._trigger.close()
            raise

    def echo_time(self, longest: float) -> float:
        deadline = time.monotonic() + SETTLE
        while self._echo.read():
            if time.monotonic() > deadline:
                raise SensorError("the echo stays high")
            self._echo.wait(deadline - time.monotonic())
        while self._echo.edge() is not None:
            pass  # of the ping before
        self._trigger.write(True)
        time.sleep(TRIGGER)
        self._trigger.write(False)
        begun = self._echo.wait(ANSWER)
        if begun is None or not begun.level:
            raise SensorError("no echo begins")
        ended = self._echo.wait(longest)
        return longest if ended is None else min(longest, ended.time - begun.time)

    def close(self) -> None:
        # The trigger is low, and its pull with it: an input that nobody drives stays low.
        self._trigger.close()
        self._echo.close()
