import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.service.screen import Cell, age, cut, duration, paint, printable, table, width

LINES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "M")), max_size=30)


@pytest.mark.parametrize(("text", "columns"), [("", 0), ("lamp", 4), ("溫室", 4), ("e\u0301", 1)])
def test_width_counts_columns(text, columns):
    assert width(text) == columns


@given(text=LINES, columns=st.integers(0, 40))
def test_a_cut_text_fits(text, columns):
    short = cut(text, columns)
    assert width(short) <= columns
    assert short == text or short.endswith("…") or columns == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (3.2, "3 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h"),
     (172_800, "2 d"), (-5, "0 s")],
)  # fmt: skip
def test_a_duration_has_one_unit(seconds, text):
    assert duration(seconds) == text
    assert age(seconds) == f"{text} ago"


def test_columns_line_up_whatever_the_script():
    rows = [[Cell("溫室燈"), Cell("on")], [Cell("fan"), Cell("off")]]
    assert table(rows) == ["溫室燈  on", "fan     off"]


def test_a_coloured_table_has_the_same_text():
    rows = [[Cell("a", "good"), Cell("", "bad"), Cell("b", "dim")]]
    (line,) = table(rows, colours=True)
    assert line == "\x1b[32ma\x1b[0m    \x1b[2mb\x1b[0m"
    assert paint("a", "plain", True) == paint("a", "good", False) == "a"


def test_a_table_fits_the_screen():
    rows = [[Cell("door"), Cell("no answer from the sensor")]]
    assert table(rows, columns=12) == ["door  no an…"]


def test_nothing_steers_the_terminal():
    assert printable("on\x1b[2J\r\n\u202etail\x07") == "on [2J   tail"
