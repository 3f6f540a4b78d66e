"""A card's files, all of them. Pure."""

from __future__ import annotations

from agent.cards import cloud, first_boot, overlays
from agent.cards.model import FOLDER, Before, Card, CardFile


def files(card: Card, package: str, package_content: bytes, before: Before) -> list[CardFile]:
    """What is written onto the boot partition, in this order: ``meta-data``, which makes
    cloud-init look at the rest, is the last.

    ``package``: its file name. Raises ValueError when what is there cannot be built upon.
    """
    size = f"({len(package_content)} bytes)"
    found = [CardFile(f"{FOLDER}/{package}", package_content, size)]
    found += [
        CardFile(f"{FOLDER}/keys/{name}", key.reveal().encode(), "(a key)")
        for name, key in sorted(card.keys.items())
    ]
    found += [
        CardFile(f"{FOLDER}/etc/{path}", content)
        for path, content in sorted(card.companions.items())
    ]
    found.append(CardFile(f"{FOLDER}/etc/agent.toml", card.config.encode()))
    script = first_boot.script(card, package, cloud.FIRST_BOOT)
    found.append(CardFile(f"{FOLDER}/first-boot", script.encode()))
    config_txt = overlays.with_overlays(before.config_txt, card.overlays)
    found.append(CardFile("config.txt", config_txt.encode()))
    if card.wifi is not None:
        network = cloud.network_config(card.wifi)
        told = network.replace(card.wifi.psk.reveal(), str(card.wifi.psk))
        found.append(CardFile("network-config", network.encode(), told))
    user_data = cloud.user_data(card, before.user_data)
    # Imager's part may hold the hash of a password.
    found.append(CardFile("user-data", user_data.encode(), cloud.user_data(card, "")))
    contents = {file.path: file.content for file in found}
    found.append(CardFile("meta-data", cloud.meta_data(contents, card).encode()))
    return found
