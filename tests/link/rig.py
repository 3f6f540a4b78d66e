"""A link that runs inside a test, with everything it says kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.clock import Clock, SystemClock
from agent.config.model import Secret
from agent.link.link import Link, Plan
from agent.link.model import Account, Will
from agent.retry import Reconnect
from tests.support.waiting import until

QUICK = Reconnect(eager=60.0, quick=(0.02, 0.04))
"""For tests that are not about the pace of the retries."""

FENCE = "/v1/device/7432/sensor/lamp/csv"


def account(
    port: int, *, host: str = "127.0.0.1", client_id: str = "agent1", key: str = "anything",
    tls: ssl.SSLContext | None = None, will: Will | None = None, keepalive: float = 60.0,
    mqtt_version: Literal["3.1.1", "3.1"] = "3.1.1",
) -> Account:
    """An account on a broker of the test."""
    return Account(host, port, client_id, Secret(key), tls, will, keepalive, mqtt_version)


@dataclass
class Heard:
    """What a link told its owner, in order."""

    messages: list[tuple[str, bytes, bool]] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


@dataclass
class Rig:
    """A link and what it told. ``task`` is its run."""

    link: Link
    heard: Heard
    task: asyncio.Task[None]
    clock: Clock

    async def up(self, timeout: float = 8.0) -> None:
        await until(lambda: self.link.up, timeout, f"the link; {self.link.status}")

    async def state(self, state: str, timeout: float = 8.0) -> None:
        await until(lambda: self.link.status.state == state, timeout,
                    f"state {state}; {self.link.status}")

    async def connects(self, count: int, timeout: float = 8.0) -> None:
        await until(lambda: self.link.up and self.link.status.connects >= count, timeout,
                    f"{count} connects; {self.link.status}")

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait((self.task,))

    async def abort(self) -> None:
        """End like a crash: the socket closes, nothing is said."""
        connection = self.link._connection
        assert connection is not None
        connection.abort()
        await self.stop()


@contextlib.asynccontextmanager
async def running(
    broker: int | Account | Plan, *topics: str, name: str = "platform", clock: Clock | None = None,
    fence: str | None = FENCE, must_subscribe: bool = False,
    on_message: Callable[[Link, str, bytes], None] | None = None, **options: Any,
) -> AsyncIterator[Rig]:
    """A link to a port, an account or as planned; stopped at the end of the block."""
    heard = Heard()
    clock = clock or SystemClock("always")

    def receive(topic: str, payload: bytes, retained: bool) -> None:
        heard.messages.append((topic, payload, retained))
        if on_message is not None:
            on_message(link, topic, payload)

    hooks: dict[str, Any] = {
        "on_subscribe": lambda: heard.events.append("subscribe"),
        "on_up": lambda: heard.events.append("up"),
        "on_down": lambda by_broker: heard.events.append("ended" if by_broker else "fell silent"),
        "on_key_refused": lambda: heard.events.append("key refused"),
    }
    options = {"confirm": "fence", "policy": QUICK, **hooks, **options}
    link = Link(name, clock, receive, **options)
    if isinstance(broker, Plan):
        plan = broker
    else:
        who = account(broker) if isinstance(broker, int) else broker
        plan = Plan(who, topics, fence, must_subscribe)
    rig = Rig(link, heard, asyncio.create_task(link.run(plan), name=name), clock)
    try:
        yield rig
    finally:
        await rig.stop()


def lines(caplog: Any, level: int = logging.WARNING) -> list[str]:
    """What the link's room logged at this level or above."""
    return [r.getMessage() for r in caplog.records
            if r.name == "cht_agent.link" and r.levelno >= level]
