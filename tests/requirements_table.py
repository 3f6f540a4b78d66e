"""Which test holds which requirement: ``python -m tests.requirements_table``.

The requirements are the rows of docs/requirements.md, the tests are those pytest itself collects
with a ``req`` marker. Exit status 1 when a requirement has neither a test nor a reason, when a
test names one that does not exist, or when something cannot be collected.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "docs" / "requirements.md"
_ROW = re.compile(r"\|\s*([PT]-\d\d)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|")


@dataclass(frozen=True)
class Requirement:
    """One row. ``excused``: why it has no test, or nothing."""

    id: str
    short: str
    excused: str


def read_requirements(text: str) -> list[Requirement]:
    """The rows of the table. Raises ValueError when an id stands there twice."""
    rows = [Requirement(*found.groups()) for found in map(_ROW.fullmatch, text.splitlines())
            if found]
    if len({row.id for row in rows}) != len(rows):
        raise ValueError("a requirement stands there twice")
    return rows


class _Collector:
    """Gathers, as a pytest plugin, the tests of each requirement; each function counts once."""

    def __init__(self) -> None:
        self.tests: dict[str, set[str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for marker in item.iter_markers("req"):
                for requirement in marker.args:
                    test = item.nodeid.partition("[")[0]
                    self.tests.setdefault(requirement, set()).add(test)


def collect(arguments: Iterable[str] = (str(ROOT / "tests"),)) -> dict[str, set[str]]:
    """Requirement → ids of its tests. Raises RuntimeError when pytest cannot collect them."""
    collector, output = _Collector(), io.StringIO()
    with contextlib.redirect_stdout(output):
        status = pytest.main(["--collect-only", "-q", *arguments], plugins=[collector])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest could not collect the tests:\n{output.getvalue()}")
    return collector.tests


def table(requirements: list[Requirement], tests: Mapping[str, set[str]]) -> tuple[str, bool]:
    """The text to print, and whether all is well."""
    lines, well = [], True
    for row in requirements:
        held_by = sorted(tests.get(row.id, ()))
        if held_by:
            names = ", ".join(test.rpartition("::")[2] for test in held_by[:2])
            more = f" and {len(held_by) - 2} more" if len(held_by) > 2 else ""
            state = f"{len(held_by):3}  {names}{more}"
        elif row.excused:
            state = f"  -  not applicable: {row.excused}"
        else:
            state, well = "  0  NO TEST", False
        lines.append(f"{row.id}  {state}\n           {row.short}")
    unknown = sorted(tests.keys() - {row.id for row in requirements})
    for name in unknown:
        lines.append(f"{name}       not in the list, but named by {', '.join(sorted(tests[name]))}")
    held = sum(row.id in tests for row in requirements)
    lines.append(f"{held} of {len(requirements)} requirements are held by a test"
                 f"{'' if well and not unknown else ': NOT ALL IS WELL'}")
    return "\n".join(lines), well and not unknown


def main() -> int:
    """Print the table; 0 when all is well."""
    try:
        requirements = read_requirements(REQUIREMENTS.read_text(encoding="utf-8"))
        text, well = table(requirements, collect())
    except (OSError, ValueError, RuntimeError) as exc:
        print(f"requirements: {exc}", file=sys.stderr)
        return 1
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
