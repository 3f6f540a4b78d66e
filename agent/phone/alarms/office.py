"""Watches the readings, keeps the situation, and has people phoned: the one task of the alarms.

Everything is decided by the pure files beside this one. Here are the clock, the disk and the order
to the telephone service, which both block and so have threads of their own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC

from agent.clock import Clock
from agent.config.alarms import AlarmConfig, CallsConfig
from agent.errors import AgentError, LinkError, LinkRefused, NotSent, PlatformRefused, StorageError
from agent.phone import nodes
from agent.phone.alarms import caps, dialogue, incidents, ladder, report, texts
from agent.phone.alarms.incidents import key_of
from agent.phone.alarms.ledger import Ledger
from agent.phone.alarms.model import Dial, Effect, Incident, Kind, Place, Situation, Tell
from agent.phone.alarms.report import AlarmStatus, CallsStatus
from agent.phone.alarms.rules import RuleState, judge
from agent.phone.alarms.store import AlarmStore
from agent.phone.alarms.times import Now
from agent.phone.callers import plain
from agent.phone.model import Moment, Seen
from agent.protocol.calls import CallNotice, CalloutResult, CallRequest
from agent.protocol.telephone import CallAction
from agent.threads import in_daemon_thread
from agent.wake import Wake

log = logging.getLogger("cht_agent.alarms")

EVERY = 1.0
"""Seconds between two looks at the readings; a change that a sensor tells is looked at at once."""
_MOST_EARLY = 100
"""Results of calls that nobody knows yet."""


@dataclass(frozen=True)
class Rules:
    """What may change while the agent runs. ``phones``: contact → number, of all ``contacts``
    where calls are enabled."""

    alarms: tuple[AlarmConfig, ...] = ()
    calls: CallsConfig = field(default_factory=CallsConfig)
    contacts: tuple[str, ...] = ()
    phones: Mapping[str, str] = field(default_factory=dict, repr=False)


class Alarms:
    """All alarms of the agent.

    ``seen`` tells the latest readings. ``order``: phone this number, and return the service's name
    for the call; it blocks, and raises LinkError or PlatformRefused (None: there is no telephone).
    ``ready``: whether events of a call would reach us now. ``on_state(id, word)``: the state of an
    alarm that publishes it. Raises StorageError when what is kept cannot be read.
    """

    def __init__(
        self,
        rules: Rules,
        clock: Clock,
        store: AlarmStore,
        seen: Callable[[], Seen],
        order: Callable[[str], str] | None,
        ready: Callable[[], bool],
        on_state: Callable[[str, str], None],
    ) -> None:
        self._clock = clock
        self._ledger = Ledger(store)
        self._seen = seen
        self._order = order
        self._ready = ready
        self._on_state = on_state
        self._wake = Wake()
        self._orders: set[asyncio.Task[None]] = set()
        self._early: deque[CalloutResult] = deque(maxlen=_MOST_EARLY)
        self._situation = ladder.started(self._ledger.loaded, rules.calls, self._now())
        self._limited: set[str] = set()
        self._told: dict[str, str] = {}
        self._states: dict[str, RuleState] = {}
        self.rules = Rules()
        self.apply(rules)

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.look()
            if self.rules.alarms or self._situation.incidents or self._situation.call:
                self._wake.call(EVERY)
            await self._wake.wait()

    async def close(self) -> None:
        """Keep what is known. A call under way goes on at the service; the next start waits for
        what comes of it."""
        for task in self._orders:
            task.cancel()
        await self._ledger.close()

    def apply(self, rules: Rules) -> None:
        """Take over a changed configuration. An alarm that stays as it is keeps its state; one that
        is gone is over."""
        before = {alarm.id: alarm for alarm in self.rules.alarms}
        phones = self.rules.phones
        mended = {who for who in rules.phones if rules.phones[who] != phones.get(who)}
        self.rules = rules
        now = self._now()
        states = {}
        for alarm in rules.alarms:
            if before.get(alarm.id) == alarm and alarm.id in self._states:
                states[alarm.id] = self._states[alarm.id]
                continue
            states[alarm.id] = RuleState(
                now.mono,
                firing=self._is_open(alarm.id, "condition"),
                missing=self._is_open(alarm.id, "missing"),
            )
        self._states = states
        self._situation = _following(self._situation, rules, mended)
        self._wake.call()

    # --- what comes in --------------------------------------------------------------------------

    def look(self) -> None:
        """Everything that is due now."""
        seen, now = self._seen(), self._now()
        for alarm in self.rules.alarms:
            self._judge(alarm, _value(alarm, seen), now)
        self._test_monthly(now)
        office = ladder.Office(self.rules.calls, self._can_call(), nodes.fresh)
        self._take(*ladder.advance(self._situation, office, now))
        self._tell_limits(now)
        self._tell_states(seen, now)

    def heard(self, sensor: str, values: Sequence[str]) -> None:
        """A sensor has told a reading: what is over before the next look must not be missed."""
        mine = [alarm for alarm in self.rules.alarms if alarm.sensor == sensor]
        for alarm in mine:
            if alarm.quantity < len(values):
                self._judge(alarm, values[alarm.quantity], self._now())
        if mine:
            self._wake.call()

    def asked(self, request: CallRequest) -> CallAction:
        """See :class:`agent.phone.callouts.Callouts`."""
        now = self._now()
        situation, action, effects = dialogue.asked(
            self._situation, request, self._told_of(), now, self._moment(now)
        )
        self._take(situation, effects)
        self._wake.call()
        return action

    def noticed(self, notice: CallNotice) -> None:
        """See :class:`agent.phone.callouts.Callouts`."""
        now = self._now()
        dial = dialogue.which(self._situation, "", notice.phone, self._told_of().phones, now)
        if dial is None:
            return
        if notice.event == "established":
            self._take(ladder.established(self._situation, dial, now))
        else:
            self._take(*ladder.hung_up(self._situation, dial, now))
        self._wake.call()

    def result(self, result: CalloutResult) -> None:
        """See :class:`agent.phone.callouts.Callouts`."""
        dial = self._dial_of(result)
        if self._orders and (dial is None or dial.group is None):
            # Perhaps of the call just ordered, perhaps of somebody else's to the same phone: the
            # answer to the order, which names the call, will tell.
            self._early.append(result)
            return
        if dial is not None:
            self._take(*ladder.result(self._situation, dial, result.status, self._now()))
            self._wake.call()

    # --- what is asked of it --------------------------------------------------------------------

    def status(self) -> tuple[AlarmStatus, ...]:
        """Every alarm, in the order of the configuration."""
        return tuple(self._statuses(self._seen(), self._now()).values())

    def calls(self) -> CallsStatus:
        """Phoning as a whole."""
        return report.calls_status(
            self._situation, self.rules.calls, self._can_call(), self._now()
        )

    def acknowledge(self, id: str, by: str) -> None:
        """Whatever is open of alarm ``id``. Raises AgentError when nothing is."""
        kinds: tuple[Kind, ...] = ("condition", "missing", "test")
        keys = [key for kind in kinds if (key := key_of(id, kind)) in self._situation.incidents]
        if not keys:
            open = ", ".join(sorted({one.alarm for one in self._situation.incidents.values()}))
            raise AgentError(f"{id} is no open alarm; open: {open or 'none'}")
        self._take(*incidents.acknowledge(self._situation, keys, by, self._now()))
        self._wake.call()

    def test(self, name: str, *, dry_run: bool) -> dict[str, object]:
        """Phone contact ``name``, or everyone whom alarm ``name`` would phone, for a test.

        Returns who that is, what they hear, and why it cannot be at once. Raises AgentError.
        """
        people = self._people(name)
        now = self._now()
        incident = Incident(key_of(name, "test"), name, "test", "critical", people, now.stamp())
        told = self._told_of()
        text = texts.prompt(
            [incident], told.alarms, told.seen, self._moment(now),
            told.calls.language, told.calls.site,
        )  # fmt: skip
        if not dry_run:
            if not self.rules.calls.enabled:
                raise AgentError("calls are off: set enabled = true in [calls], and reload")
            self._take(*incidents.test(self._situation, name, people, now))
            self._wake.call()
        return {"people": list(people), "say": text, "held": self.calls().held}

    # --- inside ---------------------------------------------------------------------------------

    def _now(self) -> Now:
        clock = self._clock
        return Now(clock.boot_id, clock.monotonic(), clock.utc(), clock.trusted())

    def _moment(self, now: Now) -> Moment:
        return Moment(now.mono, now.utc, now.trusted, now.local().tzinfo or UTC)

    def _told_of(self) -> dialogue.Told:
        rules = self.rules
        by_id = {alarm.id: alarm for alarm in rules.alarms}
        return dialogue.Told(by_id, self._seen(), dict(rules.phones), rules.calls)

    def _can_call(self) -> bool:
        return self._order is not None and self._ready()

    def _is_open(self, alarm: str, kind: Kind) -> bool:
        incident = self._situation.incidents.get(key_of(alarm, kind))
        return incident is not None and incident.firing

    def _judge(self, alarm: AlarmConfig, value: str | None, now: Now) -> None:
        state = self._states[alarm.id] = judge(alarm, self._states[alarm.id], value, now.mono)
        is_so: dict[Kind, bool] = {"condition": state.firing, "missing": state.missing}
        for kind, so in is_so.items():
            if so == self._is_open(alarm.id, kind):
                continue
            if so:
                calls = self.rules.calls
                self._take(*incidents.fire(self._situation, alarm, kind, value, calls, now))
            else:
                self._take(incidents.clear(self._situation, key_of(alarm.id, kind), now))

    def _test_monthly(self, now: Now) -> None:
        when, calls = self.rules.calls.monthly_test, self.rules.calls
        if when is None or not calls.enabled or not now.trusted:
            return
        local = now.local()
        month = f"{local:%Y-%m}"
        due = local.day == when.day and local.time() >= when.at
        if not due or self._situation.tested == month:
            return
        self._situation = replace(self._situation, tested=month)
        everybody = dict.fromkeys(who for alarm in self.rules.alarms for who in alarm.call)
        for person in everybody:
            self._take(*incidents.test(self._situation, person, (person,), now))

    def _people(self, name: str) -> tuple[str, ...]:
        alarm = next((alarm for alarm in self.rules.alarms if alarm.id == name), None)
        if alarm is not None and not alarm.call:
            raise AgentError(f"alarm {name} phones nobody: it has no call list")
        if alarm is None and name not in self.rules.contacts:
            known = ", ".join((*self.rules.contacts, *(one.id for one in self.rules.alarms)))
            raise AgentError(f"{name} is neither a contact nor an alarm; known: {known or 'none'}")
        return (name,) if alarm is None else alarm.call

    def _dial_of(self, result: CalloutResult) -> Dial | None:
        """By the service's name for the call; by the phone where its answer never came."""
        for dial in self._situation.dials:
            if dial.group == result.group:
                return dial
        call = self._situation.call
        if call is None or call.group is not None or result.phone is None:
            return None
        return call if self.rules.phones.get(call.person) == plain(result.phone) else None

    def _take(self, situation: Situation, effects: tuple[Effect, ...] = ()) -> None:
        """The next situation, and what is to be done about it."""
        self._situation = situation
        for effect in effects:
            match effect:
                case Tell(level, text):
                    getattr(log, level)("%s", text)
                case Place(id):
                    task = asyncio.create_task(self._place(id), name="call-out")
                    self._orders.add(task)
                    task.add_done_callback(self._ordered)
        self._ledger.keep(situation)

    def _ordered(self, task: asyncio.Task[None]) -> None:
        self._orders.discard(task)
        early = tuple(self._early)
        self._early.clear()
        for result in early:
            self.result(result)

    async def _place(self, id: str) -> None:
        """Order the call, once it is written down that it was: a restart must know of it."""
        dial = self._situation.dial(id)
        phone = self.rules.phones.get(dial.person) if dial else None
        order = self._order
        if dial is None or phone is None or order is None:
            self._take(*self._not_placed(id, "no number is known", blame=True))
            return
        number = phone
        try:
            await self._ledger.surely(self._situation)
            group = await in_daemon_thread("call-out", lambda: order(number))
        except (StorageError, NotSent, LinkRefused) as exc:
            self._take(*self._not_placed(id, str(exc)))
        except PlatformRefused as exc:
            # 400: what was asked is wrong, which can only be this number. All else stays refused
            # whoever is phoned, until somebody mends it.
            self._take(*self._not_placed(id, str(exc), blame=exc.status == 400))
        except ValueError as exc:  # no number that could be phoned
            self._take(*self._not_placed(id, str(exc), blame=True))
        except LinkError as exc:
            log.warning("call to %s: %s; it is not ordered again, but waited for", dial.person, exc)
            self._take(ladder.unsure(self._situation, id, self._now()))
        else:
            self._take(ladder.placed(self._situation, id, group, self._now()))
        self._wake.call()

    def _not_placed(
        self, id: str, why: str, *, blame: bool = False
    ) -> tuple[Situation, tuple[Effect, ...]]:
        return ladder.not_placed(self._situation, id, why, self._now(), blame=blame)

    def _statuses(self, seen: Seen, now: Now) -> dict[str, AlarmStatus]:
        return {
            alarm.id: report.alarm_status(
                alarm,
                self._states[alarm.id],
                _value(alarm, seen),
                self._situation,
                self.rules.calls,
                now,
            )
            for alarm in self.rules.alarms
        }

    def _tell_limits(self, now: Now) -> None:
        """Say so, once, when the limits keep everybody from being phoned about an alarm."""
        calls, still = self.rules.calls, set()
        for key, incident in self._situation.incidents.items():
            wait = ladder.limited(incident, self._situation, calls, now)
            if wait is None or self._situation.call is not None:
                continue
            if key not in self._limited:
                if ladder.waiting(incident, calls, now) is not None:
                    continue
                log.error("alarm %s: nobody may be phoned for %s, as the limits of [calls] are"
                          " reached", key, caps.roughly(wait))  # fmt: skip
            still.add(key)
        self._limited = still

    def _tell_states(self, seen: Seen, now: Now) -> None:
        publishing = {alarm.id for alarm in self.rules.alarms if alarm.publish_state}
        if not publishing:
            return
        for id, word in report.published(self._statuses(seen, now)).items():
            if id in publishing and self._told.get(id) != word:
                self._told[id] = word
                self._on_state(id, word)


def _value(alarm: AlarmConfig, seen: Seen) -> str | None:
    """The latest good one, as published."""
    heard = seen.get(alarm.sensor)
    if heard is None or heard.quality != "good" or alarm.quantity >= len(heard.values):
        return None
    return heard.values[alarm.quantity]


def _following(situation: Situation, rules: Rules, mended: Set[str]) -> Situation:
    """What is open, as the configuration has it now; ``mended``: whose numbers are others than
    before, or may be since a restart."""
    alarms = {alarm.id: alarm for alarm in rules.alarms}
    for key, kept in situation.incidents.items():
        incident = replace(kept, skip=kept.skip - mended)
        alarm = alarms.get(incident.alarm)
        if incident.kind == "test":
            people = tuple(who for who in incident.call if who in rules.contacts)
            situation = situation.with_incident(replace(incident, call=people))
        elif alarm is None:
            situation = situation.without(key)
        else:
            fresh = replace(
                incident, severity=alarm.severity, call=alarm.call, rounds=rules.calls.rounds
            )
            situation = situation.with_incident(fresh)
    return situation
