"""What a twin keeps between two runs: its keys, its devices with their sensors, its numbers with
their menus. Not what was measured and said."""

from __future__ import annotations

import json
import os
import secrets
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from twin.phone.errors import TasError
from twin.phone.telephone import Telephone
from twin.platform import Platform, Refused

_SIGNS = string.ascii_uppercase + string.digits


class StateError(Exception):
    """The folder cannot be used; one line that says why and how to mend it."""


@dataclass(frozen=True)
class State:
    """``project_key`` and ``api_key`` are those a twin begins with; the rest is what it was told
    over REST."""

    project_key: str
    api_key: str
    devices: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[dict[str, Any]] = field(default_factory=list)


def taken_from(platform: Platform, telephone: Telephone, project_key: str, api_key: str) -> State:
    """The state of these rules, as JSON values."""
    devices = [
        {**device, "key": platform.device_key(device["id"]),
         "sensors": platform.sensors(project_key, device["id"])}
        for device in platform.devices(project_key)]
    return State(project_key, api_key, devices, telephone.kept())


def put_into(platform: Platform, telephone: Telephone, state: State) -> None:
    """Let fresh rules begin with it. Raises StateError when it makes no sense."""
    platform.add_project("twin", state.project_key)
    telephone.add_account(state.api_key)
    try:
        for device in state.devices:
            dev = platform.add_device(state.project_key, device["name"], device_id=device["id"],
                                      device_key=device["key"])
            platform.update_device(state.project_key, dev, device)
            for sensor in device["sensors"]:
                platform.create_sensor(state.project_key, dev, sensor)
        telephone.restore(state.numbers)
    except (KeyError, TypeError, ValueError, Refused, TasError) as exc:
        raise StateError(f"the state of an earlier run cannot be used ({exc}): "
                         "remove its file or choose another --folder") from exc


class Store:
    """The state's file in ``folder``, which is made when it is not there. Raises StateError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "state.json"
        self._last = ""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise self._unusable(exc) from exc

    def load(self, project_key: str | None, api_key: str | None) -> State:
        """That of the last run, or a new one. Other keys than those of the last run begin a new
        one, too: what belonged to the old ones is forgotten."""
        try:
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else "{}"
        except (OSError, UnicodeError) as exc:
            raise self._unusable(exc) from exc
        try:
            content = json.loads(text)
            state = State(**{"project_key": "", "api_key": "", **content})
        except (ValueError, TypeError, RecursionError) as exc:
            raise StateError(f"{self._path} was not written by a twin: remove it") from exc
        return State(
            project_key or state.project_key or _new("PK"), api_key or state.api_key or _new("AK"),
            state.devices if project_key in (None, state.project_key) else [],
            state.numbers if api_key in (None, state.api_key) else [])

    def save(self, state: State) -> None:
        """Write it, if it is not what the file holds already; never half of it."""
        text = json.dumps(asdict(state), ensure_ascii=False, indent=1)
        if text == self._last:
            return
        new = self._path.with_suffix(".new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                           encoding="utf-8") as file:
                file.write(text)
            new.replace(self._path)
        except OSError as exc:
            raise self._unusable(exc) from exc
        self._last = text

    def _unusable(self, exc: Exception) -> StateError:
        reason = exc.strerror if isinstance(exc, OSError) else exc
        return StateError(f"{self._path}: {reason}; --folder names another place")


def _new(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_SIGNS) for _ in range(16))
