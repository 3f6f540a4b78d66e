"""Why a socket of paho's failed: only its log tells a reset from an end of file."""

from __future__ import annotations

import logging


class LastError(logging.Handler):
    """Keeps the last error that was logged; None before the first."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()
