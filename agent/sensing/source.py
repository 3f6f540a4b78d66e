"""A device over its life: opened when first needed, read, closed. Used inside its lane only."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from agent.clock import Clock
from agent.errors import AgentError
from agent.hardware.ports import EdgeDevice, Sample, SensorDevice

log = logging.getLogger("cht_agent.sensing")


@dataclass(frozen=True)
class Attempt:
    """What came of trying to read: a ``sample``, or an ``error`` in one line.

    ``started`` and ``ended`` bound the read itself (monotonic seconds), without the opening.
    ``opened``: there is a device. ``bug``: the driver broke its promise of what it raises.
    """

    started: float
    ended: float
    opened: bool
    sample: Sample | None = None
    error: str | None = None
    bug: Exception | None = None


class Source:
    """``changed`` (edge devices) is called in the device's thread with the time of each edge."""

    def __init__(
        self,
        open: Callable[[], SensorDevice],
        clock: Clock,
        changed: Callable[[float, Sample], None] | None = None,
    ) -> None:
        self._open = open
        self._clock = clock
        self._changed = changed
        self._device: SensorDevice | None = None

    def measure(self) -> Attempt:
        """Open if need be, and read. Never raises."""
        started = self._clock.monotonic()
        try:
            if self._device is None:
                self._device = self._opened()
                started = self._clock.monotonic()
            sample = self._device.read()
        except AgentError as error:
            return self._failure(started, str(error), None)
        except Exception as error:
            # The border to the drivers: whatever one of them does wrong is its sensor's fault
            # alone. The sensor logs the traceback.
            return self._failure(started, f"{type(error).__name__}: {error}", error)
        return Attempt(started, self._clock.monotonic(), opened=True, sample=sample)

    def close(self) -> None:
        """Close the device, if there is one. Never raises."""
        device, self._device = self._device, None
        if device is not None:
            _close(device)

    def _opened(self) -> SensorDevice:
        device = self._open()
        if self._changed is not None:
            try:
                cast(EdgeDevice, device).watch(self._edge)
            except BaseException:
                _close(device)
                raise
        return device

    def _edge(self, sample: Sample) -> None:
        if self._changed is not None:
            self._changed(self._clock.monotonic(), sample)

    def _failure(self, started: float, error: str, bug: Exception | None) -> Attempt:
        line = " ".join(error.split())[:200] or "failed without saying why"
        opened = self._device is not None
        return Attempt(started, self._clock.monotonic(), opened, error=line, bug=bug)


def _close(device: SensorDevice) -> None:
    try:
        device.close()
    except Exception:
        # The same border: a device that cannot be closed must not keep the others open.
        log.exception("a sensor device failed to close; this is a bug in its driver")
