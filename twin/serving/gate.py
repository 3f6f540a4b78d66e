"""Keeps the users of a broker in step with the keys there are, while it runs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable

from twin.messages import Message
from twin.serving.access import Users, changes

log = logging.getLogger("cht_twin.gate")

TOPIC = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{TOPIC}/response"
_PATIENCE = 5.0


class Gate:
    """``publish`` sends as the user ``admin``; hand every message on ANSWERS to ``answered``."""

    def __init__(self, publish: Callable[[Message], None]) -> None:
        self._publish = publish
        self._have: Users = {}
        self._open: deque[asyncio.Future[None]] = deque()

    def admit(self, want: Users) -> None:
        """Let in these and nobody else, beginning a moment from now (see ``settled``)."""
        commands = list(changes(self._have, want))
        if not commands:
            return
        self._have = dict(want)
        self._open.append(asyncio.get_running_loop().create_future())
        self._publish(Message(TOPIC, json.dumps({"commands": commands}).encode()))

    def answered(self, payload: bytes) -> None:
        """The plugin has done what it was told; it answers in order."""
        refused = [each["error"] for each in json.loads(payload).get("responses", [])
                   if "error" in each]
        if refused:
            log.error("the broker did not change its users: %s", "; ".join(refused))
        if self._open:
            self._open.popleft().set_result(None)

    async def settled(self) -> None:
        """Return when all that was admitted so far may connect. An answer that does not come is
        logged, and not waited for again."""
        if not self._open:
            return
        _, late = await asyncio.wait(tuple(self._open), timeout=_PATIENCE)
        if late:
            log.error("the broker does not answer: new keys may be refused")
            self._open.clear()
