"""A CSV of cards: one line, one card. Pure, but for reading the file.

The first line names the columns. ``name`` (or else ``serial``) names the card, ``hostname`` the
machine, ``credential:NAME`` says where a key is; every other column fills the ``${column}`` of the
configuration.
"""

from __future__ import annotations

import csv
import stat
from collections.abc import Sequence
from pathlib import Path

from agent.cards.model import Wifi
from agent.cards.recipe import Order
from agent.errors import ConfigError

_CREDENTIAL = "credential:"
_MOST = 10_000


def read(path: Path, wifi: Wifi | None, keys: dict[str, str]) -> list[Order]:
    """The orders, top to bottom. ``keys`` are those of every card. Raises ConfigError, a line a
    fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read as UTF-8 text: {exc}") from exc
    try:
        table = list(csv.reader(text.splitlines(), strict=True, skipinitialspace=True))
    except csv.Error as exc:
        raise ConfigError(f"{path} is no CSV: {exc}") from exc
    stripped = [[cell.strip() for cell in row] for row in table]
    rows = [(number, row) for number, row in enumerate(stripped, 1) if any(row)]
    if len(rows) < 2:
        raise ConfigError(f"{path}: a first line with the names of the columns, then a line a card")
    if len(rows) > _MOST:
        raise ConfigError(f"{path}: more than {_MOST} cards: take several files")
    (_, heads), *lines = rows
    if "name" not in heads and "serial" not in heads:
        raise ConfigError(f"{path}: there is no column serial (or name)")
    orders, wrong = [], []
    seen: dict[str, int] = {}
    for number, cells in lines:
        where = f"{path}:{number}"
        if len(cells) != len(heads):
            wrong.append(f"{where}: {len(cells)} columns, the first line has {len(heads)}")
            continue
        row = dict(zip(heads, cells, strict=True))
        name = row.pop("name", "") or row.get("serial", "")
        if not name or not all(row.values()):
            wrong.append(f"{where}: a field is empty")
        elif name in seen:
            wrong.append(f"{where}: {name} is on line {seen[name]} already")
        seen[name] = number
        hostname = row.pop("hostname", None)
        own = {head.removeprefix(_CREDENTIAL): row.pop(head)
               for head in list(row) if head.startswith(_CREDENTIAL)}  # fmt: skip
        orders.append(Order(name, row, {**keys, **own}, hostname, wifi))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return orders


def readable_by_others(path: Path, orders: Sequence[Order]) -> bool:
    """Whether keys themselves stand in a file that every user here may read."""
    literal = any(
        not where.startswith(("file:", "env:")) for order in orders for where in order.keys.values()
    )
    try:
        return literal and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
