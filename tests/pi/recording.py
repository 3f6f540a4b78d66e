"""What happened on the lines: the kernel's trace, read as level changes in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_EVENT = re.compile(
    r"^\s*(?P<task>.+)-\d+\s+\[\d+\]\s+\S+\s+(?P<time>\d+\.\d+): (?P<name>\w+): (?P<rest>.*)$"
)
_BASE = re.compile(r"^gpiochip\d+: GPIOs (\d+)-\d+, .*pinctrl-bcm2711", re.MULTILINE)


@dataclass(frozen=True)
class Event:
    """One thing the kernel did to a line of the header, or a ``mark`` of a test's own.

    ``what``: "level" (``value`` is what the line shows from now on: driven, or its pull once
    nothing drives it), "out" or "in" (its direction), "mark" (``text``).
    ``time``: seconds of the guest's monotonic clock, to the microsecond.
    """

    time: float
    task: str
    what: str
    line: int = -1
    value: int = -1
    text: str = ""


@dataclass(frozen=True)
class Recording:
    """Everything since the boot. Complete, or :func:`parse` would have refused it."""

    events: tuple[Event, ...]

    def since(self, mark: str) -> Recording:
        """What came after the last such mark."""
        marks = [i for i, event in enumerate(self.events) if event.text == mark]
        return Recording(self.events[marks[-1] + 1 :])

    def until(self, mark: str) -> Recording:
        """What came before the first such mark."""
        marks = [i for i, event in enumerate(self.events) if event.text == mark]
        return Recording(self.events[: marks[0]])

    def of(self, line: int) -> tuple[Event, ...]:
        return tuple(event for event in self.events if event.line == line)

    def levels(self, line: int) -> list[int]:
        """Each level the line was set to or fell to, repetitions included."""
        return [event.value for event in self.of(line) if event.what == "level"]

    def changes(self, line: int) -> list[int]:
        """The same without the repetitions."""
        return [value for value, _ in groupby(self.levels(line))]

    def directions(self, line: int) -> list[str]:
        return [event.what for event in self.of(line) if event.what in ("in", "out")]


def parse(answer: dict[str, Any]) -> Recording:
    """The guest's answer to ``recording``; ValueError if the trace buffer overflowed."""
    if answer["lost"]:
        raise ValueError(f"{answer['lost']} trace events were lost: the recording proves nothing")
    base_line = _BASE.search(answer["chips"])
    if base_line is None:
        raise ValueError("the guest has no header chip")
    base = int(base_line[1])
    events = []
    for row in answer["trace"].splitlines():
        match = _EVENT.match(row)
        if match is not None:
            event = _event(match, base)
            if event is not None:
                events.append(event)
    return Recording(tuple(events))


def _event(match: re.Match[str], base: int) -> Event | None:
    time, task, words = float(match["time"]), match["task"].strip(), match["rest"].split()
    if match["name"] == "tracing_mark_write":
        return Event(time, task, "mark", text=match["rest"])
    line = int(words[0]) - base
    if line < 0 or words[1] == "get":
        return None
    if match["name"] == "gpio_value":
        return Event(time, task, "level", line, int(words[2]))
    return Event(time, task, words[1], line)
