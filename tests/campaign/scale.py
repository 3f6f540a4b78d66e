"""How much of the campaign: all of it under ``make test-faults``, a short slice of each part among
the ordinary tests. Either is seeded, and bounded in time and count."""

from __future__ import annotations

import os

FULL = bool(os.environ.get("CHT_CAMPAIGN"))
SEED = int(os.environ.get("FAULT_SEED", "20261126"))
"""The same seed makes the same faults; every ledger tells it."""


def scale(name: str, full: int, short: int) -> int:
    """How many of a part: as the environment says under this name, else all or a slice."""
    return int(os.environ.get(name, full if FULL else short))
