"""What is said on a call that we made, turn by turn (T-14, T-55). Pure.

``1`` acknowledges, ``2`` passes it on, ``9`` says it again. No key by the time-out, a few wrong
ones, or a hang-up: the next person is phoned. Whoever presses ``1`` late, when somebody else is
being phoned already, has acknowledged all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.config.alarms import AlarmConfig, CallsConfig
from agent.phone import nodes
from agent.phone.alarms import ladder, texts
from agent.phone.alarms.model import Dial, Effect, Incident, Situation
from agent.phone.alarms.times import Now
from agent.phone.callers import plain
from agent.phone.model import Moment, Seen
from agent.protocol.calls import CallRequest, Entered, Keys, Silence
from agent.protocol.telephone import CallAction, Keypad

KEY_TIMEOUT = 10
"""Seconds for a key, from the end of the text (T-37)."""
PER_CHARACTER = 0.28
"""Seconds that a character takes to say, rather more than less."""
MARGIN = 15.0
"""Seconds that a time-out request may come late."""
MOST_TURNS = 6
LATE = 1800.0
"""Seconds after which nobody is still on the line of a call."""


@dataclass(frozen=True)
class Told:
    """What a call can tell: the alarms by id, the readings, who has which number."""

    alarms: dict[str, AlarmConfig]
    seen: Seen
    phones: dict[str, str]
    calls: CallsConfig


Turn = tuple[Situation, CallAction, tuple[Effect, ...]]


def which(
    situation: Situation, node: str, phone: str | None, phones: dict[str, str], now: Now
) -> Dial | None:
    """The call that a message belongs to: by the secret in its node, else by the person's number,
    else the one that is not over, as there is one at a time."""
    token = nodes.parse(node)
    if token is not None and (dial := situation.dial(token.secret)) is not None:
        return dial
    recent = [
        dial for dial in situation.dials if not dial.dry and now.since(dial.at) < LATE
    ]  # the youngest last
    number = plain(phone) if phone else None
    own = [dial for dial in recent if number and phones.get(dial.person) == number]
    if own:
        return own[-1]
    return situation.call or (recent[-1] if recent else None)


def asked(
    situation: Situation, request: CallRequest, told: Told, now: Now, moment: Moment
) -> Turn:
    """The one answer to a request of a call-out."""
    words = texts.WORDS[told.calls.language]
    dial = which(situation, request.node, request.phone, told.phones, now)
    if dial is None:
        return situation, _last(request, nodes.fresh(), words.none, told), ()
    match request.entry:
        case Keys("1"):
            situation, effects = ladder.acknowledged(situation, dial, now)
            return situation, _last(request, dial.id, words.thanks, told), effects
        case Keys("2"):
            return _on(situation, dial, "passed on", words.passed_on, request, told, now)
        case Silence():
            return _on(situation, dial, "no key", words.no_key, request, told, now)
        case Entered() | Keys("9"):
            return _tell(situation, dial, request, told, now, moment)
    if dial.turns >= MOST_TURNS:
        return _on(situation, dial, "no key", words.no_key, request, told, now)
    return _ask(situation, dial, texts.again(told.calls.language), request, told, now)


def _tell(
    situation: Situation, dial: Dial, request: CallRequest, told: Told, now: Now, moment: Moment
) -> Turn:
    """Everything the call is about, as far as it is still so."""
    words = texts.WORDS[told.calls.language]
    known = [situation.incidents[key] for key in dial.about if key in situation.incidents]
    open = [one for one in known if one.firing and one.ack is None]
    if not open:
        acked = any(one.ack is not None for one in known)
        effects: tuple[Effect, ...] = ()
        if dial.phase != "over":
            situation, effects = ladder.end(situation, dial, "nothing to tell", now)
        text = words.known if acked else words.solved
        return situation, _last(request, dial.id, text, told), effects
    if dial.turns >= MOST_TURNS:
        return _on(situation, dial, "no key", words.no_key, request, told, now)
    text = texts.prompt(_urgent(open), told.alarms, told.seen, moment, told.calls.language,
                        told.calls.site)
    return _ask(situation, dial, text, request, told, now)


def _urgent(incidents: list[Incident]) -> list[Incident]:
    return sorted(incidents, key=lambda one: (one.kind == "test", one.severity != "critical"))


def _ask(
    situation: Situation, dial: Dial, text: str, request: CallRequest, told: Told, now: Now
) -> Turn:
    """Say it and listen for a key. The patience runs from here, not from when it was answered:
    a machine answers, too."""
    patience = len(text) * PER_CHARACTER + KEY_TIMEOUT + MARGIN
    dial = replace(dial, turns=dial.turns + 1)
    if dial.phase != "over":
        dial = replace(dial, phase="talking", since=now.stamp(), patience=patience)
    action = CallAction(
        request.id,
        _node(dial.id),
        text,
        collect=Keypad(1, KEY_TIMEOUT),
        voice=told.calls.voice,
    )
    return situation.with_dial(dial), action, ()


def _on(
    situation: Situation,
    dial: Dial,
    outcome: str,
    text: str,
    request: CallRequest,
    told: Told,
    now: Now,
) -> Turn:
    """No acknowledgement from this person: say who comes next, and let it be their turn."""
    effects: tuple[Effect, ...] = ()
    if dial.phase != "over":
        situation, effects = ladder.end(situation, dial, outcome, now)
    words = texts.WORDS[told.calls.language]
    left = [situation.incidents[key] for key in dial.counts if key in situation.incidents]
    more = any(not incident.given_up for incident in left)
    text += words.next if more else words.nobody
    return situation, _last(request, dial.id, text, told), effects


def _last(request: CallRequest, secret: str, text: str, told: Told) -> CallAction:
    return CallAction(
        request.id, _node(secret), text, next_node="END", voice=told.calls.voice
    )


def _node(secret: str) -> str:
    return str(nodes.Token("a", "00", secret))
