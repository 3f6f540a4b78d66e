"""The PIN as it is kept: a hash that says itself how it was made, and is slow to guess from.

``scrypt$14$8$1$SALT$KEY``: log₂ of the cost, block size, parallelism, and two texts in base64. A
PIN of six digits is found from any hash by trying; what keeps callers from that is the lock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field

SHORTEST, LONGEST = 6, 20
"""Digits. No more than 20 can be keyed in at once (T-09)."""
SALT_BYTES = 16
_KEY_BYTES = 32
_COST, _BLOCK, _PARALLEL = 14, 8, 1
"""16 MB and some 0.1 s on a Raspberry Pi 4: a Zero has no more to spare."""
_MOST_MEMORY = 64 * 1024 * 1024

_TEXT = re.compile(
    r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)", re.ASCII
)


def fault_of(pin: str) -> str | None:
    """Why ``pin`` cannot be one; None when it can."""
    if not re.fullmatch(rf"[0-9]{{{SHORTEST},{LONGEST}}}", pin, re.ASCII):
        return f"a PIN is {SHORTEST} to {LONGEST} digits"
    if len(set(pin)) == 1:
        return "one digit again and again is the first thing that is tried"
    if pin in "01234567890123456789" or pin in "98765432109876543210":
        return "digits in their order are the first thing that is tried"
    return None


@dataclass(frozen=True)
class PinHash:
    """``cost`` is log₂ of scrypt's N."""

    cost: int
    block: int
    parallel: int
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, pin: str, salt: bytes) -> PinHash:
        """The hash of a new PIN; ``salt``: :data:`SALT_BYTES` random ones. Raises ValueError."""
        if fault := fault_of(pin):
            raise ValueError(fault)
        key = _scrypt(pin, salt, _COST, _BLOCK, _PARALLEL, _KEY_BYTES)
        return cls(_COST, _BLOCK, _PARALLEL, salt, key)

    @classmethod
    def parse(cls, text: str) -> PinHash:
        """Read what :meth:`__str__` wrote. Raises ValueError, which never repeats the text."""
        found = _TEXT.fullmatch(text.strip())
        if found is None:
            raise ValueError("is no hash of a PIN: put what cht-agent phone pin prints there")
        cost, block, parallel = (int(found[group]) for group in (1, 2, 3))
        if not (10 <= cost <= 20 and block >= 1 and 1 <= parallel <= 4) or (
            128 * block * (2**cost + parallel) > _MOST_MEMORY
        ):
            raise ValueError("asks for more memory than a PIN is worth: make a new one")
        try:
            salt, key = _decoded(found[4]), _decoded(found[5])
        except binascii.Error as exc:
            raise ValueError("is a hash of a PIN that was cut off: copy all of its line") from exc
        if len(salt) < 8 or len(key) < 16:
            raise ValueError("is a hash of a PIN that was cut off: copy all of its line")
        return cls(cost, block, parallel, salt, key)

    def matches(self, pin: str) -> bool:
        """Whether this is the PIN. Takes its time on purpose: never on the loop."""
        key = _scrypt(pin, self.salt, self.cost, self.block, self.parallel, len(self.key))
        return hmac.compare_digest(key, self.key)

    def __str__(self) -> str:
        numbers = f"{self.cost}${self.block}${self.parallel}"
        return f"scrypt${numbers}${_encoded(self.salt)}${_encoded(self.key)}"


def _scrypt(pin: str, salt: bytes, cost: int, block: int, parallel: int, length: int) -> bytes:
    return hashlib.scrypt(
        pin.encode(),
        salt=salt,
        n=2**cost,
        r=block,
        p=parallel,
        maxmem=_MOST_MEMORY + 1024 * 1024,
        dklen=length,
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
