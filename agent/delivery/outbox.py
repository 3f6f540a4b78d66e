"""Rows on the SD card; called on one worker thread.

The file is made when the first row has to wait, and not before: an agent that is online never
touches the card. WAL with ``synchronous=FULL``: a committed row survives a power cut.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.database import Connection, Database, OperationalError
from agent.delivery.rows import LANES, LaneName, Row
from agent.protocol.times import format_time

_VERSION = 1
_DROP_AT_ONCE = 200


class Outbox:
    """The waiting rows, each lane in its own table and order. Raises StorageError when the card
    does not take or give a row; a file that is no database any more is set aside instead."""

    def __init__(self, path: Path, limit: int) -> None:
        self._limit = limit
        self._db = Database("outbox", path, _VERSION, self._prepare, alone=True)
        self._last_ids: dict[LaneName, int] = dict.fromkeys(LANES, 0)

    @property
    def set_aside(self) -> int:
        """How often the file was found damaged, and all its rows with it."""
        return self._db.set_aside

    @property
    def exists(self) -> bool:
        return self._db.exists

    def counts(self) -> dict[LaneName, tuple[int, int]]:
        """Lane → (rows, highest id), 0 where there is none."""

        def ask(db: Connection) -> dict[LaneName, tuple[int, int]]:
            found: dict[LaneName, tuple[int, int]] = {
                lane: db.execute(f"SELECT count(*), coalesce(max(id), 0) FROM {lane}").fetchone()  # noqa: S608 - lanes are ours
                for lane in LANES
            }
            for lane, (_, last) in found.items():
                self._last_ids[lane] = max(last, self._last_ids[lane])
            return found

        return self._db.do(ask)

    def append(self, rows: Sequence[Row]) -> tuple[list[int], dict[LaneName, list[int]]]:
        """Write rows in one commit; their ids, and those of the oldest rows of each lane that were
        dropped to stay within the limit."""

        def write(db: Connection) -> tuple[list[int], dict[LaneName, list[int]]]:
            ids: list[int] = []
            with db:
                for row in rows:
                    cursor = db.execute(
                        f"INSERT INTO {row.lane} (body, time, boot, mono) VALUES (?, ?, ?, ?)",  # noqa: S608
                        (row.body, row.time, row.boot, row.mono),
                    )
                    ids.append(cursor.lastrowid or 0)
            for row, row_id in zip(rows, ids, strict=True):
                self._last_ids[row.lane] = row_id
            return ids, self._make_room(db)

        return self._db.do(write)

    def read(self, lane: LaneName, after: int, most: int) -> list[tuple[int, Row]]:
        """The next rows of a lane with an id above ``after``, oldest first."""

        def ask(db: Connection) -> list[tuple[int, Row]]:
            found = db.execute(
                f"SELECT id, body, time, boot, mono FROM {lane} WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
                (after, most),
            )
            return [(n, Row(lane, body, time, boot, mono)) for n, body, time, boot, mono in found]

        return self._db.do(ask)

    def forget(self, lane: LaneName, upto: int) -> None:
        """Delete the rows of a lane with an id of ``upto`` or less: they are proven."""

        def delete(db: Connection) -> None:
            with db:
                db.execute(f"DELETE FROM {lane} WHERE id <= ?", (upto,))  # noqa: S608

        self._db.do(delete)

    def stamp(self, boot: str, mono_now: float, utc_now: datetime) -> None:
        """Give every data row of this boot that has no time its time."""
        zero = utc_now.astimezone(UTC) - timedelta(seconds=mono_now)

        def time_of(mono: float) -> str:
            return format_time(zero + timedelta(seconds=mono))

        def update(db: Connection) -> None:
            db.create_function("time_of", 1, time_of, deterministic=True)
            with db:
                db.execute(
                    "UPDATE data SET time = time_of(mono) WHERE time IS NULL AND boot = ?", (boot,)
                )

        self._db.do(update)

    def drop_untimed(self, boot: str) -> int:
        """Delete data rows without a time whose boot is over; how many they were."""

        def delete(db: Connection) -> int:
            with db:
                return db.execute(
                    "DELETE FROM data WHERE time IS NULL AND boot != ?", (boot,)
                ).rowcount

        return self._db.do(delete)

    def close(self) -> None:
        self._db.close()

    def _prepare(self, db: Connection) -> None:
        for lane in LANES:
            # AUTOINCREMENT: an id is never used again, so "up to here" stays true.
            db.execute(
                f"CREATE TABLE IF NOT EXISTS {lane} (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                " body BLOB NOT NULL, time TEXT, boot TEXT NOT NULL, mono REAL NOT NULL)"
            )
            # Also when the file before was set aside: "up to here" stays true for it.
            db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (lane,))
            db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (lane, self._last_ids[lane]))

    def _make_room(self, db: Connection) -> dict[LaneName, list[int]]:
        """Drop the oldest rows until the limit is kept; on a disk that is full, next time."""
        dropped: dict[LaneName, list[int]] = {}
        # Not an error of append: the rows are in, and must not be written a second time.
        with contextlib.suppress(OperationalError):
            while self._used(db) > self._limit:
                for lane in reversed(LANES):
                    if gone := self._drop_oldest(db, lane):
                        dropped.setdefault(lane, []).extend(gone)
                        break
                else:
                    break
        return dropped

    def _drop_oldest(self, db: Connection, lane: LaneName) -> list[int]:
        with db:
            gone = db.execute(
                f"DELETE FROM {lane} WHERE id IN"  # noqa: S608
                f" (SELECT id FROM {lane} ORDER BY id LIMIT ?) RETURNING id",
                (_DROP_AT_ONCE,),
            ).fetchall()
        return [row_id for (row_id,) in gone]

    def _used(self, db: Connection) -> int:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * size)
