"""What may be told of a telephone number: enough to recognise it, too little to call it."""

from __future__ import annotations


def masked(phone: str | None) -> str:
    """``0912***678`` for a log, a status answer or the screen.

    A short one shows only how it ends; one that is missing was ``withheld``.
    """
    if not phone:
        return "withheld"
    if len(phone) < 9:
        return f"***{phone[-2:]}" if len(phone) > 4 else "***"
    return f"{phone[:4]}***{phone[-3:]}"
