"""A simulated board behind the Hardware port, and devices opened as the agent opens them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agent.config.model import ActuatorConfig, QuantityConfig, SensorConfig
from agent.hardware.simulated import SimulatedPi
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def hardware(clock: FakeClock) -> Iterator[SimulatedPi]:
    hardware = SimulatedPi(monotonic=clock.monotonic)
    yield hardware
    hardware.close()


def sensor(driver: str, **options: Any) -> SensorConfig:
    return SensorConfig("s1", driver, (QuantityConfig("value"),), options)


def actuator(driver: str, safe: float = 0.0, **options: Any) -> ActuatorConfig:
    return ActuatorConfig("a1", driver, {}, options, safe=safe)
