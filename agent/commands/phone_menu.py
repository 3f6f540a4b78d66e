"""``cht-agent phone menu push · show · delete``: what the service itself knows of the menu."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.commands.common import actions_of, add_action, add_common
from agent.commands.phone_common import (
    add_number,
    add_yes,
    agreed,
    configured,
    number_of,
    service,
)
from agent.config.model import Config
from agent.config.paths import state_dir, usable
from agent.errors import ConfigError, StorageError
from agent.service.screen import printable

if TYPE_CHECKING:
    from agent.commands.common import Actions
    from agent.protocol.phone_service import Node


def add(actions: Actions) -> None:
    """``menu`` with its three actions."""
    menu = actions.add_parser(
        "menu", help="what the service knows of the menu",
        description="The few nodes the service walks by itself; the rest the agent says.",
        epilog="example:\n  cht-agent phone menu push --dry-run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add_common(menu, again=True)
    inner = actions_of(menu)
    push = add_action(
        inner, "push", "put the greeting and the way to the agent on the service",
        "cht-agent phone menu push --dry-run", _push,
    )  # fmt: skip
    push.add_argument("--dry-run", action="store_true", help="only show what would change")
    add_yes(push)
    show = add_action(
        inner, "show", "print the menu that is on the service", "cht-agent phone menu show", _show
    )
    delete = add_action(
        inner, "delete", "take the menu off the service", "cht-agent phone menu delete", _delete
    )
    add_yes(delete)
    for parser in (push, show, delete):
        add_number(parser)


def _push(args: argparse.Namespace) -> int:
    from agent.phone import upload

    config, phone = configured(args)
    number = number_of(args, phone)
    if config.book is None:
        raise ConfigError(f"there are no menus in {phone.menus}: write them first")
    wanted = upload.nodes(config.book)
    with service(phone) as asked:
        before = asked.menu(number)
        changes = upload.difference(before or (), wanted)
        if not changes:
            print(f"the menu of {number} is up to date")
            return 0
        print("\n".join(printable(line) for line in changes))
        if args.dry_run:
            return 0
        if before is not None:
            print(f"the menu there is kept in {_keep(config, number, before)}")
            if not upload.is_ours(before) and not agreed(
                args, f"The menu of {number} was not made by cht-agent. Replace it?"
            ):
                print("nothing was changed")
                return 0
        asked.set_menu(number, wanted)
    print(f"the menu of {number} is set")
    return 0


def _show(args: argparse.Namespace) -> int:
    _, phone = configured(args)
    number = number_of(args, phone)
    with service(phone) as asked:
        found = asked.menu(number)
    if found is None:
        print(f"no menu is set for {number}: cht-agent phone menu push")
        return 1
    print(_text(found))
    return 0


def _delete(args: argparse.Namespace) -> int:
    config, phone = configured(args)
    number = number_of(args, phone)
    with service(phone) as asked:
        before = asked.menu(number)
        if before is None:
            print(f"no menu is set for {number}")
            return 0
        if not agreed(args, f"Delete the menu of {number}? Callers hear nothing then."):
            print("nothing was changed")
            return 0
        print(f"the menu there is kept in {_keep(config, number, before)}")
        asked.delete_menu(number)
    print(f"the menu of {number} is deleted")
    return 0


def _keep(config: Config, number: str, nodes: Sequence[Node]) -> Path:
    """Where the menu that goes is written to. Raises StorageError."""
    folder = usable(state_dir(config, os.environ)) / "menus"
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = folder / f"{number}-{stamp}.json"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        path.write_text(_text(nodes) + "\n", encoding="utf-8")
    except OSError as exc:
        raise StorageError(
            f"the menu on the service is not touched, as it cannot be kept in {folder}"
            f" ({exc.strerror}): use sudo"
        ) from exc
    return path


def _text(nodes: Sequence[Node]) -> str:
    return json.dumps([dict(node) for node in nodes], ensure_ascii=False, indent=2)
