"""Does what Reconfigure asks (P-18): finds or creates our device, until it has an answer.

The platform's REST is blocking, so it runs on a daemon thread; never on two at once, as one could
create what the other has not seen yet. Out of reach is tried again and again, ever more seldom; a
refusal ends it until the registry speaks again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.config.model import Secret
from agent.errors import AgentError
from agent.identity.blueprint import Blueprint
from agent.identity.keeper import Keeper
from agent.identity.provision import Objects, provision
from agent.identity.registry import Identity
from agent.retry import Reconnect, reconnecting
from agent.threads import in_daemon_thread
from agent.wake import Wake

log = logging.getLogger("cht_agent.identity")

PACE = Reconnect(eager=30.0, quick=(2.0, 5.0), first=5.0, cap=300.0)
"""Not at once again: a creation whose answer was lost may need a moment to show."""


@dataclass(frozen=True)
class Founding:
    """How it goes. ``waiting``: between two tries; ``error`` is the last one's, or None."""

    state: Literal["working", "waiting", "refused"]
    error: str | None = None


class Founder:
    """Works off :attr:`Keeper.asked`.

    ``connect`` reaches the platform with a key (it is called on the thread, and may raise
    AgentError); ``plan`` is what shall be there, as the configuration is at that moment.
    """

    def __init__(
        self,
        keeper: Keeper,
        connect: Callable[[Secret], Objects],
        plan: Callable[[], Blueprint],
        *,
        pace: Reconnect = PACE,
        rand: random.Random | None = None,
    ) -> None:
        self._keeper = keeper
        self._connect = connect
        self._plan = plan
        self._pace = pace
        self._rand = rand
        self._wake = Wake()
        self._working_for: Secret | None = None
        self._status: Founding | None = None
        self._wanted_then: Identity | None = None
        self._told: set[str] = set()

    @property
    def status(self) -> Founding | None:
        """None: nothing is asked of us, and nothing was refused since."""
        return self._status

    def changed(self) -> None:
        """The keeper has changed its mind."""
        over = self._status is not None and self._status.state == "refused"
        if over and self._keeper.wanted != self._wanted_then:
            self._status = None
        if self._keeper.asked != self._working_for:
            self._wake.call()

    def hurry(self) -> None:
        """Try again now: what we may have waited for (the clock) has come."""
        self._wake.call()

    async def run(self) -> None:
        """Until cancelled; a thread still at work is then left behind, and what it does is found
        again by the next start."""
        while True:
            key = self._keeper.asked
            if key is None:
                await self._wake.wait()
            else:
                await self._found(key)

    async def _found(self, key: Secret) -> None:
        self._working_for = key
        self._wake = Wake()  # what called us so far has been heard: it must not hasten a try
        try:
            await self._work_off(key)
        finally:
            self._working_for = None

    async def _work_off(self, key: Secret) -> None:
        log.info("looking for this device on the platform, or creating it there")
        self._told.clear()
        self._status = Founding("working")
        plan = self._plan()

        async def attempt() -> str | None:
            if self._keeper.asked != key:
                return None
            self._status = Founding("working", self._status.error if self._status else None)
            return await in_daemon_thread("reconfigure", lambda: self._once(key, plan))

        try:
            tries = reconnecting(self._pace, self._nap, self._failed, self._rand)
            found: str | None = await tries(attempt)
        except AgentError as exc:
            self._wanted_then = self._keeper.wanted
            self._status = Founding("refused", str(exc))
            log.error("%s; the registry must send Reconfigure again, or SetDeviceId", exc)
            self._keeper.not_founded(key)
            return
        self._status = None
        if found is not None:
            self._keeper.founded(key, found)

    def _once(self, key: Secret, plan: Blueprint) -> str | None:
        platform = self._connect(key)
        try:
            return provision(platform, plan, _log_news)
        finally:
            platform.close()

    def _failed(self, reason: BaseException) -> None:
        self._status = Founding("waiting", str(reason))
        if str(reason) not in self._told and len(self._told) < 20:
            self._told.add(str(reason))
            log.warning("%s; creating this device goes on later", reason)

    async def _nap(self, seconds: float) -> None:
        self._wake.call(seconds)
        await self._wake.wait()


def _log_news(text: str, new: bool) -> None:
    if new:
        log.info("on the platform: %s", text)
