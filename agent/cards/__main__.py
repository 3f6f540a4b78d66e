"""``cht-agent-flash``: makes a freshly imaged card one that installs the agent by itself.

Runs on the user's own computer: Linux, macOS or Windows, with nothing of the Pi.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from agent import __version__
from agent.cards import cloud, fleet, partition, recipe, seed
from agent.cards import package as deb
from agent.cards.model import Before, Card, CardFile, Wifi
from agent.cards.recipe import Order
from agent.config import secrets
from agent.config.model import Secret
from agent.errors import AgentError, ConfigError
from agent.service.screen import printable

PROGRAM = "cht-agent-flash"
_EXAMPLE = f"""examples:
  {PROGRAM} --config agent.toml --package cht-agent_{__version__}_all.deb \\
      --credential device-key=file:device.key --wifi "My network" --country TW
  {PROGRAM} --config agent.toml --package cht-agent_{__version__}_all.deb --fleet cards.csv

First write Raspberry Pi OS with Raspberry Pi Imager (account and ssh as you like), then put the
card in again. docs/flash.md tells more."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message} (see {self.prog} --help)")


def build_parser() -> argparse.ArgumentParser:
    """All of the options."""
    parser = _Parser(
        prog=PROGRAM,
        description="Prepare a freshly imaged card: at its first boot the Pi installs the agent,"
        " with its configuration and its keys.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add = parser.add_argument
    add("--config", metavar="FILE", type=Path, required=True, help="the agent's configuration")
    add("--package", metavar="DEB", type=Path, required=True, help="the Debian package")
    add("--boot", metavar="FOLDER", type=Path, help="the card's boot partition (default: found)")
    add("--credential", metavar="NAME=REF", action="append", default=[],
        help="a key: NAME=file:PATH or NAME=env:VARIABLE; may be given several times")
    add("--set", metavar="NAME=VALUE", action="append", default=[],
        help="fills ${NAME} in the configuration")
    add("--hostname", metavar="NAME", help="the Pi's name (default: what Imager was told)")
    add("--wifi", metavar="SSID", help="a Wi-Fi network; its password is asked for")
    add("--wifi-password", metavar="REF", help="file:PATH or env:VARIABLE instead of asking")
    add("--wifi-hidden", action="store_true", help="the network does not tell its name")
    add("--country", metavar="CC", help="where the Wi-Fi is used: TW")
    add("--fleet", metavar="CSV", type=Path, help="many cards, one after the other")
    add("--from", dest="start", metavar="NAME", help="with --fleet: begin at this card")
    add("--dry-run", action="store_true", help="show the files, write nothing")
    add("--debug", action="store_true", help="show tracebacks")
    return parser


def main(
    argv: Sequence[str] | None = None,
    ask: Callable[[str], str] = input,
    ask_secret: Callable[[str], str] = getpass.getpass,
) -> int:
    """0 when every card was written, 2 for wrong input, 1 else. One line an error, on stderr."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = build_parser().parse_args(argv)
        return _run(args, ask, ask_secret)
    except KeyboardInterrupt:
        return 130
    except (AgentError, EOFError) as exc:
        if "--debug" in argv:
            raise
        for line in (str(exc) or "no answer").splitlines():
            print(f"{PROGRAM}: {line}", file=sys.stderr)
        return 2 if isinstance(exc, ConfigError) else 1


def _run(
    args: argparse.Namespace, ask: Callable[[str], str], ask_secret: Callable[[str], str]
) -> int:
    content = deb.read(args.package)
    orders = _orders(args, ask_secret)
    cards = [recipe.prepare(args.config, order, os.environ) for order in orders]
    for warning in recipe.warnings(args.config, orders[0]):
        print(f"{PROGRAM}: warning: {warning}", file=sys.stderr)
    place = args.boot
    for number, card in enumerate(cards, 1):
        of = f"card {number} of {len(cards)}: {printable(card.name)}"
        if args.dry_run:
            before = partition.read(place) if place else Before()
            print(f"== {of}")
            _show(_files(card, args, content, before))
            continue
        if args.fleet and ask(f"{of}: put it in and press Enter (q ends): ").strip() == "q":
            print(f"stopped; go on with --from {card.name}")
            return 0
        target = place or partition.find(partition.candidates())
        files = _files(card, args, content, partition.read(target))
        partition.write(target, files, partial(_tell, of))
        _tell(of, "")
        print(f"{of}: written to {target}; eject it before you take it out")
    return 0


def _files(
    card: Card, args: argparse.Namespace, content: bytes, before: Before
) -> list[CardFile]:
    try:
        return seed.files(card, args.package.name, content, before)
    except ValueError as exc:
        raise ConfigError(
            f"{exc}: write the image anew with Raspberry Pi Imager, then try again"
        ) from exc


def _orders(args: argparse.Namespace, ask_secret: Callable[[str], str]) -> list[Order]:
    keys = _pairs("--credential", args.credential)
    wifi = _wifi(args, ask_secret)
    for name, where in keys.items():
        if secrets.parse_ref(where).source == "literal":
            raise ConfigError(
                f"--credential {name} takes no key itself, as every user of this computer could"
                " see it: put it into a file and say file:PATH"
            )
    if args.fleet is None:
        if args.start:
            raise ConfigError("--from goes with --fleet")
        values = _pairs("--set", args.set)
        name = values.get("serial") or args.hostname or "card"
        return [Order(name, values, keys, args.hostname, wifi)]
    if args.set or args.hostname:
        raise ConfigError("--set and --hostname are columns of the file with --fleet")
    orders = fleet.read(args.fleet, wifi, keys)
    if fleet.readable_by_others(args.fleet, orders):
        print(f"{PROGRAM}: warning: others can read the keys in {args.fleet}", file=sys.stderr)
    if args.start is None:
        return orders
    names = [order.name for order in orders]
    if args.start not in names:
        raise ConfigError(f"--from: {args.fleet} has no card {args.start}")
    return orders[names.index(args.start) :]


def _wifi(args: argparse.Namespace, ask_secret: Callable[[str], str]) -> Wifi | None:
    if args.wifi is None:
        if args.country or args.wifi_password or args.wifi_hidden:
            raise ConfigError("--country and --wifi-… go with --wifi SSID")
        return None
    if not 1 <= len(args.wifi.encode()) <= 32:
        raise ConfigError("--wifi: a network's name has 1 to 32 bytes")
    country = (args.country or "").upper()
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        raise ConfigError("--country: say in which country the Wi-Fi is used, such as TW")
    if args.wifi_password is None:
        password = ask_secret(f"Password of {printable(args.wifi)}: ")
    else:
        ref = secrets.parse_ref(args.wifi_password, Path())
        if ref.source not in ("file", "env"):
            raise ConfigError("--wifi-password takes file:PATH or env:VARIABLE")
        password = secrets.resolve(ref, os.environ).reveal()
    try:
        return Wifi(args.wifi, country, Secret(cloud.psk(args.wifi, password)), args.wifi_hidden)
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc


def _pairs(flag: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ConfigError(f"{flag} takes NAME=VALUE")
        pairs[name] = value
    return pairs


def _show(files: Sequence[CardFile]) -> None:
    for file in files:
        print(f"-- {file.path}")
        print(file.content.decode() if file.shown is None else file.shown)


def _tell(of: str, path: str) -> None:
    """Progress, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{of}: {path}" if path else "\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
