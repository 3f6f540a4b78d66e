"""``cht-agent phone``: everything about the telephone, each action with a file of its own kind."""

from __future__ import annotations

import argparse

from agent.commands import phone_call, phone_log, phone_menu, phone_numbers, phone_pin, phone_try
from agent.commands.common import actions_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions, in the order of the manual."""
    actions = actions_of(parser)
    for module in (phone_numbers, phone_menu, phone_call, phone_try, phone_log, phone_pin):
        module.add(actions)


def run(args: argparse.Namespace) -> int:
    return int(args.act(args))
