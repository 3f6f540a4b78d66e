"""Waiting for a condition, never for luck."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

_POLL = 0.005
T = TypeVar("T")


def wait_until(predicate: Callable[[], T | None], timeout: float = 5.0, what: str = "it") -> T:
    """The first true value of ``predicate``; AssertionError naming ``what`` after ``timeout`` s."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(_POLL)
    return value


async def until(predicate: Callable[[], T | None], timeout: float = 5.0, what: str = "it") -> T:
    """The same inside a running loop, which goes on meanwhile."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        await asyncio.sleep(_POLL)
    return value
