"""The service as systemd describes it: ``systemctl show`` read into what matters here. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

NAME = "cht-agent.service"
PROPERTIES = (
    "LoadState", "ActiveState", "SubState", "Result", "NRestarts", "UnitFileState",
    "ExecMainStatus", "User", "SupplementaryGroups", "DevicePolicy", "DeviceAllow", "Environment",
    "EnvironmentFiles", "ExecStart", "FragmentPath", "DropInPaths", "NeedDaemonReload",
    "ProtectHome", "StateDirectory",
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A unit that is there. ``state``: ActiveState. ``status``: how the last process ended, or
    what systemd could not do for it (above 200). ``config``: the file it is started with."""

    state: str
    sub: str
    result: str
    restarts: int
    enabled: str
    status: int
    user: str
    groups: tuple[str, ...]
    devices: tuple[str, ...]
    closed: bool
    credentials: frozenset[str]
    environment: frozenset[str]
    environment_files: bool
    config: Path | None
    hides_homes: bool
    stale: bool

    @property
    def restarting(self) -> bool:
        """Whether systemd is starting it again just now, or waits to."""
        return self.sub in ("auto-restart", "auto-restart-queued")

    def lets_out(self, kind: str) -> bool:
        """Whether it may use devices of this kind, such as ``char-spidev``."""
        return not self.closed or any(line.split()[0] == kind for line in self.devices)


def unit(shown: str, files: Mapping[str, str]) -> Unit | None:
    """What ``systemctl show`` printed, or None where there is no such unit.

    ``files``: the texts of the unit's files by path, for what it does not print.
    """
    lines = [line.partition("=") for line in shown.splitlines()]
    many = {
        name: [value for key, _, value in lines if key == name and value] for name in PROPERTIES
    }
    one = {name: values[-1] if values else "" for name, values in many.items()}
    if one["LoadState"] not in ("loaded", "masked"):
        return None
    texts = [files.get(path, "") for path in (one["FragmentPath"], *one["DropInPaths"].split())]
    return Unit(
        state=one["ActiveState"],
        sub=one["SubState"],
        result=one["Result"],
        restarts=_number(one["NRestarts"]),
        enabled=one["UnitFileState"],
        status=_number(one["ExecMainStatus"]),
        user=one["User"] or "root",
        groups=tuple(one["SupplementaryGroups"].split()),
        devices=tuple(many["DeviceAllow"]),
        closed=one["DevicePolicy"] in ("closed", "strict"),
        credentials=frozenset(_credentials(texts)),
        environment=frozenset(
            word.partition("=")[0] for value in many["Environment"] for word in _words(value)
        ),
        environment_files=bool(many["EnvironmentFiles"]),
        config=_config(one["ExecStart"]),
        hides_homes=one["ProtectHome"] in ("yes", "tmpfs"),
        stale=one["NeedDaemonReload"] == "yes",
    )


def files_of(shown: str) -> tuple[str, ...]:
    """The paths of the unit's files."""
    found: list[str] = []
    for line in shown.splitlines():
        name, _, value = line.partition("=")
        if name in ("FragmentPath", "DropInPaths"):
            found += value.split()
    return tuple(found)


def _credentials(texts: Iterable[str]) -> Iterable[str]:
    """The names of ``LoadCredential=`` and its kin, which ``systemctl show`` does not print."""
    names: list[str] = []
    for text in texts:
        for line in text.splitlines():
            key, equals, value = (part.strip() for part in line.partition("="))
            if equals and key in ("LoadCredential", "LoadCredentialEncrypted", "SetCredential"):
                # An empty value takes back what stood before.
                names = [*names, value.partition(":")[0]] if value else []
    return names


def _config(exec_start: str) -> Path | None:
    words = _words(exec_start.partition("argv[]=")[2].partition(" ; ")[0])
    for word, after in pairwise(words):
        if word == "--config":
            return Path(after)
    return None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
