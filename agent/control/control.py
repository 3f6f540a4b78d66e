"""Commands in, acks and states out: the room's one door (P-09, P-11; decisions 7 and 8).

Everything runs on the loop's thread. A command is decided, written down, applied and acknowledged
within the one call that brings it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from agent.clock import Clock
from agent.config.model import ActuatorConfig
from agent.control.actuator import Actuator
from agent.control.decision import Apply, Command, Context, Duplicate, Key, Refuse, Source, decide
from agent.control.journal import KEPT, Journal
from agent.control.timers import Alarm, Timers
from agent.control.words import clipped, error_text, seconds
from agent.hardware.ports import OutputDevice
from agent.sensing.reading import Reading

log = logging.getLogger("cht_agent.control")


@dataclass(frozen=True)
class Result:
    """What became of a local or phone command: its ack text, and whether it did as asked."""

    ok: bool
    text: str


@dataclass(frozen=True)
class LastCommand:
    """The last command of an actuator that was not a duplicate; ``result`` is its ack."""

    cmd: str
    source: Source
    result: str


@dataclass(frozen=True)
class ActuatorStatus:
    """An actuator as ``status`` shows it; ``since`` is monotonic seconds."""

    id: str
    state: str
    since: float
    last_command: LastCommand | None


class Control:
    """All actuators of the configuration.

    ``open_device`` claims an output at its safe level and raises HardwareError. ``on_ack`` gets
    (actuator id, ack text) of platform commands; ``on_state`` a state to publish. Both are called
    on the loop's thread, from within whatever caused them.
    """

    def __init__(
        self,
        actuators: Sequence[ActuatorConfig],
        open_device: Callable[[ActuatorConfig], OutputDevice],
        clock: Clock,
        timers: Timers,
        journal: Journal,
        on_ack: Callable[[str, str], None],
        on_state: Callable[[Reading], None],
    ) -> None:
        self.unknown = 0
        """Commands for actuators that are not configured: nothing of ours to acknowledge."""
        self._clock = clock
        self._journal = journal
        self._on_ack = on_ack
        self._on_state = on_state
        self._actuators = {
            spec.id: Actuator(
                spec,
                open_device,
                clock,
                timers,
                journal,
                others=self._others_of(spec),
                changed=self._state_changed,
            )
            for spec in actuators
        }
        self._lost = {spec.id: Alarm(timers) for spec in actuators if spec.on_link_lost}
        self._link_is_lost = False
        self._stopped = False
        self._subscribed: float | None = None
        self._refused: dict[Key, str] = {}
        self._last: dict[str, LastCommand] = {}

    def start(self) -> None:
        """Open every actuator at its safe level and tell its state.

        One that cannot be opened is ``unknown``, is tried again every 60 s and stops no other.
        The link counts as lost until :meth:`link_up`.
        """
        for actuator in self._actuators.values():
            actuator.open()
        self.link_lost()

    def stop(self) -> None:
        """Write every safe level, then let go of the devices without closing them."""
        self._stopped = True
        for alarm in self._lost.values():
            alarm.cancel()
        for actuator in self._actuators.values():
            actuator.stop()
        for actuator in self._actuators.values():
            actuator.release()

    def subscribed(self, mono: float) -> None:
        """A SUBACK came at ``mono``: for 10 s a command may be a replay."""
        self._subscribed = mono

    def link_up(self) -> None:
        """The platform is reachable: what waits for a lost link is called off."""
        self._link_is_lost = False
        for alarm in self._lost.values():
            alarm.cancel()

    def link_lost(self) -> None:
        """The platform is not reachable: each ``on_link_lost`` happens in its time, once."""
        self._subscribed = None  # the next session's replay may overtake its SUBACK
        if self._link_is_lost or self._stopped:
            return
        self._link_is_lost = True
        for name, alarm in self._lost.items():
            actuator = self._actuators[name]
            rule = actuator.spec.on_link_lost
            if rule is not None:
                why = f"no link for {seconds(rule.after)}"
                alarm.set(rule.after, partial(actuator.automatic, rule.do, why))

    def handle(self, command: Command) -> None:
        """A command of the platform: apply, refuse or recognise it, and acknowledge it at once."""
        actuator = self._actuators.get(command.actuator)
        if actuator is None:
            if not self.unknown:
                name = clipped(command.actuator, 40)
                log.warning("command for %r, which is no actuator here", name)
            self.unknown += 1
            return
        self._on_ack(command.actuator, self._settle(command, actuator))
        actuator.report()

    def local(
        self, actuator_id: str, cmd: str, source: Literal["local", "phone"] = "local"
    ) -> Result:
        """A command from this machine or the telephone: the same path, never stale, no ack sent."""
        actuator = self._actuators.get(actuator_id)
        if actuator is None:
            known = ", ".join(self._actuators) or "none configured"
            name = clipped(actuator_id, 40)
            return Result(False, error_text(f"no actuator {name!r}; there are: {known}"))
        text = self._settle(Command(actuator_id, cmd, source=source), actuator)
        actuator.report()
        return Result(not _failed(text), text)

    def snapshot(self) -> tuple[ActuatorStatus, ...]:
        """All actuators as they are now, in the order of the configuration."""
        return tuple(
            ActuatorStatus(name, actuator.state, actuator.since, self._last.get(name))
            for name, actuator in self._actuators.items()
        )

    def lines(self) -> tuple[tuple[int, int, bool], ...]:
        """(gpiochip, line, physical safe level) of every opened output, for the safe-state plan."""
        return tuple(
            line
            for actuator in self._actuators.values()
            if actuator.device is not None
            for line in actuator.device.lines()
        )

    def _settle(self, command: Command, actuator: Actuator) -> str:
        """Decide and act; the ack."""
        if self._stopped:
            return error_text("the agent is stopping")
        decision = decide(command, actuator.spec, self._context(actuator.spec.id))
        if isinstance(decision, Duplicate):
            return actuator.state if decision.first_ack is None else decision.first_ack
        key = command.key
        if isinstance(decision, Refuse):
            ack = error_text(decision.reason)
            if decision.for_time and key is not None:
                self._remember_refused(key, decision.reason)
        else:
            ack = self._apply(decision, actuator, key)
        self._note(actuator.spec.id, LastCommand(clipped(command.cmd, 64), command.source, ack))
        return ack

    def _note(self, name: str, command: LastCommand) -> None:
        """Keep it for ``status``; log the first refusal of a row only: a flood fills no log."""
        last = self._last.get(name)
        if _failed(command.result) and not (last is not None and _failed(last.result)):
            log.warning(
                "actuator %s: %s command: %s", name, command.source, command.result,
                extra={"ACTUATOR": name},
            )  # fmt: skip
        self._last[name] = command

    def _apply(self, decision: Apply, actuator: Actuator, key: Key | None) -> str:
        """Act between the two lines of the journal. Whatever comes of it, the command is spent."""
        if key is None:
            return actuator.apply(decision.action)
        self._journal.begin(key)
        ack = actuator.apply(decision.action)
        self._journal.finish(key, ack)
        return ack

    def _context(self, actuator: str) -> Context:
        clock = self._clock
        return Context(
            now_mono=clock.monotonic(),
            now_utc=clock.utc(),
            trusted=clock.trusted(),
            subscribed_mono=self._subscribed,
            applied=self._journal.applied,
            refused=self._refused,
            horizon=self._journal.horizon(actuator),
        )

    def _remember_refused(self, key: Key, reason: str) -> None:
        self._refused.setdefault(key, reason)
        if len(self._refused) > KEPT:
            del self._refused[next(iter(self._refused))]

    def _others_of(self, spec: ActuatorConfig) -> Callable[[], Mapping[str, str]]:
        def others() -> dict[str, str]:
            if spec.interlock is None:
                return {}
            return {
                name: other.state
                for name, other in self._actuators.items()
                if other.spec.interlock == spec.interlock
                and name != spec.id
                and not other.surely_off
            }

        return others

    def _state_changed(self, actuator: Actuator) -> None:
        name = actuator.spec.id
        log.info("actuator %s: %s", name, actuator.state, extra={"ACTUATOR": name})
        if actuator.spec.publish_state:
            mono = self._clock.monotonic()
            self._on_state(Reading(actuator.spec.id, (actuator.state,), mono, urgent=True))


def _failed(ack: str) -> bool:
    return ack.startswith(error_text(""))
