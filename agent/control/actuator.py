"""One actuator at work: its device, its level, its pulses and its maximum on-time (decision 8).

Every write to the pin goes through :meth:`Actuator._drive`, which reads it back. Anything that
must happen though nobody asked (the safe state, the end of a pulse) is insisted on: tried again
each second until the pin follows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from agent.clock import Clock
from agent.config.model import Action, ActuatorConfig
from agent.control.envelope import History, interlocked, permit
from agent.control.journal import Journal
from agent.control.timers import Alarm, Timers
from agent.control.words import error_text, seconds, state_word
from agent.errors import HardwareError
from agent.hardware.ports import OutputDevice

SAME = 0.01
"""Levels closer than this are one: a PWM reads back in its hardware's own steps."""
REOPEN_EVERY = 60.0
INSIST_EVERY = 1.0

log = logging.getLogger("cht_agent.control")


class Actuator:
    """An output and everything that may still happen to it.

    ``others`` gives the members of its interlock group that are not surely off, with their state
    words. ``changed`` is called after the state word changed, once the caller's work is done.
    """

    def __init__(
        self,
        spec: ActuatorConfig,
        open_device: Callable[[ActuatorConfig], OutputDevice],
        clock: Clock,
        timers: Timers,
        journal: Journal,
        others: Callable[[], Mapping[str, str]],
        changed: Callable[[Actuator], None],
    ) -> None:
        self.spec = spec
        self._log = logging.LoggerAdapter(log, {"ACTUATOR": spec.id})
        self.state = state_word(spec, None)
        self.since = clock.monotonic()
        self.device: OutputDevice | None = None
        self._open_device = open_device
        self._clock = clock
        self._journal = journal
        self._others = others
        self._changed = changed
        self._reported: str | None = None
        self._fault: str | None = None
        self._history = History(
            off_since=self.since, changes=journal.changes(spec.id, clock.boot_id)
        )
        self._back = 0.0
        self._pulse = Alarm(timers)
        self._too_long = Alarm(timers)
        self._insist = Alarm(timers)
        self._reopen = Alarm(timers)

    @property
    def surely_off(self) -> bool:
        """False while on, and while nobody can tell."""
        return self._history.level == 0

    def open(self) -> None:
        """Claim the output at its safe level; tried again every 60 s until it is there."""
        try:
            self.device = self._open_device(self.spec)
        except HardwareError as exc:
            self._note(str(exc))
            self._reopen.set(REOPEN_EVERY, self.open)
        else:
            self._drive_surely(self.spec.safe)
        self.report()

    def apply(self, action: Action) -> str:
        """Do what a command asks, if the envelope permits; return its ack.

        A pulse ends at the level from before it (the safe level when that is unknown). A command
        in the middle of a pulse ends it; a pulse in a pulse keeps the level from before the first.
        """
        reason = self._try(action, by_command=True)
        return self.state if reason is None else error_text(reason)

    def automatic(self, action: Action | None, why: str) -> None:
        """Do something nobody commanded: None is the safe state, whatever the envelope says."""
        if action is None or (action.kind == "set" and action.level == self.spec.safe):
            if self.device is not None:
                before = self.state
                self._drive_surely(self.spec.safe)
                if self.state != before:
                    self._log.warning("actuator %s: %s: now %s", self.spec.id, why, self.state)
        else:
            reason = self._try(action, by_command=False)
            became = reason or f"now {self.state}"
            self._log.warning("actuator %s: %s: %s", self.spec.id, why, became)
        self.report()

    def stop(self) -> None:
        """End everything pending and leave the output at its safe level."""
        self._reopen.cancel()
        if self.device is not None:
            self._pulse.cancel()
            reason = self._drive(self.spec.safe)
            if reason is not None:
                self._log.error("actuator %s: not safe at exit: %s", self.spec.id, reason)
        self._too_long.cancel()
        self._insist.cancel()
        self.report()

    def release(self) -> None:
        """Let go of the output without touching its level. Last of all."""
        if self.device is not None:
            self.device.release()
            self.device = None

    def report(self) -> None:
        """Tell of the state if it is another than was told before."""
        if self.state != self._reported:
            self._reported = self.state
            self._changed(self)

    def _try(self, action: Action, *, by_command: bool) -> str | None:
        """Change the level as ``action`` says; None when done, else why not."""
        if self.device is None:
            return f"not available: {self._fault}"
        spec, history, now = self.spec, self._history, self._clock.monotonic()
        try:
            level = _target(action, self.device)
        except HardwareError as exc:
            return str(exc)
        rated = history if by_command else history.unrated()
        reason = permit(spec, level, rated, self._others(), now)
        if reason is not None:
            return reason
        back = self._back if self._pulse.pending else history.level
        if back is None:
            back = spec.safe
        if action.kind == "pulse":
            end = now + action.duration
            # Its end is ours to keep: it must not come before a minimum time is over.
            reason = permit(spec, back, history.unrated().moved(level, now), {}, end)
            if reason is not None:
                return f"a pulse of {seconds(action.duration)} is too short: {reason}"
        if by_command and spec.rate_limit is not None and level != history.level:
            self._history = history.counted(now, spec.rate_limit.count)
            self._journal.count(spec.id, self._clock.boot_id, now)
        self._pulse.cancel()
        self._insist.cancel()
        reason = self._drive(level)
        if action.kind == "pulse":
            self._back = back
            self._pulse.set(action.duration, self._pulse_over)
        elif reason is not None and level == spec.safe:
            self._insist.set(INSIST_EVERY, lambda: self._again(level))
        return reason

    def _pulse_over(self) -> None:
        reason = None
        if not self._history.level:
            # Another of the group may have been switched on while a pulse held this one off.
            reason = interlocked(self._back, self._others())
        if reason is not None:
            self._log.warning("actuator %s: stays off after its pulse: %s", self.spec.id, reason)
        self._drive_surely(self._back if reason is None else 0.0)
        self.report()

    def _on_too_long(self) -> None:
        self.automatic(None, f"on for {seconds(self.spec.max_on or 0.0)}, the longest allowed")

    def _drive_surely(self, level: float) -> None:
        self._pulse.cancel()
        self._insist.cancel()
        if self._drive(level) is not None:
            self._insist.set(INSIST_EVERY, lambda: self._again(level))

    def _again(self, level: float) -> None:
        self._drive_surely(level)
        self.report()

    def _drive(self, level: float) -> str | None:
        """Write ``level`` and read it back: the only place that writes. None when it followed."""
        if self.device is None:
            return f"not available: {self._fault}"
        read: float | None = None
        fault: str | None = None
        try:
            self.device.write(level)
            read = self.device.read()
        except HardwareError as exc:
            fault = str(exc)
        else:
            if abs(read - level) <= SAME:
                read = level
            else:
                wrote, reads = state_word(self.spec, level), state_word(self.spec, read)
                fault = f"the output reads {reads} after {wrote} was written"
        now = self._clock.monotonic()
        self._history = self._history.moved(level if fault is None else None, now)
        state = state_word(self.spec, read)
        if state != self.state:
            self.state, self.since = state, now
        self._watch_on_time()
        self._note(fault)
        return fault

    def _watch_on_time(self) -> None:
        """``max_on`` runs while the output is, or may be, on."""
        if self.surely_off:
            self._too_long.cancel()
        elif self.spec.max_on is not None and not self._too_long.pending:
            self._too_long.set(self.spec.max_on, self._on_too_long)

    def _note(self, fault: str | None) -> None:
        """Log a fault when it appears or changes, and its end."""
        if fault == self._fault:
            return
        if fault is not None:
            self._log.error("actuator %s: %s", self.spec.id, fault)
        elif self._fault is not None:
            self._log.info("actuator %s: works again", self.spec.id)
        self._fault = fault


def _target(action: Action, device: OutputDevice) -> float:
    """The level an action asks for. A toggle goes by the pin itself. Raises HardwareError."""
    if action.kind == "toggle" and device.read() != 0:
        return 0.0
    return action.level
