"""Numbers as they are said in Taiwan.

``兩`` stands for a two that counts something: before 百, 千, 萬, 億, and alone before a measure
word. A gap of zeros within a number is said as one 零; ten to nineteen begin with 十 where nothing
stands before them.
"""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
MOST = 10**16
"""From here on a number is said digit by digit."""

_SECTIONS = ("", "萬", "億", "兆")


def whole(value: int) -> str:
    """A natural number below :data:`MOST`, standing alone: 2 is 二, 12,005 is 一萬兩千零五."""
    if value == 0:
        return DIGITS[0]
    said, gap = "", False
    for power in range(len(_SECTIONS) - 1, -1, -1):
        part = value // 10_000**power % 10_000
        if part == 0:
            gap = gap or bool(said)
            continue
        if said and (gap or part < 1000):
            said += DIGITS[0]
        gap = False
        two = part == 2 and power > 0
        said += ("兩" if two else _section(part, first=not said)) + _SECTIONS[power]
    return said


def counting(value: int) -> str:
    """The same before a measure word: 2 is 兩."""
    return "兩" if value == 2 else whole(value)


def decimal(text: str) -> str:
    """A plain decimal text without a sign, such as ``25.30``: 二十五點三零."""
    before, _, after = text.partition(".")
    said = whole(int(before)) if int(before) < MOST else spelled(before)
    return f"{said}點{spelled(after)}" if after else said


def spelled(text: str) -> str:
    """Digit by digit; everything else stays."""
    return "".join(DIGITS[int(sign)] if sign in "0123456789" else sign for sign in text)


def _section(value: int, *, first: bool) -> str:
    """1 to 9,999. ``first``: nothing has been said before it."""
    said, gap = "", False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // size % 10
        if digit == 0:
            gap = gap or bool(said)
            continue
        if gap:
            said += DIGITS[0]
            gap = False
        if size == 10 and digit == 1 and first and not said:
            said += name
        elif digit == 2 and size >= 100:
            said += "兩" + name
        else:
            said += DIGITS[digit] + name
    return said
