"""``cht-agent registry``: the operator's side, which tells waiting devices who they are."""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.commands.common import KEY_HELP, actions_of, add_action, fetch
from agent.errors import AgentError, ConfigError
from agent.service.screen import printable

_SERIAL = re.compile(r"[A-Za-z0-9]{1,64}")
_DEVICE_ID = re.compile(r"[^\s/+#\x00-\x1f\x7f]{1,64}")


@dataclass(frozen=True)
class Row:
    """One device to tell: with ``device_id`` who it is, without one to create itself.

    ``fault``: why it cannot be told; ``line`` is that of the file, None without a file.
    """

    serial: str
    device_id: str | None = None
    line: int | None = None
    fault: str | None = None

    def __str__(self) -> str:
        return self.serial if self.line is None else f"line {self.line}: {self.serial}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action: ``push``."""
    push = add_action(
        actions_of(parser),
        "push",
        "have the registry tell one device, or all of a file, who they are",
        "cht-agent registry push 00001 --device-id 7432 --key file:project.key\n"
        "  cht-agent registry push --csv devices.csv --reconfigure --key file:project.key",
        _push,
    )
    push.add_argument("serial", metavar="SERIAL", nargs="?", help="the serial of one device")
    push.add_argument(
        "--csv", metavar="FILE", type=Path, help="many: a serial and a device id in each line"
    )
    push.add_argument("--device-id", metavar="ID", help="the device on the platform it is to be")
    push.add_argument(
        "--reconfigure",
        action="store_true",
        help="a device without an id is to find or create itself on the platform",
    )
    push.add_argument(
        "--authority", choices=("device",), help="device: send the device's own key, not --key"
    )
    push.add_argument("--key", metavar="REF", required=True, help=f"{KEY_HELP}; the project's")
    push.add_argument(
        "--product-code", metavar="CODE", help="if it is not the one in [registry]"
    )
    push.add_argument(
        "--digest", metavar="TEXT", help="sent as digest (default: product code and serial)"
    )


def run(args: argparse.Namespace) -> int:
    return int(args.act(args))


def _push(args: argparse.Namespace) -> int:
    """0 when all were told, 1 when one was not. Raises ConfigError before anything is sent."""
    from agent import reach
    from agent.config.load import load
    from agent.protocol.objects import encode_assignment

    rows = _rows(args)
    config = load(args.config)
    product = args.product_code or (config.registry.product_code if config.registry else None)
    if product is None:
        raise ConfigError(f"{args.config} has no [registry]: --product-code gives the code")
    if not _SERIAL.fullmatch(product):
        raise ConfigError("--product-code must be letters and digits")
    platform = reach.platform(config.platform, fetch(args.key, os.environ))

    def send(row: Row) -> None:
        name = product + row.serial
        digest = args.digest if args.digest is not None else name
        platform.assign(name, encode_assignment(row.device_id, digest, args.authority))

    try:
        return _tell(rows, send)
    finally:
        platform.close()


def _tell(rows: Sequence[Row], send: Callable[[Row], None]) -> int:
    failed = 0
    for number, row in enumerate(rows, start=1):
        try:
            if row.fault is not None:
                raise AgentError(row.fault)
            send(row)
            outcome = "told" if row.device_id is None else f"told that it is {row.device_id}"
        except AgentError as exc:
            # One device's failure must not keep the others waiting.
            failed += 1
            outcome = f"failed: {exc}"
        print(f"{number}/{len(rows)} {printable(str(row))}: {printable(outcome)}", file=sys.stderr)
    print(f"{len(rows) - failed} told, {failed} failed")
    return 1 if failed else 0


def _rows(args: argparse.Namespace) -> list[Row]:
    """Whom to tell, from the arguments. Raises ConfigError."""
    if (args.serial is None) == (args.csv is None):
        raise ConfigError("give one serial, or --csv FILE")
    if args.csv is not None:
        if args.device_id is not None:
            raise ConfigError("--device-id is for one serial: with --csv it stands in the file")
        return read_rows(_lines(args.csv), args.reconfigure)
    if args.reconfigure == (args.device_id is not None):
        raise ConfigError(
            "say who it is with --device-id ID, or have it create itself with --reconfigure"
        )
    row = _row(args.serial, args.device_id or "", None, args.reconfigure)
    if row.fault is not None:
        raise ConfigError(f"{printable(args.serial)}: {row.fault}")
    return [row]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as exc:
        raise ConfigError(f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is not UTF-8: save it as CSV UTF-8") from exc


def read_rows(lines: Iterable[str], reconfigure: bool) -> list[Row]:
    """A row for each line that is not empty; a first line of headings is none.

    What is wrong with one is its ``fault``: also a serial or a device id that stood before, as
    two devices would then be taken for one. Raises ConfigError when there is no row.
    """
    rows: list[Row] = []
    serials: dict[str, int] = {}
    ids: dict[str, int] = {}
    try:
        reader = csv.reader(lines, skipinitialspace=True)
        for cells in reader:
            number, cells = reader.line_num, [cell.strip() for cell in cells]
            if not any(cells) or (number == 1 and cells[0].lower() == "serial"):
                continue
            serial, device_id = cells[0], cells[1] if len(cells) > 1 else ""
            row = _row(serial, device_id, number, reconfigure)
            if len(cells) > 2 and any(cells[2:]):
                row = Row(serial, None, number, "more than a serial and a device id")
            for what, value, seen in (("serial", serial, serials), ("device id", device_id, ids)):
                if value and value in seen and row.fault is None:
                    text = f"the same {what} as in line {seen[value]}"
                    row = Row(serial, None, number, text)
                seen.setdefault(value, number)
            rows.append(row)
    except csv.Error as exc:
        raise ConfigError(f"the file is no CSV: {exc}") from exc
    if not rows:
        raise ConfigError("the file names no device: a serial and a device id in each line")
    return rows


def _row(serial: str, device_id: str, line: int | None, reconfigure: bool) -> Row:
    fault = None
    if not _SERIAL.fullmatch(serial) or serial == "auto":
        fault = "a serial is letters and digits"
    elif device_id and not _DEVICE_ID.fullmatch(device_id):
        fault = "a device id is 1 to 64 characters without / + # and blanks"
    elif not device_id and not reconfigure:
        fault = "no device id: give one, or --reconfigure to have it create itself"
    return Row(serial, device_id or None, line, fault)
