"""How often a wrong PIN may be given, over all callers and restarts: the rule and its memory.

A try is counted, on the disk, before it is looked at: whatever happens then, it was one. Wrong ones
within ``period`` lock the PIN for as long; the right one forgives only itself, so that an owner's
calls give a stranger no more tries.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agent import files
from agent.clock import Clock
from agent.errors import StorageError
from agent.phone.pin import PinHash

log = logging.getLogger("cht_agent.phone")

FILE = "pin-lock.json"


@dataclass(frozen=True)
class Stamp:
    """A moment that is still one after a restart: seconds of its boot, and, where the clock was
    right, seconds of the epoch."""

    boot: str
    mono: float
    epoch: float | None = None

    def age(self, now: Stamp) -> float:
        """Seconds from this moment to ``now``: what is certain of it, seldom too much.

        After another boot without a clock: at least as long as this boot runs.
        """
        if self.boot == now.boot:
            return max(0.0, now.mono - self.mono)
        if self.epoch is None or now.epoch is None:
            return max(0.0, now.mono)
        return max(0.0, now.epoch - self.epoch)


@dataclass(frozen=True)
class Tries:
    """The tries that count: wrong ones, and one that is being looked at. ``locked``: since when."""

    wrong: tuple[Stamp, ...] = ()
    locked: Stamp | None = None

    def at(self, now: Stamp, period: float) -> Tries:
        """Without what is over."""
        wrong = tuple(stamp for stamp in self.wrong if stamp.age(now) < period)
        locked = self.locked
        if locked is not None and locked.age(now) >= period:
            return Tries(tuple(stamp for stamp in wrong if stamp.age(now) < locked.age(now)))
        return Tries(wrong, locked)

    def counted(self, now: Stamp, most: int) -> Tries:
        """One more, which locks when it is the last that may be."""
        wrong = (*self.wrong, now)
        return Tries(wrong, now if len(wrong) >= most else None)


class PinLock:
    """The tries, in ``folder/pin-lock.json``. ``most`` wrong ones within ``period`` seconds lock.

    Called on one worker thread. A file that cannot be read or written locks: a try that could not
    be counted would be one too many.
    """

    def __init__(self, folder: Path, clock: Clock, most: int = 10, period: float = 86_400) -> None:
        self._path = folder / FILE
        self._clock = clock
        self.most = most
        self.period = period
        self._complained = False

    def check(self, known: PinHash, pin: str) -> Literal["right", "wrong", "locked"]:
        """Look at ``pin``, unless it is locked. Blocks for as long as the hash takes."""
        try:
            tries, now = self._load(), self._now()
            tries = tries.at(now, self.period)
            if tries.locked is not None:
                return "locked"
            counted = tries.counted(now, self.most)
            self._save(counted)
            if known.matches(pin):
                self._save(tries)  # it forgives itself alone
                return "right"
        except StorageError as exc:
            if not self._complained:
                log.error("%s; no PIN is taken until this is mended", exc)
            self._complained = True
            return "locked"
        self._complained = False
        if counted.locked is not None:
            log.warning("the PIN is locked after %d wrong ones; phone unlock opens it", self.most)
        return "wrong"

    def locked_for(self) -> float | None:
        """Seconds the lock still holds; None: it is open. Raises StorageError."""
        now = self._now()
        tries = self._load().at(now, self.period)
        return None if tries.locked is None else self.period - tries.locked.age(now)

    def unlock(self) -> None:
        """Forget all tries. Raises StorageError."""
        try:
            # Not written anew: root may do this, whose file the agent could not write.
            self._path.unlink(missing_ok=True)
        except OSError as exc:
            raise StorageError(f"{self._path} cannot be removed ({exc.strerror})") from exc

    def _now(self) -> Stamp:
        clock = self._clock
        epoch = clock.utc().timestamp() if clock.trusted() else None
        return Stamp(clock.boot_id, clock.monotonic(), epoch)

    def _load(self) -> Tries:
        try:
            return _tries(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return Tries()
        except OSError as exc:
            raise StorageError(f"{self._path} cannot be read ({exc.strerror})") from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise StorageError(
                f"{self._path} is damaged: cht-agent phone unlock makes a new one"
            ) from exc

    def _save(self, tries: Tries) -> None:
        try:
            files.replace(self._path, json.dumps(asdict(tries)).encode())
        except OSError as exc:
            raise StorageError(f"{self._path} cannot be written ({exc.strerror})") from exc


def _tries(plain: Any) -> Tries:
    """Raises KeyError, TypeError or ValueError when it is not what ``_save`` wrote."""
    locked = plain["locked"]
    return Tries(_stamps(plain["wrong"]), None if locked is None else _stamps([locked])[0])


def _stamps(plain: Sequence[Any]) -> tuple[Stamp, ...]:
    stamps = tuple(Stamp(**one) for one in plain)
    for stamp in stamps:
        if not isinstance(stamp.boot, str):
            raise TypeError("a boot is a text")
        float(stamp.mono), float(stamp.epoch or 0.0)
    return stamps
