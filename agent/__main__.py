"""The command line (design, section 2). Loads the code of the one subcommand that is used."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

from agent import __version__
from agent.commands.common import add_common
from agent.errors import AgentError, ConfigError, NotRunning

PROGRAM = "cht-agent"


@dataclass(frozen=True)
class _Command:
    """``agent.commands.NAME`` has ``add_arguments(parser)`` and ``run(args) -> int``.

    What has several actions gives each a parser of its own (``common.add_action``).
    """

    help: str
    example: str


COMMANDS = {
    "run": _Command(
        "run the agent in the foreground",
        "cht-agent run --config agent.toml",
    ),
    "init": _Command(
        "ask a few questions and write a configuration",
        "cht-agent init --config agent.toml",
    ),
    "check": _Command(
        "tell every fault in the configuration",
        "cht-agent check --config agent.toml",
    ),
    "doctor": _Command(
        "look over everything, and say how to mend what is wrong",
        "cht-agent doctor --config agent.toml",
    ),
    "probe": _Command(
        "read each sensor once",
        "cht-agent probe temperature",
    ),
    "status": _Command(
        "ask the running agent how it is",
        "cht-agent status --watch\n  cht-agent status --json",
    ),
    "set": _Command(
        "give an actuator of the running agent a command",
        "sudo cht-agent set lamp on",
    ),
    "alarms": _Command(
        "tell how the alarms stand, acknowledge one, make a test call",
        "cht-agent alarms\n  sudo cht-agent alarms ack too_hot",
    ),
    "platform": _Command(
        "create this device and its sensors on the platform",
        "cht-agent platform create --dry-run",
    ),
    "phone": _Command(
        "the telephone: its numbers, its menu, a call",
        "cht-agent phone numbers\n  cht-agent phone menu push",
    ),
    "registry": _Command(
        "tell waiting devices who they are: the operator's side",
        "cht-agent registry push 00001 --device-id 7432 --key file:project.key",
    ),
}


class _Parser(argparse.ArgumentParser):
    """Its errors are one line, like all of ours; argparse prints the usage before them."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message} (see {self.prog} --help)")


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with the arguments of the subcommand in ``argv``, and the names of the others."""
    used = next((word for word in argv if not word.startswith("-")), None)
    parser = _Parser(
        prog=PROGRAM,
        description="Edge agent for the Raspberry Pi on Chunghwa Telecom's IoT platform.",
        epilog=f"{PROGRAM} COMMAND --help tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name != used:
            continue
        module = import_module(f"agent.commands.{name}")
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
        add_common(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code says how it went (2 configuration, 3 not running, 1 else)."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = build_parser(argv).parse_args(argv)
        code = int(args.run(args))
        # Here and not at the interpreter's end, where a closed pipe could only be complained of.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us (head, less) has seen enough. The interpreter's own flush must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as exc:
        # The outermost border: what nobody caught ends the program, in one line.
        if "--debug" in argv:
            import traceback

            traceback.print_exc()
        return _report(exc)


def _report(exc: Exception) -> int:
    exc = _first_cause(exc)
    if isinstance(exc, AgentError):
        text = str(exc)
    else:
        told = " ".join(str(exc).split())
        text = f"internal error: {type(exc).__name__}: {told} (--debug shows where)"
    # One line for each error: a configuration tells of all of its faults at once.
    for line in text.splitlines():
        print(f"{PROGRAM}: {line}", file=sys.stderr)
    if isinstance(exc, ConfigError):
        return 2
    return 3 if isinstance(exc, NotRunning) else 1


def _first_cause(exc: Exception) -> Exception:
    """What a task group gathered: the first expected error in it, else the first of any kind."""
    if not isinstance(exc, ExceptionGroup):
        return exc
    expected = exc.subgroup(AgentError)
    return _first_cause((expected or exc).exceptions[0])


if __name__ == "__main__":
    sys.exit(main())
