"""``cht-agent alarms``: how they stand, that somebody knows, and test calls."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import UTC, datetime

from agent.commands.common import add_action
from agent.service import client, view
from agent.service.screen import printable, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Without an action it lists."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_action(actions, "list", "list the alarms", "cht-agent alarms list", _list)
    ack = add_action(
        actions,
        "ack",
        "acknowledge an alarm: nobody is phoned about it for a while",
        "sudo cht-agent alarms ack too_hot",
        _ack,
    )
    ack.add_argument("id", metavar="ID", help="the alarm")
    test = add_action(
        actions,
        "test",
        "make a test call to a contact, or to the people of an alarm",
        "sudo cht-agent alarms test grower --dry-run",
        _test,
    )
    test.add_argument("name", metavar="NAME", help="a name in [contacts], or an alarm")
    test.add_argument(
        "--dry-run", action="store_true", help="only tell who would be phoned, and hear what"
    )


def run(args: argparse.Namespace) -> int:
    """0; NotRunning; what the daemon refuses is raised as Refused."""
    act = getattr(args, "act", _list)
    return int(act(args))


def _list(args: argparse.Namespace) -> int:
    status = client.request(client.daemon_socket(args.config, os.environ), {"op": "status"})
    rows = view.alarms(status, datetime.now(UTC))
    if len(rows) == 1:
        print("no alarms are configured")
        return 0
    terminal = sys.stdout.isatty()
    lines = table(
        rows,
        colours=terminal and not os.environ.get("NO_COLOR"),
        columns=shutil.get_terminal_size().columns if terminal else None,
    )
    print("\n".join([*lines, "", view.callouts(status)]))
    return 0


def _ack(args: argparse.Namespace) -> int:
    path = client.daemon_socket(args.config, os.environ)
    client.request(path, {"op": "alarm_ack", "id": args.id})
    print(f"{args.id}: acknowledged")
    return 0


def _test(args: argparse.Namespace) -> int:
    path = client.daemon_socket(args.config, os.environ)
    told = client.request(
        path, {"op": "alarm_test", "name": args.name, "dry_run": args.dry_run}, timeout=15.0
    )
    people = ", ".join(printable(str(person)) for person in told["people"])
    print(f"{'would phone' if args.dry_run else 'phoning'} {people}")
    print(f"they hear: {printable(str(told['say']))}")
    if told["held"] and not args.dry_run:
        print(f"not yet: {printable(str(told['held']))}")
    return 0
