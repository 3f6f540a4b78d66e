"""A scripted application of the telephone service: it hears everything and answers by a table."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

Answers = Mapping[str, Sequence[Mapping[str, Any]]]
"""``node`` of a request → the callActions that answer it, without their ``id``; each time the
same ones."""


class Application:
    """Connected to the telephone service's broker (TLS, the API key as user and password) from
    ``with`` on. ``heard``: every message, in order of arrival, as (kind of topic, content)."""

    def __init__(self, port: int, ca: Path, api_key: str, sn_key: str, answers: Answers) -> None:
        self._port, self._sn_key, self._answers = port, sn_key, answers
        self._heard: list[tuple[str, dict[str, Any]]] = []
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.username_pw_set(api_key, api_key)
        self._client.tls_set(ca_certs=str(ca))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    @property
    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        with self._news:
            return list(self._heard)

    def told(self) -> list[str]:
        """What was heard in short: the node of a request, the event, the status of a result."""
        with self._news:
            return self._told()

    def wait_until_over(self, calls: int = 1, timeout: float = 10.0) -> list[str]:
        """``told`` when so many calls, at least, were established and all of them have ended."""
        def over() -> bool:
            told = self._told()
            return calls <= told.count("CallEstablished") == told.count("CallHangUp")

        with self._news:
            assert self._news.wait_for(over, timeout), f"a call does not end: {self._told()}"
            return self._told()

    def wait_for(self, short: str, timeout: float = 10.0) -> dict[str, Any]:
        """The first message that is ``short`` in ``told``; AssertionError if none comes."""
        with self._news:
            self._news.wait_for(lambda: short in self._told(), timeout)
            assert short in self._told(), f"waited in vain for {short!r}: {self._heard}"
            return self._heard[self._told().index(short)][1]

    def _told(self) -> list[str]:
        return [str(content.get("node") or content.get("event") or content.get("status")
                    or content["type"]) for _, content in self._heard]

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._subscribed.wait(10), "the telephone service's broker does not let us in"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, _code: Any,
                    _properties: Any) -> None:
        client.subscribe([(f"phone-conn/{kind}/{self._sn_key}", 0)
                          for kind in ("callEvent", "calloutResult", "callActionDebug")])

    def _on_subscribe(self, _c: Any, _u: Any, _mid: Any, codes: Any, _p: Any) -> None:
        if not any(code.is_failure for code in codes):
            self._subscribed.set()

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        content = json.loads(message.payload)
        with self._news:
            self._heard.append((message.topic.split("/")[1], content))
            self._news.notify_all()
        for action in self._answers.get(content.get("node", ""), ()):
            client.publish(f"phone-conn/callAction/{self._sn_key}",
                           json.dumps({"id": content["id"], **action}, ensure_ascii=False))
