"""The twin's log on the terminal: what passes, what was dropped, what the brokers did."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from datetime import datetime
from typing import TextIO

from twin import watch
from twin.messages import Message
from twin.serving.exchange import Note


class Journal(logging.Handler):
    """Prints one line for each thing; with ``quiet`` only what went wrong. Counts them all.

    The echo of a reading or an ack as the platform's own notice (P-07, P-08, P-12) would show
    everything three times: it is counted and not printed.
    """

    def __init__(self, out: TextIO, *, quiet: bool = False) -> None:
        super().__init__(logging.INFO)
        self._out = out
        self._quiet = quiet
        self._colour = out.isatty()
        self.counts: Counter[str] = Counter()

    def came(self, message: Message, when: datetime) -> None:
        self.counts["received"] += 1
        self._message(message, when)

    def went(self, message: Message, when: datetime) -> None:
        self.counts["sent"] += 1
        if not watch.is_echo(message.topic):
            self._message(message, when)

    def noted(self, note: Note) -> None:
        self.counts["dropped"] += 1
        where = f"{note.topic}: " if note.topic else ""
        self._print([watch.line("dropped", f"{where}{note.what}", note.at.astimezone(),
                                colour=self._colour)])

    def told(self, kind: str, text: str, when: datetime) -> None:
        """Something else worth a line."""
        self._print([watch.line(kind, watch.plain(text), when.astimezone(), colour=self._colour)])

    def emit(self, record: logging.LogRecord) -> None:
        """What the parts of the twin log."""
        self.told(record.name.rpartition(".")[2], record.getMessage(),
                  datetime.fromtimestamp(record.created).astimezone())

    def _message(self, message: Message, when: datetime) -> None:
        if not self._quiet:
            self._print(watch.describe(message.topic, message.payload, when.astimezone(),
                                       colour=self._colour))

    def _print(self, lines: list[str]) -> None:
        try:
            for text in lines:
                print(text, file=self._out, flush=True)
        except (BrokenPipeError, ValueError):
            # Whoever read it has gone; the twin serves on.
            self._out = sys.stderr
            self._quiet = True
