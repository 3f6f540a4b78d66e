"""The Python floor: paho's own loop, nothing else. Subscribes, answers each command with an ack and
each call with a text, publishes ten values a second. ``python -m bench.peer PORT``
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

DEVICE = "bench"
SN_KEY = "BENCHSNKEY"
EVENTS = f"phone-conn/callEvent/{SN_KEY}"


def main() -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id="benchpeer")

    def connected(_c: Client, *_rest: Any) -> None:
        client.subscribe([(f"/v1/device/{DEVICE}/sensor/lamp/command", 0), (EVENTS, 0)])

    def subscribed(_c: Client, *_rest: Any) -> None:
        client.publish(f"/v1/device/{DEVICE}/heartbeat", b'{"pulse":"60000"}')

    def command(_c: Client, _u: Any, message: MQTTMessage) -> None:
        notice = json.loads(message.payload)
        if message.topic == EVENTS:
            action = {"id": notice["id"], "node": "n", "text": "目前二十五點三度。",
                      "collectDTMF": True, "maxDTMF": 1, "collectDTMFTimeout": 10}  # fmt: skip
            client.publish(f"phone-conn/callAction/{SN_KEY}", json.dumps(action))
            return
        ack = json.dumps([{"id": notice["id"], "ack": notice["cmd"]}])
        client.publish(f"/v1/device/{DEVICE}/ack", ack)

    def no_delay(_c: Client, _u: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, command
    client.on_socket_open = no_delay
    client.connect("127.0.0.1", int(sys.argv[1]))

    def tick() -> None:
        rows = [{"id": f"s{n}", "value": ["1.5"]} for n in range(10)]
        client.publish(f"/v1/device/{DEVICE}/rawdata", json.dumps(rows))
        timer = threading.Timer(1.0, tick)
        timer.daemon = True
        timer.start()

    tick()
    client.loop_forever()


if __name__ == "__main__":
    main()
