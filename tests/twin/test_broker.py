"""The launched mosquitto behaves as its options say, and leaves nothing behind."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.conftest import DEVICE_KEY, PROJECT_KEY
from tests.support.certs import Certs
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.mosquitto import BrokerError, BrokerOptions, Listener, PortTaken, program


def connect_and_subscribe(port: int, user: str | None, topic: str) -> tuple[str, str | None]:
    """The CONNACK's word, and the SUBACK's if it came to that."""
    words: dict[str, str] = {}
    done = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)

    def connected(_c: Any, _d: Any, _f: Any, code: Any, _p: Any) -> None:
        words["connack"] = str(code)
        if code.is_failure:
            done.set()
        else:
            client.subscribe(topic)

    def subscribed(_c: Any, _d: Any, _mid: int, codes: Any, _p: Any) -> None:
        words["suback"] = str(codes[0])
        done.set()

    client.on_connect, client.on_subscribe = connected, subscribed
    if user is not None:
        client.username_pw_set(user, user)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert done.wait(5)
    finally:
        client.disconnect()
        client.loop_stop()
    return words["connack"], words.get("suback")


def folder_of(broker: Broker) -> Path:
    (line,) = [line for line in broker.log.splitlines() if "Config loaded from" in line][:1]
    return Path(line.rsplit(" ", 1)[1].rstrip(".")).parent


def test_it_accepts_at_once_and_leaves_nothing_behind() -> None:
    with Broker() as broker:
        socket.create_connection(("127.0.0.1", broker.port), 1).close()
        folder = folder_of(broker)
        assert folder.is_dir()
        assert broker.running
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", broker.port), 1)


@pytest.mark.parametrize("end", [Broker.stop, Broker.kill])
def test_it_comes_back_on_the_same_port(broker: Broker, end: Any) -> None:
    port = broker.port
    with Observer(port):
        end(broker)
        assert not broker.running
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)
        broker.start()
    assert broker.port == port
    assert connect_and_subscribe(port, None, "x") == ("Success", "Granted QoS 0")


def test_the_log_is_collected_over_restarts(broker: Broker) -> None:
    broker.restart()
    assert len([line for line in broker.log.splitlines() if line.endswith(" running")]) == 2


def test_several_listeners_each_get_a_port(certs: Certs) -> None:
    tls = Listener(cert=certs.server.cert, key=certs.server.key)
    with Broker(BrokerOptions(listeners=(Listener(), tls))) as broker:
        plain, secure = broker.ports
        with Observer(plain) as observer, Observer(secure, ca=certs.ca) as other:
            other.publish("x", "over tls")
            assert observer.wait_for(lambda m: m.topic == "x").payload == b"over tls"


def test_passwords_are_checked(password_broker: Broker) -> None:
    port = password_broker.port
    assert connect_and_subscribe(port, DEVICE_KEY, "x") == ("Success", "Granted QoS 0")
    assert connect_and_subscribe(port, "wrong", "x")[0] == "Not authorized"
    assert connect_and_subscribe(port, None, "x")[0] == "Not authorized"


def test_passwords_do_not_lie_about_in_the_clear(password_broker: Broker) -> None:
    for path in folder_of(password_broker).iterdir():
        assert f":{DEVICE_KEY}" not in path.read_text()


def test_tls_with_a_password(tls_broker: Broker, certs: Certs) -> None:
    with Observer(tls_broker.port, user=PROJECT_KEY, ca=certs.ca) as observer:
        observer.publish("x", "secret")
        observer.wait_for(lambda m: m.payload == b"secret")


def test_a_large_payload_vanishes_without_a_word(limited_broker: Broker) -> None:
    with Observer(limited_broker.port) as observer:
        observer.publish("x", b"a" * 5000)
        observer.publish("x", b"b" * 5001)
        observer.publish("x", b"c")
        assert [m.payload[:1] for m in observer.wait_count(2, "x")] == [b"a", b"c"]


def test_a_packet_over_the_limit_ends_the_connection() -> None:
    with (
        Broker(BrokerOptions(max_packet_size=2000)) as broker,
        Observer(broker.port) as observer,
    ):
        observer.publish("x", b"a" * 3000)
        wait_until(lambda: "oversize packet" in broker.log, what="the disconnection")


def test_a_denied_subscribe_is_refused(denying_broker: Broker) -> None:
    port = denying_broker.port
    assert connect_and_subscribe(port, DEVICE_KEY, "x") == ("Success", "Unspecified error")
    assert connect_and_subscribe(port, PROJECT_KEY, "#") == ("Success", "Granted QoS 0")
    with (
        Observer(port, user=PROJECT_KEY) as platform,
        Observer(port, user=DEVICE_KEY) as device,
    ):
        device.publish("reading", "1")
        platform.wait_for(lambda m: m.topic == "reading")
        assert device.messages == []


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port} .*choose another port"):
            Broker(BrokerOptions(listeners=(Listener(port),))).start()


def test_a_missing_mosquitto_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"^mosquitto is not installed: sudo apt install"):
        program("mosquitto", path=str(tmp_path))
    assert program("mosquitto").endswith("/mosquitto")


def test_a_configuration_it_does_not_take_is_one_clear_line(tmp_path: Path) -> None:
    listener = Listener(cert=tmp_path / "none.pem", key=tmp_path / "none.key")
    with pytest.raises(BrokerError, match=r"mosquitto did not start: .*none\.pem") as raised:
        Broker(BrokerOptions(listeners=(listener,))).start()
    assert "\n" not in str(raised.value)
