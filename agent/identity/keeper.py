"""Who we are right now, and whether to listen for somebody to tell us (P-16…P-19)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.config.model import Secret
from agent.errors import StorageError
from agent.identity.registry import Adopt, Identity, Keep, Reconfigured, decide
from agent.identity.store import IdentityStore, Stored
from agent.protocol.registry import Reconfigure, SetDeviceId

log = logging.getLogger("cht_agent.identity")


class Keeper:
    """The identity in use, a candidate before the proven one, and what the registry may change.

    ``configured``: from agent.toml; it wins and nothing is stored. ``on_change`` is called when
    :attr:`wanted`, :attr:`asked` or :attr:`listens` may have changed. The store writes one small
    file, seldom, so that is done on the loop.
    """

    def __init__(
        self,
        store: IdentityStore,
        configured: Identity | None,
        relocatable: bool,
        on_change: Callable[[], None],
    ) -> None:
        self._store = store
        self._configured = configured
        self._relocatable = relocatable
        self._on_change = on_change
        self._stored = Stored() if configured else store.load()
        self._refused = False

    @property
    def wanted(self) -> Identity | None:
        """Connect as this one; None: nobody has told us yet."""
        return self._configured or self._stored.candidate or self._stored.current

    @property
    def asked(self) -> Secret | None:
        """With this key we are to find or create our own device (P-18); None: nothing is asked."""
        return self._stored.asked

    @property
    def listens(self) -> bool:
        """Whether the registry connection is needed: the message may come late, or again."""
        if self._configured is not None:
            return False
        proven = self._stored.current is not None and not self._under_way
        return self._relocatable or self._refused or not proven

    def hear(self, message: SetDeviceId | Reconfigure) -> None:
        """The registry has spoken."""
        # A candidate is not proven yet: a second message may well correct the first.
        movable = self._refused or self._under_way
        match decide(message, self.wanted, self._relocatable, movable):
            case Adopt(new):
                log.info("the registry says that we are device %s; proving it", new.device_id)
                self._propose(new)
            case Reconfigured(key):
                self._ask(key)
            case Keep(reason, expected):
                log.log(logging.DEBUG if expected else logging.WARNING, "%s", reason)

    def founded(self, key: Secret, device_id: str) -> None:
        """Our device was found or created with ``key``, which may not be asked for any more."""
        if key != self.asked:
            return
        new = Identity(device_id, key, "registry")
        if new == self._stored.current:
            log.info("the platform has everything of device %s", device_id)
            self._forget()
        else:
            log.info("the platform has this device as %s; proving it", device_id)
            self._propose(new)

    def not_founded(self, key: Secret) -> None:
        """With ``key`` it cannot be done; the registry must speak again."""
        if key == self.asked:
            self._forget()

    def _ask(self, key: Secret) -> None:
        if key == self.asked:
            return
        self._stored = Stored(self._stored.current, None, key)
        self._save(lambda: self._store.ask(key))
        self._on_change()

    def _propose(self, new: Identity) -> None:
        self._stored = Stored(self._stored.current, new)
        self._refused = False
        self._save(lambda: self._store.propose(new))
        self._on_change()

    def _forget(self) -> None:
        """Back to the proven one, if there is."""
        self._stored = Stored(self._stored.current)
        self._save(self._store.roll_back)
        self._on_change()

    @property
    def _under_way(self) -> bool:
        return self._stored.candidate is not None or self._stored.asked is not None

    def proven(self, identity: Identity) -> None:
        """The platform took ``identity``.

        Of one that is not wanted any more nothing follows: an old connection may come up in the
        very moment in which the registry names another.
        """
        if identity != self.wanted:
            return
        self._refused = False
        if self._stored.candidate is not None:
            self._stored = Stored(self._stored.candidate)
            self._save(self._store.commit)
            log.info("we are device %s from now on", identity.device_id)
        self._on_change()

    def refused(self, identity: Identity) -> None:
        """The platform turned ``identity`` down: back to the proven one, if there is."""
        if identity != self.wanted:
            return
        if self._stored.candidate is not None:
            log.warning("the platform refuses the key the registry gave; it is forgotten")
            self._forget()
        else:
            self._refused = True
            self._on_change()

    def _save(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StorageError as exc:
            log.error("%s; this identity will be forgotten when the agent stops", exc)
