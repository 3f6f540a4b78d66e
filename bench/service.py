"""The telephone service's side of a measurement: it opens calls, asks, and times the answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.peer import EVENTS, SN_KEY


class Service:
    """Times callEvent → callAction, one request outstanding."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="benchservice")
        self._client.on_connect = lambda client, *_: client.subscribe(
            f"phone-conn/callAction/{SN_KEY}")  # fmt: skip
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._message
        self._client.on_socket_open = lambda _c, _u, sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # fmt: skip
        self._ready = threading.Event()
        self._answered = threading.Event()
        self._answer: dict[str, Any] = {}
        self._number = 0

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

    def wait_until_answered(self, timeout: float = 20.0) -> None:
        """Until somebody is there who answers calls."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                self.ask("MAIN", 0.2)
                return
            except TimeoutError:
                continue
        raise TimeoutError("no call was answered")

    def open(self, calls: int) -> list[str]:
        """The nodes at which so many callers wait for a key."""
        nodes = []
        for _ in range(calls):
            self.ask("MAIN")
            nodes.append(self._answer["node"])
        return nodes

    def latencies(self, nodes: list[str], count: int) -> list[float]:
        """A reading asked for by one caller after the other; how long each answer took, in
        seconds, sorted."""
        return sorted(self.ask(f"{nodes[n % len(nodes)]},1") for n in range(count))

    def ask(self, node: str, timeout: float = 10.0) -> float:
        """Seconds until the answer. Raises TimeoutError."""
        self._number += 1
        request = {"id": f"id{self._number}", "type": "request", "phone": "0900000001",
                   "node": node, "time": f"t{self._number}"}  # fmt: skip
        self._answered.clear()
        began = time.perf_counter()
        self._client.publish(EVENTS, json.dumps(request))
        if not self._answered.wait(timeout):
            raise TimeoutError(f"no answer to {node}")
        return time.perf_counter() - began

    def _message(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        answer = json.loads(message.payload)
        if answer["id"] == f"id{self._number}":
            self._answer = answer
            self._answered.set()
