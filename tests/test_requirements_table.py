"""The table of requirements tells the truth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements_table import REQUIREMENTS, Requirement, read_requirements, table

ROWS = [
    Requirement("P-01", "one", ""),
    Requirement("P-02", "two", "it cannot"),
]


def test_the_list_is_complete_and_in_order() -> None:
    rows = read_requirements(REQUIREMENTS.read_text(encoding="utf-8"))
    assert [row.id for row in rows if row.id.startswith("P")] == [
        f"P-{number:02}" for number in range(1, 30)]
    assert [row.id for row in rows if row.id.startswith("T")] == [
        f"T-{number:02}" for number in (*range(1, 15), *range(20, 45), *range(50, 57))]
    assert all(row.short for row in rows)


def test_a_row_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        read_requirements("| P-01 | a | |\n| P-01 | b | |")


def test_all_is_well_with_a_test_or_a_reason_for_each() -> None:
    tests = {"tests/a.py::test_x", "tests/a.py::test_y", "tests/b.py::test_z"}
    text, well = table(ROWS, {"P-01": tests})
    assert well
    assert "P-01    3  test_x, test_y and 1 more" in text
    assert "not applicable: it cannot" in text


def test_a_requirement_without_a_test_is_told() -> None:
    text, well = table(ROWS, {})
    assert not well
    assert "P-01    0  NO TEST" in text


def test_a_test_of_a_requirement_nobody_knows_is_told() -> None:
    text, well = table(ROWS, {"P-01": {"a.py::test_x"}, "P-77": {"a.py::test_y"}})
    assert not well
    assert "P-77" in text


def test_tests_are_found_by_pytest_itself(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.req('P-01', 'P-02')\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        "def test_one(n): ...\n"
        "# @pytest.mark.req('P-03')\n"
        "@pytest.mark.req('P-04')\n"
        "class TestMany:\n"
        "    def test_two(self): ...\n"
    )
    script = ("import sys\n"
              "from tests.requirements_table import collect\n"
              "print(sorted((id, len(tests)) for id, tests in collect(sys.argv[1:]).items()))\n")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], text=True, check=True,
                          capture_output=True, cwd=REQUIREMENTS.parents[1])
    assert done.stdout == "[('P-01', 1), ('P-02', 1), ('P-04', 1)]\n"
