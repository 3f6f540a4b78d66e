"""The journal of applied commands: a command applies once, across restarts (decision 7).

One JSON array a line: ``[actuator, time, word]`` written before acting, the same with the first
ack as a fourth item after it; ``[actuator, boot, seconds]`` for a change that a rate limit counts,
so that a restart gives no fresh allowance. A plain write survives the death of the process;
:meth:`Journal.sync`, on a worker thread within a second, makes it survive the power. A folder that
is full or may not be written is complained of once; the keys are then kept in memory alone, and
put on disk when it works again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from agent.control.decision import Key

KEPT = 256
"""Commands remembered for each actuator. :meth:`Journal.horizon` bars what is older."""
COMPACT_AT = 8 * KEPT
"""Lines after which the file is written anew."""

Entry = Key | tuple[str, str, str, str] | tuple[str, str, float]

log = logging.getLogger("cht_agent.control")


class Journal:
    """The commands acted on and their first acks, in ``folder/commands.journal`` (mode 0600).

    Reading never fails: a torn last line is dropped, a file with other damage is set aside as
    ``commands.journal.corrupt`` and what is sound in it is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "commands.journal"
        self.on_dirty: Callable[[], None] | None = None
        """Called by the first write after a :meth:`sync`: have a worker thread do it within 1 s."""
        self.failures = 0
        """Lines that could not be written."""
        self._acks: dict[Key, str | None] = {}
        self._order: dict[str, dict[Key, None]] = {}
        self._changes: dict[str, deque[tuple[str, float]]] = {}
        self._guard = threading.Lock()
        self._syncing = threading.Lock()
        self._fd = -1
        self._lines = 0
        self._asked = False
        self._broken = False
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._load():
            self._rewrite()
        if self._fd < 0:
            self._reopen()

    @property
    def applied(self) -> Mapping[Key, str | None]:
        """Keys acted on, with their first acks; None for one the agent died in. A live view."""
        return MappingProxyType(self._acks)

    def horizon(self, actuator: str) -> str | None:
        """The time of its oldest remembered command, as written, once no more are remembered: what
        is not later may have been applied and forgotten. None while nothing was forgotten."""
        order = self._order.get(actuator, {})
        return next(iter(order))[1] if len(order) >= KEPT else None

    def begin(self, key: Key) -> None:
        """Remember ``key``; call it before acting."""
        self._record(key)

    def finish(self, key: Key, ack: str) -> None:
        """Remember the first ack of ``key``; call it after acting."""
        self._record((*key, ack))

    def count(self, actuator: str, boot_id: str, mono: float) -> None:
        """Remember that a command changes the level now; call it before acting."""
        self._record((actuator, boot_id, mono))

    def changes(self, actuator: str, boot_id: str) -> tuple[float, ...]:
        """When commands changed the level, in monotonic seconds of this boot, oldest first.

        Those of an earlier boot are put at this boot's zero: they were not later than that.
        """
        return tuple(
            mono if boot == boot_id else 0.0 for boot, mono in self._changes.get(actuator, ())
        )

    def sync(self) -> None:
        """Put everything on the disk, and the file in order when it is long or was broken.

        Blocks for as long as the card does, so it belongs on a worker thread; the loop may go on
        writing meanwhile. Never raises.
        """
        with self._syncing:
            self._asked = False
            if self._broken or self._lines > COMPACT_AT:
                self._rewrite()
                return
            try:
                os.fsync(self._fd)
            except OSError as exc:
                self._complain(exc)

    def close(self) -> None:
        """Sync and let the file go. A write after it is kept in memory alone."""
        self.sync()
        with self._guard:
            self._shut()

    def _remember(self, key: Key, ack: str | None) -> None:
        self._acks[key] = ack
        order = self._order.setdefault(key[0], {})
        order[key] = None
        if len(order) > KEPT:
            oldest = next(iter(order))
            del order[oldest], self._acks[oldest]

    def _record(self, entry: Entry) -> None:
        line = _line(entry)
        with self._guard:
            self._learn(entry)
            if self._broken:
                line = b"\n" + line  # ends the half line that a full disk may have taken
            try:
                written = os.write(self._fd, line)
                if written < len(line):
                    raise OSError(f"only {written} of {len(line)} bytes were taken")
            except OSError as exc:
                self.failures += 1
                self._complain(exc)
            self._lines += 1
        if self.on_dirty is not None and not self._asked:
            self._asked = True
            self.on_dirty()

    def _complain(self, exc: OSError) -> None:
        if not self._broken:
            log.warning(
                "command journal %s cannot be used (%s): commands are told apart in memory "
                "only; free space or mend the folder's permissions", self.path, exc.strerror or exc
            )
        self._broken = True

    def _load(self) -> bool:
        """Read the file; True when it must be written anew."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return False
        except OSError as exc:
            self._complain(exc)
            return False
        *lines, tail = data.split(b"\n")
        damaged = 0
        for line in lines:
            damaged += not self._recall(line)
        self._lines = len(lines)
        if damaged:
            aside = self.path.with_name(self.path.name + ".corrupt")
            log.warning(
                "command journal %s has %d damaged lines: set aside as %s, the sound ones kept",
                self.path, damaged, aside.name,
            )  # fmt: skip
            # A second name, not another one: until it is written anew the journal is this file.
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
                os.link(self.path, aside)
        if tail:
            self._recall(tail)
        return bool(damaged or tail or self._lines > COMPACT_AT)

    def _recall(self, line: bytes) -> bool:
        if not line:
            return True
        try:
            return self._learn(json.loads(line))
        except (ValueError, RecursionError):
            return False

    def _learn(self, entry: object) -> bool:
        """Take an entry in, from ourselves or from the file; False for what is none."""
        match entry:
            case (str(actuator), str(time), str(word)):
                self._remember((actuator, time, word), None)
            case (str(actuator), str(time), str(word), str(ack)):
                self._remember((actuator, time, word), ack)
            case (str(actuator), str(boot), float(mono)):
                self._changes.setdefault(actuator, deque(maxlen=KEPT)).append((boot, mono))
            case _:
                return False
        return True

    def _entries(self) -> list[Entry]:
        acks: list[Entry] = [
            key if ack is None else (*key, ack) for key, ack in self._acks.items()
        ]
        return acks + [(a, *change) for a, queue in self._changes.items() for change in queue]

    def _rewrite(self) -> None:
        """Replace the file by the keys in memory, atomically; the loop hardly waits."""
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            fd = _create(fresh)
        except OSError as exc:
            self._complain(exc)
            return
        try:
            with self._guard:
                entries = self._entries()
            _write_all(fd, b"".join(map(_line, entries)))
            os.fsync(fd)
            with self._guard:
                # Whatever the loop added meanwhile: few, and quick to append.
                known = set(entries)
                added = [entry for entry in self._entries() if entry not in known]
                _write_all(fd, b"".join(map(_line, added)))
                os.replace(fresh, self.path)
                self._shut()
                self._fd, fd = fd, -1
                self._lines = len(entries) + len(added)
                mended, self._broken = self._broken, False
            _sync_folder(self.path.parent)
        except OSError as exc:
            self._complain(exc)
            return
        finally:
            if fd >= 0:
                os.close(fd)
                with contextlib.suppress(OSError):
                    fresh.unlink()
        if mended:
            log.info("command journal %s works again", self.path)

    def _reopen(self) -> None:
        try:
            new = not self.path.exists()
            self._fd = _create(self.path, os.O_APPEND)
            if new:
                # Else a power cut may take the name away, and with it every key synced since.
                _sync_folder(self.path.parent)
        except OSError as exc:
            self._complain(exc)

    def _shut(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _line(entry: Entry) -> bytes:
    # ASCII escapes: a lone surrogate from a foreign JSON must not stop the write.
    return json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"


def _create(path: Path, how: int = os.O_TRUNC) -> int:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how, 0o600)
    os.fchmod(fd, 0o600)
    return fd


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
