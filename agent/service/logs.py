"""Where log lines go: the journal with fields, else stderr; and what must never be in one."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TextIO

from agent.service import systemd

SHORTEST_SECRET = 4
"""Shorter texts are not masked: masking every ``1`` would leave no log to read."""

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class SecretLike(Protocol):
    """What :class:`agent.config.model.Secret` is."""

    def reveal(self) -> str: ...


class Redaction(logging.Filter):
    """Masks known secrets in everything a record carries.

    A second line of defence: no line is written with a secret on purpose, but a foreign library's
    exception may quote what it was given.
    """

    def __init__(self) -> None:
        super().__init__()
        self._secrets: tuple[str, ...] = ()

    def add(self, secrets: Iterable[SecretLike]) -> None:
        """Mask these too, from now on."""
        texts = {secret.reveal() for secret in secrets} | set(self._secrets)
        # The longest first: one secret may begin with another.
        self._secrets = tuple(
            sorted((text for text in texts if len(text) >= SHORTEST_SECRET), key=len, reverse=True)
        )

    def mask(self, text: str) -> str:
        """``text`` with every known secret replaced."""
        for secret in self._secrets:
            text = text.replace(secret, "****")
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        if not self._secrets:
            return True
        try:
            record.msg = self.mask(record.getMessage())
        except (TypeError, ValueError):  # a log call whose arguments do not fit is our bug: show it
            record.msg = self.mask(f"{record.msg} {record.args}")
        # The journal handler sends arguments and exceptions as fields of their own.
        record.args = None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self.mask(record.exc_text)
        for name, value in list(record.__dict__.items()):
            if name.isupper() and isinstance(value, str):
                record.__dict__[name] = self.mask(value)
        return True


class _JournalLines(logging.Formatter):
    """The journal without systemd-python: the priority stands before the line (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


_redaction = Redaction()


def configure(debug: bool = False, stream: TextIO | None = None) -> None:
    """Send all logging to the journal if stderr is the journal, else to ``stream`` (stderr).

    Ours from INFO on, foreign libraries' from WARNING on; with ``debug`` DEBUG and INFO.
    May be called again.
    """
    handler = systemd.journal_handler() if stream is None else None
    if handler is None:
        handler = logging.StreamHandler(stream or sys.stderr)
        if stream is None and systemd.on_journal():
            handler.setFormatter(_JournalLines("%(message)s"))
        else:
            handler.setFormatter(
                logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
            )
    handler.addFilter(_redaction)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO if debug else logging.WARNING)
    logging.getLogger("cht_agent").setLevel(logging.DEBUG if debug else logging.INFO)


def redact(secrets: Iterable[SecretLike]) -> None:
    """Mask these secrets as ``****`` in every line from now on."""
    _redaction.add(secrets)


def mask(answer: Any) -> Any:
    """What somebody is told, with these secrets masked in all of its texts.

    None is put there on purpose; but a command may be one, typed into the wrong field.
    """
    match answer:
        case str():
            return _redaction.mask(answer)
        case Mapping():
            return {name: mask(value) for name, value in answer.items()}
        case list() | tuple():
            return [mask(value) for value in answer]
    return answer
