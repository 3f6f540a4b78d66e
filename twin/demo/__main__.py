"""``python -m twin.demo``: the agent on this machine, and the platform's twin to talk to.

Starts both as programs of their own, lets the agent come from nothing to a device through the
registry, and prints in words what passes. Lines typed act as an application does (``lamp on``) or
as a hand at the board (``press``).
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import IO

from twin.demo.network import Network
from twin.demo.session import DemoError, End, Event, Session
from twin.page.page import PORT, Options
from twin.serving.process import FREE, Twin, TwinError
from twin.terminal.line import Line, LineError, default_socket

CONFIG = Path(__file__).parents[2] / "config" / "demo.toml"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when it was ended, 1 when it could not go on."""
    parser = argparse.ArgumentParser(
        prog="python -m twin.demo", epilog="example: python -m twin.demo --for 30s",
        description="The agent on this machine, against the platform's twin.")
    parser.add_argument("--for", dest="seconds", type=_seconds, metavar="TIME",
                        help="end by itself after this time, such as 30s")
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE",
                        help="another configuration; who it is and where the platform is are "
                             "replaced")
    page = parser.add_argument_group("the page in the browser")
    page.add_argument("--page-host", default=Options.host, metavar="ADDRESS",
                      help="where it listens (default: this machine alone); any other address "
                           "asks for a password, which is printed")
    page.add_argument("--page-port", type=_port, metavar="PORT",
                      help=f"(default: {PORT}, or any other when that is taken; 0: any)")
    page.add_argument("--no-page", action="store_true", help="without it")
    options = parser.parse_args(argv)
    events: SimpleQueue[Event] = SimpleQueue()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        events.put(End())

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="cht-demo-") as folder,
            Twin(replace(FREE, socket=_socket(Path(folder)))) as twin,
            Network(twin.ports) as network,
        ):
            shown = None if options.no_page else Options(options.page_host, options.page_port)
            session = Session(options.config, Path(folder), twin, network, events, shown,
                              colour=sys.stdout.isatty())
            threading.Thread(target=_type_in, args=(sys.stdin, events), daemon=True,
                             name="keyboard").start()
            session.run(options.seconds)
    except (TwinError, DemoError) as exc:
        print(f"demo: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read it (head, a pager) has gone; Python would try to write the rest at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _socket(folder: Path) -> Path:
    """Where ``cht-twin call`` looks by itself, unless that cannot be had or a twin has it."""
    usual = default_socket(os.environ)
    if not os.access(usual.parent, os.W_OK):
        return folder / "twin.sock"
    try:
        Line(usual).close()
    except LineError:
        return usual
    return folder / "twin.sock"


def _type_in(source: IO[str], events: SimpleQueue[Event]) -> None:
    """Hand on what is typed. The end of a terminal's input ends the demo, that of a pipe or of
    nothing (a service, CI) does not."""
    for typed in source:
        events.put(typed)
    if source.isatty():
        events.put(End())


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: 10s, 5m, 1h")
    return float(found[1]) * {None: 1, "s": 1, "m": 60, "h": 3600}[found[2]]


if __name__ == "__main__":
    sys.exit(main())
