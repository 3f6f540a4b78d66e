"""Incidents, calls about them, and all of it together: frozen, so that every step makes a new one.

A call-out cannot be taken back, and a telephone that rings at night must not be asked twice by
mistake. So each call is written down before it is ordered, and everything here survives a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from agent.config.alarms import Severity
from agent.phone.alarms.times import Stamp

Kind = Literal["condition", "missing", "test"]

Phase = Literal["dialling", "ringing", "answered", "talking", "over"]
"""``dialling``: ordered, and nobody knows yet what came of the order. ``ringing``: the service has
taken it. ``answered``: by a person, or a machine. ``talking``: we have said what is wrong."""


@dataclass(frozen=True)
class Ack:
    """Somebody knows: ``by`` whom, a contact or the command line."""

    by: str
    at: Stamp


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong, from when it was noticed until it has been over for a while.

    ``key``: the alarm's id; with ``/missing`` for missing data; ``test/NAME`` for a test call.
    ``step`` counts the turns of the people in ``call`` over all rounds; ``skip``: whose numbers do
    not exist. ``cleared``: since when it is over, while it might come again.
    """

    key: str
    alarm: str
    kind: Kind
    severity: Severity
    call: tuple[str, ...]
    opened: Stamp
    rounds: int = 2
    step: int = 0
    skip: frozenset[str] = frozenset()
    ack: Ack | None = None
    cleared: Stamp | None = None

    @property
    def firing(self) -> bool:
        return self.cleared is None

    def turns(self) -> tuple[tuple[int, str], ...]:
        """The turns left in this round and the later ones, each with its person."""
        people = len(self.call)
        return tuple(
            (step, self.call[step % people])
            for step in range(self.step, people * self.rounds)
            if self.call[step % people] not in self.skip
        )

    @property
    def given_up(self) -> bool:
        """Everyone was phoned as often as is allowed, and nobody acknowledged."""
        return bool(self.call) and not self.turns()


@dataclass(frozen=True)
class Dial:
    """One call to one person. ``id`` is the secret of its node, by which its requests are known.

    ``about``: the incidents it tells of; ``counts``: those whose turn it is. ``at``: when it was
    ordered; ``since``: when its phase began. ``patience``: seconds this phase may take.
    ``group``: the service's name for it. ``outcome``: how it ended, in a word. ``placed`` False:
    it never rang, so it counts for no limit. ``dry``: nobody was phoned.
    """

    id: str
    person: str
    about: tuple[str, ...]
    counts: tuple[str, ...]
    at: Stamp
    since: Stamp
    patience: float
    phase: Phase = "dialling"
    group: str | None = None
    outcome: str | None = None
    placed: bool = True
    dry: bool = False
    turns: int = 0


@dataclass(frozen=True)
class Hold:
    """No call before ``seconds`` have passed since ``at``, because of ``why``, after so many
    ``tries`` in a row."""

    at: Stamp
    seconds: float
    why: str
    tries: int = 1


@dataclass(frozen=True)
class Situation:
    """Everything: open incidents by key, the calls of the last day (at most one of them is not
    over), and the month of the last monthly test."""

    incidents: Mapping[str, Incident] = field(default_factory=lambda: MappingProxyType({}))
    dials: tuple[Dial, ...] = ()
    hold: Hold | None = None
    tested: str = ""

    @property
    def call(self) -> Dial | None:
        """The call that is not over."""
        return next((dial for dial in self.dials if dial.phase != "over"), None)

    def dial(self, id: str) -> Dial | None:
        return next((dial for dial in self.dials if dial.id == id), None)

    def with_incident(self, incident: Incident) -> Situation:
        return replace(self, incidents={**self.incidents, incident.key: incident})

    def without(self, key: str) -> Situation:
        return replace(self, incidents={k: i for k, i in self.incidents.items() if k != key})

    def with_dial(self, dial: Dial) -> Situation:
        """Added, or in the place of the one with its id."""
        others = tuple(dial if old.id == dial.id else old for old in self.dials)
        return replace(self, dials=others if dial in others else (*others, dial))


@dataclass(frozen=True)
class Place:
    """Effect: write the situation down, then order the call ``id``."""

    id: str


@dataclass(frozen=True)
class Tell:
    """Effect: a line for the log."""

    level: Literal["info", "warning", "error"]
    text: str


Effect = Place | Tell
Step = tuple[Situation, tuple[Effect, ...]]
