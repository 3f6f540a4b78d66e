"""Keeps the situation on disk, beside the loop: a card may take its time."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from agent.errors import StorageError
from agent.phone.alarms.model import Situation
from agent.phone.alarms.store import AlarmStore, document_of
from agent.threads import Worker

log = logging.getLogger("cht_agent.alarms")


class Ledger:
    """Writes in order, and only what is new. What cannot be written is told of once, and tried
    again with the next change."""

    def __init__(self, store: AlarmStore) -> None:
        """Raises StorageError when what is kept cannot be read."""
        self._store = store
        self._disk = Worker("alarms")
        self._broken = False
        self.loaded = store.load()
        self._seen = self.loaded
        self._kept: Mapping[str, object] | None = document_of(self.loaded)

    def keep(self, situation: Situation) -> None:
        """Have it written down soon."""
        if situation is self._seen:
            return
        self._seen = situation
        document = document_of(situation)
        if document != self._kept:
            self._kept = document
            self._disk.run(lambda: self._save(document))

    async def surely(self, situation: Situation) -> None:
        """Return once it is on the disk. Raises StorageError."""
        document = document_of(situation)
        if failure := await self._disk.run(lambda: self._save(document)):
            raise failure

    async def close(self) -> None:
        """Wait for what is being written."""
        await self._disk.run(lambda: None)

    def _save(self, document: Mapping[str, object]) -> StorageError | None:
        """On the disk's thread."""
        try:
            self._store.save(document)
        except StorageError as exc:
            if not self._broken:
                log.error("%s; nobody is phoned until that works", exc)
            self._broken, self._kept = True, None
            return exc
        self._broken = False
        return None
