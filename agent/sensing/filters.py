"""From a raw value to the text that is sent: one quantity, no I/O, no clock.

In this order: scale and offset, median of the last n, valid range, decimals, deadband. What is not
a finite number, or lies outside the valid range, is a fault and never a value.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

from agent.config.model import QuantityConfig
from agent.hardware.ports import Value
from agent.values import shortest

TEXT_LIMIT = 256
"""Characters of a text value. A few of them must fit one message (P-04)."""

_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, and lone surrogates, which no UTF-8 message can carry."""


@dataclass(frozen=True)
class FilterState:
    """What one quantity remembers: the raw values the median looks at, and what was last sent."""

    window: tuple[float, ...] = ()
    reported: Value | None = None


@dataclass(frozen=True)
class Good:
    """A value to show. ``value`` is what ``text`` says, for the deadband to compare.

    ``moved``: worth reporting by itself; always so without a deadband.
    """

    text: str
    value: Value
    moved: bool


@dataclass(frozen=True)
class Bad:
    """No value. ``error`` names the quantity and the reason in one line."""

    error: str


Outcome = Good | Bad


def step(
    spec: QuantityConfig, state: FilterState, value: Value, *, fresh: bool = False
) -> tuple[FilterState, Outcome]:
    """Filter one raw value. ``fresh`` forgets the median's earlier values: they are too old, or
    the value is a change the device told of, which a median would swallow."""
    if isinstance(value, str):
        text = printable(value)
        return state, Good(text, text, _moved(spec.deadband, state.reported, text))
    scaled = value * spec.scale + spec.offset
    if not math.isfinite(scaled):
        # Not kept for the median either: one NaN would make every order of values wrong.
        return state, Bad(f"{spec.name}: not a number")
    window = (*(() if fresh else state.window), scaled)[-max(spec.median, 1) :]
    state = FilterState(window, state.reported)
    middle = _middle(window)
    if spec.valid is not None and not spec.valid[0] <= middle <= spec.valid[1]:
        low, high = (shortest(bound) for bound in spec.valid)
        return state, Bad(f"{spec.name}: {shortest(middle)} is outside valid range {low} to {high}")
    text = shortest(middle, spec.decimals)
    number = float(text)
    return state, Good(text, number, _moved(spec.deadband, state.reported, number))


def mark_reported(state: FilterState, good: Good) -> FilterState:
    """The state after ``good`` was sent: the deadband counts from here."""
    return FilterState(state.window, good.value)


def printable(text: str) -> str:
    """``text`` without control characters, at most ``TEXT_LIMIT`` characters."""
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) not in _UNPRINTABLE)
    return text[:TEXT_LIMIT]


def _middle(window: tuple[float, ...]) -> float:
    """The median; of an even number the lower middle, so that it was measured, not computed."""
    return sorted(window)[(len(window) - 1) // 2]


def _moved(deadband: float | None, reported: Value | None, value: Value) -> bool:
    if deadband is None or reported is None:
        return True
    if isinstance(reported, str) or isinstance(value, str):
        return reported != value
    distance = abs(value - reported)
    # 25.5 is 0.2 from 25.3 for whoever wrote the configuration, though not for binary fractions.
    return distance >= deadband or math.isclose(distance, deadband, rel_tol=1e-9)
