"""``cht-twin call``: phone a number of the twin from the terminal, as text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from twin.terminal.line import Line, LineError, default_socket
from twin.terminal.script import Failed
from twin.terminal.steps import add_steps, phone_number
from twin.terminal.talk import HELP, Refused, Screen, Talk

DESCRIPTION = "Phone a number of the running twin. What is spoken is printed, keys are typed."
EPILOG = """\
typed lines:
""" + "".join(f"  {line}\n" for line in HELP.splitlines()) + """
exit status: 0 all was heard, 1 something expected was not or the call was refused,
2 wrong usage, 3 no twin is running.

examples:
  cht-twin call 034240000 --from 0912345678
  cht-twin call 034240000 --from 0912345678 --expect 溫度 --keys 1 --expect 二十五
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("number", metavar="NUMBER", type=phone_number, help="the number to call")
    parser.add_argument("--from", dest="caller", metavar="NUMBER", type=phone_number,
                        help="the number of this phone")
    parser.add_argument("--withheld", action="store_true",
                        help="do not show this phone's number to the service")
    add_socket(parser)
    add_steps(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status; every failure is one line on stderr."""
    if args.caller is None and not args.withheld:
        return complain("call", "whose phone is it? --from NUMBER, or --withheld", 2)

    def call(line: Line, screen: Screen, talk: Talk) -> int:
        caller = "" if args.withheld else args.caller
        line.send({"op": "call", "number": args.number, "from": caller})
        if args.steps:
            talk.play(args.steps, args.timeout)
        else:
            screen.note(f"calling {args.number}; help tells what can be typed, Ctrl-C hangs up")
            at_the_keyboard(talk)
        return 0

    return guarded("call", args, call)


def at_the_keyboard(talk: Talk) -> None:
    """Let the person at the terminal talk; Ctrl-C hangs up."""
    try:
        talk.converse(sys.stdin)
    except KeyboardInterrupt:
        talk.hang_up()


def add_socket(parser: argparse.ArgumentParser) -> None:
    """The option that says which twin is meant."""
    parser.add_argument("--socket", type=Path, metavar="PATH",
                        help="the twin's control socket (default: $XDG_RUNTIME_DIR/cht-twin.sock)")


def guarded(
    command: str, args: argparse.Namespace, what: Callable[[Line, Screen, Talk], int],
) -> int:
    """What ``what`` returns on a line to the twin, or the exit status of what went wrong."""
    try:
        with Line(args.socket or default_socket(os.environ)) as line:
            screen = Screen(sys.stdout)
            talk = Talk(line, screen)
            try:
                return what(line, screen, talk)
            except (Failed, KeyboardInterrupt):
                talk.hang_up()
                raise
    except LineError as exc:
        return complain(command, str(exc), 3)
    except (Failed, Refused) as exc:
        return complain(command, str(exc), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone: nothing more can be told to them, not at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def complain(command: str, text: str, status: int) -> int:
    """Say it on stderr, in one line."""
    print(f"cht-twin {command}: {text}", file=sys.stderr)
    return status
