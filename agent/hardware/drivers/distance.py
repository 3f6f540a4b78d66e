"""``distance``: an HC-SR04 ultrasonic sensor, pinged when asked (gpiozero's pings for ever)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from agent.errors import HardwareError, SensorError
from agent.hardware.ports import EchoTimer, Hardware, Option, Sample, SensorSpec

SPEED_OF_SOUND = 343.26
"""m/s at 20 °C; a degree more or less changes it by 0.18 %."""
PAUSE = 0.06
"""Seconds from ping to ping, for the echoes of the one before to die away."""
NEAREST = 0.01
"""Metres. The sensor measures from 2 cm; less than half of it is a disturbance."""


class DistanceSensor:
    """The median of ``pings`` pings, in metres; ``max_distance`` when nothing is nearer."""

    def __init__(
        self,
        timer: EchoTimer,
        name: str,
        max_distance: float,
        pings: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._timer = timer
        self._name = name
        self._max = max_distance
        self._pings = pings
        self._sleep = sleep

    def read(self) -> Sample:
        """More than half of the pings must succeed. Raises SensorError."""
        distances: list[float] = []
        failure: Exception | None = None
        for number in range(self._pings):
            if number:
                self._sleep(PAUSE)
            try:
                distances.append(self._once())
            except (SensorError, HardwareError) as exc:
                failure = exc
            if (number + 1 - len(distances)) * 2 >= self._pings:
                raise SensorError(
                    f"{self._name}: {failure}: check its 5 V supply, TRIG, ECHO and the divider"
                ) from failure
        return {"distance": statistics.median(distances)}

    def close(self) -> None:
        self._timer.close()

    def _once(self) -> float:
        distance = self._timer.echo_time(2 * self._max / SPEED_OF_SOUND) * SPEED_OF_SOUND / 2
        if distance < NEAREST:
            raise SensorError(f"an echo from {distance * 100:.1f} cm, nearer than it can measure")
        return min(distance, self._max)


def open_distance(hardware: Hardware, options: Mapping[str, Any]) -> DistanceSensor:
    echo, trigger = options["echo"], options["trigger"]
    return DistanceSensor(
        hardware.echo(trigger, echo),
        f"HC-SR04 with its echo on GPIO{echo}",
        options["max_distance"],
        options["queue_len"],
    )


_pin = partial(Option, kind="pin", required=True, between=(0, 27))

SPEC = SensorSpec(
    name="distance",
    quantities={"distance": "m"},
    options=(
        _pin("echo", help="BCM number of the pin at ECHO, behind its voltage divider"),
        _pin("trigger", help="BCM number of the pin at TRIG"),
        Option(
            "max_distance",
            "number",
            "metres; also the reading when nothing is nearer",
            default=4.0,
            between=(0.1, 6.0),
        ),
        Option(
            "queue_len",
            "int",
            "pings for one reading, of which the middle one counts",
            default=5,
            between=(1, 20),
        ),
    ),
    open=open_distance,
    blocking=True,
    min_every=1.0,
)
