"""A message that the broker never takes must not block the rest. Pure.

Such a message (too large for a broker's own limit, say) shows only in that the broker drops every
connection that carries it. So after two drops in a row with nothing proven in between, messages go
out one at a time and ever smaller, until a single row is alone on the line; a row that is alone
when the connection drops five times is the culprit and is given up. What the network does at
random never repeats like that.
"""

from __future__ import annotations

from dataclasses import dataclass

_ALONE_STRIKES = 5
_TRUST_AFTER = 64
_NO_LIMIT = 1_000_000
_FIRST_LIMIT = 32


@dataclass(frozen=True)
class Caution:
    """``most`` rows a message; ``single``: one message at a time; ``strikes`` in a row."""

    strikes: int = 0
    most: int = _NO_LIMIT
    alone: int = 0
    proven: int = 0

    @property
    def single(self) -> bool:
        return self.most < _NO_LIMIT

    def dropped(self, unproven: int) -> Caution:
        """The connection ended with ``unproven`` rows on the line (0: not their fault)."""
        if unproven == 0:
            return self
        if self.single and self.most == 1 and unproven == 1:
            return Caution(self.strikes + 1, 1, self.alone + 1)
        if self.strikes + 1 < 2:
            return Caution(self.strikes + 1)
        most = max(1, self.most // 2) if self.single else _FIRST_LIMIT
        return Caution(self.strikes + 1, most)

    @property
    def give_up(self) -> bool:
        """The one row on the line is never taken: drop it, count it, and go on."""
        return self.alone >= _ALONE_STRIKES

    def confirmed(self, rows: int) -> Caution:
        """``rows`` more were proven."""
        if not self.single:
            return Caution()
        proven = self.proven + rows
        return Caution() if proven >= _TRUST_AFTER else Caution(0, self.most, 0, proven)
