"""Numbers in English words."""

from __future__ import annotations

MOST = 10**15
"""From here on a number is said digit by digit."""

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))


def whole(value: int) -> str:
    """A natural number below :data:`MOST`: ``two hundred and five``."""
    said = []
    for size, name in _SCALES:
        if value >= size:
            said.append(f"{_hundreds(value // size)} {name}")
            value %= size
    if value or not said:
        joined = bool(said) and value < 100
        said.append(f"and {_hundreds(value)}" if joined else _hundreds(value))
    return " ".join(said)


def decimal(text: str) -> str:
    """A plain decimal text without a sign: ``25.30`` is ``twenty-five point three zero``."""
    before, _, after = text.partition(".")
    said = whole(int(before)) if int(before) < MOST else spelled(before)
    return f"{said} point {spelled(after)}" if after else said


def spelled(text: str) -> str:
    """Digit by digit, with blanks between; everything else stays a word of its own."""
    words = (_SMALL[int(sign)] if sign in "0123456789" else sign for sign in text)
    return " ".join(word for word in words if word.strip())


def _hundreds(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    if hundreds and rest:
        return f"{_SMALL[hundreds]} hundred and {_tens(rest)}"
    return f"{_SMALL[hundreds]} hundred" if hundreds else _tens(rest)


def _tens(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
