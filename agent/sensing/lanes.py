"""Where a device is used: on the loop itself, or beside it when it blocks.

A device is only ever touched in its lane, by one job at a time (design, decision 1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from agent.sensing.crew import QUICK, Crew, Report, Task

Result = TypeVar("Result")
Post = Callable[[Callable[[], None]], None]
"""Have something called on the loop, from any thread."""


class Lane(Protocol):
    """Runs jobs in order. A job must not raise; ``done`` gets its result, on the loop."""

    def submit(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None: ...


class InlineLane:
    """The loop itself: for devices that answer at once."""

    def submit(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        done(job())


class ThreadLane:
    """A crew's thread, called ``name`` while it works here. While a job hangs, the next wait."""

    def __init__(self, name: str, crew: Crew) -> None:
        self._name = name
        self._crew = crew
        self._jobs: deque[Callable[[], Report]] = deque()
        self._busy = False
        self._slow = False

    def submit(self, job: Callable[[], Result], done: Callable[[Result], None]) -> None:
        self._jobs.append(lambda: partial(done, job()))
        self._go_on()

    def _go_on(self) -> None:
        if self._jobs and not self._busy:
            self._busy = True
            self._crew.give(Task(self._name, self._jobs.popleft(), self._finished, self._slow))

    def _finished(self, report: Report, took: float) -> None:
        self._busy = False
        self._slow = took > QUICK
        report()
        self._go_on()
