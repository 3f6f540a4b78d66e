"""The room: all sensors on one timer, their latest readings, probing and reloading."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from agent.clock import Clock
from agent.config.model import SensorConfig
from agent.hardware.ports import SensorDevice, SensorSpec
from agent.sensing.crew import Crew
from agent.sensing.lanes import InlineLane, Lane, ThreadLane
from agent.sensing.reading import Reading
from agent.sensing.sensor import Sensor, Surroundings
from agent.sensing.status import ProbeResult, SensorStatus

Result = TypeVar("Result")

PROBE_TIMEOUT = 10.0
CLOSE_TIMEOUT = 1.0


class Sensing:
    """Reads ``sensors`` and hands what is worth reporting to ``on_reading``, on the loop.

    ``specs``: driver name → spec. ``open`` gives the device of a sensor, beside the loop if its
    driver blocks; it may raise SensorError or HardwareError, which is a fault of that sensor and is
    tried again. All times are ``clock.monotonic()``; the wall clock is never asked.
    """

    def __init__(
        self,
        sensors: Sequence[SensorConfig],
        specs: Mapping[str, SensorSpec],
        open: Callable[[SensorConfig], SensorDevice],
        clock: Clock,
        on_reading: Callable[[Reading], None],
    ) -> None:
        self._specs = specs
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._alarm: asyncio.Future[None] | None = None
        self._alarm_due = math.inf
        self._running = False
        self._crew = Crew(clock)
        self._lanes: dict[str, Lane] = {}
        self._closing: set[asyncio.Future[None]] = set()
        origin = clock.monotonic()
        self._around = Surroundings(open, clock, origin, self._post, self._nudge, on_reading)
        self._sensors = {config.id: self._new(config, origin) for config in sensors}

    async def run(self) -> None:
        """Read until cancelled; then the devices are closed, hanging ones left behind."""
        self._attach()
        self._running = True
        try:
            while True:
                await self._sleep_until(self.tick())
        finally:
            self._running = False
            self._end()

    def tick(self) -> float:
        """Do everything due now; when the next thing is due (monotonic; infinity: nothing)."""
        now = self._clock.monotonic()
        for sensor in self._sensors.values():
            sensor.wake(now)
        return self._next_due()

    def snapshot(self) -> tuple[SensorStatus, ...]:
        """The latest reading of every sensor, in the order of the configuration."""
        now = self._clock.monotonic()
        return tuple(sensor.status(now) for sensor in self._sensors.values())

    def status(self, id: str) -> SensorStatus:
        """The latest reading of one sensor. Raises KeyError."""
        return self._sensors[id].status(self._clock.monotonic())

    def overdue(self) -> bool:
        """Whether every polled sensor misses its answer for three periods (decision 10).

        False without any polled sensor, and while nothing runs.
        """
        now = self._clock.monotonic()
        late = [sensor.overdue(now) for sensor in self._sensors.values()]
        polled = [is_overdue for is_overdue in late if is_overdue is not None]
        return self._running and bool(polled) and all(polled)

    async def probe(self, ids: Sequence[str], timeout: float = PROBE_TIMEOUT) -> list[ProbeResult]:
        """One fresh read of each named sensor, all at once, whether or not the room runs.

        The reads count and are reported like any other. An unknown id, a fault and no answer
        within ``timeout`` seconds each give a result with an error.
        """
        loop = self._attach()
        answers: dict[str, asyncio.Future[ProbeResult]] = {}
        for id in ids:
            answers[id] = answer = loop.create_future()
            if id in self._sensors:
                self._sensors[id].refresh(partial(_resolve, answer))
            else:
                answer.set_result(ProbeResult(id, (), None, 0.0, f"there is no sensor {id}"))
        if answers:
            await asyncio.wait(answers.values(), timeout=timeout)
        for id, answer in answers.items():
            silent = ProbeResult(id, (), None, timeout, f"no answer within {timeout:g} s")
            _resolve(answer, silent)
        return [answers[id].result() for id in ids]

    async def apply(self, new: Sequence[SensorConfig]) -> None:
        """Take over a new configuration.

        An unchanged sensor runs on with all it remembers; one whose driver and options are the same
        keeps its device; the others are closed, and what is new is opened. Changed pins and drivers
        are the caller's to refuse. One call at a time.
        """
        configs = {config.id: config for config in new}
        going = [id for id, sensor in self._sensors.items() if not _kept(sensor, configs.get(id))]
        # A new sensor may sit on the pin of one that goes.
        self._remove(going)
        await self._closed(CLOSE_TIMEOUT)
        now = self._clock.monotonic()
        kept, self._sensors = self._sensors, {}
        for id, config in configs.items():
            sensor = kept.get(id)
            if sensor is None:
                sensor = self._new(config, now)
            elif sensor.config != config:
                sensor.reconfigure(config, now)
            self._sensors[id] = sensor
        self._nudge()

    async def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Close all devices; those that do not come back within ``timeout`` are left behind."""
        self._attach()
        self._end()
        await self._closed(timeout)

    def _new(self, config: SensorConfig, due: float) -> Sensor:
        spec = self._specs[config.driver]
        # A lane left by a sensor that hangs is used again: never two threads on one device.
        lane = self._lanes.get(config.id)
        if lane is None:
            name = f"sensor-{config.id}"
            lane = ThreadLane(name, self._crew) if spec.blocking else InlineLane()
            self._lanes[config.id] = lane
        return Sensor(config, spec, lane, self._around, due)

    def _remove(self, ids: Sequence[str]) -> None:
        loop = self._attach()
        for id in ids:
            sensor = self._sensors.pop(id)
            closed: asyncio.Future[None] = loop.create_future()
            self._closing.add(closed)
            sensor.close(partial(self._gone, id, sensor.lane, closed))

    def _end(self) -> None:
        self._remove(tuple(self._sensors))
        self._crew.stop()

    def _gone(self, id: str, lane: Lane, closed: asyncio.Future[None]) -> None:
        self._closing.discard(closed)
        _resolve(closed, None)
        if id not in self._sensors and self._lanes.get(id) is lane:
            del self._lanes[id]

    async def _closed(self, timeout: float) -> None:
        if self._closing:
            await asyncio.wait(tuple(self._closing), timeout=timeout)

    def _attach(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _post(self, call: Callable[[], None]) -> None:
        """From any thread. What comes after the end is of no use to anybody."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _next_due(self) -> float:
        return min((sensor.due for sensor in self._sensors.values()), default=math.inf)

    def _nudge(self) -> None:
        """End the sleep if something is due before its end."""
        if self._alarm is not None and self._next_due() < self._alarm_due:
            _resolve(self._alarm, None)

    async def _sleep_until(self, due: float) -> None:
        loop = self._attach()
        self._alarm = alarm = loop.create_future()
        self._alarm_due = due
        timer = None
        if due < math.inf:
            delay = due - self._clock.monotonic()
            timer = loop.call_later(max(0.0, delay), _resolve, alarm, None)
        try:
            await alarm
        finally:
            self._alarm = None
            if timer is not None:
                timer.cancel()


def _kept(sensor: Sensor, config: SensorConfig | None) -> bool:
    return (
        config is not None
        and config.driver == sensor.config.driver
        and config.options == sensor.config.options
    )


def _resolve(future: asyncio.Future[Result], result: Result) -> None:
    if not future.done():
        future.set_result(result)
