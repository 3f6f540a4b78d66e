"""What the demo shows: the twin's log and what else happens, in the order it happened."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from twin.serving.brokerlog import Tail
from twin.watch import line

_TOLD = re.compile(r"(\d\d:\d\d:\d\d\.\d{3})  (\w+) +(.*)")


class Screen:
    """Shows what the twin writes to ``log_file``, and what it is told, at each ``show``."""

    def __init__(self, log_file: Path, *, colour: bool) -> None:
        self._tail = Tail(log_file)
        self._colour = colour
        self._said: SimpleQueue[tuple[datetime, str, str]] = SimpleQueue()

    def say(self, kind: str, text: str) -> None:
        """To be shown, by any thread; it happened just now."""
        self._said.put((datetime.now(UTC).astimezone().replace(tzinfo=None), kind, text))

    def show(self) -> None:
        """Print everything since the last time."""
        told = [found for text in self._tail.lines() if (found := _TOLD.fullmatch(text))]
        # The log has no dates, and no colours as it is a file.
        today = datetime.now(UTC).astimezone().date()
        lines = [(datetime.combine(today, datetime.strptime(each[1], "%H:%M:%S.%f").time()),
                  each[2], each[3]) for each in told]
        try:
            while True:
                lines.append(self._said.get_nowait())
        except Empty:
            pass
        for when, kind, text in sorted(lines, key=lambda each: each[0]):
            print(line(kind, text, when, colour=self._colour), flush=True)
