"""These tests need a kernel with GPIO lines: ``tests/pi/run`` provides it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.pi import bed

ENABLED = "CHT_GPIO_BED"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(ENABLED):
        return
    here = os.path.dirname(__file__)
    for item in items:
        needed = {"guest", "machine"} & set(getattr(item, "fixturenames", ()))
        if str(item.path).startswith(here) and needed:
            item.add_marker(pytest.mark.skip(reason="needs the GPIO bed: make test-gpio"))


@pytest.fixture(scope="session")
def network() -> Iterator[None]:
    with bed.network():
        yield


@pytest.fixture(scope="session", params=["keep", "drop"])
def kernel(request: pytest.FixtureRequest) -> bed.Kernel:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def guest(network: None, kernel: bed.Kernel) -> Iterator[bed.Guest]:
    """A freshly booted machine."""
    with bed.boot(kernel) as machine:
        yield machine


@pytest.fixture
def platform(network: None) -> Iterator[bed.Platform]:
    with bed.platform() as outside:
        yield outside
