"""Who may connect, and what each may do (P-03, P-16, P-22): from keys to users of the broker.

Pure. The commands are those of mosquitto's dynamic security plugin.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from twin.mosquitto import Role

REGISTRY = "chtregistry"
WILLS = "/v1/lwt/#"

Users = Mapping[str, Role]
"""User name, which is the password too, → what it may do."""


def platform_users(projects: Mapping[str, Mapping[str, str]]) -> dict[str, Role]:
    """The users of the platform, from project key → device id → device key.

    A project key may do everything but what belongs to the devices of other projects. It is not
    a list of its own devices, as every change of what a user may do ends its connections: with
    such a list each new device would cut off the whole project.
    """
    users = {REGISTRY: Role(subscribe=("/v1/registry/#",))}
    for key, devices in projects.items():
        others = sorted({device for other, theirs in projects.items() if other != key
                         for device in theirs} - devices.keys())
        users[key] = Role(publish=("/v1/device/#", WILLS), subscribe=("/v1/device/#", WILLS),
                          deny=tuple(_of(device) for device in others))
        for device, device_key in devices.items():
            users[device_key] = Role(publish=(_of(device), WILLS), subscribe=(_of(device), WILLS))
    return users


def phone_users(numbers: Mapping[str, Collection[str]]) -> dict[str, Role]:
    """The users of the telephone service, from API key → the SNKeys it rents."""
    return {
        key: Role(publish=tuple(f"phone-conn/callAction/{sn}" for sn in sorted(sn_keys)),
                  subscribe=tuple(f"phone-conn/+/{sn}" for sn in sorted(sn_keys)))
        for key, sn_keys in numbers.items()
    }


def changes(have: Users, want: Users) -> Iterator[dict[str, Any]]:
    """The plugin's commands that lead from the one to the other. A user that goes, and one whose
    role changes, loses its connections."""
    for name in have.keys() - want.keys():
        yield {"command": "deleteClient", "username": name}
        yield {"command": "deleteRole", "rolename": name}
    for name, role in want.items():
        if name not in have:
            yield {"command": "createRole", "rolename": name, "acls": role.acls()}
            yield {"command": "createClient", "username": name, "password": name,
                   "roles": [{"rolename": name}]}
        elif have[name] != role:
            yield {"command": "modifyRole", "rolename": name, "acls": role.acls()}


def _of(device: str) -> str:
    return f"/v1/device/{device}/#"
