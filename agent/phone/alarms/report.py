"""What is told of alarms: for the status document, for ``cht-agent alarms``, and as readings.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from agent.config.alarms import AlarmConfig, CallsConfig, Severity
from agent.phone.alarms import caps, ladder
from agent.phone.alarms.incidents import key_of
from agent.phone.alarms.model import Incident, Situation
from agent.phone.alarms.rules import RuleState
from agent.phone.alarms.times import Now

State = Literal["ok", "pending", "firing", "missing", "acknowledged"]


@dataclass(frozen=True)
class AlarmStatus:
    """One alarm. ``missing``: there is no good reading, whatever else. ``age``: seconds since it
    began, 0 for what is fine. ``calls``: whom it phones, or why it phones nobody."""

    id: str
    sensor: str
    severity: Severity
    state: State
    missing: bool
    age: float
    value: str | None
    acknowledged: str | None
    calls: str | None


@dataclass(frozen=True)
class CallsStatus:
    """Phoning as a whole. ``today``: calls of the last 24 hours, of ``most``. ``calling``: who is
    phoned now. ``held``: why nobody is."""

    enabled: bool
    dry_run: bool
    today: int
    most: int
    calling: str | None
    held: str | None


def alarm_status(
    alarm: AlarmConfig,
    rule: RuleState,
    value: str | None,
    situation: Situation,
    calls: CallsConfig,
    now: Now,
) -> AlarmStatus:
    """How ``alarm`` stands; ``value`` as published, None while there is no good one."""
    missing = _open(situation, key_of(alarm.id, "missing"))
    incident = _open(situation, key_of(alarm.id, "condition")) or missing
    state: State = "pending" if rule.beyond is not None and not rule.firing else "ok"
    age = 0.0
    if incident is not None:
        state = "firing" if incident.kind == "condition" else "missing"
        age = now.since(incident.opened)
    elif state == "pending" and rule.beyond is not None:
        age = now.mono - rule.beyond
    by = incident.ack.by if incident is not None and incident.ack is not None else None
    return AlarmStatus(
        alarm.id,
        alarm.sensor,
        alarm.severity,
        "acknowledged" if by else state,
        missing is not None,
        age,
        value,
        by,
        None if incident is None else _calls(incident, situation, calls, now),
    )


def calls_status(
    situation: Situation, calls: CallsConfig, ready: bool, now: Now
) -> CallsStatus:
    held = None
    if calls.enabled and not calls.dry_run:
        hold = situation.hold
        if hold is not None and now.since(hold.at) < hold.seconds:
            held = hold.why
        elif not ready:
            held = "the telephone service cannot be reached"
    return CallsStatus(
        calls.enabled,
        calls.dry_run,
        caps.used(situation.dials, calls, now),
        calls.per_day,
        situation.call.person if situation.call else None,
        held,
    )


def published(states: Mapping[str, AlarmStatus]) -> dict[str, str]:
    """Alarm → the word its reading has. What is only about to fire is still fine."""
    return {id: "ok" if one.state == "pending" else one.state for id, one in states.items()}


def _open(situation: Situation, key: str) -> Incident | None:
    incident = situation.incidents.get(key)
    return incident if incident is not None and incident.firing else None


def _calls(
    incident: Incident, situation: Situation, calls: CallsConfig, now: Now
) -> str | None:
    if situation.call is not None and incident.key in situation.call.about:
        return f"calling {situation.call.person}"
    why = ladder.waiting(incident, calls, now)
    if why is not None:
        return None if incident.ack is not None or not incident.call else why
    if (wait := ladder.limited(incident, situation, calls, now)) is not None:
        return f"limits reached, next call in {caps.roughly(wait)}"
    _, person = incident.turns()[0]
    return f"next: {person}"
