"""What a device is known by and judges by: its last will's name, its clock and time zone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from agent import whoami
from agent.clock import TIMESYNC_DIR, SystemClock
from agent.doctor.visit import Visit, there
from agent.errors import ConfigError
from agent.finding import Finding
from agent.identity import naming

_GUESSED = 8
"""Letters below which a name is easily somebody else's, too."""


def will(visit: Visit) -> Iterable[Finding]:
    """Whether the last will's name is this device's alone (P-20, P-29)."""
    config, who = there(visit.config), visit.identity
    given, device = config.last_will.name, who.device_id if who else None
    mend = "leave [last_will] name out, or add this device's serial number to it"
    if given is None:
        product = config.registry.product_code if config.registry else None
        with contextlib.suppress(ConfigError):  # no serial: the check of the identity has told
            serial = whoami.serial_of(config, who)
            yield Finding("good", naming.will_name(None, product, serial, device))
    elif given == device:
        text = f"{given} is the device's id, too, which may change and everybody knows"
        yield Finding("warning", text, mend)
    elif len(given) < _GUESSED:
        text = f"{given} is short: another device of the platform may have it, too"
        yield Finding("warning", text, mend)
    else:
        yield Finding("good", given)


def clock(visit: Visit) -> Iterable[Finding]:
    """Whether the time can be believed; certificates, readings and commands hang on it."""
    trust = there(visit.config).clock.trust
    now = visit.clock().utc()
    if not SystemClock("auto", visit.machine.path(TIMESYNC_DIR)).trusted():
        yield Finding(
            "warning" if trust == "always" else "error",
            f"this machine's clock is not set: it says {now:%Y-%m-%d %H:%M} UTC",
            "is there a network, and UDP port 123 open? timedatectl status tells; a time server of"
            " your own goes into /etc/systemd/timesyncd.conf",
        )
    else:
        yield Finding("good", f"{now:%Y-%m-%d %H:%M} UTC")


_NOT_CHOSEN = ("UTC", "Etc/UTC", "Europe/London")
"""Zones that images come with: Debian's, and Raspberry Pi OS's."""


def time_zone(visit: Visit) -> Iterable[Finding]:
    """The telephone speaks the time of the day, and keeps quiet hours, by the machine's zone."""
    try:
        place = os.readlink(visit.machine.path("/etc/localtime"))
    except OSError:
        place = "zoneinfo/UTC"
    zone = place.partition("zoneinfo/")[2] or "UTC"
    if zone in _NOT_CHOSEN:
        text = f"the telephone speaks times, and keeps quiet hours, in {zone}"
        yield Finding("warning", text, "sudo timedatectl set-timezone Asia/Taipei")
    else:
        yield Finding("good", zone)
