"""A connection that is kept up: connect, subscribe, prove, wait for its end, again.

Losing it is normal and logged once an outage, not once a try. The rest of the agent sees only
whether the link is up, and publishes through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agent.clock import Clock
from agent.errors import KeyRefused, LinkError, LinkLost, LinkRefused
from agent.link.connection import Connection
from agent.link.model import Account, LinkStatus, OnMessage, State
from agent.retry import Reconnect, reconnecting

log = logging.getLogger("cht_agent.link")

FENCE_TIMEOUT = 4.5  # a link that falls silent is known within 5 s, the wait to ask included
RETRY_REFUSED = 300.0
_TAKEOVERS, _WITHIN, _TAKEN_OVER_WAIT = 3, 60.0, 60.0


@dataclass(frozen=True)
class Plan:
    """What one run of a link connects to. ``fence_topic`` is never subscribed (decision 4).

    ``must_subscribe``: without its subscriptions this link is useless (the registry's).
    """

    account: Account
    topics: tuple[str, ...]
    fence_topic: str | None = None
    must_subscribe: bool = False


class Link:
    """One link of the agent, by name ("platform", "registry").

    ``on_subscribe`` is called right before the subscription is sent and again when it is granted:
    a platform may replay old messages from the first of these moments on. ``on_up`` and
    ``on_down`` (told whether the other side ended it) frame the time in which :meth:`publish`
    works; ``on_key_refused`` hears when the broker does not know our key. ``retry_refused``:
    seconds until topics that were refused are asked for again.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        on_message: OnMessage,
        *,
        confirm: Literal["fence", "none"] = "none",
        on_subscribe: Callable[[], None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[bool], None] = lambda _by_broker: None,
        on_key_refused: Callable[[], None] = lambda: None,
        policy: Reconnect | None = None,
        fence_timeout: float = FENCE_TIMEOUT,
        retry_refused: float = RETRY_REFUSED,
        rand: random.Random | None = None,
    ) -> None:
        self.name = name
        self._log = logging.LoggerAdapter(log, {"LINK": name})
        self.confirm: Literal["fence", "none"] = confirm
        self._clock = clock
        self._on_message = on_message
        self._on_subscribe = on_subscribe
        self._on_up = on_up
        self._on_down = on_down
        self._on_key_refused = on_key_refused
        self._policy = policy or Reconnect()
        self._fence_timeout = fence_timeout
        self._retry_refused_after = retry_refused
        self._rand = rand or random.Random()  # noqa: S311 - jitter, not a secret
        self._state: State = "off"
        self._since = clock.monotonic()
        self._error: str | None = None
        self._told: set[str] = set()
        self._connects = 0
        self._connection: Connection | None = None
        self._fence_topic: str | None = None
        self._fence_known = False
        self._fence_strikes = 0
        self._hurry = asyncio.Event()

    @property
    def up(self) -> bool:
        return self._connection is not None

    @property
    def status(self) -> LinkStatus:
        return LinkStatus(self._state, self._since, self._error, self._connects)

    def rest(self, state: Literal["waiting", "off"]) -> None:
        """Say why nobody runs this link: waiting for an identity, or not needed."""
        self._enter(state, None)

    def hurry(self) -> None:
        """Try again now: what the link was waiting for (the clock) has come."""
        if not self.up:
            self._hurry.set()

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Hand a message to the socket, at QoS 0 (P-02). Raises LinkLost while the link is down."""
        self._need().publish(topic, payload, retain)

    async def fence(self) -> None:
        """Return once the broker has read all that was published before; raises LinkLost.

        A link that does not answer is dropped here and now: that is how a half-open one is found
        in seconds. Without a fence (``confirm="none"``) only the kernel is known to have it.
        """
        connection = self._need()
        if self.confirm == "none" or self._fence_topic is None:
            await connection.drain()
            return
        try:
            await connection.fence(self._fence_topic, self._fence_timeout)
        except LinkLost as exc:
            connection.abort(str(exc).removeprefix(f"{connection.where}: "))
            raise

    async def run(self, plan: Plan) -> None:
        """Keep ``plan`` connected until cancelled; then leave with a DISCONNECT and be off."""
        self._fence_topic = plan.fence_topic
        endings: deque[float] = deque(maxlen=_TAKEOVERS)
        self._enter("down", None)
        try:
            while True:
                first_try = await self._connect(plan)
                by_peer = await self._stay(plan)
                if not by_peer or not first_try:
                    endings.clear()
                endings.append(self._clock.monotonic())
                if len(endings) == _TAKEOVERS and endings[-1] - endings[0] < _WITHIN:
                    endings.clear()
                    self._fail(
                        LinkLost(
                            f"{plan.account.host}:{plan.account.port}: closed {_TAKEOVERS} times "
                            f"within a minute; another client probably uses the client id "
                            f"{plan.account.client_id} (is this card cloned?)"
                        )
                    )
                    await self._nap(_TAKEN_OVER_WAIT * self._rand.uniform(1.0, 1.5))
                else:
                    await self._nap(self._rand.uniform(*self._policy.quick))
        finally:
            connection, self._connection = self._connection, None
            self._enter("off", None)
            if connection is not None:
                self._on_down(False)
                await connection.close()

    # --- one connection -------------------------------------------------------------------------

    async def _connect(self, plan: Plan) -> bool:
        """Until it works. True when the very first try did."""
        tries = 0

        async def attempt() -> None:
            nonlocal tries
            tries += 1
            self._hurry.clear()  # before the try: what comes during it asks for the next one
            account = plan.account
            try:
                connection = await Connection.open(account, self._on_message, self._clock.trusted())
            except LinkError:
                self._fence_strikes = 0  # an outage: it explains the strikes before it, too
                raise
            try:
                await self._settle(connection, plan)
            except LinkLost:
                connection.abort()
                raise
            except BaseException:
                connection.leave()  # refused, or stopped: nothing to send a will for
                raise
            self._connection = connection

        await reconnecting(self._policy, self._nap, self._fail, self._rand)(attempt)
        self._connects += 1
        self._enter("up", self._error)
        self._told.clear()
        self._log.info("%s: up (%s:%d)", self.name, plan.account.host, plan.account.port)
        self._on_up()
        return tries == 1

    async def _settle(self, connection: Connection, plan: Plan) -> None:
        self._on_subscribe()
        refused = await connection.subscribe(plan.topics) if plan.topics else ()
        self._on_subscribe()
        self._error = None
        if refused:
            why = f"{connection.where}: subscription refused: {', '.join(refused)}"
            if plan.must_subscribe:
                raise LinkRefused(why)
            self._error = why
            self._tell(f"{why}; does the sensor exist on the platform?")
        if self.confirm == "fence" and plan.fence_topic is not None:
            await self._first_fence(connection, plan.fence_topic)

    async def _first_fence(self, connection: Connection, topic: str) -> None:
        """Learn on a connection that carries nothing yet whether this broker bears fences."""
        try:
            await connection.fence(topic, self._fence_timeout)
            self._fence_known = True
        except LinkLost:
            self._fence_strikes += 1
            if self._fence_strikes >= 2 and not self._fence_known:
                self.confirm = "none"
                self._log.warning(
                    "%s: the broker bears no fence (dropped us twice); delivery is no longer "
                    "confirmed until the agent restarts",
                    self.name,
                )
            raise

    async def _stay(self, plan: Plan) -> bool:
        """Until the connection ends. True when the peer closed it in good order."""
        connection = self._need()
        while not connection.closed.done():
            retry = self._retry_refused_after if self._error else None
            await asyncio.wait((connection.closed,), timeout=retry)
            if self._error and not connection.closed.done():
                await self._retry_refused(connection, plan)
        self._connection = None
        reason = connection.closed.result()
        self._fail(reason)
        self._on_down(not connection.abandoned)
        return connection.closed_by_peer

    async def _retry_refused(self, connection: Connection, plan: Plan) -> None:
        try:
            self._on_subscribe()
            if not await connection.subscribe(plan.topics):
                self._error = None
            self._on_subscribe()
        except LinkLost:
            connection.abort("no answer to SUBSCRIBE")

    def _need(self) -> Connection:
        if self._connection is None:
            raise LinkLost(f"{self.name}: not connected")
        return self._connection

    # --- states and words -----------------------------------------------------------------------

    def _fail(self, reason: BaseException) -> None:
        self._enter("refused" if isinstance(reason, LinkRefused) else "down", str(reason))
        self._tell(str(reason))
        if isinstance(reason, KeyRefused):
            self._on_key_refused()

    def _tell(self, text: str) -> None:
        """One line an outage for each different reason, however many tries it takes."""
        if text not in self._told and len(self._told) < 20:
            self._told.add(text)
            self._log.warning("%s: %s", self.name, text)

    def _enter(self, state: State, error: str | None) -> None:
        if state != self._state:
            self._state, self._since = state, self._clock.monotonic()
        self._error = error

    async def _nap(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
