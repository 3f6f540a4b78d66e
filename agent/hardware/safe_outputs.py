"""The helper that makes outputs safe when the daemon cannot any more (design, decision 8).

systemd runs ``python -m agent.hardware.safe_outputs FILE`` after every end of the daemon
(``ExecStopPost=``), so also after SIGKILL and a crash. FILE is the plan the daemon left in its
runtime folder: a JSON list of ``[gpiochip number or /dev/gpiochipN, line, physical level]``. It
stays small on purpose, as a relay that was on stays on while Python imports: no foreign library, no
event loop, nor ``pathlib`` and ``dataclasses``, which took half of the time.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable

from agent.errors import AgentError, HardwareError, StorageError
from agent.hardware.gpiochip import chip_number, claim_output

Line = tuple[int, int, bool]
"""(gpiochip number, line, physical level)."""


def write_plan(path: str | os.PathLike[str], lines: Iterable[Line]) -> None:
    """Leave ``lines`` in ``path``, whole or not at all; no lines: an empty list.

    Without fsync: the plan lives in ``/run`` and means nothing after a reboot. Raises
    StorageError.
    """
    text = json.dumps([[chip, line, int(level)] for chip, line, level in lines])
    unfinished = f"{os.fspath(path)}.new"
    try:
        with open(unfinished, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
        os.replace(unfinished, path)
    except OSError as exc:
        raise StorageError(f"cannot write the safe-state plan {path}: {exc.strerror}") from exc


def read_plan(path: str | os.PathLike[str]) -> list[Line]:
    """The lines of ``path``; none when there is no such file (nothing was ever claimed).

    Raises StorageError for a file that is no plan.
    """
    try:
        with open(path, encoding="ascii") as file:
            entries = json.load(file)
        return [_line(*entry) for entry in entries]
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise StorageError(f"cannot read the safe-state plan {path}: {exc.strerror}") from exc
    except (ValueError, TypeError, HardwareError) as exc:
        raise StorageError(f"{path} is not a safe-state plan: {exc}") from exc


def _line(chip: int | str, line: int, level: int) -> Line:
    number = chip_number(chip) if isinstance(chip, str) else int(chip)
    if level not in (0, 1):
        raise ValueError(f"level {level!r} is neither 0 nor 1")
    return number, int(line), bool(level)


def drive(lines: Iterable[Line]) -> list[AgentError]:
    """Claim every line as an output at its level; returns what went wrong, having tried all.

    Nothing is closed: the lines are held until this process ends.
    """
    problems: list[AgentError] = []
    for number, line, level in lines:
        try:
            claim_output(number, line, level)
        except HardwareError as exc:
            problems.append(exc)
    return problems


def main(arguments: list[str]) -> int:
    """Exit 0 also when a line failed (stderr tells): the unit's own result must stay visible."""
    if len(arguments) != 1:
        print("usage: python -m agent.hardware.safe_outputs FILE", file=sys.stderr)
        return 2
    try:
        problems = drive(read_plan(arguments[0]))
    except StorageError as exc:
        problems = [exc]
    for problem in problems:
        print(f"safe outputs: {problem}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
