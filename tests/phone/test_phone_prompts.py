"""What a prompt's own words tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.phone.prompts import heard_as, shortened, told_keys


@pytest.mark.parametrize(
    ("say", "told"),
    [
        ("溫室您好。查詢溫度請按一，控制電燈請按二。", {"1": "查詢溫度", "2": "控制電燈"}),
        ("按1查詢溫度，按2離開", {"1": "查詢溫度", "2": "離開"}),
        ("查詢溫度，請按一；如要關燈請按 ３ 鍵。", {"1": "查詢溫度", "3": "關燈"}),
        ("重聽請按九，回上一層請按零。", {"9": "重聽", "0": "回上一層"}),
        ("開燈按一，再按兩，請按數字鍵三", {"1": "開燈", "2": "", "3": ""}),
        ("溫度請按一，也請按一。", {"1": "溫度"}),
        ("錄完請按一下井字鍵，按鈕在左邊。", {}),
        ("", {}),
    ],
)
def test_keys_of_a_chinese_prompt(say: str, told: dict[str, str]) -> None:
    assert told_keys(say, "zh") == told


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (
            "Hello. For the temperature, press 1. To switch the lamp on press two.",
            {"1": "the temperature", "2": "switch the lamp on"},
        ),
        ("Please press 3 for humidity, or press key 4.", {"3": "humidity", "4": ""}),
        ("The pressure is one bar.", {}),
    ],
)
def test_keys_of_an_english_prompt(say: str, told: dict[str, str]) -> None:
    assert told_keys(say, "en") == told


@given(st.text(), st.sampled_from(["zh", "en"]))
def test_no_prompt_is_too_strange(say: str, language: str) -> None:
    told = told_keys(say, language)  # type: ignore[arg-type]
    assert set(told) <= set("0123456789")
    assert len(shortened(say, language)) <= len(say)  # type: ignore[arg-type]


def test_the_second_time_is_shorter() -> None:
    assert shortened("溫室您好。開燈請按一，關燈請按二。", "zh") == "開燈按一，關燈按二。"
    assert shortened("Hello. Please press 1 to leave.", "en") == "press 1 to leave."
    assert shortened("您好。", "zh") == "您好。"


def test_what_is_heard_alike() -> None:
    assert heard_as("溫　度！") == heard_as("溫度") == "溫度"
    assert heard_as("Lamp ON.") == "lampon"
    assert heard_as("…！") == ""
