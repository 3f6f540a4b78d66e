"""How a number becomes the text that is published, spoken of and acknowledged (P-06, P-11)."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite


def shortest(value: float, decimals: int | None = None) -> str:
    """The shortest plain decimal text of ``value``: no exponent, no trailing zeros, no ``-0``.

    ``decimals`` is the most digits after the point; None gives as many as it takes to read the
    same float back. Raises ValueError for nan, an infinity and negative ``decimals``.
    """
    value = float(value)
    if not isfinite(value):
        raise ValueError(f"{value} is not a number that can be reported")
    if decimals is not None:
        if decimals < 0:
            raise ValueError(f"decimals must be 0 or more, not {decimals}")
        text = format(value, f".{decimals}f")
    else:
        text = repr(value)
        if "e" in text:
            text = format(Decimal(text), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
