"""The twin's own connection to a broker: what clients publish comes in, what it says goes out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from twin.messages import Message

_TIMEOUT = 10.0


class NoBroker(Exception):
    """There is no broker to speak to; one line that says where and why."""


class Connection:
    """Subscribes to ``topics``; ``arrived`` is called on the loop with each message of others.

    Its own messages do not come back, as heartbeat notices and heartbeats share a topic (P-14):
    MQTT 5 can ask for that, which is why it speaks it. Reconnects by itself.
    """

    def __init__(
        self, host: str, port: int, topics: Sequence[str], arrived: Callable[[Message], None], *,
        client_id: str = "", user: str = "", password: str = "", ca: Path | None = None,
    ) -> None:
        self._where = host, port
        self._topics = tuple(topics)
        self._arrived = arrived
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(1, 5)
        if user:
            self._client.username_pw_set(user, password)
        if ca is not None:
            self._client.tls_set(str(ca))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_socket_open = _without_delay

    async def open(self) -> None:
        """Return when it is subscribed. Raises NoBroker."""
        host, port = self._where
        try:
            async with asyncio.timeout(_TIMEOUT):
                await asyncio.to_thread(self._client.connect, host, port)
                self._client.loop_start()
                await self._ready
        except TimeoutError as exc:
            raise NoBroker(f"the broker on {host}:{port} does not answer") from exc
        except OSError as exc:
            raise NoBroker(f"no broker on {host}:{port}: {exc.strerror or exc}") from exc

    def publish(self, message: Message) -> None:
        """Send at QoS 0 (P-02); lost when there is no connection (P-05)."""
        if self._client.is_connected():
            self._client.publish(message.topic, message.payload, 0, message.retain)

    def close(self) -> None:
        """Leave; what was published before is on its way."""
        self._client.disconnect()
        self._client.loop_stop()

    def _hop(self, step: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who would listen
            self._loop.call_soon_threadsafe(step, *arguments)

    def _on_connect(self, client: mqtt.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            self._hop(self._settle, f"refuses the twin: {code}")
            return
        # No retained message either: those are of the past, and a device's own affair.
        options = SubscribeOptions(qos=0, noLocal=True, retainHandling=2)
        client.subscribe([(topic, options) for topic in self._topics])

    def _on_subscribe(self, _c: Any, _u: Any, _mid: int, codes: Any, _p: Any) -> None:
        refused = any(code.is_failure for code in codes)
        self._hop(self._settle, "refuses the twin's subscriptions" if refused else "")

    def _on_message(self, _c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        self._hop(self._arrived, Message(message.topic, bytes(message.payload), message.retain))

    def _settle(self, trouble: str) -> None:
        if self._ready.done():
            return
        if trouble:
            host, port = self._where
            self._ready.set_exception(NoBroker(f"the broker on {host}:{port} {trouble}"))
        else:
            self._ready.set_result(None)


def _without_delay(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    """A second notice right behind the first would wait 40 ms for the broker's TCP."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
