"""``cht-agent set``: a local command, on the same path as one from the platform (decision 7)."""

from __future__ import annotations

import argparse
import os

from agent.service import client
from agent.service.screen import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the actuator")
    parser.add_argument("cmd", metavar="CMD", help="the command word, such as on or off")


def run(args: argparse.Namespace) -> int:
    """0 and the new state printed; a refusal is raised as Refused, no daemon as NotRunning."""
    path = client.daemon_socket(args.config, os.environ)
    state = client.request(path, {"op": "set", "id": args.id, "cmd": args.cmd}, timeout=15.0)
    print(f"{args.id}: {printable(str(state))}")
    return 0
