"""Who is at the other end of a Unix socket, and what they may do."""

from __future__ import annotations

import grp
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

CONTROL_GROUP = "cht-agent"
"""Whose members may move actuators (design, section 2)."""

_SO_PEERGROUPS = 59  # the socket module has no name for it
_MOST_GROUPS = 256


class _HasOptions(Protocol):
    def getsockopt(self, level: int, name: int, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Peer:
    """A client's process as the kernel saw it when it connected; it cannot be forged."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int] = frozenset()


def peer_of(connection: _HasOptions) -> Peer:
    """The process that connected. Raises OSError when the socket cannot tell."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, gid = struct.unpack("3I", raw)
    try:
        groups = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _MOST_GROUPS)
    except OSError:
        groups = b""  # more groups than fit, or an old kernel: then only the main group counts
    return Peer(pid, uid, gid, frozenset(struct.unpack(f"{len(groups) // 4}I", groups)))


def may_control(peer: Peer, own_uid: int, group_gid: int | None) -> bool:
    """Root, the daemon's own user, or a member of the group (None: there is no such group)."""
    if peer.uid in (0, own_uid):
        return True
    return group_gid is not None and (peer.gid == group_gid or group_gid in peer.groups)


def control_gid(name: str = CONTROL_GROUP) -> int | None:
    """The number of the control group on this machine, None where it does not exist."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None
