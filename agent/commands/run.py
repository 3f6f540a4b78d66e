"""``cht-agent run``: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from agent.config.load import inspect
from agent.config.model import Config
from agent.errors import ConfigError
from agent.service import logs

log = logging.getLogger("cht_agent.config")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing but the common arguments."""


def run(args: argparse.Namespace) -> int:
    """0 after SIGTERM or SIGINT. Raises ConfigError (2) or another AgentError (1)."""
    found = inspect(args.config)
    if found.config is None:
        raise ConfigError("\n".join(map(str, found.errors)))
    logs.configure(debug=args.debug)
    for problem in found.warnings:
        log.warning("%s", problem)
    code = asyncio.run(_serve(found.config))
    # Without the interpreter's own end: gpiozero and lgpio would float the outputs that were just
    # made safe, and a thread that hangs in a sensor must not hold up the exit (decision 8).
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _serve(config: Config) -> int:
    from agent.app import App

    return await App(config, os.environ).run()
