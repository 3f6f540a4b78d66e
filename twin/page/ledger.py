"""What became of the readings: made, confirmed, stored, lost. Pure.

*Made* is what the agent's sensors and outputs handed to its delivery since the demo began, over
all of its lives; the agent is asked once a second, and a last time just before its power is cut,
so what it makes in the milliseconds between is counted nowhere. *Confirmed* has the broker's proof;
a reading that was proven and, for a power cut, not forgotten in time is proven twice. *Stored* is
what the platform has, each reading once; *twice* is how many came again. *Waiting* is in the
agent's memory or on its card, *on_disk* on its card alone; while the power is off only the card
counts. *Dropped* is what the agent gave up, acks included.

*Lost* is what was made, is not stored, and waits nowhere: what the agent dropped, what a power cut
took out of its memory (that is what was younger than ``hold``), and what the platform did not take.
It is reckoned only while the agent runs with its link up, as before that nobody knows what is on
the card. The agent is asked first and the platform a little later, so a reading that is on its way
makes it too small for a moment: the largest of the last looks counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

_LOOKS = 10
"""Looks of which the largest gap counts."""

HOW = (
    "made: handed to the agent's delivery, over all its lives. confirmed: the broker has provably "
    "read it. stored: the platform has it, each counted once. waiting: in the agent's memory or on "
    "its card. lost: made, not stored, and waiting nowhere, reckoned while the agent is online: "
    "a power cut takes what was younger than the hold time (5 s) and not yet delivered.")


@dataclass(frozen=True)
class Life:
    """The readings of one life of the agent, from its start to its end."""

    made: int = 0
    confirmed: int = 0
    waiting: int = 0
    on_disk: int = 0
    dropped: int = 0

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Life:
        """From the agent's status document. Raises KeyError, TypeError, ValueError."""
        readings = status["readings"]
        return cls(int(readings["made"]), int(readings["confirmed"]), int(readings["waiting"]),
                   int(readings["on_disk"]), int(status["delivery"]["dropped"]))


@dataclass(frozen=True)
class Ledger:
    """``past``: made, confirmed and dropped in lives that are over; ``now``: the life that is."""

    past: Life = Life()
    now: Life = Life()
    stored: int = 0
    twice: int = 0
    gaps: tuple[int, ...] = ()

    @property
    def made(self) -> int:
        return self.past.made + self.now.made

    @property
    def lost(self) -> int:
        return max((0, *self.gaps))

    def told(self, life: Life, stored: int, twice: int, *, online: bool) -> Ledger:
        """After a look at the agent and then at the platform."""
        gaps = self.gaps
        if online:
            gap = self.past.made + life.made - life.waiting - stored
            gaps = (*gaps, gap)[-_LOOKS:]
        return replace(self, now=life, stored=stored, twice=twice, gaps=gaps)

    def ended(self) -> Ledger:
        """The agent's power was cut: what is on its card is still there."""
        past = Life(self.past.made + self.now.made, self.past.confirmed + self.now.confirmed,
                    0, 0, self.past.dropped + self.now.dropped)
        kept = Life(waiting=self.now.on_disk, on_disk=self.now.on_disk)
        return replace(self, past=past, now=kept)

    def shown(self) -> dict[str, Any]:
        """As the page shows it."""
        return {
            "made": self.made,
            "confirmed": self.past.confirmed + self.now.confirmed,
            "stored": self.stored,
            "waiting": self.now.waiting,
            "on_disk": self.now.on_disk,
            "dropped": self.past.dropped + self.now.dropped,
            "lost": self.lost,
            "twice": self.twice,
            "how": HOW,
        }
