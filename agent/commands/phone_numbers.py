"""``cht-agent phone numbers · rent · rename · release · restore``: the service's numbers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commands.common import add_action
from agent.commands.phone_common import (
    add_number,
    add_yes,
    agreed,
    configured,
    number_of,
    once,
    service,
)
from agent.errors import ConfigError, PlatformRefused, StorageError
from agent.service.screen import Cell, printable, table

if TYPE_CHECKING:
    from agent.commands.common import Actions
    from agent.protocol.phone_service import ServiceNumber

_STATES = {"Accessible": "in service", "Abnormal": "faulty", "Lock": "locked"}
SN_KEY_FILE = Path("tas-sn.key")


def add(actions: Actions) -> None:
    """The five of them."""
    numbers = add_action(
        actions, "numbers", "list the numbers that are rented with this key",
        "cht-agent phone numbers", _numbers,
    )  # fmt: skip
    numbers.add_argument(
        "--show-keys", action="store_true", help="show each SNKey too, which is a secret"
    )

    rent = add_action(
        actions, "rent", "rent one more number (three at most in an account)",
        'cht-agent phone rent greenhouse --description "warns of frost"', _rent,
    )  # fmt: skip
    rent.add_argument(
        "name", metavar="NAME", type=_name, help="what it is called on the service's web page"
    )
    rent.add_argument("--description", metavar="TEXT", type=_line, default="", help="more about it")
    rent.add_argument(
        "--save", metavar="FILE", type=Path, default=SN_KEY_FILE,
        help=f"where its SNKey is written, readable by you alone (default: {SN_KEY_FILE})",
    )  # fmt: skip

    rename = add_action(
        actions, "rename", "give a number another name; a locked one is in service again then",
        "cht-agent phone rename greenhouse2", _rename,
    )  # fmt: skip
    rename.add_argument("name", metavar="NAME", type=_name, help="the new name")
    rename.add_argument("--description", metavar="TEXT", type=_line, help="more about it")
    add_number(rename)

    release = add_action(
        actions, "release", "lock a number; after 30 days it is gone",
        "cht-agent phone release --number 034240000", _release,
    )  # fmt: skip
    add_number(release)
    add_yes(release)

    restore = add_action(
        actions, "restore", "bring back a number that was locked less than 30 days ago",
        "cht-agent phone restore --number 034240000", _restore,
    )  # fmt: skip
    add_number(restore)


def _numbers(args: argparse.Namespace) -> int:
    _, phone = configured(args)
    with service(phone) as asked:
        found = asked.numbers()
    heads = ["NUMBER", "NAME", "STATE", "SINCE", "DESCRIPTION", *(["SNKEY"] * args.show_keys)]
    rows = [[Cell(head, "dim") for head in heads]]
    for number in found:
        cells = [number.number, number.name, _state(number), (number.start or "")[:10],
                 number.description, *([number.sn_key] * args.show_keys)]  # fmt: skip
        rows.append([Cell(printable(cell)) for cell in cells])
    print("\n".join(table(rows)))
    return 0


def _rent(args: argparse.Namespace) -> int:
    """Rents, and keeps the SNKey in a file. Before it rents it makes sure that it can."""
    _, phone = configured(args)
    path: Path = args.save
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise ConfigError(f"{path} exists: name another file with --save") from exc
    except OSError as exc:
        raise StorageError(f"{path} cannot be written: {exc.strerror}") from exc
    rented = None
    try:
        with service(phone) as asked:
            rented = once(
                lambda: asked.rent(args.name, args.description),
                "it may be rented all the same: look at cht-agent phone numbers first",
            )
    finally:
        if rented is None:
            os.close(handle)
            path.unlink(missing_ok=True)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{rented.sn_key}\n")
    except OSError as exc:
        raise StorageError(
            f"{rented.number} is rented, but {path} cannot be written ({exc.strerror}):"
            " cht-agent phone numbers --show-keys tells its SNKey"
        ) from exc
    print(f"rented {rented.number}; its SNKey is in {path}")
    print(f"next: sudo install -m 600 {path} /etc/credstore/tas-sn && rm {path}")
    print(f'and in [phone]: service_number = "{rented.number}", sn_key = "credential:tas-sn"')
    return 0


def _rename(args: argparse.Namespace) -> int:
    _, phone = configured(args)
    number = number_of(args, phone)
    with service(phone) as asked:
        asked.rename(number, args.name, args.description)
    print(f"{number} is now called {printable(args.name)}")
    return 0


def _release(args: argparse.Namespace) -> int:
    _, phone = configured(args)
    number = number_of(args, phone)
    if not agreed(args, f"Lock {number}? Nobody can call it then; after 30 days it is gone."):
        print("nothing was changed")
        return 0
    with service(phone) as asked:
        asked.lock(number)
    print(f"{number} is locked; within 30 days cht-agent phone restore brings it back")
    return 0


def _restore(args: argparse.Namespace) -> int:
    """Renaming is what unlocks (T-23), so the name it has is given once more."""
    _, phone = configured(args)
    number = number_of(args, phone)
    with service(phone) as asked:
        found = next((each for each in asked.numbers() if each.number == number), None)
        if found is None:
            raise PlatformRefused(f"{number} is not among the numbers of this key")
        asked.rename(number, found.name or number, found.description)
    print(f"{number} is in service again")
    return 0


def _name(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty: give one")
    return _line(text)


def _line(text: str) -> str:
    """What JSON can carry and a table can show."""
    if not text.isprintable():
        raise argparse.ArgumentTypeError("must be one line of UTF-8 text")
    return text


def _state(number: ServiceNumber) -> str:
    return _STATES.get(number.status or "", number.status or "")
