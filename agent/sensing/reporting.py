"""What a sample of a sensor means: its values, a fault, and whether it is worth reporting. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.config.model import SensorConfig
from agent.hardware.ports import Sample
from agent.sensing.filters import Bad, FilterState, Good, mark_reported, step
from agent.sensing.schedule import is_late


@dataclass(frozen=True)
class Memory:
    """What a sensor remembers between samples; times are seconds on the monotonic clock.

    ``good_at``: the last sample with values; ``reported_at``: the last one reported; ``faulty``:
    it had a fault since ``good_at``.
    """

    quantities: tuple[FilterState, ...]
    good_at: float | None = None
    reported_at: float | None = None
    faulty: bool = False

    @classmethod
    def blank(cls, config: SensorConfig) -> Memory:
        return cls(tuple(FilterState() for _ in config.quantities))


@dataclass(frozen=True)
class Judgement:
    """``values`` in the order of the configuration, or an ``error`` and no values at all."""

    values: tuple[str, ...] = ()
    report: bool = False
    error: str | None = None


def failed(memory: Memory) -> Memory:
    """After a read that gave no sample."""
    return memory if memory.faulty else replace(memory, faulty=True)


def judge(
    config: SensorConfig,
    memory: Memory,
    sample: Sample,
    at: float,
    *,
    period: float | None,
    change: bool = False,
) -> tuple[Memory, Judgement]:
    """Take in one sample measured ``at``; ``period`` is what it is read by, None: not by time.

    Reported is the first one, every change a device tells of, the first after a fault or a gap,
    any with a quantity that moved by its deadband, and one when ``report_at_least`` is over.
    """
    # What was measured before a long gap must not come back as the median of today.
    gap = period is not None and memory.good_at is not None and is_late(period, memory.good_at, at)
    states: list[FilterState] = []
    good: list[Good] = []
    errors: list[str] = []
    for quantity, state in zip(config.quantities, memory.quantities, strict=True):
        value = sample.get(quantity.name)
        if value is None:
            outcome: Good | Bad = Bad(f"{quantity.name}: not among what the driver read")
        else:
            state, outcome = step(quantity, state, value, fresh=gap or change)
        states.append(state)
        if isinstance(outcome, Bad):
            errors.append(outcome.error)
        else:
            good.append(outcome)
    if errors:
        # All or nothing: a list with a hole would shift the values behind it.
        memory = Memory(tuple(states), memory.good_at, memory.reported_at, faulty=True)
        return memory, Judgement(error="; ".join(errors))
    report = (
        change
        or gap
        or memory.faulty
        or any(outcome.moved for outcome in good)
        or _waited_enough(config, memory.reported_at, at)
    )
    if report:
        states = [
            mark_reported(state, outcome) for state, outcome in zip(states, good, strict=True)
        ]
    memory = Memory(tuple(states), at, at if report else memory.reported_at)
    return memory, Judgement(tuple(outcome.text for outcome in good), report)


def _waited_enough(config: SensorConfig, reported_at: float | None, at: float) -> bool:
    if reported_at is None or config.report_at_least is None:
        return reported_at is None
    # Half a period early, or a millisecond of jitter would make it a whole period late.
    return at - reported_at >= config.report_at_least - (config.every or 0.0) / 2
