"""How many devices were up, second by second, and what that says. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH = 50


@dataclass(frozen=True)
class Sample:
    """``at``: seconds since the start. ``up`` devices; connections made since the last sample."""

    at: float
    up: int
    made: int


@dataclass(frozen=True)
class Recovery:
    """``back``: seconds until all were up again, None: they never were. ``busiest``: connections
    a second at the most. ``collapses``: how often some were lost again afterwards."""

    back: float | None
    busiest: float
    collapses: int


def recovery(samples: Sequence[Sample], since: float, agents: int) -> Recovery:
    """What came after the broker was there again at ``since``."""
    later = [sample for sample in samples if sample.at >= since]
    whole = next((number for number, s in enumerate(later) if s.up == agents), None)
    rates = [b.made / (b.at - a.at) for a, b in itertools.pairwise(samples) if b.at >= since]
    busiest = max(rates, default=0.0)
    if whole is None:
        return Recovery(None, busiest, 0)
    after = later[whole:]
    falls = sum(b.up < a.up for a, b in itertools.pairwise(after))
    return Recovery(later[whole].at - since, busiest, falls)


def drawn(samples: Sequence[Sample], agents: int) -> list[str]:
    """A line a sample, with a bar as long as the share that was up."""
    return [
        f"{s.at:6.1f} s {s.up:6d} up {s.made:5d} new  {'#' * round(_WIDTH * s.up / max(agents, 1))}"
        for s in samples
    ]
