"""What every part of the campaign may ask for."""

from __future__ import annotations

import pytest

from tests.campaign.scale import SEED


@pytest.fixture(scope="session")
def seed() -> int:
    """Told at the head of each ledger."""
    return SEED
