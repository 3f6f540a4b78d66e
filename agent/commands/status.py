"""``cht-agent status``: how the running agent is, for a person, a script, or as a live view."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.errors import NotRunning
from agent.service import client, view

EVERY = 2.0
"""Seconds between two looks of ``--watch``."""

_CLEAR = "\x1b[H\x1b[2J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the whole status as JSON")
    parser.add_argument(
        "--watch", action="store_true", help=f"again every {EVERY:g} s, until Ctrl-C"
    )


def run(args: argparse.Namespace) -> int:
    """0, or NotRunning. ``--json --watch`` prints one document a line."""
    path = client.daemon_socket(args.config, os.environ)
    show = _show_json if args.json else _show
    if not args.watch:
        show(_ask(path), False)
        return 0
    watch(lambda: _ask(path), lambda status: show(status, True), time.sleep)
    return 0


def watch(
    ask: Callable[[], Any], show: Callable[[Any], None], pause: Callable[[float], None]
) -> None:
    """Show what ``ask`` says, again and again, until Ctrl-C.

    A daemon that goes away while we look (it restarts) is told of and waited for; one that was
    not there at the beginning is an error (NotRunning).
    """
    first = ask()
    with contextlib.suppress(KeyboardInterrupt):
        show(first)
        while True:
            pause(EVERY)
            try:
                show(ask())
            except NotRunning as exc:
                print(f"cht-agent: {exc}", file=sys.stderr)


def _ask(path: Path) -> Any:
    return client.request(path, {"op": "status"})


def _show_json(status: Any, watching: bool) -> None:
    print(json.dumps(status, ensure_ascii=False, indent=None if watching else 2), flush=watching)


def _show(status: Any, watching: bool) -> None:
    terminal = sys.stdout.isatty()
    text = "\n".join(
        view.lines(
            status,
            datetime.now(UTC),
            colours=terminal and not os.environ.get("NO_COLOR"),
            columns=shutil.get_terminal_size().columns if terminal else None,
        )
    )
    # One write, or the screen flickers.
    print(f"{_CLEAR}{text}" if watching and terminal else text, flush=True)
