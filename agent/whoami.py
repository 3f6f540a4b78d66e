"""Who the configuration says we are, and the serial that our names derive from."""

from __future__ import annotations

from collections.abc import Mapping

from agent.config import paths, secrets
from agent.config.model import Config
from agent.errors import ConfigError
from agent.identity import naming, serial
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore


def configured(config: Config, environ: Mapping[str, str]) -> Identity | None:
    """The identity of agent.toml; None leaves it to the registry. Raises ConfigError."""
    platform = config.platform
    if platform.device_id is None or platform.key is None:
        return None
    return Identity(platform.device_id, secrets.resolve(platform.key, environ), "config")


def stored(config: Config, environ: Mapping[str, str]) -> Identity | None:
    """What the registry told the daemon, as a command may look it up. Raises StorageError."""
    found = IdentityStore(paths.state_dir(config, environ, serving=False)).look()
    return found.candidate or found.current


def serial_of(config: Config, identity: Identity | None) -> str:
    """The Pi's own serial, or a stand-in where the configuration says who we are anyway.

    Raises ConfigError where the registry is to tell and this machine has none.
    """
    try:
        return serial.own_serial(config.registry.serial if config.registry else "auto")
    except ConfigError:
        if identity is None:
            raise
        return naming.stand_in_serial(identity.device_id, serial.machine_id())
