"""docs/twin.md tells the truth about the command line: every option, and no other."""

from __future__ import annotations

import argparse
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from twin.__main__ import COMMANDS

MANUAL = (Path(__file__).parents[2] / "docs" / "twin.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", MANUAL, re.M | re.S))


def parser(command: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(exit_on_error=False)
    import_module(COMMANDS[command].module).add_arguments(made)
    return made


def options() -> set[str]:
    found = {option for command in COMMANDS for action in parser(command)._actions
             for option in action.option_strings}
    return found - {"-h", "--help", "--once"}  # what happens anyway needs no word


def test_the_manual_knows_every_option_and_no_other() -> None:
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", MANUAL)) == options()


@pytest.mark.parametrize(
    "line", re.findall(r"^(?:\S*/)?cht-twin (.+)$", SHELL, re.M))
def test_every_command_in_the_manual_can_be_given(line: str) -> None:
    command, *words = shlex.split(line)
    parser(command).parse_args(words)


def test_the_commands_are_all_there() -> None:
    assert {line.split()[0] for line in re.findall(r"cht-twin (\w+)", MANUAL)} >= set(COMMANDS)
