"""What we tell systemd: ready, alive, what we are doing; and its journal. Optional.

The only importer of systemd-python. Without it, or without systemd, every call does nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

log = logging.getLogger("cht_agent.service")

IDENTIFIER = "cht-agent"


class Notifier:
    """sd_notify for a ``Type=notify`` unit; does nothing when nobody listens."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._send: Callable[[str], object] | None = None
        self.watchdog_interval = _watchdog_interval(environ)
        """Seconds between two :meth:`watchdog` calls, half of what systemd allows; or None."""
        if "NOTIFY_SOCKET" not in environ:
            return
        try:
            from systemd.daemon import notify
        except ImportError:
            log.warning(
                "systemd waits for a notice that cannot be given:"
                " install python3-systemd (or systemd-python in the agent's own environment)"
            )
            return
        self._send = notify

    def ready(self) -> None:
        """Everything is open and running; also ends :meth:`reloading`."""
        self._notify("READY=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._notify("STATUS=" + " ".join(text.split()))

    def watchdog(self) -> None:
        """The loop still turns."""
        self._notify("WATCHDOG=1")

    def reloading(self) -> None:
        """A reload has begun."""
        self._notify("RELOADING=1")

    def stopping(self) -> None:
        """The stop has begun."""
        self._notify("STOPPING=1")

    def _notify(self, state: str) -> None:
        if self._send is not None:
            self._send(state)


def _watchdog_interval(environ: Mapping[str, str]) -> float | None:
    try:
        allowed = int(environ.get("WATCHDOG_USEC", ""))
        watched = int(environ.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    # The variables are inherited: those of another process are not for us.
    return allowed / 2e6 if allowed > 0 and watched == os.getpid() else None


def on_journal(environ: Mapping[str, str] = os.environ, descriptor: int = 2) -> bool:
    """Whether ``descriptor`` (stderr) is the journal, as systemd says in ``$JOURNAL_STREAM``."""
    try:
        at = os.fstat(descriptor)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"


def journal_handler(
    environ: Mapping[str, str] = os.environ, descriptor: int = 2
) -> logging.Handler | None:
    """A handler that writes to the journal with fields, when stderr goes there anyway; else None.

    Every ``extra`` of a record in capitals (``SENSOR=``, ``ACTUATOR=``, ``LINK=``) becomes a field.
    """
    if not on_journal(environ, descriptor):
        return None
    try:
        from systemd.journal import JournalHandler
    except ImportError:
        return None
    handler: logging.Handler = JournalHandler(SYSLOG_IDENTIFIER=IDENTIFIER)
    return handler
