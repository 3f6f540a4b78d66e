"""Texts with readings in them, and what is said where there is no good one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.phone.model import Heard, Moment, Seen
from agent.phone.speech import Field, fields, longest, render, split

TAIPEI = timezone(timedelta(hours=8))
NOW = Moment(1000.0, datetime(2026, 1, 1, 4, 5, tzinfo=UTC), True, TAIPEI)
TEXT = "目前{temperature}，{temperature:age}測得。"


def said(text: str, now: Moment = NOW, language: str = "zh", **seen: Heard) -> str:
    return render(text, seen, now, 600.0, language)  # type: ignore[arg-type]


def celsius(value: str, age: float = 185.0) -> Heard:
    return Heard((value,), ("°C",), age=age)


BROKEN = Heard((), ("°C",), age=300.0, quality="fault")
NEVER = Heard((), ("°C",), age=None, quality="stale")


def test_a_good_reading_with_its_age() -> None:
    assert said(TEXT, temperature=celsius("25.3")) == "目前二十五點三度，三分鐘前測得。"
    assert said("It is {t}, {t:age}.", language="en", t=celsius("-1", 5)) == (
        "It is minus one degree, five seconds ago.")  # fmt: skip


def test_a_faulty_sensor_is_said_to_be_faulty_and_gives_no_number() -> None:
    assert said(TEXT, temperature=BROKEN) == "目前感測器故障，沒有數值。"
    assert said("It is {t}, {t:age}.", language="en", t=BROKEN) == (
        "It is not available, the sensor is faulty.")  # fmt: skip


def test_one_that_nobody_knows_is_like_a_faulty_one() -> None:
    assert said(TEXT) == "目前感測器故障，沒有數值。"


def test_one_that_never_measured() -> None:
    assert said(TEXT, temperature=NEVER) == "目前還沒有量測值。"


@pytest.mark.parametrize("heard", [
    celsius("25.3", 7300), Heard(("25.3",), ("°C",), age=7300, quality="stale"),
])
def test_an_old_reading_begins_with_that(heard: Heard) -> None:
    assert said(TEXT, temperature=heard) == "資料已過期，目前二十五點三度，兩小時前測得。"


def test_stale_is_said_of_its_own_sentence_alone() -> None:
    text = "溫度{a}。濕度{b}。"
    assert said(text, a=celsius("1"), b=Heard(("85",), ("%",), age=700.0)) == (
        "溫度一度。資料已過期，濕度百分之八十五。")  # fmt: skip


def test_two_sensors_in_one_sentence_one_of_them_faulty() -> None:
    text = "溫度{a}，濕度{b}，{b:age}測得。"
    assert said(text, a=celsius("20"), b=BROKEN) == "溫度二十度，濕度感測器故障，沒有數值。"
    assert said(text, a=BROKEN, b=Heard(("85",), ("%",), age=60.0)) == (
        "溫度感測器故障，沒有數值，濕度百分之八十五，一分鐘前測得。")  # fmt: skip


def test_a_list_sensor_by_its_quantities() -> None:
    climate = Heard(("25.3", "61"), ("°C", "%"), ("temperature", "humidity"), age=1.0)
    text = "{climate}，{climate.humidity}，{climate.humidity:value}。"
    assert said(text, climate=climate) == "二十五點三度，百分之六十一，六十一。"
    assert said("{climate.pressure}。", climate=climate) == "感測器故障，沒有數值。"


def test_the_time_as_the_caller_has_it() -> None:
    assert said("現在{now}。") == "現在十二點零五分。"
    untrusted = Moment(0.0, NOW.utc, False, TAIPEI)
    assert said("現在{now}。", untrusted) == "現在時間不明。"


def test_a_decimal_point_ends_no_sentence() -> None:
    assert said("約 1.5 度，{t}。", t=celsius("2")) == "約 1.5 度，兩度。"


def test_braces_that_are_meant() -> None:
    assert said("{{a}}") == "{a}"
    assert fields("{{a}}") == ()


def test_fields() -> None:
    assert fields("a{t}b{t:value}{c.h:age}{now}") == (
        Field("whole", "t"), Field("value", "t"), Field("age", "c", "h"), Field("now"))  # fmt: skip


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a b}", "{a:unit}", "{a:}", "{{a}", "a}b"])
def test_what_is_wrong_with_a_text(text: str) -> None:
    with pytest.raises(ValueError):
        fields(text)


PIECES = st.lists(st.sampled_from(
    ["目前", "{t}", "{t:age}", "{t:value}", "{now}", "，", "。", "！", "測得", " ", "Yes. ", "1.5"]
), max_size=12).map("".join)  # fmt: skip
HEARD = st.sampled_from([celsius("25.3"), celsius("-40", 9000.0), BROKEN, NEVER])


@given(PIECES, HEARD, st.sampled_from(["zh", "en"]))
def test_no_number_of_a_reading_that_is_not_there(text: str, heard: Heard, language: str) -> None:
    spoken = said(text, language=language, t=heard)
    assert "{" not in spoken
    if heard.quality == "fault":
        assert "度" not in spoken.replace("1.5", "")


@given(PIECES, HEARD, st.sampled_from(["zh", "en"]))
def test_the_longest_is_never_exceeded(text: str, heard: Heard, language: str) -> None:
    seen: Seen = {"t": heard}
    spoken = render(text, seen, NOW, 600.0, language)  # type: ignore[arg-type]
    sentences = text.count("。") + text.count("！") + text.count(". ") + 1
    assert len(spoken) <= longest(text, {"t": 5}, language) + 25 * sentences  # type: ignore[arg-type]


# --- splitting ------------------------------------------------------------------------------------


def test_a_text_that_fits_is_one_part() -> None:
    assert split("好。") == ("好。",)
    assert split("") == ()


def test_between_sentences_then_clauses_then_words() -> None:
    assert split("一二三。四五六。七八九。", 8) == ("一二三。四五六。", "七八九。")
    assert split("一二三，四五六。", 5) == ("一二三，", "四五六。")
    assert split("one two three four", 9) == ("one two", "three", "four")
    assert split("目前溫度二十五點三度", 6) == ("目前溫度", "二十五點三度")


@given(st.text(alphabet="溫度二十點，。 ab.1", max_size=600), st.integers(10, 200))
def test_nothing_is_lost_and_every_part_fits(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(0 < len(part) <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())
