"""A whole twin for tests, and short ways to speak to it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from ssl import SSLContext
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from twin.serving.process import Twin

DEVICES = "/iot/v1"
PHONE = "/apis/CHTIoT/phone-conn/v1"


def ask(
    url: str, key: str, body: object = None, *, method: str = "", header: str = "CK",
    tls: SSLContext | None = None,
) -> tuple[int, Any]:
    """Status and decoded answer (None when it is empty) of one REST call."""
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(),
        {header: key, "Content-Type": "application/json"},
        method=method or ("GET" if body is None else "POST"))
    try:
        with urllib.request.urlopen(request, timeout=10, context=tls) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    return status, json.loads(content) if content else None


def new_device(twin: Twin, *sensors: str, key: str = "") -> str:
    """The id of a new device with these sensors."""
    base, key = f"{twin.rest_url}{DEVICES}/device", key or twin.project_key
    status, answer = ask(base, key, {"name": "d", "type": "general"})
    assert status == 200
    for sensor in sensors:
        body = {"id": sensor, "name": sensor, "type": "gauge"}
        assert ask(f"{base}/{answer['id']}/sensor", key, body)[0] == 200
    return str(answer["id"])


def rent(twin: Twin, *menu: dict[str, Any]) -> tuple[str, str]:
    """A new number, its SNKey; with this menu."""
    base, key = f"{twin.rest_url}{PHONE}", twin.api_key
    status, rented = ask(f"{base}/reg", key, {"appName": "test"}, header="X-API-KEY")
    assert status == 200, rented
    if menu:
        body = {"serviceNumber": rented["serviceNumber"], "ivrData": list(menu)}
        assert ask(f"{base}/phoneConfig", key, body, header="X-API-KEY")[0] == 200
    return rented["serviceNumber"], rented["SNKey"]


class Client:
    """A client of a broker that tells how it was received. ``words``: CONNACK, then each SUBACK
    and disconnection, as paho names them."""

    def __init__(self, port: int, user: str, ca: Path | None = None) -> None:
        self.words: list[str] = []
        self.messages: list[str] = []
        self._news = threading.Condition()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311,
                                   reconnect_on_failure=False)
        self._client.username_pw_set(user, user)
        if ca is not None:
            self._client.tls_set(ca_certs=str(ca))
        self._client.on_connect = lambda _c, _u, _f, code, _p: self._said(str(code))
        self._client.on_disconnect = lambda *_: self._said("disconnected")
        self._client.on_subscribe = lambda _c, _u, _m, codes, _p: self._said(str(codes[0]))
        self._client.on_message = lambda _c, _u, message: self._got(message.topic)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.received = self.next(1)

    def next(self, count: int) -> str:
        """The word number ``count``, once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.words) >= count, 5), self.words
            return self.words[count - 1]

    def may_subscribe(self, topic: str) -> bool:
        count = len(self.words)
        self._client.subscribe(topic)
        return self.next(count + 1) == "Granted QoS 0"

    def publish(self, topic: str, payload: str = "x") -> None:
        self._client.publish(topic, payload).wait_for_publish(5)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _said(self, word: str) -> None:
        with self._news:
            self.words.append(word)
            self._news.notify_all()

    def _got(self, topic: str) -> None:
        with self._news:
            self.messages.append(topic)
            self._news.notify_all()
