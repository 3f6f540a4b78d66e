"""``cht-twin``: the command line. Loads the code of the one subcommand that is used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

PROGRAM = "cht-twin"


class _Command(NamedTuple):
    """``module`` has ``add_arguments(parser)`` and ``run(args) -> int``."""

    help: str
    module: str
    example: str


COMMANDS = {
    "run": _Command("serve the platform and its telephone service on this machine",
                    "twin.serving.run", "cht-twin run\n  cht-twin run --folder ~/twin --delay 3s"),
    "call": _Command("phone a number of the running twin",
                     "twin.terminal.call", "cht-twin call 034240000 --from 0912345678"),
    "callee": _Command("be the phone that a call-out rings",
                       "twin.terminal.callee", "cht-twin callee 0912345678 --answer"),
    "fleet": _Command("many light devices against a broker, and an outage",
                      "twin.fleet.run", "cht-twin fleet --agents 2000"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status of the subcommand; 2 for wrong usage."""
    words = sys.argv[1:] if argv is None else list(argv)
    used = next((word for word in words if not word.startswith("-")), None)
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="The IoT platform and its telephone service on one's own "
                                  "machine, for trying, developing and testing.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(
            name, help=command.help, description=f"{command.help[0].upper()}{command.help[1:]}.",
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter)
        if name == used:
            try:
                module = import_module(command.module)
            except ModuleNotFoundError as exc:
                if (exc.name or "").partition(".")[0] in ("twin", ""):
                    raise
                print(f"{PROGRAM}: {exc.name} is not installed: "
                      "pip install 'cht-agent[twin]'", file=sys.stderr)
                return 1
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    args = parser.parse_args(words)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
