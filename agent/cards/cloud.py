"""The three files of cloud-init's NoCloud: ``user-data``, ``meta-data``, ``network-config``. Pure.

They are written as JSON, which is YAML too: nothing in a name or password can break out of it.
What Imager has put into ``user-data`` (the account, ssh) stays: the file becomes an archive of
Imager's part and ours, whose lists are appended to the ones before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from agent.cards.model import FOLDER, Card, Wifi

MARK = "#cht-agent-flash"
FIRST_BOOT = "cht-agent-first-boot.service"
_ARCHIVE = "#cloud-config-archive"
_CLOUD_CONFIG = "#cloud-config"
_APPEND = [
    {"name": "list", "settings": ["append"]},
    {"name": "dict", "settings": ["no_replace", "recurse_list"]},
]
_REPLACE = [{"name": "dict", "settings": ["replace"]}]

UNIT = f"""\
# Written by cht-agent-flash. Runs until it has worked once: without a network it waits for one.
[Unit]
Description=Install cht-agent from the boot partition
After=network.target cloud-final.service
ConditionPathExists=/boot/firmware/{FOLDER}/first-boot
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/sh /boot/firmware/{FOLDER}/first-boot
Restart=on-failure
RestartSec=30
TimeoutStartSec=30min

[Install]
WantedBy=multi-user.target
"""


def ours(card: Card) -> list[dict[str, Any]]:
    """Our parts of the user-data, each a cloud-config of its own."""
    parts: list[dict[str, Any]] = [
        {
            "merge_how": _APPEND,
            "write_files": [
                {
                    "path": f"/etc/systemd/system/{FIRST_BOOT}",
                    "permissions": "0644",
                    "content": UNIT,
                }
            ],
            "runcmd": [
                ["systemctl", "daemon-reload"],
                ["systemctl", "enable", FIRST_BOOT],
                ["systemctl", "start", "--no-block", FIRST_BOOT],
            ],
        }
    ]
    if card.hostname is not None:
        # A part of its own: one that replaces would take away the lists that Imager wrote.
        parts.append({"merge_how": _REPLACE, "hostname": card.hostname, "manage_etc_hosts": True})
    return parts


def user_data(card: Card, before: str) -> str:
    """The archive. ``before``: the file as it stands, ours of an earlier run included.

    Raises ValueError when it is something that cannot be kept beside ours.
    """
    kept = _foreign(before)
    entries = [{"type": "text/cloud-config", "content": text} for text in kept]
    entries += [
        {"type": "text/cloud-config", "content": f"{_CLOUD_CONFIG}\n{MARK}\n{_json(part)}"}
        for part in ours(card)
    ]
    return f"{_ARCHIVE}\n{_json(entries)}\n"


def meta_data(files: Mapping[str, bytes], card: Card) -> str:
    """A new instance for every new content, so that a card made anew is set up anew."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path} {len(content)} ".encode() + content)
    data = {"instance-id": f"cht-agent-{digest.hexdigest()[:16]}"}
    if card.hostname is not None:
        data["local-hostname"] = card.hostname
    return _json(data) + "\n"


def network_config(wifi: Wifi) -> str:
    """The Wi-Fi, beside whatever is plugged in, which NetworkManager brings up by itself."""
    point: dict[str, Any] = {"password": wifi.psk.reveal()}
    if wifi.hidden:
        point["hidden"] = True
    wlan = {
        "dhcp4": True,
        "optional": True,
        "regulatory-domain": wifi.country,
        "access-points": {wifi.ssid: point},
    }
    return _json({"network": {"version": 2, "wifis": {"wlan0": wlan}}}) + "\n"


def psk(ssid: str, passphrase: str) -> str:
    """What WPA makes of a passphrase (IEEE 802.11i, H.4); 64 hexadecimal digits pass as they are.

    Raises ValueError for what WPA does not take.
    """
    if len(passphrase) == 64 and all(sign in "0123456789abcdefABCDEF" for sign in passphrase):
        return passphrase.lower()
    if not 8 <= len(passphrase) <= 63 or not passphrase.isascii() or not passphrase.isprintable():
        raise ValueError("a Wi-Fi password is 8 to 63 printable ASCII characters")
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode(), ssid.encode(), 4096, 32).hex()


def _foreign(before: str) -> list[str]:
    """The parts of ``before`` that are not ours."""
    text = before.replace("\r\n", "\n").lstrip("\ufeff")
    first = text.split("\n", 1)[0].strip()
    if not text.strip():
        return []
    if first == _CLOUD_CONFIG:
        return [text]
    if first == _ARCHIVE:
        try:
            entries = json.loads(text.partition("\n")[2])
            contents = [str(entry["content"]) for entry in entries]
        except (ValueError, TypeError, KeyError) as exc:
            raise ValueError("user-data is an archive of somebody else's") from exc
        return [content for content in contents if MARK not in content]
    raise ValueError(f"user-data begins with {first[:40]!r} and not with {_CLOUD_CONFIG}")


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
