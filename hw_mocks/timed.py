"""Sensors whose answer is a time: a light-dependent resistor with its capacitor, and an HC-SR04."""

from __future__ import annotations

from collections.abc import Callable

SPEED_OF_SOUND = 343.26
"""m/s at 20 °C."""
NOTHING_THERE = 0.2
"""Seconds after which an HC-SR04 gives up waiting for its echo (a clone; the original: 0.038)."""

_DARK_OHMS = 100_000.0
"""Of the resistor at one lux."""
_GAMMA = 0.7
_FARADS = 1e-6
_TO_HIGH = 0.6
"""Time constants until a pin reads high: ln of 3.3 V ÷ (3.3 V − 1.5 V)."""


class SilenceError(Exception):
    """The sensor did not answer, or did not stop."""


class Ldr:
    """A light-dependent resistor to 3.3 V and 1 µF to ground, at one pin."""

    def __init__(
        self,
        lux: Callable[[], float],
        fault: Callable[[], str | None],
        wait: Callable[[float], object],
        close: Callable[[], None],
    ) -> None:
        self._lux = lux
        self._fault = fault
        self._wait = wait
        self.close = close
        self._held: float | None = None

    def charge_time(self, longest: float) -> float | None:
        """Seconds until the pin is high, None when it is not after ``longest``.

        ``unplugged``: nothing charges it; ``stuck``: the pin is high whatever happens.
        """
        fault = self._fault()
        if fault == "stuck":
            return 0.0
        ohms = _DARK_OHMS * max(self._lux(), 1e-3) ** -_GAMMA
        took = _TO_HIGH * ohms * _FARADS
        self._wait(min(took, longest))
        return None if fault == "unplugged" or took > longest else took


class Ultrasonic:
    """An HC-SR04 in front of something ``metres`` away."""

    def __init__(
        self,
        metres: Callable[[], float],
        fault: Callable[[], str | None],
        close: Callable[[], None],
    ) -> None:
        self._metres = metres
        self._fault = fault
        self.close = close
        self.pings = 0

    def echo_time(self, longest: float) -> float:
        """Seconds of the echo, ``longest`` for a longer one. Raises SilenceError."""
        self.pings += 1
        fault = self._fault()
        if fault == "stuck":
            raise SilenceError("the echo stays high")
        if fault in ("unplugged", "no_answer"):
            raise SilenceError("no echo begins")
        return min(longest, NOTHING_THERE, 2 * self._metres() / SPEED_OF_SOUND)
