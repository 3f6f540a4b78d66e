"""One sensor: when it is read, what its answers mean, and what is told of it. On the loop only."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

from agent.clock import Clock
from agent.config.model import SensorConfig
from agent.hardware.ports import Sample, SensorDevice, SensorSpec
from agent.sensing.edges import Edges
from agent.sensing.lanes import Lane, Post
from agent.sensing.reading import Reading
from agent.sensing.reporting import Memory, failed, judge
from agent.sensing.schedule import back_off, is_late, next_slot
from agent.sensing.source import Attempt, Source
from agent.sensing.status import ProbeResult, Quality, SensorStatus, unit_text

log = logging.getLogger("cht_agent.sensing")

SLACK = 0.005
"""Seconds a read may come early, so that what is due at almost one moment shares a wake-up."""

PATIENCE = 10.0
"""A read that took longer than this, and than three periods, says nothing of now."""

FIRST_RETRY = 1.0
"""Seconds before a sensor that has no period is asked again after a failure."""


@dataclass(frozen=True)
class Surroundings:
    """What every sensor of the room shares. ``nudge``: something is due earlier than before."""

    open: Callable[[SensorConfig], SensorDevice]
    clock: Clock
    origin: float
    post: Post
    nudge: Callable[[], None]
    on_reading: Callable[[Reading], None]


class Sensor:
    """A configured sensor, first read at ``due`` and then by its period.

    An edge sensor is watched as well; without ``every`` its state is read when it is opened and,
    where ``report_at_least`` is set, that often.
    """

    def __init__(
        self, config: SensorConfig, spec: SensorSpec, lane: Lane, around: Surroundings, due: float
    ) -> None:
        self.config = config
        self.lane = lane
        self._log = logging.LoggerAdapter(log, {"SENSOR": config.id})
        self._spec = spec
        self._around = around
        self._edges = Edges(config.id, lambda: around.post(self._flush))
        self._source = Source(
            lambda: around.open(self.config),
            around.clock,
            self._edges.put if spec.edge else None,
        )
        self._memory = Memory.blank(config)
        self._values: tuple[str, ...] = ()
        self._latest = -math.inf
        self._error: str | None = None
        self._reads = self._failures = 0
        self._failed_in_a_row = 0
        self._begun: float | None = None
        self._hanging = False
        self._traced = False
        self._closed = False
        self._waiters: list[Callable[[ProbeResult], None]] = []
        self._poll_due = due

    @property
    def due(self) -> float:
        """When :meth:`wake` wants to be called next; infinity: not by time."""
        return min(self._poll_due, self._edges.due)

    @property
    def period(self) -> float | None:
        """Seconds between reads; None for an edge sensor that only tells of changes."""
        if self.config.every is not None:
            return self.config.every
        return self.config.report_at_least if self._spec.edge else self._spec.default_every

    def wake(self, now: float) -> None:
        """Do what is due. A read that has not come back is waited for, never repeated."""
        if self._edges.due <= now:
            self._flush()
        if self._poll_due > now + SLACK:
            return
        period = self.period
        self._poll_due = now + PATIENCE if period is None else self._slot(period, now)
        if self._begun is None:
            self._begin(now)
        elif not self._hanging and is_late(period or FIRST_RETRY, self._begun, now):
            self._hanging = True
            self._log.warning(
                "sensor %s: the read begun %.0f s ago has not come back; waiting for it",
                self.config.id,
                now - self._begun,
            )

    def refresh(self, waiter: Callable[[ProbeResult], None]) -> None:
        """Read now, or share the read under way, and tell ``waiter`` what came of it."""
        self._waiters.append(waiter)
        if self._begun is None:
            self._begin(self._around.clock.monotonic())

    def reconfigure(self, config: SensorConfig, now: float) -> None:
        """Go on with the same device. Filters start afresh if the quantities changed."""
        same = config.quantities == self.config.quantities
        self.config = config
        if not same:
            self._memory = Memory.blank(config)
            self._values = ()
        period = self.period
        if not same or period is None:
            self._poll_due = now
        else:
            self._poll_due = self._slot(period, now)

    def close(self, closed: Callable[[], None]) -> None:
        """Close the device once it is not in use; ``closed`` is called afterwards, on the loop."""
        self._closed = True
        self._poll_due = math.inf
        self._answer_waiters("the sensor was closed", 0.0)
        self.lane.submit(self._source.close, lambda _: closed())

    def overdue(self, now: float) -> bool | None:
        """Whether an answer is missing for three periods; None if it is not read by time.

        A fault is an answer: a sensor that fails on time is not overdue.
        """
        if self.period is None:
            return None
        return is_late(self.period, self._poll_due if self._begun is None else self._begun, now)

    def status(self, now: float) -> SensorStatus:
        measured, period = self._memory.good_at, self.period
        quality: Quality = "good"
        error = self._error
        if error is not None:
            quality = "fault"
        elif measured is None or (period is not None and is_late(period, measured, now)):
            quality = "stale"
            if self._begun is not None:
                error = f"the read begun {now - self._begun:.0f} s ago has not come back"
        return SensorStatus(
            id=self.config.id,
            values=self._values,
            units=self._units(),
            mono=measured,
            quality=quality,
            error=error,
            reads=self._reads,
            failures=self._failures,
            left_out=self._edges.left_out,
            quantities=tuple(quantity.name for quantity in self.config.quantities),
        )

    def _slot(self, period: float, now: float) -> float:
        return next_slot(self._around.origin, period, now)

    def _units(self) -> tuple[str | None, ...]:
        return tuple(q.unit or self._spec.quantities.get(q.name) for q in self.config.quantities)

    def _begin(self, now: float) -> None:
        self._begun = now
        self.lane.submit(self._source.measure, self._done)

    def _done(self, attempt: Attempt) -> None:
        self._begun = None
        if self._closed:
            return
        took = attempt.ended - attempt.started
        error = attempt.error
        self._reads += 1
        if attempt.sample is None:
            self._fault(error or "no reading", attempt.bug)
        elif took > max(PATIENCE, 3 * (self.period or 0.0)):
            # Nobody knows when in this time it was measured; the next one will tell.
            self._failures += 1
            error = f"answered after {took:.0f} s, too late to be taken for a reading"
            self._log.warning("sensor %s: %s", self.config.id, error)
        else:
            # An edge during the read is newer than the read; a slow measurement ends with a value.
            at = attempt.started if self._spec.edge else attempt.ended
            self._take(attempt.sample, at)
            error = self._error
        self._hanging = False
        self._put_off(attempt)
        self._answer_waiters(error, took)

    def _put_off(self, attempt: Attempt) -> None:
        """Set the next read where the period alone does not."""
        missing = self._error is not None or self._memory.good_at is None
        self._failed_in_a_row = self._failed_in_a_row + 1 if missing else 0
        period = self.period
        if period is None:
            wait = back_off(FIRST_RETRY, self._failed_in_a_row)
            self._poll_due = attempt.ended + wait if missing else math.inf
        elif not attempt.opened:
            wait = back_off(period, self._failed_in_a_row)
            self._poll_due = self._slot(period, attempt.ended + wait - period)
        self._around.nudge()

    def _flush(self) -> None:
        """Take the changes the device told of."""
        if self._closed:
            return
        for change in self._edges.flush(self._around.clock.monotonic()):
            self._take(change.sample, change.at, change=True)
        self._around.nudge()

    def _take(self, sample: Sample, at: float, *, change: bool = False) -> None:
        if at < self._latest:
            return  # Overtaken on its way by a later state.
        memory, judgement = judge(
            self.config, self._memory, sample, at, period=self.period, change=change
        )
        changed = judgement.values != self._values
        if change:
            if judgement.error is None and not changed:
                return
            self._reads += 1
        self._latest = at
        self._memory = memory
        if judgement.error is not None:
            self._fault(judgement.error, None)
            return
        if self._error is not None:
            self._log.info("sensor %s: reads again", self.config.id)
        self._error, self._traced = None, False
        self._values = judgement.values
        if judgement.report:
            config = self.config
            urgent = self._spec.edge and changed
            self._around.on_reading(
                Reading(config.id, judgement.values, at, config.lat, config.lon, urgent)
            )

    def _fault(self, error: str, bug: Exception | None) -> None:
        self._failures += 1
        if bug is not None and not self._traced:
            self._traced = True
            self._log.error(
                "sensor %s: its driver failed unexpectedly: %s", self.config.id, error, exc_info=bug
            )
        elif self._error is None:
            self._log.warning("sensor %s: no reading: %s", self.config.id, error)
        self._error = error
        self._values = ()
        self._memory = failed(self._memory)

    def _answer_waiters(self, error: str | None, took: float) -> None:
        waiters, self._waiters = self._waiters, []
        if waiters:
            values = () if error is not None else self._values
            result = ProbeResult(self.config.id, values, unit_text(self._units()), took, error)
            for waiter in waiters:
                waiter(result)
