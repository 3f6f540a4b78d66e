"""How long an answer may be out before nobody seems to answer any more. Pure.

What is sent while nobody answers is only sent again on the next connection, and perhaps read twice.
So readings wait once an answer is later than the last ones would have it: on a quick line that
stops them after some 25 ms, not only when the fence's own patience (4.5 s) is at its end.
"""

from __future__ import annotations

from dataclasses import dataclass

_LEAST = 0.02  # a busy core; a doubt without a reason lets readings wait for the answer, no more
_MOST = 0.25
_KEPT = 8


@dataclass(frozen=True)
class Patience:
    """``recent``: what the last eight answers took, in seconds, the newest last."""

    recent: tuple[float, ...] = ()

    @property
    def seconds(self) -> float:
        """Twice the slowest of the recent answers and 0.02 s, at most 0.25 s, which is also what
        is given before the first answer."""
        return min(_MOST, _LEAST + 2 * max(self.recent)) if self.recent else _MOST

    def answered(self, seconds: float) -> Patience:
        """One more answer, after ``seconds``."""
        return Patience((*self.recent, seconds)[-_KEPT:])
