"""``cht-agent phone log``: who called, what was heard and done. Numbers in it are masked."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.commands.common import add_action
from agent.errors import ConfigError, NotRunning

if TYPE_CHECKING:
    from agent.commands.common import Actions

MOST = 200


def add(actions: Actions) -> None:
    """``log``."""
    parser = add_action(
        actions,
        "log",
        "show the last calls",
        "sudo cht-agent phone log\n  sudo cht-agent phone log -n 200 --json",
        _log,
    )
    parser.add_argument("-n", metavar="LINES", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--json", action="store_true", help="one object a line")


def _log(args: argparse.Namespace) -> int:
    """Of the running agent, else from its file. Times are local ones; in JSON they are UTC."""
    if not 1 <= args.n <= MOST:
        raise ConfigError(f"-n must be a number from 1 to {MOST}")
    for entry in _entries(args):
        print(json.dumps(entry, ensure_ascii=False) if args.json else _line(entry))
    return 0


def _entries(args: argparse.Namespace) -> list[Mapping[str, Any]]:
    from agent.service import client

    try:
        path = client.daemon_socket(args.config, os.environ)
        told: list[Mapping[str, Any]] = client.request(path, {"op": "phone_log", "most": args.n})
        return told
    except client.NotAnswering:
        raise
    except NotRunning:
        from agent.config.load import load
        from agent.config.paths import state_dir
        from agent.phone.calllog import read

        folder = state_dir(load(args.config), os.environ, serving=False)
        return [entry.as_dict() for entry in read(folder, args.n)]


def _line(entry: Mapping[str, Any]) -> str:
    from datetime import datetime

    from agent.service.screen import printable

    time = entry["time"]
    shown = "time not known    " if time is None else (
        f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S}")  # fmt: skip
    call = entry["call"] or "-"
    return printable(f"{shown:19}  {call:8}  {entry['phone']:11}  {entry['what']}")
