"""One twin for all tests that neither turn its clock nor change its habits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from twin.serving.process import Twin


@pytest.fixture(scope="package")
def twin() -> Iterator[Twin]:
    """Each test makes a device of its own there."""
    with Twin() as running:
        yield running
