"""The platform's side of a measurement: one client that sends commands and sees answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.peer import DEVICE

COMMAND = f"/v1/device/{DEVICE}/sensor/lamp/command"


class Platform:
    """Counts readings, notes the first heartbeat, times command → ack."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="benchplatform")
        self._client.on_message = self._message
        self._client.on_connect = self._connected
        self._client.on_socket_open = self._no_delay
        self._ready = threading.Event()
        self._client.on_subscribe = lambda *_a: self._ready.set()
        self._client.reconnect_delay_set(1, 1)
        self.beat = threading.Event()
        self.beat_at = 0.0
        self.readings = 0
        self._latencies: list[float] = []
        self._outstanding: dict[int, float] = {}
        self._to_send = 0
        self._sent = 0
        self._acked = 0
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self._ready.wait(5)
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for_beat(self, timeout: float = 20.0) -> float:
        """The moment (monotonic) of the first heartbeat since the last call."""
        if not self.beat.wait(timeout):
            raise TimeoutError("no heartbeat seen")
        self.beat.clear()
        return self.beat_at

    def command_latencies(self, count: int, outstanding: int = 1) -> tuple[list[float], float]:
        """Send ``count`` commands, ``outstanding`` at a time; their latencies in s, sorted, and
        the whole time. Acks come in order, so the oldest outstanding one is answered."""
        self._latencies, self._outstanding = [], {}
        self._to_send, self._sent, self._acked = count, 0, 0
        self._done.clear()
        began = time.perf_counter()
        for _ in range(outstanding):
            self._send()
        self._done.wait(120)
        return sorted(self._latencies), time.perf_counter() - began

    def _send(self) -> None:
        if self._sent >= self._to_send:
            return
        number, self._sent = self._sent, self._sent + 1
        notice = {
            "id": "lamp",
            "deviceId": DEVICE,
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "cmd": "on" if number % 2 == 0 else "off",
        }
        self._outstanding[number] = time.perf_counter()
        self._client.publish(COMMAND, json.dumps(notice))

    def _message(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        leaf = message.topic.rpartition("/")[2]
        if leaf == "ack":
            for _ in json.loads(message.payload):
                self._latencies.append(time.perf_counter() - self._outstanding.pop(self._acked))
                self._acked += 1
                if self._acked >= self._to_send:
                    self._done.set()
                self._send()
        elif leaf == "heartbeat" and not self.beat.is_set():
            self.beat_at = time.monotonic()
            self.beat.set()
        elif leaf == "rawdata":
            self.readings += len(json.loads(message.payload))

    def _connected(self, _c: Client, *_rest: Any) -> None:
        base = f"/v1/device/{DEVICE}"
        self._client.subscribe([(f"{base}/{leaf}", 0) for leaf in ("ack", "heartbeat", "rawdata")])

    @staticmethod
    def _no_delay(_c: Client, _u: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
