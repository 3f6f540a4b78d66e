"""Numbers in words, by the rules of the language, and read back by somebody else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.phone.speech import number

MANDARIN = {
    "0": "零", "1": "一", "2": "二", "3": "三", "9": "九", "10": "十", "11": "十一", "12": "十二",
    "19": "十九", "20": "二十", "21": "二十一", "22": "二十二", "99": "九十九", "100": "一百",
    "101": "一百零一", "102": "一百零二", "110": "一百一十", "111": "一百一十一",
    "112": "一百一十二",
    "120": "一百二十", "122": "一百二十二", "200": "兩百", "202": "兩百零二", "210": "兩百一十",
    "222": "兩百二十二", "999": "九百九十九", "1000": "一千", "1001": "一千零一",
    "1010": "一千零一十",
    "1011": "一千零一十一", "1020": "一千零二十", "1100": "一千一百", "1101": "一千一百零一",
    "1200": "一千兩百", "1234": "一千兩百三十四", "2000": "兩千", "2002": "兩千零二",
    "2020": "兩千零二十", "2200": "兩千兩百", "9999": "九千九百九十九", "10000": "一萬",
    "10001": "一萬零一", "10005": "一萬零五", "10010": "一萬零一十", "10100": "一萬零一百",
    "10101": "一萬零一百零一", "11000": "一萬一千", "12000": "一萬兩千", "12005": "一萬兩千零五",
    "20000": "兩萬", "22222": "兩萬兩千兩百二十二", "100000": "十萬", "100005": "十萬零五",
    "100050": "十萬零五十", "101000": "十萬一千", "110000": "十一萬", "120000": "十二萬",
    "123456": "十二萬三千四百五十六", "200000": "二十萬", "1000000": "一百萬",
    "1020304": "一百零二萬零三百零四", "2000000": "兩百萬", "10000000": "一千萬",
    "10002000": "一千萬兩千", "10020003": "一千零二萬零三", "100000000": "一億",
    "100000001": "一億零一", "100010000": "一億零一萬", "120000002": "一億兩千萬零二",
    "200000000": "兩億", "1000000000000": "一兆", "1000000000005": "一兆零五",
    "25.3": "二十五點三", "25.30": "二十五點三零", "0.5": "零點五", "0.05": "零點零五",
    "2.5": "二點五", "10.01": "十點零一", "100.20": "一百點二零", "-1": "負一", "-0.5": "負零點五",
    "-0": "零", "-0.0": "零點零", "-20000": "負兩萬",
}  # fmt: skip

ENGLISH = {
    "0": "zero", "5": "five", "12": "twelve", "13": "thirteen", "20": "twenty",
    "21": "twenty-one", "40": "forty", "99": "ninety-nine", "100": "one hundred",
    "101": "one hundred and one", "115": "one hundred and fifteen",
    "342": "three hundred and forty-two",
    "1000": "one thousand", "1001": "one thousand and one", "1100": "one thousand one hundred",
    "1234": "one thousand two hundred and thirty-four", "12000": "twelve thousand",
    "1000000": "one million", "1000005": "one million and five",
    "25.3": "twenty-five point three", "0.05": "zero point zero five", "-5": "minus five",
    "-0": "zero",
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MANDARIN.items())
def test_mandarin(text: str, said: str) -> None:
    assert number(text, "zh") == said


@pytest.mark.parametrize(("text", "said"), ENGLISH.items())
def test_english(text: str, said: str) -> None:
    assert number(text, "en") == said


@pytest.mark.parametrize("text", ["on", "", "1e5", "1,5", "--1", "半開", "١"])
def test_what_is_no_plain_number_stays(text: str) -> None:
    assert number(text, "zh") == number(text, "en") == text


NUMBERS = st.one_of(
    st.integers(-10**17, 10**17).map(str),
    st.decimals(-10**9, 10**9, places=2, allow_nan=False, allow_infinity=False).map(
        lambda value: format(value, "f")
    ),
    st.integers(0, 16).map(lambda power: str(10**power)),
    st.integers(0, 16).map(lambda power: str(2 * 10**power + 2)),
)


@given(NUMBERS)
def test_mandarin_is_read_back_as_the_number(text: str) -> None:
    assert from_mandarin(number(text, "zh")) == Decimal(text)


@given(NUMBERS)
def test_english_is_read_back_as_the_number(text: str) -> None:
    assert from_english(number(text, "en")) == Decimal(text)


# --- readers of their own, which know nothing of the speller --------------------------------------

_ONES = dict(zip("零一二三四五六七八九兩", [*range(10), 2], strict=True))
_TIMES = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"萬": 10**4, "億": 10**8, "兆": 10**12}


def from_mandarin(said: str) -> Decimal:
    if said.startswith("負"):
        return -from_mandarin(said[1:])
    before, point, after = said.partition("點")
    total = section = digit = 0
    if len(before) > 1 and not set(before) & {*_TIMES, *_GROUPS}:
        total = int("".join(str(_ONES[sign]) for sign in before))  # said digit by digit
    else:
        for sign in before:
            if sign in _ONES:
                digit = _ONES[sign]
            elif sign in _TIMES:
                section += (digit or 1) * _TIMES[sign]
                digit = 0
            else:
                total += (section + digit) * _GROUPS[sign]
                section = digit = 0
        total += section + digit
    decimals = "".join(str(_ONES[sign]) for sign in after)
    return Decimal(f"{total}.{decimals}" if point else total)


_WORDS = {
    word: value
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
         "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
         "nineteen"]
    )
} | {
    word: 10 * value
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2
    )
}  # fmt: skip
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def from_english(said: str) -> Decimal:
    if said.startswith("minus "):
        return -from_english(said.removeprefix("minus "))
    before, point, after = said.partition(" point ")
    words = before.replace("-", " ").split()
    if len(words) > 1 and all(_WORDS.get(word, 10) < 10 for word in words):
        total = int("".join(str(_WORDS[word]) for word in words))
    else:
        total = part = 0
        for word in words:
            if word == "hundred":
                part *= 100
            elif word in _LARGE:
                total += part * _LARGE[word]
                part = 0
            elif word != "and":
                part += _WORDS[word]
        total += part
    decimals = "".join(str(_WORDS[word]) for word in after.split())
    return Decimal(f"{total}.{decimals}" if point else total)
