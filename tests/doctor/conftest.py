from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.rig import Patient


@pytest.fixture
def pi(tmp_path: Path) -> Patient:
    """A Raspberry Pi in good health."""
    return Patient(tmp_path)
