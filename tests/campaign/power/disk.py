"""A folder on a disk that loses its power: what is left of what was written. Pure.

The rules are the weakest that POSIX allows and file systems in use keep: a file's bytes are safe
when the file was synced, a name when the folder was. Of what was not synced any part may be there:
each sector of each write by itself, each change of size. Names change in the order they were
changed, as every journal keeps it, but as far as it got. A sector is whole, old or new.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

SECTOR = 512

How = Literal["nothing", "some", "torn", "everything"]
HOW: tuple[How, ...] = ("nothing", "some", "torn", "everything")
"""What is left of the unsynced: none of it, some of the calls, some sectors of them, all of it."""


@dataclass(frozen=True, slots=True)
class Make:
    """File number ``file`` is created under this name."""

    file: int
    name: str


@dataclass(frozen=True, slots=True)
class Write:
    file: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """Of a file; None: of the folder, and so of all names in it."""

    file: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """A second name for the file called ``old``."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Rename:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Remove:
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The program said this, on a paper that no power cut reaches."""

    text: str


Change = Write | Resize
Naming = Make | Link | Rename | Remove
Step = Change | Naming | Sync | Mark


class Disk:
    """A folder, from the files that are on it (synced, numbered in this order) through steps."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._safe = dict(enumerate(files.values()))
        self._unsafe: dict[int, list[Change]] = {file: [] for file in self._safe}
        self._names = {name: file for file, name in enumerate(files)}
        self._naming: list[Naming] = []

    def take(self, step: Step) -> None:
        match step:
            case Write(file) | Resize(file):
                self._unsafe[file].append(step)
            case Make(file):
                self._safe[file], self._unsafe[file] = b"", []
                self._naming.append(step)
            case Link() | Rename() | Remove():
                self._naming.append(step)
            case Sync(None):
                _name(self._names, self._naming)
                self._naming = []
            case Sync(int(file)):
                self._safe[file] = _changed(self._safe[file], self._unsafe[file])
                self._unsafe[file] = []

    def now(self) -> dict[str, bytes]:
        """Name → bytes as the program sees them: after no cut at all."""
        return self.after_a_cut("everything", random.Random(0))

    def after_a_cut(self, how: How, dice: random.Random) -> dict[str, bytes]:
        """Name → bytes when the power comes back."""
        count = {"nothing": 0, "everything": len(self._naming)}.get(
            how, dice.randrange(len(self._naming) + 1))
        names = dict(self._names)
        _name(names, self._naming[:count])
        return {name: _changed(self._safe[file], _kept(self._unsafe[file], how, dice))
                for name, file in sorted(names.items())}


def _name(names: dict[str, int], changes: Sequence[Naming]) -> None:
    for change in changes:
        match change:
            case Make(file, name):
                names[name] = file
            case Link(old, new):
                names[new] = names[old]
            case Rename(old, new):
                names[new] = names.pop(old)
            case Remove(name):
                del names[name]


def _changed(content: bytes, changes: Sequence[Change]) -> bytes:
    if not changes:
        return content
    data = bytearray(content)
    for change in changes:
        match change:
            case Resize(_, size):
                del data[size:]
                data.extend(bytes(size - len(data)))
            case Write(_, at, new):
                data.extend(bytes(max(0, at + len(new) - len(data))))
                data[at : at + len(new)] = new
    return bytes(data)


def _kept(changes: Sequence[Change], how: How, dice: random.Random) -> list[Change]:
    if how in ("nothing", "everything"):
        return list(changes) if how == "everything" else []
    likely = dice.random()
    pieces = changes if how == "some" else [p for change in changes for p in _sectors(change)]
    return [piece for piece in pieces if dice.random() < likely]


def _sectors(change: Change) -> Iterator[Change]:
    if not isinstance(change, Write):
        yield change
        return
    at, data = change.at, change.data
    while data:
        room = SECTOR - at % SECTOR
        yield Write(change.file, at, data[:room])
        at, data = at + room, data[room:]
