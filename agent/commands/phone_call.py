"""``cht-agent phone call``: phone somebody and read out a text."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from agent.commands.common import add_action
from agent.commands.phone_common import (
    add_number,
    add_yes,
    agreed,
    answered,
    configured,
    number_of,
    once,
    service,
)
from agent.errors import ConfigError
from agent.masking import masked

if TYPE_CHECKING:
    from agent.commands.common import Actions


def add(actions: Actions) -> None:
    """``call``."""
    call = add_action(
        actions, "call", "phone somebody and read out a text (it costs)",
        'cht-agent phone call "溫室測試"', _call,
    )  # fmt: skip
    call.add_argument("text", metavar="TEXT", help="what is said, 200 characters at most")
    call.add_argument("--repeat", metavar="N", type=int, default=2, help="how often (default: 2)")
    call.add_argument("--voice", choices=("M", "F"), default="F", help="default: F")
    add_number(call)
    add_yes(call)


def _call(args: argparse.Namespace) -> int:
    """0 when the service has taken it; whether the phone rings is told to the running agent.

    The callee's number is asked for, or read from a stdin that is no terminal: on the command line
    every user of this machine could see it.
    """
    from agent.protocol.phone_service import Announcement, phone

    _, telephone = configured(args)
    number = number_of(args, telephone)
    try:
        said = Announcement(args.text, repeat=args.repeat, delay=1, voice=args.voice)
        callee = phone(_whom())
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc
    if not agreed(args, f"Phone {masked(callee)} from {number}?"):
        print("nobody was phoned")
        return 0
    with service(telephone) as asked:
        once(
            lambda: asked.call(number, [callee], said),
            "the phone may ring all the same: wait before you call again",
        )
    print(f"the service has taken the order to phone {masked(callee)}")
    print("how it went is told to the running agent: journalctl -u cht-agent -g call-out")
    return 0


def _whom() -> str:
    if sys.stdin.isatty():
        return answered("Whose number? ")
    return sys.stdin.readline().strip()
