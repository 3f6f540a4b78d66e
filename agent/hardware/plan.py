"""Keeps the plan of :mod:`agent.hardware.safe_outputs` true while the agent runs."""

from __future__ import annotations

import logging
from pathlib import Path

from agent.errors import StorageError
from agent.hardware.safe_outputs import Line, write_plan

log = logging.getLogger("cht_agent.hardware")

Lines = tuple[Line, ...]


class SafePlan:
    """What the safe-state helper is to do should we die (design, decision 8), in ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Lines | None = None
        self._lacking: Lines | None = None

    def keep(self, lines: Lines) -> None:
        """Write it when it is another than before. To be called often: what could not be written
        is told once and tried again each time."""
        if lines == self._written:
            return
        try:
            write_plan(self._path, lines)
        except StorageError as exc:
            if lines != self._lacking:
                log.warning("%s; outputs keep their level if the agent is killed", exc)
            self._lacking = lines
        else:
            self._written, self._lacking = lines, None
