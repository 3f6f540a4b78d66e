"""Who a caller may be, by the number the service tells. A filter, not an identity. Pure."""

from __future__ import annotations

import re
from typing import Literal

from agent.config.menus import Callers

Standing = Literal["full", "read", "denied"]
"""``read``: readings and memos; neither the PIN nor any action."""


def standing(callers: Callers, phone: str | None) -> Standing:
    """What ``phone`` may do. A number that is withheld, empty or masked is unlisted."""
    if phone is not None and plain(phone) in callers.allow:
        return "full"
    unlisted: dict[str, Standing] = {"deny": "denied", "read": "read", "all": "full"}
    return unlisted[callers.unknown]


def plain(phone: str) -> str:
    """The number as T-28 writes it: digits alone, the country's own code as a leading 0."""
    bare = re.sub(r"[\s().-]", "", phone)
    return re.sub(r"^(?:\+|00)886", "0", bare)
