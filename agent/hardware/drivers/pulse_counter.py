"""``pulse_counter``: meters, rain gauges and flow sensors; a total that outlives restarts.

The kernel numbers the edges, so counting costs nothing between two reads. The total is saved each
minute it changed and at the end (decision 5); a SIGKILL or a power cut loses what came since.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.errors import HardwareError, SensorError, StorageError
from agent.hardware import totals
from agent.hardware.drivers.options import ACTIVE_STATE, PIN, bounce_time, pull_of, pull_up
from agent.hardware.ports import KEPT, Hardware, Option, PulseCount, Sample, SensorSpec

SAVE_EVERY = 60.0
SHORTEST = 1.0
"""Seconds a rate is taken over at least."""

log = logging.getLogger("cht_agent.hardware")


class PulseCounter:
    """``total`` ever, and ``rate`` per ``rate_per`` seconds since the read before. Thread-safe.

    ``file`` None keeps nothing.
    """

    def __init__(
        self,
        line: PulseCount,
        file: Path | None,
        per_pulse: float,
        rate_per: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._line = line
        self._file = file
        self._rate_per = rate_per
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._seen = 0
        self._failing = False
        kept = totals.load(file) if file is not None else None
        self._saved = kept
        self._total = (kept or totals.Total(per_pulse)).worth(per_pulse)
        self._last = (clock(), self._total.value)
        if file is not None:
            threading.Thread(target=self._keep, name="pulse totals", daemon=True).start()

    def read(self) -> Sample:
        """Raises SensorError. The first read waits until its rate is one over a second."""
        with self._lock:
            then, before = self._last
        if (early := then + SHORTEST - self._clock()) > 0:
            self._sleep(early)
        with self._lock:
            if self._closed.is_set():
                raise SensorError("closed")
            self._count()
            now, total = self._clock(), self._total.value
            self._last = (now, total)
        return {"total": total, "rate": (total - before) / (now - then) * self._rate_per}

    def close(self) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
            try:
                self._count()
            except SensorError as exc:
                log.warning("the last pulses were not counted: %s", exc)
            self._save()
            self._line.close()

    def save(self) -> None:
        """Keep the total, if it has changed."""
        with self._lock:
            if not self._closed.is_set():
                with contextlib.suppress(SensorError):  # the next read says so
                    self._count()
                self._save()

    def _keep(self) -> None:
        while not self._closed.wait(SAVE_EVERY):
            self.save()

    def _count(self) -> None:
        try:
            count = self._line.count()
        except (HardwareError, OSError) as exc:
            raise SensorError(f"the pulses cannot be counted: {exc}") from exc
        self._total = self._total.counted(count - self._seen)
        self._seen = count

    def _save(self) -> None:
        if self._file is None or self._total == self._saved:
            return
        if self._saved is None and not self._total.pulses:
            return  # nothing counted yet is what no file says
        try:
            totals.save(self._file, self._total)
        except StorageError as exc:
            if not self._failing:
                log.error("%s; tried again each minute", exc)
            self._failing = True
        else:
            self._saved, self._failing = self._total, False


def open_pulse_counter(hardware: Hardware, options: Mapping[str, Any]) -> PulseCounter:
    pull = pull_of(options)
    rising = options["active_state"] if pull == "floating" else pull == "down"
    line = hardware.pulses(
        options["pin"], pull=pull, rising=rising, bounce_time=options["bounce_time"]
    )
    return PulseCounter(line, options[KEPT], options["per_pulse"], options["rate_per"])


SPEC = SensorSpec(
    name="pulse_counter",
    quantities={"total": None, "rate": None},
    options=(
        PIN,
        pull_up(True),
        ACTIVE_STATE,
        bounce_time(0.01),
        Option(
            "per_pulse",
            "number",
            "what one pulse is worth, such as 0.2794 (mm of rain) or 0.001 (kWh)",
            default=1.0,
            between=(1e-9, 1e9),
        ),
        Option(
            "rate_per",
            "duration",
            "the time a rate is told for: 1h makes kWh into kW",
            default=3600.0,
            between=(1.0, 86_400.0),
        ),
    ),
    open=open_pulse_counter,
    blocking=True,
    min_every=1.0,
    keeps=True,
)
