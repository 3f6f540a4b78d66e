"""The beats that tell the platform we live (P-13), and when not to send them.

A beat is true only now, so one that cannot leave is not kept. Beats also stop when the agent is
alive but useless (every sensor overdue): the platform's Lost notice is then the right alarm.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from agent.clock import Clock
from agent.errors import LinkLost
from agent.presence.ports import Channel
from agent.protocol import topics
from agent.protocol.liveness import Heartbeat, encode_heartbeat

log = logging.getLogger("cht_agent.presence")

BEATS_A_PULSE = 3  # two may get lost before the platform misses us


class Heart:
    """Beats every third of ``pulse`` seconds while the link is up and ``healthy()`` holds.

    Each beat is followed by a fence, which finds a half-open link within seconds (decision 4).
    ``device`` is whose heart it is; None: nobody's yet.
    """

    def __init__(
        self, channel: Channel, clock: Clock, pulse: float, healthy: Callable[[], bool]
    ) -> None:
        self.device: str | None = None
        self.beats = 0
        self._channel = channel
        self._clock = clock
        self._payload = encode_heartbeat(Heartbeat(round(pulse * 1000)))
        self._period = pulse / BEATS_A_PULSE
        self._healthy = healthy
        self._was_healthy = True
        self._now = asyncio.Event()

    def beat_now(self) -> None:
        """The link has just come up: tell it at once, and count the period from here."""
        self._now.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._now.clear()
            due = self._clock.monotonic() + self._period
            await self._beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - self._clock.monotonic())):
                    await self._now.wait()

    async def _beat(self) -> None:
        if not self._channel.up or self.device is None or not self._judge():
            return
        with contextlib.suppress(LinkLost):
            self._channel.publish(topics.heartbeat(self.device), self._payload)
            self.beats += 1
            await self._channel.fence()

    def _judge(self) -> bool:
        healthy = self._healthy()
        if healthy != self._was_healthy:
            if healthy:
                log.info("heartbeats go on: a sensor answers again")
            else:
                log.error("heartbeats stop: every sensor is overdue by three times its period")
        self._was_healthy = healthy
        return healthy
