"""What a message from the registry does to who we are: a decision, nothing else (P-16…P-19)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agent.config.model import Secret
from agent.protocol.registry import Reconfigure, SetDeviceId


@dataclass(frozen=True)
class Identity:
    """Who we are on the platform. ``key`` is user name and password at once (P-03)."""

    device_id: str
    key: Secret
    source: Literal["config", "registry"]


@dataclass(frozen=True)
class Adopt:
    """Prove this identity by connecting with it, then keep it."""

    identity: Identity


@dataclass(frozen=True)
class Reconfigured:
    """Find or create our own device on the platform with this key, then prove it (P-18)."""

    key: Secret


@dataclass(frozen=True)
class Keep:
    """Stay who we are (or nobody). ``reason`` is a sentence for the log, without a key."""

    reason: str
    expected: bool = False
    """True: nothing is amiss (the registry only repeated itself)."""


def decide(
    message: SetDeviceId | Reconfigure,
    current: Identity | None,
    relocatable: bool,
    refused: bool = False,
) -> Adopt | Reconfigured | Keep:
    """Whether to become what the registry says, or to find out ourselves.

    ``relocatable`` is ``[registry] relocatable``; ``refused``: the platform turned ``current``
    down. A device whose key was withdrawn can be reached by the registry alone, so it may then be
    moved in any case; else a changed key counts as a move, as it can carry off a device as well
    as a changed id. An identity written in the configuration is the operator's own and always
    stays: it would be back at the next start anyway.
    """
    if message.device_id is None:
        return _reconfigure(Secret(message.key), current, relocatable or refused)
    new = Identity(message.device_id, Secret(message.key), "registry")
    if current is None:
        return Adopt(new)
    if (new.device_id, new.key) == (current.device_id, current.key):
        return Keep(f"the registry says again that we are device {new.device_id}", expected=True)
    what = (
        f"a new key for device {new.device_id}"
        if new.device_id == current.device_id
        else f"device {new.device_id} instead of {current.device_id}"
    )
    if current.source == "config":
        return Keep(
            f"the registry offers {what}, but device_id and key stand in agent.toml:"
            " take both out there to let the registry decide"
        )
    if relocatable or refused:
        return Adopt(new)
    return Keep(
        f"the registry offers {what}, but this device is already provisioned:"
        " set [registry] relocatable = true to let it move"
    )


def _reconfigure(key: Secret, current: Identity | None, movable: bool) -> Reconfigured | Keep:
    asked = "the registry asks this device to create its own configuration on the platform"
    if current is not None and current.source == "config":
        return Keep(
            f"{asked}, but device_id and key stand in agent.toml:"
            " cht-agent platform create does it for them"
        )
    if current is None or movable:
        return Reconfigured(key)
    return Keep(
        f"{asked}, but it is already provisioned:"
        " set [registry] relocatable = true to let it move",
        expected=key == current.key,
    )
