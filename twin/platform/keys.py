"""Projects, devices' keys, and what a key opens (P-03, P-19).

Documented: a project key opens everything of its project, a device key its device. The looks of
keys and ids follow public samples: ``PK`` or ``DK`` and sixteen letters and digits, eleven digits.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

_SIGNS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Project:
    """A project and its key."""

    key: str
    name: str


@dataclass(frozen=True)
class Access:
    """What a key opens: a whole project, or the one device ``device_id`` of it."""

    project_key: str
    device_id: str | None = None


class Keyring:
    """All keys of all projects."""

    def __init__(self, rand: Random) -> None:
        self._rand = rand
        self._projects: dict[str, Project] = {}
        self._of_key: dict[str, Access] = {}
        self._of_device: dict[str, str] = {}

    @property
    def all(self) -> Mapping[str, Access]:
        """Every key there is, and what it opens."""
        return dict(self._of_key)

    def add_project(self, name: str, key: str | None = None) -> Project:
        """A new project. Raises ValueError when the key is taken."""
        project = Project(self._claim(key, "PK"), name)
        self._projects[project.key] = project
        self._of_key[project.key] = Access(project.key)
        return project

    def add_device(self, project_key: str, device_id: str, key: str | None = None) -> str:
        """The new device's key. Raises ValueError when the key is taken."""
        chosen = self._claim(key, "DK")
        self._of_key[chosen] = Access(project_key, device_id)
        self._of_device[device_id] = chosen
        return chosen

    def forget_device(self, device_id: str) -> None:
        del self._of_key[self._of_device.pop(device_id)]

    def access(self, key: str) -> Access | None:
        """None: nobody knows this key."""
        return self._of_key.get(key)

    def device_key(self, device_id: str) -> str:
        """Raises KeyError when there is no such device."""
        return self._of_device[device_id]

    def new_device_id(self) -> str:
        """Eleven digits no device has."""
        while (chosen := str(self._rand.randrange(10**10, 10**11))) in self._of_device:
            pass
        return chosen

    def _claim(self, key: str | None, prefix: str) -> str:
        if key is not None:
            if not key or key in self._of_key:
                raise ValueError("this key is empty or taken")
            return key
        while (made := prefix + "".join(self._rand.choices(_SIGNS, k=16))) in self._of_key:
            pass
        return made
