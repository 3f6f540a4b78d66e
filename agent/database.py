"""A SQLite file that is mended or set aside rather than complained of. The only file that imports
sqlite3; called on one worker thread.

The file is made when it is first needed, and not before. WAL; ``synchronous`` as its owner says.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from agent.errors import StorageError

log = logging.getLogger("cht_agent.database")

Connection = sqlite3.Connection
OperationalError = sqlite3.OperationalError
"""The disk is full, or the file is busy: the card, not what is written on it."""

T = TypeVar("T")


class Database:
    """``prepare`` makes the tables of a new file; some may be there, if it was cut short.

    ``name`` is what errors call it. ``durable``: a committed row survives a power cut; else the
    last ones may not, and the card is written less. ``alone``: no other process looks at it, so
    that it can be opened and read on a disk without any room.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        version: int,
        prepare: Callable[[Connection], None],
        *,
        durable: bool = True,
        alone: bool = False,
    ) -> None:
        self._name = name
        self.path = path
        self._version = version
        self._prepare_tables = prepare
        self._synchronous: Literal["FULL", "NORMAL"] = "FULL" if durable else "NORMAL"
        self._alone = alone
        self._db: Connection | None = None
        self.set_aside = 0
        """How often the file was found damaged, and all its rows with it."""

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def do(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of the open file. Raises StorageError when the card does not take or
        give a row; a file that is no database any more is set aside instead."""
        try:
            try:
                return work(self._open())
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as exc:
                self._set_aside(exc)
                return work(self._open())
        except (sqlite3.Error, OSError) as exc:
            self.close()
            raise StorageError(f"{self._name} {self.path}: {exc}") from exc

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> Connection:
        if self._db is None:
            # Made by ourselves, so that it is never readable by others, not even for a moment.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            db = sqlite3.connect(self.path, check_same_thread=False)
            try:
                self._prepare(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _prepare(self, db: Connection) -> None:
        if self._alone:
            # The index of the log is then in memory; else it is a file, which must have room.
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, self._version):
            raise sqlite3.DatabaseError(f"made by a newer version ({version})")
        db.execute("PRAGMA journal_mode=WAL")
        db.execute(f"PRAGMA synchronous={self._synchronous}")
        db.execute("PRAGMA wal_autocheckpoint=250")
        db.execute("PRAGMA journal_size_limit=1000000")
        if version == 0:  # else nothing is written: a full disk must still give what is on it
            with db:
                self._prepare_tables(db)
                db.execute(f"PRAGMA user_version={self._version}")

    def _set_aside(self, why: sqlite3.DatabaseError) -> None:
        self.close()
        aside = self.path.with_name(self.path.name + ".corrupt")
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self.path.replace(aside)
        self.set_aside += 1
        log.warning(
            "%s %s: %s; set aside as %s, starting anew", self._name, self.path, why, aside.name
        )


def look(name: str, path: Path, work: Callable[[Connection], T]) -> T:
    """What ``work`` makes of a file that belongs to somebody else: nothing in it is changed, and no
    file is left beside it. Raises StorageError."""
    # With no log beside it nobody is writing, and SQLite need not make one to read it.
    how = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
        try:
            return work(db)
        finally:
            db.close()
    except (sqlite3.Error, OSError) as exc:
        raise StorageError(f"{name} {path}: {exc}") from exc
