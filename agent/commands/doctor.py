"""``cht-agent doctor``: look over everything, and say how to mend what is wrong."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from agent import __version__
from agent.finding import Finding, Severity
from agent.service.screen import Colour, paint, printable

if TYPE_CHECKING:
    from agent.doctor.visit import Check, Visit

_SHOWN: dict[Severity, tuple[str, Colour]] = {
    "good": ("good", "good"), "warning": ("warning", "bold"), "error": ("error", "bad"),
    "skipped": ("–", "dim"),
}  # fmt: skip


NOT_LOOKED_AT = Finding("skipped", "not looked at")
"""What a check needs was not there, as was told before."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print all findings as JSON")


def run(args: argparse.Namespace) -> int:
    """1 when something is wrong, else 0, also with warnings."""
    from agent.doctor.checks import CHECKS
    from agent.doctor.machine import Machine
    from agent.doctor.visit import Visit

    visit = Visit(args.config, Machine())
    try:
        found = examine(CHECKS, visit)
        return show_json(found) if args.json else show(found)
    finally:
        if visit.platform is not None:
            visit.platform.close()


def examine(checks: Iterable[Check], visit: Visit) -> Iterator[tuple[str, Finding]]:
    """Do the checks in order: (name of the check, finding), each as it comes."""
    for check in checks:
        if not check.concerns(visit):
            continue
        if not check.possible(visit):
            yield check.name, NOT_LOOKED_AT
            continue
        for finding in check.look(visit):
            yield check.name, finding


def show(found: Iterable[tuple[str, Finding]]) -> int:
    """A line for each, as it comes; the exit code."""
    failed = False
    passed_over: list[str] = []  # a wrong configuration leaves out most: one line will do
    for name, finding in found:
        if finding is NOT_LOOKED_AT:
            passed_over.append(name)
            continue
        _print_all(passed_over)
        _print(name, finding)
        failed |= finding.severity == "error"
    _print_all(passed_over)
    return int(failed)


def _print_all(passed_over: list[str]) -> None:
    if passed_over:
        _print(", ".join(passed_over), NOT_LOOKED_AT)
        passed_over.clear()


def _print(name: str, finding: Finding) -> None:
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    word, colour = _SHOWN[finding.severity]
    shown = paint(word, colour, colours) + " " * (9 - len(word))
    print(f"{shown}{name}: {printable(str(finding))}", flush=True)


def show_json(found: Iterable[tuple[str, Finding]]) -> int:
    """One document at the end; the exit code."""
    rows = [
        {"check": name, "severity": finding.severity, "text": finding.text, "mend": finding.mend}
        for name, finding in found
    ]
    print(json.dumps({"version": __version__, "findings": rows}, ensure_ascii=False, indent=2))
    return int(any(row["severity"] == "error" for row in rows))
