from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config.model import RateLimit
from agent.config.units import (
    LONGEST,
    parse_duration,
    parse_rate,
    parse_size,
    show_duration,
    show_size,
)
from agent.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60.0),
        ("500ms", 0.5),
        ("1ms", 0.001),
        ("10m", 600.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1m30s", 90.0),
        ("1d2h3m4s5ms", 93784.005),
        ("2.5s", 2.5),
        ("0s", 0.0),
        (" 5s ", 5.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "60",
        "s",
        "60 s",
        "-5s",
        "5S",
        "1s1m",
        "5s5s",
        "1e3s",
        "infs",
        "５s",
        "5mss",
        "1w",
        "9999d",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=int(LONGEST * 1000)))
def test_every_duration_is_read_back_as_shown(milliseconds: int) -> None:
    shown = show_duration(milliseconds / 1000)
    assert round(parse_duration(shown) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MB", 64_000_000),
        ("512KB", 512_000),
        ("64MiB", 64 << 20),
        ("1GiB", 1 << 30),
        ("1.5kb", 1500),
        ("10 B", 10),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "64", "MB", "-1MB", "64M", "64TB", "1e3B", "６４MB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_size(text)


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_every_size_is_read_back_as_shown(size: int) -> None:
    assert parse_size(show_size(size)) == size


def test_rates() -> None:
    assert parse_rate("10/1m") == RateLimit(10, 60.0)
    assert parse_rate("1 / 500ms") == RateLimit(1, 0.5)


@pytest.mark.parametrize("text", ["", "10", "10/", "/1m", "0/1m", "10/0s", "10/m", "1.5/1m"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_rate(text)


@given(st.text(max_size=30) | st.from_regex(r"[0-9./ ]{0,8}[a-zA-Z0-9]{0,8}", fullmatch=True))
def test_any_text_is_a_value_or_a_config_error(text: str) -> None:
    for parse in (parse_duration, parse_size, parse_rate):
        try:
            parse(text)
        except ConfigError as exc:
            assert "\n" not in str(exc)
