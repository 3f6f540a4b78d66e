"""Our own death notice: taken back whenever we are alive to do so (P-20…P-22, decision 2)."""

from __future__ import annotations

import contextlib
import logging

from agent.config.model import LastWillConfig
from agent.errors import LinkLost
from agent.link.model import Will
from agent.presence.ports import Channel
from agent.protocol import topics

log = logging.getLogger("cht_agent.presence")


class LastWill:
    """The will that CONNECT carries, under ``name``, and its clearing.

    The platform keeps a retained will for days, and a broker may publish the old session's will
    after the new one is up. So an empty retained message follows every connect, and every notice
    of our death that reaches us alive.
    """

    def __init__(self, channel: Channel, config: LastWillConfig, name: str) -> None:
        self.topic = topics.lwt(name)
        self.will = Will(self.topic, config.message.encode(), config.retain)
        self._channel = channel
        self._clears = config.clear and config.retain
        self._told = False

    def clear(self) -> None:
        """We are alive: to be called when the link has come up."""
        self._told = False
        self._clear()

    def heard(self, payload: bytes) -> None:
        """A message on our own will topic; an empty one is our own clearing."""
        if payload and self._clears and self._channel.up:
            # Once a connection: whoever knows the topic can send it as often as he likes.
            level = logging.DEBUG if self._told else logging.INFO
            self._told = True
            log.log(level, "a notice of our death is out while we live; cleared")
            self._clear()

    def _clear(self) -> None:
        if self._clears:
            with contextlib.suppress(LinkLost):
                self._channel.publish(self.topic, b"", retain=True)
