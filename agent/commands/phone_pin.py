"""``cht-agent phone pin`` and ``phone unlock``: the PIN that lets callers move something."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import TYPE_CHECKING

from agent.commands.common import add_action
from agent.errors import AgentError, NotRunning

if TYPE_CHECKING:
    from agent.commands.common import Actions


def add(actions: Actions) -> None:
    """``pin`` and ``unlock``."""
    add_action(
        actions,
        "pin",
        "ask for a new PIN and print its hash, for [pin] hash",
        "cht-agent phone pin | sudo tee /etc/credstore/phone-pin\n"
        "  cht-agent phone pin < two-equal-lines",
        _pin,
    )
    add_action(
        actions,
        "unlock",
        "take PINs again after too many wrong ones",
        "sudo cht-agent phone unlock",
        _unlock,
    )


def _pin(_args: argparse.Namespace) -> int:
    """The hash alone on stdout. No configuration is needed."""
    from agent.phone.pin import SALT_BYTES, PinHash

    if sys.stdin.isatty():
        pin = getpass.getpass("PIN (6 to 20 digits): ")
        again = getpass.getpass("the same again: ")
    else:
        lines = sys.stdin.read(1024).splitlines()
        if len(lines) < 2:
            raise AgentError("two lines are needed, both with the PIN")
        pin, again = lines[0].strip(), lines[1].strip()
    if pin != again:
        raise AgentError("these are two different PINs: nothing was made")
    try:
        made = PinHash.of(pin, os.urandom(SALT_BYTES))
    except ValueError as exc:
        raise AgentError(f"{exc}: choose another") from exc
    print(made)
    return 0


def _unlock(args: argparse.Namespace) -> int:
    """By the running agent, else by ourselves."""
    from agent.service import client

    try:
        path = client.daemon_socket(args.config, os.environ)
        client.request(path, {"op": "phone_unlock"}, timeout=15.0)
    except client.NotAnswering:
        raise
    except NotRunning:
        _unlock_by_ourselves(args)
    print("PINs are taken again")
    return 0


def _unlock_by_ourselves(args: argparse.Namespace) -> None:
    from agent.clock import SystemClock
    from agent.config.load import load
    from agent.config.paths import state_dir
    from agent.phone.pinlock import PinLock

    PinLock(state_dir(load(args.config), os.environ, serving=False), SystemClock()).unlock()
