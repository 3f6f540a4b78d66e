"""``cht-agent platform``: this device and its sensors on the platform."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from agent.commands.common import KEY_HELP, actions_of, add_action, fetch
from agent.config.model import Config, Secret
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.identity.blueprint import Blueprint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action: ``create``."""
    create = add_action(
        actions_of(parser),
        "create",
        "create the device and its sensors on the platform, as configured",
        "cht-agent platform create --dry-run --key file:project.key",
        _create,
    )
    create.add_argument("--dry-run", action="store_true", help="only tell what would be created")
    create.add_argument(
        "--key", metavar="REF", help=f"{KEY_HELP} (default: the key the agent itself uses)"
    )


def run(args: argparse.Namespace) -> int:
    return int(args.act(args))


def _create(args: argparse.Namespace) -> int:
    """0 when everything is there. Raises AgentError; what was created by then is told."""
    from agent import reach
    from agent.config.load import load
    from agent.identity.provision import provision

    config = load(args.config)
    device_id, key = whose(config, args.key, os.environ)
    platform = reach.platform(config.platform, key)
    try:
        plan = _plan(config, device_id)
        found = provision(platform, plan, _tell, device_id=device_id, dry_run=args.dry_run)
    finally:
        platform.close()
    if found is not None:
        print(f"device id: {found}")
    if found is not None and device_id is None and not args.dry_run:
        _say_what_is_next(config, found, args.key)
    return 0


def whose(
    config: Config, given: str | None, environ: Mapping[str, str]
) -> tuple[str | None, Secret]:
    """The device we are already, if so, and the key to use: the given one, else our own.

    Raises ConfigError without a key, StorageError when what the registry told may not be read.
    """
    from agent import whoami
    from agent.config.secrets import resolve

    key = fetch(given, environ) if given is not None else None
    if config.platform.device_id is not None and config.platform.key is not None:
        return config.platform.device_id, key or resolve(config.platform.key, environ)
    stored = whoami.stored(config, environ)
    if stored is not None:
        return stored.device_id, key or stored.key
    if key is None:
        raise ConfigError(
            "no key: --key says where the project key is (credential:NAME, env:NAME, file:PATH)"
        )
    return None, key


def _plan(config: Config, device_id: str | None) -> Blueprint:
    """A device that is there needs no serial; one to be found or created does."""
    from agent import whoami
    from agent.identity.blueprint import Blueprint, blueprint, wanted_sensors

    if device_id is not None:
        return Blueprint(device_id, {}, wanted_sensors(config))
    return blueprint(config, whoami.serial_of(config, None))


def _tell(text: str, _new: bool) -> None:
    print(text, flush=True)


def _say_what_is_next(config: Config, device_id: str, key: str | None) -> None:
    print(f"next: put this into [platform] of {config.path}, or send it through the registry:")
    print(f"device_id = {json.dumps(device_id)}")
    print(f"key = {json.dumps(key, ensure_ascii=False)}")
