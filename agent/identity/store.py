"""Where an identity from the registry is kept: one small file that a power cut cannot halve.

When the registry asks us to create our own device, the key it gave is kept until that is done.
A new identity is first only a candidate beside the current one. Once the platform has taken it,
:meth:`~IdentityStore.commit` makes it the current one; if the platform refuses it,
:meth:`~IdentityStore.roll_back` forgets it. Each step is one atomic replacement of the file, so
at every moment the old identity, the new one, or both are there.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import files
from agent.config.model import Secret
from agent.errors import StorageError
from agent.identity.registry import Identity

FILE = "identity.json"

log = logging.getLogger("cht_agent.identity")


@dataclass(frozen=True)
class Stored:
    """What the file holds. A ``candidate`` found at the start was never proven: prove it again.

    ``asked``: with this key our device is still to be found or created; never beside a candidate.
    """

    current: Identity | None = None
    candidate: Identity | None = None
    asked: Secret | None = None


class IdentityStore:
    """``identity.json`` in the state folder, readable by the agent alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Stored:
        """What was stored last; nothing when there is no file, or a damaged one (it is set aside).

        Raises StorageError when the file is there but cannot be read.
        """
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return Stored()
        except OSError as exc:
            raise self._error("read", exc) from exc
        try:
            document = json.loads(raw)
            return _stored(document)
        except (ValueError, KeyError, TypeError):
            self._set_aside()
            return Stored()

    def look(self) -> Stored:
        """The same for a bystander, who changes nothing. Raises StorageError, also for damage."""
        try:
            return _stored(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return Stored()
        except OSError as exc:
            raise StorageError(
                f"{self._path} cannot be read ({exc.strerror}): run it with sudo"
            ) from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise StorageError(
                f"{self._path} is damaged: the agent sets it aside at its next start,"
                " and the registry must send the identity again"
            ) from exc

    def ask(self, key: Secret) -> None:
        """Keep ``key`` until our device is found with it. Raises StorageError."""
        self._write(Stored(self.load().current, None, key))

    def propose(self, identity: Identity) -> None:
        """Keep ``identity`` beside the current one until it is proven. Raises StorageError."""
        self._write(Stored(self.load().current, identity))

    def commit(self) -> None:
        """The candidate is proven: it replaces the current one. Raises StorageError."""
        stored = self.load()
        if stored.candidate is not None:
            self._write(Stored(stored.candidate))

    def roll_back(self) -> None:
        """The candidate was refused, or what was asked cannot be done: only the current one stays.

        Raises StorageError.
        """
        stored = self.load()
        if stored.candidate is not None or stored.asked is not None:
            self._write(Stored(stored.current))

    def _write(self, stored: Stored) -> None:
        document: dict[str, Any] = {
            "current": _plain(stored.current), "candidate": _plain(stored.candidate)
        }  # fmt: skip
        if stored.asked is not None:
            document["asked"] = stored.asked.reveal()
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        try:
            files.replace(self._path, text.encode())
        except OSError as exc:
            raise self._error("written", exc) from exc

    def _set_aside(self) -> None:
        aside = self._path.with_suffix(".damaged")
        try:
            os.replace(self._path, aside)
        except OSError as exc:
            raise self._error("set aside", exc) from exc
        log.warning(
            "%s is damaged and was set aside as %s: the registry must send the identity again",
            self._path, aside.name,
        )  # fmt: skip

    def _error(self, what: str, exc: OSError) -> StorageError:
        return StorageError(
            f"{self._path} cannot be {what} ({exc.strerror}):"
            " check the owner, the space and [service] state_dir"
        )


def _stored(document: Any) -> Stored:
    """Raises KeyError, TypeError or ValueError when it is not what is written here."""
    asked = document.get("asked") if isinstance(document, dict) else None
    if not (asked is None or (isinstance(asked, str) and asked)):
        raise ValueError("a key is a text")
    return Stored(
        _identity(document["current"]),
        _identity(document["candidate"]),
        None if asked is None else Secret(asked),
    )


def _identity(plain: Any) -> Identity | None:
    """Raises KeyError, TypeError or ValueError when it is not what ``_plain`` makes."""
    if plain is None:
        return None
    device_id, key = plain["device_id"], plain["key"]
    if not (isinstance(device_id, str) and isinstance(key, str) and device_id and key):
        raise ValueError("an identity is two texts")
    return Identity(device_id, Secret(key), "registry")


def _plain(identity: Identity | None) -> dict[str, str] | None:
    if identity is None:
        return None
    return {"device_id": identity.device_id, "key": identity.key.reveal()}
