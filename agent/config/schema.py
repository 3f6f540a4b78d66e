"""Every key of the sections that stand once, as a table. Defaults are those of the model.

A key's bounds are in the unit the model uses: seconds, bytes. ``agent.config.reader`` interprets
the tables; ``sensors`` and ``actuators`` have their own, as those know about drivers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent.config.alarms import CallsConfig
from agent.config.menus import PhoneConfig
from agent.config.model import (
    ClockConfig,
    DeliveryConfig,
    HardwareConfig,
    HeartbeatConfig,
    LastWillConfig,
    PlatformConfig,
    RegistryConfig,
    ServiceConfig,
)

Kind = Literal[
    "text",
    "int",
    "number",
    "bool",
    "duration",
    "size",
    "rate",
    "path",
    "secret",
    "pin",
    "range",
    "raw",
]
"""``range`` is [low, high]; ``raw`` is handed on as TOML gives it."""


@dataclass(frozen=True)
class Key:
    """One key: what it may hold. ``matches`` is a pattern for the whole text and ``allowed`` says
    in words what the pattern (or a required key) wants."""

    name: str
    kind: Kind = "text"
    required: bool = False
    between: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    matches: str = ""
    allowed: str = ""


@dataclass(frozen=True)
class Section:
    """A ``[section]``: its keys, and the dataclass that they fill."""

    builds: type[Any]
    keys: tuple[Key, ...]


DAY = 86_400.0
BCM_PINS = (0, 27)

ID = Key(
    "id",
    required=True,
    matches=r"[^\s/+#\x00-\x1f\x7f]{1,64}",
    allowed="1 to 64 characters without / + # and blanks, as it becomes part of a topic",
)

DRIVER = Key("driver", required=True, allowed="the kind of hardware it is")

BACKENDS = {
    "pi": "drives the pins of this machine",
    "simulated": "replaces pins and buses by simulated ones",
}
_BACKEND_IN_WORDS = " and ".join(f'"{name}" {what}' for name, what in BACKENDS.items())

HOST = Key(
    "host",
    matches=r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?",
    allowed="a host name or address alone; the port is a key of its own",
)
PORT = Key("port", "int", between=(1, 65_535))
REST_URL = Key(
    "rest_url",
    matches=r"https?://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])"
    r"(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    r"(/[A-Za-z0-9._~/-]*)?",
    allowed="http:// or https://, a host, perhaps a port and a path, and nothing else",
)
PHONE_NUMBER = r"0[0-9]{6,14}"  # T-28
CLOCK_TIME = "([01]?[0-9]|2[0-3]):[0-5][0-9]"

SECTIONS: Mapping[str, Section] = {
    "platform": Section(
        PlatformConfig,
        (
            HOST,
            PORT,
            Key("tls", "bool"),
            Key("ca_file", "path"),
            Key("device_id", matches=ID.matches, allowed=ID.allowed),
            Key("key", "secret"),
            Key("mqtt_version", choices=("3.1.1", "3.1")),
            Key("keepalive", "duration", between=(5, 65_535)),
            REST_URL,
        ),
    ),
    "registry": Section(
        RegistryConfig,
        (
            Key(
                "product_code",
                required=True,
                matches="[A-Za-z0-9]{1,64}",
                allowed="letters and digits, as registered with the vendor",
            ),
            Key(
                "serial",
                matches="[A-Za-z0-9]{1,64}",
                allowed='"auto" for the serial number of this Pi, or letters and digits',
            ),
            Key("relocatable", "bool"),
        ),
    ),
    "last_will": Section(
        LastWillConfig,
        (
            Key(
                "name",
                matches="[A-Za-z0-9]{4,64}",  # P-20
                allowed="4 to 64 letters and digits",
            ),
            Key("message", matches=r"[^\x00]{1,1000}", allowed="1 to 1000 characters"),
            Key("retain", "bool"),
            Key("clear", "bool"),
        ),
    ),
    "heartbeat": Section(
        HeartbeatConfig,
        # Beats go out every third of it, and publishing more often than each second is frowned on.
        (Key("pulse", "duration", between=(3, DAY)),),
    ),
    "clock": Section(
        ClockConfig,
        (
            Key("trust", choices=("auto", "always")),
            Key("untimed", choices=("drop", "send")),
        ),
    ),
    "delivery": Section(
        DeliveryConfig,
        (
            Key("confirm", choices=("none", "fence")),
            Key("hold", "duration", between=(0.5, 3_600)),
            Key("disk_limit", "size", between=(1_000_000, 1_000_000_000_000)),
            Key("backfill_rate", "number", between=(0.1, 1_000)),
        ),
    ),
    "hardware": Section(
        HardwareConfig,
        (
            Key("backend", required=True, choices=tuple(BACKENDS), allowed=_BACKEND_IN_WORDS),
            Key("scenario", matches=r"[^\x00]{1,500}", allowed="a built-in name, or a file"),
        ),
    ),
    "phone": Section(
        PhoneConfig,
        (
            HOST,
            PORT,
            Key("tls", "bool"),
            Key("ca_file", "path"),
            Key("api_key", "secret", required=True, allowed='such as "credential:tas-key"'),
            Key("sn_key", "secret"),
            Key(
                "service_number",
                matches=PHONE_NUMBER,
                allowed='digits with the area code, such as "034240000"',
            ),
            Key("menus", "path"),
            REST_URL,
        ),
    ),
    "calls": Section(
        CallsConfig,
        (
            Key("enabled", "bool"),
            Key("dry_run", "bool"),
            Key("person_per_minute", "int", between=(1, 10)),
            Key("person_per_hour", "int", between=(1, 60)),
            Key("person_per_day", "int", between=(1, 200)),
            Key("per_day", "int", between=(1, 500)),
            Key("collect", "duration", between=(0, 3_600)),
            Key("rounds", "int", between=(1, 5)),
            Key("acknowledged_for", "duration", between=(60, 7 * DAY)),
            Key(
                "site",
                matches=r"(?=.*\S)[^\x00-\x1f\x7f]{1,20}",
                allowed="1 to 20 characters on one line",
            ),
            Key(
                "quiet_hours",
                matches=f"{CLOCK_TIME} ?- ?{CLOCK_TIME}",
                allowed='two times of the day, such as "22:00-07:00"',
            ),
            Key(
                "monthly_test",
                matches=f"([1-9]|1[0-9]|2[0-8]) {CLOCK_TIME}",
                allowed='a day from 1 to 28 and a time, such as "1 10:00"',
            ),
            Key("language", choices=("zh", "en")),
            Key("voice", choices=("F", "M")),
        ),
    ),
    "service": Section(
        ServiceConfig,
        (Key("state_dir", "path"), Key("socket", "path")),
    ),
}
REQUIRED_SECTIONS = ("hardware",)
LISTS = ("sensor", "actuator", "alarm")
CONTACTS = "contacts"
"""A section whose keys are the operator's own names."""

RENAMED: Mapping[tuple[str, str], str] = {}
"""(section, old key) → new key of the same section. An old name works, with a warning, for one
major version. Empty: nothing has been renamed yet."""
