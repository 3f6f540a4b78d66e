"""How long a device waits before it tries again. Pure.

The figures are those of cht-agent, written down once more, since the twin knows nothing of it: a
quarter to half a second for the first ten seconds of an outage, then twice as long every ten
seconds up to a minute, and every wait a random part of that. A whole fleet so never comes back in
one instant.
"""

from __future__ import annotations

import math
import random

QUICK = (0.25, 0.5)
EAGER = 10.0
FIRST, CAP = 1.0, 60.0


def delay(elapsed: float, rand: random.Random) -> float:
    """Seconds to wait, ``elapsed`` seconds after the first failure."""
    if elapsed < EAGER:
        return rand.uniform(*QUICK)
    grown = min(FIRST * math.pow(2.0, min(elapsed / EAGER - 1, 30.0)), CAP)
    return grown * rand.uniform(0.5, 1.0)
