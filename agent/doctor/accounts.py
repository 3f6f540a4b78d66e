"""Who may open what: decided from the modes of files, for somebody else than who asks."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

READ, WRITE, SEARCH = 4, 2, 1


@dataclass(frozen=True)
class Account:
    """A user with all groups it has when it runs the agent."""

    name: str
    uid: int
    gids: frozenset[int]

    def may(self, status: os.stat_result, wanted: int) -> bool:
        """Whether the mode of a file gives it all of ``wanted`` (READ, WRITE, SEARCH together).

        Access lists and capabilities are not looked at, but that root may everything.
        """
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            shift = 6
        elif status.st_gid in self.gids:
            shift = 3
        else:
            shift = 0
        return stat.S_IMODE(status.st_mode) >> shift & wanted == wanted


def current() -> Account:
    """Who runs this command."""
    uid = os.geteuid()
    return Account("root" if uid == 0 else f"uid {uid}", uid,
                   frozenset({os.getegid(), *os.getgroups()}))  # fmt: skip


def account(passwd: str, group: str, name: str, more: tuple[str, ...] = ()) -> Account | None:
    """The account ``name`` of these two files' texts, in the groups ``more``, too; None when there
    is none. A group of ``more`` that does not exist is left out."""
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[0] == name and fields[2].isdigit() and fields[3].isdigit():
            gids = {int(fields[3])} | {
                gid for title, gid, members in _groups(group) if name in members or title in more
            }
            return Account(name, int(fields[2]), frozenset(gids))
    return None


def group_name(group: str, gid: int) -> str:
    """How a group is called, or its number."""
    return next((title for title, number, _ in _groups(group) if number == gid), str(gid))


def _groups(text: str) -> list[tuple[str, int, list[str]]]:
    rows = [line.split(":") for line in text.splitlines()]
    return [
        (row[0], int(row[2]), row[3].strip().split(","))
        for row in rows
        if len(row) >= 4 and row[2].isdigit()
    ]
