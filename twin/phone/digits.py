"""Spoken digits, as speech recognition hands them over."""

from __future__ import annotations

import unicodedata

_SPOKEN = {"零": "0", "〇": "0", "一": "1", "么": "1", "二": "2", "兩": "2", "三": "3", "四": "4",
           "五": "5", "六": "6", "七": "7", "八": "8", "九": "9"}


def spoken_digits(text: str) -> str:
    """The digits in what was said, in Mandarin or in figures; the rest is not heard."""
    heard = (_SPOKEN.get(char) or unicodedata.digit(char, None) for char in text)
    return "".join(str(digit) for digit in heard if digit is not None)
