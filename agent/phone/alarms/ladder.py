"""Who is phoned next, and what the end of a call means for the rest. Pure.

One call at a time. People are phoned in the order of the list, for as many rounds as are set; then
the incident is only shown. A call that nobody acknowledged leads to the next person, whatever
answered it: voice mail answers too. Nothing is ever ordered twice: whether a call that may have
been ordered rang or not, the next one goes to the next person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.config.alarms import CallsConfig
from agent.phone.alarms import caps, incidents
from agent.phone.alarms.model import (
    Dial,
    Effect,
    Hold,
    Incident,
    Phase,
    Place,
    Situation,
    Step,
    Tell,
)
from agent.phone.alarms.times import Now

LOST = 120.0
"""Seconds until a call whose result never came is given up."""
UNASKED = 45.0
"""Seconds from an answered call to its first request; a telephone that answers asks at once."""
SHORT_WAIT = 60.0
"""Seconds that the next person is waited for; who may not be phoned for longer is passed over."""
REMEMBERED = 86_400.0
FIRST_HOLD, LONGEST_HOLD = 30.0, 600.0


@dataclass(frozen=True)
class Office:
    """What deciding needs to know of the world: the limits, whether the service can be reached,
    and a source of secrets for the nodes of new calls."""

    calls: CallsConfig
    ready: bool
    secret: Callable[[], str]


def started(situation: Situation, calls: CallsConfig, now: Now) -> Situation:
    """What was kept, at the start of the agent. What is open in it may be over by now, or was
    already, as that is not kept: so the first readings are waited for, as long as for the first
    call about anything."""
    if not situation.incidents:
        return situation
    why = "just started: the first readings are waited for"
    return replace(situation, hold=Hold(now.stamp(), calls.collect, why, tries=0))


def advance(situation: Situation, office: Office, now: Now) -> Step:
    """What is due now: timers of the call, incidents that ended, and perhaps the next call."""
    effects: list[Effect] = []
    call = situation.call
    if call is not None and now.since(call.since) >= call.patience:
        outcome = {
            "dialling": "nobody knows",
            "ringing": "no result",
            "answered": "answered, but silent",
        }
        situation, more = end(situation, call, outcome.get(call.phase, "no key"), now)
        effects += more
    situation, more = incidents.settle(situation, office.calls, now)
    effects += more
    situation = _forget(situation, now)
    if situation.call is None and office.calls.enabled:
        situation, more = _next(situation, office, now)
        effects += more
    return situation, tuple(effects)


def waiting(incident: Incident, calls: CallsConfig, now: Now) -> str | None:
    """Why nobody is phoned about the incident now; None: somebody may be."""
    if not incident.call:
        return "nobody to call"
    if incident.ack is not None:
        return f"acknowledged by {incident.ack.by}"
    if not incident.firing:
        return "cleared"
    if incident.given_up:
        return "given up: nobody acknowledged"
    if not calls.enabled:
        return "calls are off"
    if incident.kind != "test" and now.since(incident.opened) < calls.collect:
        return "collecting"
    return caps.quiet(incident.severity, calls.quiet_hours, now)


def limited(
    incident: Incident, situation: Situation, calls: CallsConfig, now: Now
) -> float | None:
    """Seconds until the limits let anybody be phoned about the incident, where that is longer than
    a person is waited for; None: it is not."""
    turns = incident.turns()[: len(incident.call)]
    waits = (caps.wait_for(person, situation.dials, calls, now) for _, person in turns)
    wait = min(waits, default=0.0)
    return wait if wait > SHORT_WAIT else None


def end(situation: Situation, dial: Dial, outcome: str, now: Now) -> Step:
    """The call is over and nobody acknowledged: it is the next person's turn."""
    dial = replace(dial, phase="over", since=now.stamp(), outcome=outcome)
    situation = situation.with_dial(dial)
    for key in dial.counts:
        incident = situation.incidents.get(key)
        if incident is None:
            continue
        turn = next((step for step, person in incident.turns() if person == dial.person), None)
        if outcome == "notfound":
            incident = replace(incident, skip=incident.skip | {dial.person})
        if turn is not None:
            incident = replace(incident, step=turn + 1)
        situation = situation.with_incident(incident)
    effects: list[Effect] = [Tell("info", f"call to {dial.person}: {outcome}")]
    if outcome == "notfound":
        effects.append(
            Tell("warning", f"the number of {dial.person} does not exist: mend it in [contacts]")
        )
    for key in dial.counts:
        incident = situation.incidents.get(key)
        if incident and incident.given_up and incident.ack is None and incident.kind != "test":
            effects.append(
                Tell("error", f"alarm {key}: everyone was phoned and nobody acknowledged")
            )
    return situation, tuple(effects)


def acknowledged(situation: Situation, dial: Dial, now: Now) -> Step:
    """The person on the line knows; nobody else is phoned."""
    if dial.phase != "over":
        dial = replace(dial, phase="over", since=now.stamp(), outcome="acknowledged")
        situation = situation.with_dial(dial)
    return incidents.acknowledge(situation, dial.about, dial.person, now)


def placed(situation: Situation, id: str, group: str, now: Now) -> Situation:
    """The service has taken the order. Its events may have come before this answer."""
    situation = replace(situation, hold=None)
    dial = situation.dial(id)
    if dial is None or dial.phase == "over":
        return situation
    dial = replace(dial, group=group)
    return situation.with_dial(_enter(dial, "ringing", LOST, now, after=("dialling",)))


def not_placed(situation: Situation, id: str, why: str, now: Now, *, blame: bool = False) -> Step:
    """It is certain that nothing rang: the same person's turn, but not at once.

    ``blame``: the service refuses this very number, so the next person's turn.
    """
    dial = situation.dial(id)
    if dial is None or dial.phase != "dialling":
        return situation, ()
    told = Tell("error", f"call to {dial.person} was not made: {why}")
    dial = replace(dial, placed=False)
    if blame:
        situation, more = end(situation.with_dial(dial), dial, "refused", now)
        return situation, (told, *more)
    tries = situation.hold.tries + 1 if situation.hold else 1
    seconds = min(LONGEST_HOLD, FIRST_HOLD * 2 ** (tries - 1))
    over = replace(dial, phase="over", since=now.stamp(), outcome="not made")
    hold = Hold(now.stamp(), seconds, why, tries)
    return replace(situation.with_dial(over), hold=hold), (told,)


def unsure(situation: Situation, id: str, now: Now) -> Situation:
    """The order may have arrived or not: it is never repeated, its events are waited for."""
    dial = situation.dial(id)
    if dial is None:
        return situation
    return situation.with_dial(_enter(dial, "ringing", LOST, now, after=("dialling",)))


def result(situation: Situation, dial: Dial, status: str, now: Now) -> Step:
    """The service tells what became of the call (T-13, T-33). An unknown word is a failure."""
    if status == "answered":
        entered = _enter(dial, "answered", UNASKED, now, after=("dialling", "ringing"))
        return situation.with_dial(entered), ()
    if dial.phase in ("dialling", "ringing"):
        return end(situation, dial, status, now)
    return situation, ()  # it talked already, or is over: this comes late


def established(situation: Situation, dial: Dial, now: Now) -> Situation:
    """The line stands (T-38)."""
    entered = _enter(dial, "answered", UNASKED, now, after=("dialling", "ringing"))
    return situation.with_dial(entered)


def hung_up(situation: Situation, dial: Dial, now: Now) -> Step:
    """They hung up without a key."""
    if dial.phase not in ("answered", "talking"):
        return situation, ()
    return end(situation, dial, "hung up", now)


def _enter(dial: Dial, phase: Phase, patience: float, now: Now, after: tuple[Phase, ...]) -> Dial:
    """In its next phase, unless it is further already."""
    if dial.phase not in after:
        return dial
    return replace(dial, phase=phase, patience=patience, since=now.stamp())


def _forget(situation: Situation, now: Now) -> Situation:
    kept = tuple(
        dial for dial in situation.dials if dial.phase != "over" or now.since(dial.at) < REMEMBERED
    )
    return situation if len(kept) == len(situation.dials) else replace(situation, dials=kept)


def _next(situation: Situation, office: Office, now: Now) -> Step:
    """The next call, if there is one to make now."""
    hold = situation.hold
    if not office.ready and not office.calls.dry_run:
        return situation, ()
    if hold is not None and now.since(hold.at) < hold.seconds:
        return situation, ()
    wanting = [
        incident
        for incident in situation.incidents.values()
        if waiting(incident, office.calls, now) is None
    ]
    wanting.sort(key=lambda incident: (incident.kind == "test", incident.severity != "critical"))
    for incident in wanting:
        turn = _turn(incident, situation, office.calls, now)
        if turn is None:
            continue
        step, person = turn
        passed = [who for at, who in incident.turns() if at < step]
        if passed:
            situation = situation.with_incident(replace(incident, step=step))
        effects = tuple(
            Tell("warning", f"{who} was phoned as often as is allowed: passed over")
            for who in passed
        )
        situation, more = _dial(situation, person, incident.key, wanting, office, now)
        return situation, (*effects, *more)
    return situation, ()


def _turn(
    incident: Incident, situation: Situation, calls: CallsConfig, now: Now
) -> tuple[int, str] | None:
    """Whose turn it is now; None: somebody's in a moment, or everybody's limit is reached."""
    for step, person in incident.turns()[: len(incident.call)]:
        wait = caps.wait_for(person, situation.dials, calls, now)
        if wait <= 0:
            return step, person
        if wait <= SHORT_WAIT:
            return None
    return None


def _dial(
    situation: Situation,
    person: str,
    first: str,
    wanting: list[Incident],
    office: Office,
    now: Now,
) -> Step:
    """A new call to ``person``, telling of everything this person is to hear of."""
    current: Mapping[str, Incident] = situation.incidents
    about = [key for key in (one.key for one in wanting) if person in current[key].call]
    counts = [key for key in about if key == first or _is_turn_of(current[key], person)]
    dial = Dial(
        office.secret(),
        person,
        tuple(sorted(about, key=lambda key: key != first)),
        tuple(counts),
        now.stamp(),
        now.stamp(),
        LOST,
        dry=office.calls.dry_run,
    )
    situation = situation.with_dial(dial)
    if dial.dry:
        told = Tell("info", f"dry run: would phone {person} about {', '.join(about)}")
        situation, more = end(situation, dial, "dry run", now)
        return situation, (told, *more)
    return situation, (
        Tell("info", f"calling {person} about {', '.join(about)}"),
        Place(dial.id),
    )


def _is_turn_of(incident: Incident, person: str) -> bool:
    turns = incident.turns()
    return bool(turns) and turns[0][1] == person
