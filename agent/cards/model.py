"""What a card is to become, and the files that make it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.config.model import Secret

FOLDER = "cht-agent"
"""Ours on the boot partition: what the first boot installs from, and then removes."""


@dataclass(frozen=True)
class Wifi:
    """A WPA network. ``psk``: 64 hexadecimal digits; ``country``: two letters (ISO 3166)."""

    ssid: str
    country: str
    psk: Secret
    hidden: bool = False


@dataclass(frozen=True)
class Card:
    """One card. ``keys``: credential name → key; ``config``: the text of its agent.toml.

    ``companions``: what the configuration names beside itself, by relative path.
    """

    name: str
    config: str
    keys: Mapping[str, Secret] = field(default_factory=dict)
    companions: Mapping[str, bytes] = field(default_factory=dict)
    hostname: str | None = None
    wifi: Wifi | None = None
    overlays: tuple[str, ...] = ()
    buses: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardFile:
    """A file of the boot partition, ``path`` relative to it. ``shown``: what ``--dry-run`` tells
    of it, None its content; a key shows nothing of itself."""

    path: str
    content: bytes = field(repr=False)
    shown: str | None = None


@dataclass(frozen=True)
class Before:
    """What the partition holds already and what is built upon, as text; "" where there is none."""

    config_txt: str = ""
    user_data: str = ""
