"""``light``: a light-dependent resistor that charges a capacitor; the faster, the lighter.

Measured when asked, not all the time as gpiozero's LightSensor does; its scale is gpiozero's.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from agent.errors import HardwareError, SensorError
from agent.hardware.drivers.options import PIN
from agent.hardware.ports import ChargeTimer, Hardware, Option, Sample, SensorSpec

IMPOSSIBLE = 1 / 1000
"""Of ``charge_time_limit``: no resistor in the brightest light charges its capacitor so fast."""


class LightSensor:
    """``value`` is 1 − charge time ÷ limit: 0 is dark, 1 very light."""

    def __init__(self, timer: ChargeTimer, pin: int, limit: float, times: int) -> None:
        self._timer = timer
        self._pin = pin
        self._limit = limit
        self._times = times

    def read(self) -> Sample:
        return {"value": statistics.median(self._once() for _ in range(self._times))}

    def close(self) -> None:
        self._timer.close()

    def _once(self) -> float:
        try:
            took = self._timer.charge_time(self._limit)
        except HardwareError as exc:
            raise SensorError(str(exc)) from exc
        if took is None:
            return 0.0
        if took < self._limit * IMPOSSIBLE:
            raise SensorError(
                f"GPIO{self._pin} is high at once: check that the capacitor is there, "
                "between the pin and ground, and that nothing shorts the resistor"
            )
        return 1.0 - took / self._limit


def open_light(hardware: Hardware, options: Mapping[str, Any]) -> LightSensor:
    pin = options["pin"]
    return LightSensor(
        hardware.charge(pin), pin, options["charge_time_limit"], options["queue_len"]
    )


SPEC = SensorSpec(
    name="light",
    quantities={"value": None},
    options=(
        PIN,
        Option(
            "charge_time_limit",
            "duration",
            "charging for so long is dark",
            default=0.01,
            between=(0.001, 1.0),
        ),
        Option(
            "queue_len",
            "int",
            "measurements for one reading, of which the middle one counts",
            default=5,
            between=(1, 20),
        ),
    ),
    open=open_light,
    blocking=True,  # a tenth of a second and the limit for each measurement
    min_every=1.0,
)
