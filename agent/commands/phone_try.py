"""``cht-agent phone try``: the configured menus in the terminal, without the network.

Readings are those of the running agent, and what moves something is done by it; without one the
sensors are read here and nothing is moved.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from typing import TYPE_CHECKING

from agent.commands.common import add_action
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.commands.common import Actions


def add(actions: Actions) -> None:
    """``try``."""
    parser = add_action(
        actions,
        "try",
        "play the menus in the terminal, with live readings and typed keys",
        "cht-agent phone try",
        _try,
    )
    parser.add_argument(
        "--withheld", action="store_true", help="call as somebody who hides the number"
    )


def _try(args: argparse.Namespace) -> int:
    """0 when the call is over, whoever ended it."""
    from agent.clock import SystemClock
    from agent.commands.try_sources import open_source
    from agent.commands.try_talk import Rehearsal, Terminal
    from agent.config.load import load
    from agent.service import logs

    logs.configure(args.debug)
    config = load(args.config)
    if config.book is None:
        raise ConfigError(
            f"{args.config} has no menus to try: add a [phone], and write phone.toml beside it"
        )
    clock = SystemClock(config.clock.trust)
    listed = min(config.book.callers.allow, default=None)
    phone = None if args.withheld else listed
    with contextlib.ExitStack() as open_things:
        source = open_source(args.config, config, clock, os.environ, open_things)
        terminal = Terminal()
        terminal.note(source.about)
        if phone is None and config.book.callers.unknown != "all":
            terminal.note(f"you call as an unlisted number: {config.book.callers.unknown}")
        terminal.note("type keys and Enter; words where speech is listened for; nothing: silence")
        Rehearsal(config.book, source, clock, terminal, phone).run()
    return 0
