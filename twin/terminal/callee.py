"""``cht-twin callee``: be the phone that a call-out of the twin rings."""

from __future__ import annotations

import argparse

from twin.terminal.call import add_socket, at_the_keyboard, complain, guarded
from twin.terminal.line import Line
from twin.terminal.steps import add_steps, duration, phone_number
from twin.terminal.talk import Screen, Talk

DESCRIPTION = ("Be the phone of a number: wait for the next call-out of the running twin to it, "
               "and take it as told.")
EPILOG = """\
exit status: 0 the call came and all was heard, 1 it did not come within --wait or something
expected was not heard, 2 wrong usage, 3 no twin is running.

examples:
  cht-twin callee 0912345678 --answer
  cht-twin callee 0912345678 --answer --expect 溫度過高 --keys 1
  cht-twin callee 0912345678 --busy --no-once
"""
_WAYS = (
    ("--answer", "answer", "answer it; with a script or, without one, at the keyboard"),
    ("--busy", "busy", "a landline that is busy"),
    ("--reject", "reject", "a mobile that refuses the call, or is busy"),
    ("--voicemail", "voicemail", "let the voice mail answer"),
    ("--no-answer", "timeout", "let it ring in vain"),
    ("--not-found", "notfound", "a number that does not exist"),
    ("--fail", "failed", "a call that fails"),
)
"""Option, the control socket's word for it (T-13, T-33), help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("phone", metavar="PHONE", type=phone_number, help="the number of the phone")
    ways = parser.add_argument_group("what it does").add_mutually_exclusive_group(required=True)
    for option, how, told in _WAYS:
        ways.add_argument(option, dest="how", action="store_const", const=how, help=told)
    parser.add_argument("--once", action=argparse.BooleanOptionalAction, default=True,
                        help="end after one call, or do the same with every later one")
    parser.add_argument("--wait", type=duration, metavar="TIME",
                        help="how long to wait for a call (default: for ever)")
    add_socket(parser)
    add_steps(parser)


def run(args: argparse.Namespace) -> int:
    """The exit status; every failure is one line on stderr."""
    if args.steps and args.how != "answer":
        return complain("callee", "a script needs --answer: nobody listens otherwise", 2)
    while True:
        status = guarded("callee", args, lambda line, screen, talk: _wait(line, screen, talk, args))
        if status or args.once:
            return status


def _wait(line: Line, screen: Screen, talk: Talk, args: argparse.Namespace) -> int:
    line.send({"op": "callee", "phone": args.phone, "how": args.how})
    screen.note(f"{args.phone} waits for a call")
    events = talk.await_call(args.wait)
    if not events:
        return complain("callee", f"no call came within {args.wait:g} s", 1)
    if args.steps:
        talk.play(args.steps, args.timeout, events)
    elif args.how == "answer":
        at_the_keyboard(talk)
    else:
        talk.converse(None)
    return 0
