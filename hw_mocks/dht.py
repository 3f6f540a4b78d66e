"""A DHT11 or DHT22 as adafruit-circuitpython-dht 4 presents it, with its faults and its trap.

The trap: asked again within two seconds of a try, the library touches no wire and hands out its
last values as a success, even when that try failed; before the first good answer they are None.
"""

from __future__ import annotations

from collections.abc import Callable

NOT_FOUND = "DHT sensor not found, check wiring"
SHORT = "A full buffer was not returned. Try again."
CHECKSUM = "Checksum did not validate. Try again."
"""The library's own words."""

PAUSE = 2.0
"""Seconds after a try during which the library answers from memory."""
SLOW = 3.0
"""Seconds a ``slow`` sensor takes."""

_RANGES = {"dht11": ((0.0, 50.0), (20.0, 90.0), 0), "dht22": ((-40.0, 80.0), (0.0, 100.0), 1)}
"""Model → limits of °C and of %RH, and decimal places."""


class SimulatedDht:
    """One sensor on one pin.

    ``sample`` gives the true (°C, %RH), ``fault`` the fault of this moment or None, ``wait``
    pauses for some seconds and returns True when the board was closed meanwhile.
    """

    def __init__(
        self,
        model: str,
        sample: Callable[[], tuple[float, float]],
        fault: Callable[[], str | None],
        monotonic: Callable[[], float],
        wait: Callable[[float], bool],
    ) -> None:
        self._sample = sample
        self._fault = fault
        self._monotonic = monotonic
        self._wait = wait
        self._limits = _RANGES[model]
        self._last_called: float | None = None
        self._held: tuple[float | None, float | None] = (None, None)
        self.tries = 0
        """How often the wire was really used."""

    def measure(self) -> tuple[float | None, float | None]:
        """(°C, %RH); RuntimeError in the library's words when the sensor did not answer well."""
        now = self._monotonic()
        if self._last_called is not None and now - self._last_called <= PAUSE:
            return self._held
        self._last_called = now
        self.tries += 1

        fault = self._fault()
        if fault == "unplugged":
            raise RuntimeError(NOT_FOUND)
        if fault == "no_answer":
            raise RuntimeError(SHORT)
        if fault == "checksum":
            raise RuntimeError(CHECKSUM)
        if fault == "slow" and self._wait(SLOW):
            raise RuntimeError(NOT_FOUND)
        while self._fault() == "hang":
            if self._wait(0.05):
                raise RuntimeError(NOT_FOUND)
        if fault != "stuck" or self._held == (None, None):
            self._held = self._as_sensed(*self._sample())
        return self._held

    def close(self) -> None:
        """Nothing is held open between tries."""

    def _as_sensed(self, temperature: float, humidity: float) -> tuple[float, float]:
        (coldest, hottest), (driest, wettest), places = self._limits
        return (
            round(min(hottest, max(coldest, temperature)), places),
            round(min(wettest, max(driest, humidity)), places),
        )
