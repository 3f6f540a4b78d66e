"""A subscriber that sees what the platform would see, and can speak for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


@dataclass(frozen=True)
class Message:
    """A PUBLISH as it arrived; ``at`` is the monotonic clock."""

    topic: str
    payload: bytes
    retain: bool
    at: float

    def json(self) -> Any:
        """The payload decoded."""
        return json.loads(self.payload)


class Observer:
    """Subscribes to ``topics`` of a broker on loopback from ``with`` on, and keeps all it gets.

    ``user`` is user name and password at once, as on the platform (P-03).
    """

    def __init__(
        self, port: int, topics: Sequence[str] = ("#",), *, user: str | None = None,
        ca: Path | None = None,
    ) -> None:
        self.topics = tuple(topics)
        self._port = port
        self._messages: list[Message] = []
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        if user is not None:
            self._client.username_pw_set(user, user)
        if ca is not None:
            self._client.tls_set(ca_certs=str(ca))

    @property
    def messages(self) -> list[Message]:
        """All so far, in order of arrival."""
        with self._news:
            return list(self._messages)

    def take(self) -> list[Message]:
        """All so far, and keep them no longer: a long test would fill the memory with them."""
        with self._news:
            taken, self._messages = self._messages, []
        return taken

    def on(self, topic: str) -> list[Message]:
        """Those of one topic."""
        return [message for message in self.messages if message.topic == topic]

    def wait_for(
        self, predicate: Callable[[Message], object], timeout: float = 5.0, *, after: float = 0.0,
    ) -> Message:
        """The first message (arrived at ``after`` or later) that satisfies; AssertionError else."""
        def found() -> Message | None:
            return next((m for m in self._messages if m.at >= after and predicate(m)), None)

        with self._news:
            message = self._news.wait_for(found, timeout)
            seen = "".join(f"\n  {m.topic} {m.payload[:200]!r}" for m in self._messages[-20:])
        assert message is not None, f"no such message within {timeout:g} s; the last seen:{seen}"
        return message

    def wait_count(self, count: int, topic: str, timeout: float = 5.0) -> list[Message]:
        """The first ``count`` messages of a topic."""
        with self._news:
            self._news.wait_for(
                lambda: sum(m.topic == topic for m in self._messages) >= count, timeout)
        messages = self.on(topic)
        assert len(messages) >= count, (
            f"{len(messages)} of {count} messages on {topic} within {timeout:g} s")
        return messages[:count]

    def publish(
        self, topic: str, payload: bytes | str | dict[str, Any] | list[Any] = b"", *,
        retain: bool = False,
    ) -> None:
        """Send; dicts and lists as JSON. Returns when it is on its way."""
        if isinstance(payload, dict | list):
            payload = json.dumps(payload, ensure_ascii=False)
        self._client.publish(topic, payload, qos=0, retain=retain).wait_for_publish(5)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port, keepalive=60)
        self._client.loop_start()
        if not self._subscribed.wait(5):
            self._client.loop_stop()
            raise AssertionError(f"no SUBACK from port {self._port} within 5 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, code: Any,
                    _properties: Any) -> None:
        if not code.is_failure:
            client.subscribe([(topic, 0) for topic in self.topics])

    def _on_subscribe(self, *_arguments: Any) -> None:
        self._subscribed.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        with self._news:
            self._messages.append(Message(
                message.topic, bytes(message.payload), message.retain, time.monotonic()))
            self._news.notify_all()
