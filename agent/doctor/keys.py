"""Keys: who may read them, who may not, and whether the service is handed them."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.config import secrets
from agent.config.model import Config, SecretRef
from agent.doctor.accounts import READ, SEARCH, Account
from agent.doctor.storage import folder
from agent.doctor.unit import Unit
from agent.doctor.visit import Visit, there
from agent.finding import Finding

_HOMES = ("home", "root", "run/user")
_STORE = f"put it into {secrets.CREDSTORE} and say credential:NAME"
_EDIT = "sudo systemctl edit cht-agent: [Service] LoadCredential={name}; then restart it"


def keys(visit: Visit) -> Iterable[Finding]:
    """What the agent must be able to read, and others must not."""
    machine, config = visit.machine, there(visit.config)
    unit = machine.unit if machine.serves(visit.path) else None
    user = machine.agent(visit.path)
    if user is not None and unit is not None and not _may_read(user, visit.path, machine.root):
        mend = f"sudo chgrp {user.name} {visit.path} && sudo chmod 640 {visit.path}"
        yield Finding("error", f"{user.name} may not read {visit.path}", mend)
    for name, ref in references(config).items():
        if ref.source == "credential":
            yield from _credential(name, ref.where, unit, machine.path(secrets.CREDSTORE))
        elif ref.source == "file":
            if unit is not None and user is not None:
                yield from _file(name, Path(ref.where), unit, user, machine.root)
        elif ref.source == "env" and unit is not None:
            yield from _variable(name, ref.where, unit)
    yield from _open_to_all(folder(visit) / "identity.json", "")


def references(config: Config) -> dict[str, SecretRef]:
    """The key in ``agent.toml`` (or ``phone.toml``) → where its secret is."""
    phone, book = config.phone, config.book
    found = {
        "[platform] key": config.platform.key,
        "[phone] api_key": phone.api_key if phone else None,
        "[phone] sn_key": phone.sn_key if phone else None,
        "[pin] hash": book.pin.hash if book and book.pin else None,
    }
    if config.calls.enabled:
        found |= {f"[contacts] {name}": ref for name, ref in config.contacts.items()}
    return {name: ref for name, ref in found.items() if ref is not None}


def _credential(name: str, where: str, unit: Unit | None, store: Path) -> Iterator[Finding]:
    if unit is not None and where not in unit.credentials:
        mend = _EDIT.format(name=where)
        yield Finding("error", f"{name}: the service is not handed the credential {where}", mend)
    yield from _open_to_all(store / where, name)


def _file(name: str, path: Path, unit: Unit, user: Account, root: Path) -> Iterator[Finding]:
    homes = (root / home for home in _HOMES)
    if unit.hides_homes and any(path.is_relative_to(home) for home in homes):
        yield Finding("error", f"{name}: the service sees no home folders, so no {path}", _STORE)
    elif not _may_read(user, path, root):
        yield Finding("error", f"{name}: {user.name} may not read {path}", _STORE)
    # That others may read it is said by the check of the configuration.


def _variable(name: str, variable: str, unit: Unit) -> Iterator[Finding]:
    if variable in unit.environment:
        yield Finding(
            "warning",
            f"{name}: every user of this machine can see a unit's Environment={variable}",
            _STORE,
        )
    elif not unit.environment_files:
        yield Finding("error", f"{name}: the service has no variable {variable}", _STORE)


def _open_to_all(path: Path, name: str) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # not there, or in a folder that is closed to us, and so to others
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        what = f"{name}: " if name else ""
        text = f"{what}every user of this machine can read {path}"
        yield Finding("warning", text, f"sudo chmod 600 {path}")


def _may_read(user: Account, path: Path, root: Path) -> bool:
    """Whether it may, through all folders between; what is not there, others tell of."""
    between = [folder for folder in path.absolute().parents if folder.is_relative_to(root)]
    try:
        return all(user.may(folder.stat(), SEARCH) for folder in between) and user.may(
            path.stat(), READ
        )
    except FileNotFoundError:
        return True
    except PermissionError:
        return user.uid == 0
