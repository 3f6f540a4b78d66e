"""ICMP echo from a socket of ours: one packet out, its answer back.

Not by the ping program: that needs a privilege which a hardened service takes away
(``NoNewPrivileges=``), and then opens the very socket that is opened here. The kernel grants it to
the groups in ``net.ipv4.ping_group_range``, on systemd machines to all; a raw socket (root,
CAP_NET_RAW) is the second choice.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass

from agent.errors import HardwareError

_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, id, sequence
_REQUEST, _REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}


@dataclass(frozen=True)
class Address:
    """Where to: an IP version, and what ``socket`` takes as its address."""

    version: int
    where: tuple[str, int] | tuple[str, int, int, int]


def resolve(host: str) -> Address:
    """The address of a name, or of an address. Raises OSError (socket.gaierror)."""
    family, _, _, _, where = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0]
    if family == socket.AF_INET6:
        return Address(6, where)  # type: ignore[arg-type]
    return Address(4, (str(where[0]), 0))


def echo(address: Address, sequence: int, timeout: float) -> float | None:
    """Seconds until ``address`` answered; None when it did not within ``timeout``.

    Raises HardwareError when this machine may not ask.
    """
    family, protocol = (
        (socket.AF_INET, socket.IPPROTO_ICMP)
        if address.version == 4
        else (socket.AF_INET6, socket.IPPROTO_ICMPV6)
    )
    ours = os.urandom(8)  # a raw socket hears every answer to anybody on this machine
    with _open(family, protocol) as line:
        started = time.monotonic()
        deadline = started + timeout
        try:
            line.sendto(_packet(address.version, sequence, ours), address.where)
            while (left := deadline - time.monotonic()) > 0:
                line.settimeout(left)
                if is_answer(line.recv(2048), address.version, sequence, ours):
                    return time.monotonic() - started
        except OSError:
            return None  # no route, refused, or out of time: not reachable from here
    return None


def is_answer(data: bytes, version: int, sequence: int, ours: bytes) -> bool:
    """Whether a received packet (with its IP header, where the socket is raw) answers ours."""
    if version == 4 and data and data[0] >> 4 == 4:
        data = data[(data[0] & 15) * 4 :]
    if len(data) < _HEADER.size:
        return False
    kind, _, _, _, number = _HEADER.unpack_from(data)
    return kind == _REPLY[version] and number == sequence and data[_HEADER.size :] == ours


def _packet(version: int, sequence: int, data: bytes) -> bytes:
    number = os.getpid() & 0xFFFF
    blank = _HEADER.pack(_REQUEST[version], 0, 0, number, sequence)
    return _HEADER.pack(_REQUEST[version], 0, checksum(blank + data), number, sequence) + data


def checksum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071. (The kernel makes ICMPv6's itself.)"""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _open(family: socket.AddressFamily, protocol: int) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)
    except OSError:
        try:
            return socket.socket(family, socket.SOCK_RAW, protocol)
        except OSError as exc:
            raise HardwareError(
                f"this machine does not let us ping ({exc.strerror}): allow it with "
                'sysctl net.ipv4.ping_group_range="0 2147483647"'
            ) from exc
