"""The safe-state plan and its helper, as far as they go without lines (the rest: tests/pi)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import StorageError
from agent.hardware.safe_outputs import main, read_plan, write_plan

LINES = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 53), st.booleans()))


@given(lines=LINES)
def test_a_plan_is_read_as_written(tmp_path_factory: pytest.TempPathFactory, lines: list) -> None:  # type: ignore[type-arg]
    plan = tmp_path_factory.mktemp("plan") / "plan.json"
    write_plan(plan, lines)
    assert read_plan(plan) == lines
    assert [path.name for path in plan.parent.iterdir()] == ["plan.json"]


def test_a_chip_may_be_named_by_its_path(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('[["/dev/gpiochip4", 17, 1]]')
    assert read_plan(plan) == [(4, 17, True)]


def test_without_a_plan_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert main([str(tmp_path / "none")]) == 0


@pytest.mark.parametrize(
    "text", ["", "{", "7", "[7]", "[[0, 17]]", '[["x", 17, 1]]', "[[0, 17, 2]]", "[[0, null, 1]]"]
)
def test_a_file_that_is_no_plan_is_told_and_moves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    with pytest.raises(StorageError, match="not a safe-state plan"):
        read_plan(plan)
    assert main([str(plan)]) == 0
    told = capsys.readouterr().err
    assert (
        told.startswith(f"safe outputs: {plan} is not a safe-state plan") and "\n" not in told[:-1]
    )


def test_a_plan_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write the safe-state plan"):
        write_plan(tmp_path / "missing" / "plan.json", [])


def test_wrong_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: " in capsys.readouterr().err


def test_the_helper_stays_small() -> None:
    """What a relay that was on waits for, after a crash; -S: as in the package, no site."""
    heavy = {"asyncio", "dataclasses", "gpiozero", "lgpio", "paho", "pathlib", "sqlite3", "typing"}
    code = f"import sys, agent.hardware.safe_outputs; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
