"""The threads blocking sensors are read in: one for all that answer quickly, one for each that does
not.

A thread for every sensor would be woken for every read, each time at a dozen system calls; ten
file sensors would cost more than the rest of the agent. So what is due together is done by one
thread, one after the other, and whoever takes longer than ``QUICK`` keeps that thread for itself:
another one takes over the rest. A device that hangs thus costs one thread and delays nobody by
more than that. Daemon threads, as a stuck one must not delay the exit (design, decision 1).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from agent.clock import Clock

Item = TypeVar("Item")

QUICK = 0.05
"""Seconds a job may take to share a thread with others."""

Report = Callable[[], None]
"""Tells the result of a job, on the loop."""


@dataclass(eq=False)
class Task:
    """A job that must not raise. ``finished`` gets its report and the seconds it took."""

    name: str
    job: Callable[[], Report]
    finished: Callable[[Report, float], None]
    alone: bool


@dataclass(eq=False)
class Batch:
    """Tasks for one thread. Both ends are used by that thread and by the loop."""

    waiting: deque[Task]
    ready: deque[Callable[[], None]] = field(default_factory=deque)
    watch: asyncio.TimerHandle | None = None

    def work(self, clock: Clock) -> None:
        """Do what nobody has taken over yet. In the thread."""
        for task in _drain(self.waiting):
            threading.current_thread().name = task.name
            started = clock.monotonic()
            report = task.job()
            took = clock.monotonic() - started
            self.ready.append(partial(task.finished, report, took))

    def deliver(self) -> None:
        """Report what is ready. On the loop."""
        for finish in _drain(self.ready):
            finish()


class Crew:
    """As many daemon threads as there are devices busy at one time, at least one once needed.

    All methods belong on the loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: list[Task] = []
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0
        self._stopped = False

    def give(self, task: Task) -> None:
        """Have it done, together with whatever else is given in this turn of the loop."""
        if not self._given:
            asyncio.get_running_loop().call_soon(self._send)
        self._given.append(task)

    def stop(self) -> None:
        """End the threads after what was given so far; a stuck one ends when it comes back."""
        if self._stopped:
            return
        self._send()
        self._stopped = True
        for _ in range(self._threads):
            self._queue.put(None)

    def _send(self) -> None:
        given, self._given = self._given, []
        if quick := [task for task in given if not task.alone]:
            self._start(quick)
        for task in given:
            if task.alone:
                self._start([task])

    def _start(self, tasks: Iterable[Task]) -> None:
        loop = asyncio.get_running_loop()
        batch = Batch(deque(tasks))
        if len(batch.waiting) > 1:
            batch.watch = loop.call_later(QUICK, self._take_over, batch)
        self._busy += 1
        if self._stopped or self._busy > self._threads:
            self._threads += 1
            threading.Thread(target=self._serve, args=(loop,), name="sensors", daemon=True).start()
        self._queue.put(batch)
        if self._stopped:
            self._queue.put(None)  # a late close: its thread has nothing to wait for

    def _take_over(self, batch: Batch) -> None:
        batch.deliver()
        if rest := list(_drain(batch.waiting)):
            self._start(rest)

    def _finish(self, batch: Batch) -> None:
        self._busy -= 1
        if batch.watch is not None:
            batch.watch.cancel()
        batch.deliver()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """The life of a thread."""
        while (batch := self._queue.get()) is not None:
            batch.work(self._clock)
            with contextlib.suppress(RuntimeError):  # the loop has ended; nobody is waiting
                loop.call_soon_threadsafe(self._finish, batch)
            threading.current_thread().name = "sensors"


def _drain(tasks: deque[Item]) -> Iterator[Item]:
    """Pop from the left until empty; two threads draining one deque share its items."""
    while True:
        try:
            item = tasks.popleft()
        except IndexError:
            return
        yield item
