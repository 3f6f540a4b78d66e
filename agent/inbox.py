"""What arrives on a connection, decoded and handed to the room it is for.

Anybody may send anything: what cannot be read is noted once, counted, and moves nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from agent.clock import Clock
from agent.control.decision import Command
from agent.noticing import Noticing
from agent.presence.watch import Watch
from agent.protocol import topics
from agent.protocol.control import decode_command
from agent.protocol.errors import Malformed
from agent.protocol.liveness import Heartbeat, decode_active, decode_heartbeat
from agent.protocol.registry import Reconfigure, SetDeviceId, decode_registry
from agent.protocol.times import parse_time

log = logging.getLogger("cht_agent.inbox")


class PlatformInbox:
    """Messages of the platform link, for device :attr:`device`."""

    def __init__(
        self,
        clock: Clock,
        on_command: Callable[[Command], None],
        watch: Watch,
        on_will: Callable[[bytes], None],
    ) -> None:
        self.device: str | None = None
        self.noticing = Noticing(log, clock)
        self._on_command = on_command
        self._watch = watch
        self._on_will = on_will

    def receive(self, topic: str, payload: bytes, _retained: bool) -> None:
        """One message. Never raises for what is in it."""
        try:
            self._route(topics.parse(topic), payload)
        except Malformed as exc:
            self.noticing.note("malformed", f"message ignored: {exc}")

    def _route(self, topic: topics.Topic, payload: bytes) -> None:
        if topic.kind == "lwt":
            self._on_will(payload)
            return
        if topic.device != self.device:
            raise Malformed("it is for another device")
        if topic.kind == "sensor_command":
            self._command(topic, payload)
        elif topic.kind == "heartbeat":
            notice = decode_heartbeat(payload)
            if not isinstance(notice, Heartbeat):  # else it is the echo of our own beat
                self._watch.heartbeat_notice(notice)
        elif topic.kind == "active":
            self._watch.active_notice(decode_active(payload))
        else:
            raise Malformed(f"nothing was subscribed for {topic.kind}")

    def _command(self, topic: topics.Topic, payload: bytes) -> None:
        notice = decode_command(payload)
        if notice.id != topic.sensor:
            raise Malformed("a command's id is not the one of its topic")
        if notice.device_id is not None and notice.device_id != topic.device:
            raise Malformed("a command is for another device")
        time = parse_time(notice.time) if notice.time else None
        self._on_command(Command(notice.id, notice.cmd, time, notice.time))


class RegistryInbox:
    """Messages of the registry link (P-17, P-18)."""

    def __init__(
        self, clock: Clock, on_message: Callable[[SetDeviceId | Reconfigure], None]
    ) -> None:
        self.noticing = Noticing(log, clock)
        self._on_message = on_message

    def receive(self, _topic: str, payload: bytes, _retained: bool) -> None:
        """One message. Never raises for what is in it."""
        try:
            message = decode_registry(payload)
        except Malformed as exc:
            self.noticing.note("malformed", f"registry message ignored: {exc}")
            return
        self._on_message(message)
