"""Readings, ages, times and telephone numbers in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.phone.speech import age, clock_time, digits, phone_number, quantity
from agent.phone.speech.units import UNITS


@pytest.mark.parametrize(("value", "unit", "said"), [
    ("25.3", "°C", "二十五點三度"), ("-5", "°C", "零下五度"), ("0", "°C", "零度"),
    ("-0", "°C", "零度"), ("2", "°C", "兩度"), ("-2", "°C", "零下兩度"), ("12", "°C", "十二度"),
    ("2.5", "°C", "二點五度"), ("20", "°C", "二十度"), ("-12.5", "°C", "零下十二點五度"),
    ("77", "°F", "華氏七十七度"), ("-4", "°F", "華氏零下四度"),
    ("85", "%", "百分之八十五"), ("2", "%", "百分之二"), ("100", "%", "百分之一百"),
    ("55.5", "%RH", "百分之五十五點五"), ("1013.2", "hPa", "一千零一十三點二百帕"),
    ("400", "ppm", "四百PPM"), ("7", "pH", "酸鹼值七"), ("12000", "lx", "一萬兩千勒克斯"),
    ("3.3", "V", "三點三伏特"), ("2", "V", "兩伏特"), ("500", "mA", "五百毫安培"),
    ("60", "W", "六十瓦"), ("1.5", "kW", "一點五千瓦"), ("123.45", "kWh", "一百二十三點四五度電"),
    ("50", "Hz", "五十赫茲"), ("2", "m", "兩公尺"), ("150", "cm", "一百五十公分"),
    ("0.2", "mm", "零點二毫米"), ("10", "L", "十公升"), ("3", "m³", "三立方公尺"),
    ("5", "m/s", "每秒五公尺"), ("60", "km/h", "時速六十公里"), ("12", "L/min", "每分鐘十二公升"),
    ("35", "µg/m³", "每立方公尺三十五微克"), ("1500", "rpm", "每分鐘一千五百轉"),
    ("2", "s", "兩秒"), ("-3", "V", "負三伏特"), ("2", "kg", "兩公斤"),
    ("5", "單位", "五單位"), ("5", None, "五"), ("2", None, "二"), ("on", None, "on"),
    ("open", "°C", "open"),
])
def test_a_reading_in_mandarin(value: str, unit: str | None, said: str) -> None:
    assert quantity(value, unit, "zh") == said


@pytest.mark.parametrize(("value", "unit", "said"), [
    ("25.3", "°C", "twenty-five point three degrees"), ("1", "°C", "one degree"),
    ("-5", "°C", "minus five degrees"), ("-1", "°C", "minus one degree"),
    ("85", "%", "eighty-five percent"), ("400", "ppm", "four hundred parts per million"),
    ("1", "kWh", "one kilowatt-hour"), ("2", "kWh", "two kilowatt-hours"),
    ("7", "widgets", "seven widgets"), ("50", "Hz", "fifty hertz"), ("7", "pH", "pH seven"),
])
def test_a_reading_in_english(value: str, unit: str, said: str) -> None:
    assert quantity(value, unit, "en") == said


@pytest.mark.parametrize(("unit", "said"), [
    ("\u03bcg/m3", "每立方公尺兩微克"), ("\u00b5g/m\u00b3", "每立方公尺兩微克"), ("％", "百分之二"),
    ("m2", "兩平方公尺"), ("㎡", "兩平方公尺"), ("° C", "兩度"), ("℃", "兩度"), ("㎏", "兩公斤"),
])  # fmt: skip
def test_a_unit_is_known_in_whatever_signs(unit: str, said: str) -> None:
    assert quantity("2", unit, "zh") == said


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_said_somehow(unit: str) -> None:
    assert "三" in quantity("3", unit, "zh") and "{" not in quantity("-3", unit, "zh")
    assert "three" in quantity("3", unit, "en") and "{" not in quantity("1", unit, "en")


@pytest.mark.parametrize(("seconds", "zh", "en"), [
    (-5, "剛剛", "just now"), (0, "剛剛", "just now"), (0.9, "剛剛", "just now"),
    (1, "一秒前", "one second ago"), (2, "兩秒前", "two seconds ago"),
    (59.9, "五十九秒前", "fifty-nine seconds ago"), (60, "一分鐘前", "one minute ago"),
    (125, "兩分鐘前", "two minutes ago"), (185, "三分鐘前", "three minutes ago"),
    (3599, "五十九分鐘前", "fifty-nine minutes ago"), (3600, "一小時前", "one hour ago"),
    (7300, "兩小時前", "two hours ago"), (86_399, "二十三小時前", "twenty-three hours ago"),
    (86_400, "一天前", "one day ago"), (2 * 86_400, "兩天前", "two days ago"),
    (12 * 86_400, "十二天前", "twelve days ago"),
])
def test_how_long_ago(seconds: float, zh: str, en: str) -> None:
    assert (age(seconds, "zh"), age(seconds, "en")) == (zh, en)


@pytest.mark.parametrize(("hour", "minute", "zh", "en"), [
    (12, 5, "十二點零五分", "twelve oh five"), (0, 0, "零點整", "zero hundred hours"),
    (2, 0, "兩點整", "two hundred hours"), (2, 2, "兩點零二分", "two oh two"),
    (14, 30, "十四點三十分", "fourteen thirty"), (22, 10, "二十二點十分", "twenty-two ten"),
    (12, 12, "十二點十二分", "twelve twelve"), (20, 20, "二十點二十分", "twenty twenty"),
    (0, 59, "零點五十九分", "zero fifty-nine"),
])
def test_the_time_of_day(hour: int, minute: int, zh: str, en: str) -> None:
    moment = datetime(2026, 1, 1, hour, minute, tzinfo=UTC)
    assert (clock_time(moment, "zh"), clock_time(moment, "en")) == (zh, en)


@pytest.mark.parametrize(("number", "said"), [
    ("0900000001", "零九零零，零零零，零零一"), ("034240000", "零三，四二四，零零零零"),
    ("0212345678", "零二，一二三四，五六七八"), ("0800000123", "零八零零，零零零，一二三"),
    ("0492000000", "零四九，二零零，零零零零"), ("037123456", "零三七，一二三，四五六"),
    ("110", "一一零"), ("12345", "一二三，四五"),
    ("", ""),
])
def test_a_telephone_number_in_groups(number: str, said: str) -> None:
    assert phone_number(number, "zh") == said


def test_a_code_digit_by_digit() -> None:
    assert digits("1002", "zh") == "一零零二"
    assert digits("A10", "zh") == "A一零"
    assert digits("1002", "en") == "one zero zero two"


@given(st.text(alphabet="0123456789", max_size=15))
def test_no_digit_of_a_number_is_lost(text: str) -> None:
    assert phone_number(text, "zh").replace("，", "") == digits(text, "zh")
