"""The call log: who called, what was heard and done. Phone numbers in it are masked already.

Rows are collected on the loop and written a second later, on a worker thread and without waiting
for the card: a power cut may cost the last of them.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from agent.database import Connection, Database, look
from agent.errors import StorageError
from agent.phone.model import (
    Authorised,
    Cancelled,
    Commanded,
    Effect,
    Ended,
    Refused,
    Unsent,
    Visited,
)
from agent.threads import Worker

log = logging.getLogger("cht_agent.phone")

FILE = "calls.db"
MOST_ROWS = 20_000
"""Some hundred calls a month for years; the oldest go beyond that."""
_DELAY = 1.0
_MOST_WAITING = 2_000
_VERSION = 1
_COLUMNS = "time, call, phone, what"


@dataclass(frozen=True)
class Entry:
    """One line. ``time``: UTC as text, None while the clock was not set. ``call``: which call, or
    empty. ``phone``: masked."""

    time: str | None
    call: str
    phone: str
    what: str

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


class CallLog:
    """The entries, in ``folder/calls.db``; the last ``most_rows`` of them."""

    def __init__(self, folder: Path, worker: Worker, most_rows: int = MOST_ROWS) -> None:
        self._db = Database("call log", folder / FILE, _VERSION, _prepare, durable=False)
        self._worker = worker
        self._most_rows = most_rows
        self._waiting: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._complained = False
        self.lost = 0
        """Entries that could not be written."""

    def note(self, entry: Entry) -> None:
        """Write it within a second or so. On the loop."""
        if len(self._waiting) >= _MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append(entry)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY, self._flush)

    async def close(self) -> None:
        """Write what waits, and let the file go."""
        if self._timer is not None:
            self._timer.cancel()
            self._flush()
        await self._worker.run(self._db.close)

    async def latest(self, most: int) -> list[Entry]:
        """The last entries, oldest first. Raises StorageError."""
        if self._timer is not None:
            self._timer.cancel()
            self._flush()
        return await self._worker.run(
            lambda: self._db.do(partial(_latest, most)) if self._db.exists else []
        )

    def _flush(self) -> None:
        self._timer = None
        entries, self._waiting = self._waiting, []
        self._worker.run(partial(self._write, entries))

    def _write(self, entries: list[Entry]) -> None:
        def write(db: Connection) -> None:
            with db:
                db.executemany(
                    f"INSERT INTO entry ({_COLUMNS}) VALUES (:time, :call, :phone, :what)",  # noqa: S608
                    [entry.as_dict() for entry in entries],
                )
                db.execute(
                    "DELETE FROM entry WHERE id <= (SELECT max(id) FROM entry) - ?",
                    (self._most_rows,),
                )

        try:
            self._db.do(write)
            self._complained = False
        except StorageError as exc:
            self.lost += len(entries)
            if not self._complained:
                log.warning("%s; calls go on without a log", exc)
            self._complained = True


def read(folder: Path, most: int) -> list[Entry]:
    """The last entries of an agent that does not run. Raises StorageError."""
    path = folder / FILE
    try:
        there = path.exists()
    except OSError as exc:
        raise StorageError(f"{path} cannot be looked for ({exc.strerror}): use sudo") from exc
    return look("call log", path, partial(_latest, most)) if there else []


def told(effect: Effect) -> str:
    """What happened, for the log."""
    match effect:
        case Visited(target):
            return target
        case Refused(target, why):
            return f"{target} refused: {why}"
        case Authorised():
            return "PIN right"
        case Commanded(_, actuator, cmd, ok, result):
            return f"{actuator} {cmd}: {result}" if ok else f"{actuator} {cmd} failed: {result}"
        case Cancelled(target):
            return f"{target} cancelled"
        case Ended(reason):
            return f"ended: {reason}"
        case Unsent():
            return "the answer could not be sent: no connection"


def _prepare(db: Connection) -> None:
    db.execute(
        "CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT,"
        " call TEXT NOT NULL, phone TEXT NOT NULL, what TEXT NOT NULL)"
    )


def _latest(most: int, db: Connection) -> list[Entry]:
    found = db.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY id DESC LIMIT ?", (most,))  # noqa: S608
    return [Entry(*row) for row in reversed(found.fetchall())]
