"""One thing in words: a number, a reading, an age, a time of day, a telephone number."""

from __future__ import annotations

import re
from datetime import datetime

from agent.config.menus import Language
from agent.phone.speech import english, mandarin
from agent.phone.speech.units import find

_PLAIN = re.compile(r"(-?)([0-9]+(?:\.[0-9]+)?)")
_MANDARIN_AGES = (("天", 86_400), ("小時", 3_600), ("分鐘", 60), ("秒", 1))
_ENGLISH_AGES = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def number(text: str, language: Language) -> str:
    """A plain decimal text as published: ``-5`` is 負五. Anything else is said as it is written."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        return text
    negative = bool(found[1]) and float(found[2]) != 0
    if language == "zh":
        return ("負" if negative else "") + mandarin.decimal(found[2])
    return ("minus " if negative else "") + english.decimal(found[2])


def quantity(text: str, unit: str | None, language: Language) -> str:
    """A reading with its unit: ``25.3`` °C is 二十五點三度, ``-5`` °C 零下五度, ``85`` % 百分之
    八十五. A unit nobody knows follows as it is written; a word (``open``) takes none.
    """
    found = _PLAIN.fullmatch(text)
    if found is None or not unit:
        return number(text, language)
    known = find(unit)
    if known is None:
        gap = "" if language == "zh" else " "
        return f"{number(text, language)}{gap}{unit}"
    if language == "en":
        one = text in ("1", "-1")
        return (known.one if one else known.en).format(number(text, language))
    negative = bool(found[1]) and float(found[2]) != 0
    counted = "兩" if known.measured and found[2] == "2" else mandarin.decimal(found[2])
    # 零下 stands before everything, 華氏 too; 負 before the number alone.
    if negative and known.below_zero == "零下":
        return known.zh.replace("{}", f"零下{counted}")
    return known.zh.format(("負" if negative else "") + counted)


def age(seconds: float, language: Language) -> str:
    """How long ago, in one unit, rounded down: 三分鐘前. Less than a second is 剛剛."""
    for name, size in _MANDARIN_AGES if language == "zh" else _ENGLISH_AGES:
        count = int(max(seconds, 0.0) // size)
        if count:
            if language == "zh":
                return f"{mandarin.counting(count)}{name}前"
            return f"{english.whole(count)} {name}{'' if count == 1 else 's'} ago"
    return "剛剛" if language == "zh" else "just now"


def clock_time(moment: datetime, language: Language) -> str:
    """A time of day as it stands in ``moment``, in 24 hours: 12:05 is 十二點零五分."""
    hour, minute = moment.hour, moment.minute
    if language == "en":
        after = "hundred hours" if not minute else english.whole(minute)
        return f"{english.whole(hour)} {'oh ' if 0 < minute < 10 else ''}{after}"
    if not minute:
        return f"{mandarin.counting(hour)}點整"
    padded = mandarin.DIGITS[0] if minute < 10 else ""
    return f"{mandarin.counting(hour)}點{padded}{mandarin.whole(minute)}分"


def digits(text: str, language: Language) -> str:
    """A code, digit by digit: ``1002`` is 一零零二."""
    return mandarin.spelled(text) if language == "zh" else english.spelled(text)


def phone_number(text: str, language: Language) -> str:
    """A number in the groups people say it in, with pauses between."""
    pause = "，" if language == "zh" else ", "
    return pause.join(digits(group, language) for group in _groups(text))


_AREAS = ("0800", "0809", "0826", "0836", "037", "049", "082", "089")
"""Area and service codes of more than two digits."""


def _groups(text: str) -> list[str]:
    """0912 345 678 of a mobile; 02 2345 6789, 03 424 0000, 049 223 4567, 0800 080 123 of others,
    the code first; else threes."""
    area = next((code for code in _AREAS if text.startswith(code)), text[:2])
    left = len(text) - len(area)
    if text.startswith("09") and len(text) == 10:
        sizes = [4, 3, 3]
    elif text.startswith("0") and 5 <= left <= 8:
        sizes = [len(area), left - (4 if left > 6 else 3), 4 if left > 6 else 3]
    else:
        sizes = [3] * (len(text) // 3 + 1)
    groups = []
    for size in sizes:
        groups.append(text[:size])
        text = text[size:]
    return [group for group in groups if group]
