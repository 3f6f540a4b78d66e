"""Where a key is kept, and how it is fetched. A configuration names a key, seldom holds it."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from agent.config.model import Secret, SecretRef
from agent.errors import ConfigError

CREDSTORE = Path("/etc/credstore")
"""Where systemd looks for credentials; we do too, for commands outside the service."""

_MAX_BYTES = 4096


def parse_ref(text: str, base: Path | None = None) -> SecretRef:
    """``credential:NAME``, ``env:NAME``, ``file:PATH``; anything else is the secret itself.

    ``base`` is the folder a relative ``file:`` path starts from (the configuration's).
    Raises ConfigError, whose text never holds the secret.
    """
    source, colon, where = text.partition(":")
    if colon and source == "credential":
        if not re.fullmatch(r"[A-Za-z0-9_.@-]{1,255}", where) or where.strip(".") == "":
            raise ConfigError(
                'credential: needs a plain name after it, such as "credential:device-key"'
            )
        return SecretRef("credential", where)
    if colon and source == "env":
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", where):
            raise ConfigError('env: needs a variable\'s name after it, such as "env:DEVICE_KEY"')
        return SecretRef("env", where)
    if colon and source == "file":
        if not where or "\0" in where:
            raise ConfigError('file: needs a path after it, such as "file:device.key"')
        return SecretRef("file", str((base or Path()) / where))
    _check(text, "the key")
    return SecretRef("literal", text)


def resolve(ref: SecretRef, environ: Mapping[str, str], credstore: Path = CREDSTORE) -> Secret:
    """Fetch the secret; a trailing newline is not part of it.

    A credential is looked for in ``$CREDENTIALS_DIRECTORY``, then in ``credstore``.
    Raises ConfigError that says how to mend it and never holds the secret.
    """
    match ref.source:
        case "literal":
            return Secret(ref.where)
        case "env":
            if ref.where not in environ:
                raise ConfigError(
                    f"the environment variable {ref.where} is not set: set it for the"
                    " service (Environment=) or use credential:NAME"
                )
            return _secret(environ[ref.where], f"the environment variable {ref.where}")
        case "file":
            return _read(Path(ref.where), "write the key into it, readable by the agent alone")
        case "credential":
            given = environ.get("CREDENTIALS_DIRECTORY")
            folders = ([Path(given)] if given else []) + [credstore]
            # As a service we are given what we may read: a store we may not search holds nothing.
            found = [
                folder / ref.where
                for folder in folders
                if _is_there(folder / ref.where, unsearchable=given is None)
            ]
            if not found:
                raise ConfigError(
                    f"credential {ref.where} is in neither"
                    f" {' nor '.join(map(str, folders))}: write the key into"
                    f" {credstore / ref.where} (mode 0600) and restart the service"
                )
            return _read(found[0], "run as a user who may read it, or as the service")


def others_can_read(path: Path) -> bool:
    """Whether everybody on this machine may; False when that cannot be known."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False  # whoever fetches the key says what is wrong with its file


def _is_there(path: Path, unsearchable: bool) -> bool:
    """``unsearchable``: the answer for a folder we may not search; reading it will say so."""
    try:
        return path.exists()
    except OSError:
        return unsearchable


def _read(path: Path, mend: str) -> Secret:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise ConfigError(f"the key file {path} cannot be read ({exc.strerror}): {mend}") from exc
    if len(raw) > _MAX_BYTES:
        raise ConfigError(f"the key file {path} is too long for a key: it holds only the key")
    try:
        return _secret(raw.decode("utf-8-sig"), f"the key file {path}")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"the key file {path} is not UTF-8 text: it holds only the key") from exc


def _secret(text: str, origin: str) -> Secret:
    text = text.rstrip("\r\n")
    _check(text, origin)
    return Secret(text)


def _check(text: str, origin: str) -> None:
    if not text:
        raise ConfigError(f"{origin} is empty: put the key there")
    if text != text.strip() or any(not letter.isprintable() for letter in text):
        raise ConfigError(f"{origin} has blanks around it or control characters in it")
