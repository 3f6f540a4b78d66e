"""Incidents begin, end, and are acknowledged. Pure.

What fires again soon after it cleared is the same incident: with its acknowledgement, and with the
calls it has already had. So a value that flaps phones people no more often than one that stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.config.alarms import AlarmConfig, CallsConfig
from agent.phone.alarms.model import Ack, Effect, Incident, Kind, Situation, Step, Tell
from agent.phone.alarms.times import Now
from agent.values import shortest

SETTLE = 600.0
"""Seconds after which an incident that cleared is over for good."""
TEST_WITHIN = 1800.0
"""Seconds within which a test call begins; nobody wants it in the middle of the night."""


def key_of(alarm: str, kind: Kind) -> str:
    """``too_hot``, ``too_hot/missing``, ``test/too_hot``. No id holds a slash."""
    return {"condition": alarm, "missing": f"{alarm}/missing", "test": f"test/{alarm}"}[kind]


def fire(
    situation: Situation,
    alarm: AlarmConfig,
    kind: Kind,
    value: str | None,
    calls: CallsConfig,
    now: Now,
) -> Step:
    """``alarm`` fires at ``value``: a new incident, or the one that cleared a moment ago."""
    key = key_of(alarm.id, kind)
    known = situation.incidents.get(key)
    if known is not None:
        return situation.with_incident(replace(known, cleared=None)), ()
    incident = Incident(
        key, alarm.id, kind, alarm.severity, alarm.call, now.stamp(), rounds=calls.rounds
    )
    told = Tell("warning", f"alarm {key} ({alarm.severity}): {_what(alarm, kind, value)}")
    return situation.with_incident(incident), (told,)


def clear(situation: Situation, key: str, now: Now) -> Situation:
    """It is not so any more. Nobody is phoned about that."""
    known = situation.incidents.get(key)
    if known is None or not known.firing:
        return situation
    return situation.with_incident(replace(known, cleared=now.stamp()))


def test(situation: Situation, name: str, people: tuple[str, ...], now: Now) -> Step:
    """A test call to ``people``, one after the other until one acknowledges, once around."""
    key = key_of(name, "test")
    if key in situation.incidents:
        return situation, ()
    incident = Incident(key, name, "test", "critical", people, now.stamp(), rounds=1)
    return situation.with_incident(incident), (Tell("info", f"test call to {', '.join(people)}"),)


def acknowledge(situation: Situation, keys: Iterable[str], by: str, now: Now) -> Step:
    """Somebody knows of all these. A test has then done what it is for."""
    effects: list[Effect] = []
    for key in keys:
        incident = situation.incidents.get(key)
        if incident is None:
            continue
        if incident.kind == "test":
            situation = situation.without(key)
            effects.append(Tell("info", f"test call {incident.alarm}: confirmed by {by}"))
            continue
        situation = situation.with_incident(replace(incident, ack=Ack(by, now.stamp())))
        effects.append(Tell("info", f"alarm {key}: acknowledged by {by}"))
    return situation, tuple(effects)


def settle(situation: Situation, calls: CallsConfig, now: Now) -> Step:
    """What time alone ends: incidents that stayed clear, and acknowledgements."""
    effects: list[Effect] = []
    busy = situation.call.about if situation.call else ()
    for key, incident in situation.incidents.items():
        if incident.kind == "test":
            late = now.since(incident.opened) >= TEST_WITHIN
            if (incident.given_up or late) and key not in busy:
                situation = situation.without(key)
                why = "nobody confirmed it" if incident.given_up else "it could not be made"
                effects.append(Tell("warning", f"test call {incident.alarm}: {why}"))
        elif incident.cleared is not None:
            if now.since(incident.cleared) >= SETTLE and key not in busy:
                situation = situation.without(key)
                effects.append(Tell("info", f"alarm {key}: over"))
        elif incident.ack is not None and now.since(incident.ack.at) >= calls.acknowledged_for:
            fresh = replace(incident, ack=None, step=0, skip=frozenset(), rounds=calls.rounds)
            situation = situation.with_incident(fresh)
            by = incident.ack.by
            effects.append(Tell("warning", f"alarm {key}: still so, acknowledged by {by} long ago"))
    return situation, tuple(effects)


def _what(alarm: AlarmConfig, kind: Kind, value: str | None) -> str:
    """What is wrong, for the log: ``air is 38.2 °C, above 35``."""
    if kind == "missing":
        return f"no good reading of {alarm.sensor} for {alarm.missing:g} s"
    unit = f" {alarm.unit}" if alarm.unit else ""
    beyond = ""
    if isinstance(alarm.limit, float):
        side = "below" if alarm.above is None else "above"
        beyond = f", {side} {shortest(alarm.limit)}"
    return f"{alarm.sensor} is {value}{unit}{beyond}"
