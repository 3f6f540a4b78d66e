"""The REST client against a real server: what it sends, and what it makes of bad answers."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import tls
from agent.config.model import Secret
from agent.errors import AgentError, LinkError, LinkLost, LinkRefused, PlatformRefused
from agent.identity.rest import Rest
from agent.protocol.limits import MAX_ANSWER
from agent.protocol.objects import Device, Sensor, encode_assignment
from tests.support.certs import Certs
from tests.support.rest_platform import DEVICE, PROJECT, Fault, RestPlatform


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


def rest(base: str | RestPlatform, key: str = PROJECT, **options: object) -> Rest:
    url = base if isinstance(base, str) else base.url
    given = {"context": None, "sleep": lambda _s: None, "timeout": 2.0} | options
    return Rest(url, Secret(key), **given)  # type: ignore[arg-type]


@pytest.mark.req("P-18")
def test_what_is_created_can_be_read_again(platform: RestPlatform) -> None:
    client = rest(platform)
    device = client.create_device("pi00001", {"serial": "00001", "product_code": "pi"})
    assert client.devices() == (
        Device(device, "pi00001", {"serial": "00001", "product_code": "pi"}),)
    assert client.device(device).name == "pi00001"
    client.create_sensor(device, Sensor("溫度", "gauge", "°C"))
    client.create_sensor(device, Sensor("lamp", "switch"))
    assert client.sensors(device) == (Sensor("溫度", "gauge", "°C"), Sensor("lamp", "switch"))
    client.close()


def test_each_request_says_who_asks_and_what_it_carries(platform: RestPlatform) -> None:
    client = rest(platform.url + "/")
    client.devices()
    client.assign("pi00001", encode_assignment("7432", "pi00001", "device"))
    for request in platform.requests:
        assert request.headers["CK"] == PROJECT
        assert request.headers["Content-Type"] == "application/json"
    assert [r.path for r in platform.requests] == ["/iot/v1/device", "/iot/v1/registry/pi00001"]
    assert platform.pushed == [("pi00001", {
        "op": "SetDeviceId", "digest": "pi00001", "deviceId": "7432", "authority": "device"},
        PROJECT)]


def test_an_id_cannot_lead_elsewhere(platform: RestPlatform) -> None:
    with pytest.raises(PlatformRefused, match="there is none"):
        rest(platform).device("../device?x=1#")
    assert platform.requests[0].path == "/iot/v1/device/..%2Fdevice%3Fx%3D1%23"


@pytest.mark.parametrize("ask", [
    lambda client: client.devices(),
    lambda client: client.device("7432"),
    lambda client: client.sensors("7432"),
    lambda client: client.create_device("x", {}),
    lambda client: client.create_sensor("7432", Sensor("a")),
    lambda client: client.assign("pi1", b"{}"),
])  # fmt: skip
def test_a_wrong_key_is_told_though_the_status_is_200(platform: RestPlatform, ask) -> None:
    with pytest.raises(PlatformRefused, match="check key") as refused:
        ask(rest(platform, "PKwrongwrong"))
    assert "the platform says: invalid key ****" in str(refused.value)
    assert "PKwrongwrong" not in str(refused.value)
    assert len(platform.requests) == 1, "asking again is useless"


@pytest.mark.parametrize(("status", "kind", "told"), [
    (400, PlatformRefused, "the platform answers 400 (bad)"),
    (401, PlatformRefused, "refuses this key for it (bad); check key"),
    (403, PlatformRefused, "refuses this key for it (bad); check key"),
    (404, PlatformRefused, "there is none, or this key may not see it (bad)"),
    (302, PlatformRefused, "a redirection (302), which is not followed; check rest_url"),
    (201, PlatformRefused, "the platform answers 201 (bad)"),
    (408, LinkLost, "the platform answers 408 (bad)"),
    (429, LinkLost, "the platform answers 429 (bad)"),
    (500, LinkLost, "the platform answers 500 (bad)"),
    (503, LinkLost, "the platform answers 503 (bad)"),
])  # fmt: skip
def test_anything_but_200_is_an_error(
    platform: RestPlatform, status: int, kind: type[AgentError], told: str
) -> None:
    platform.script = lambda _request: Fault((status, b'{"status":"bad"}'))
    with pytest.raises(kind) as raised:
        rest(platform).device("7432")
    line = str(raised.value)
    assert told in line and "device 7432" in line and "\n" not in line
    assert isinstance(raised.value, LinkError) or raised.value.status == status  # type: ignore[attr-defined]
    # What may pass by itself is asked three times; a creation never.
    assert len(platform.requests) == (3 if kind is LinkLost else 1)
    with pytest.raises(kind):
        rest(platform).create_device("x", {})
    assert len(platform.requests) == (4 if kind is LinkLost else 2)


@pytest.mark.parametrize("content", [
    b"", b"<html>Log in to the hotel</html>", b"[", b"[1]", b'{"a":1}', b"null", b'[{"name":"x"}]',
    b'[{"id":"a/b"}]', b"\xff\xfe", b"[" * 10_000, b'{"status":""}',
])  # fmt: skip
def test_what_is_no_answer_of_the_platform_may_pass_by_itself(
    platform: RestPlatform, content: bytes
) -> None:
    platform.script = lambda _request: Fault((200, content))
    with pytest.raises(LinkLost, match="this is no answer of the platform") as lost:
        rest(platform).devices()
    assert "\n" not in str(lost.value) and len(str(lost.value)) < 320
    with pytest.raises(LinkLost):
        rest(platform).create_device("x", {})


@pytest.mark.parametrize("raw", [
    b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n[]",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n[]",
])  # fmt: skip
def test_a_connection_that_breaks_off(platform: RestPlatform, raw: bytes) -> None:
    platform.script = lambda _request: Fault(raw=raw)
    with pytest.raises(LinkLost) as lost:
        rest(platform).devices()
    assert "the connection broke off" in str(lost.value) and len(platform.requests) == 3
    assert "\n" not in str(lost.value)


def test_one_bad_answer_is_no_failure(platform: RestPlatform) -> None:
    platform.faults = [Fault(), Fault((503, b"")), None]
    slept: list[float] = []
    assert rest(platform, sleep=slept.append).devices() == ()
    assert len(slept) == 2 and max(slept) <= 2.0


def test_an_answer_that_never_comes(platform: RestPlatform) -> None:
    platform.script = lambda _request: Fault((200, b"[]"), delay=3)
    started = time.monotonic()
    with pytest.raises(LinkLost, match=r"no answer within 0\.2 s"):
        rest(platform, timeout=0.2).devices()
    assert time.monotonic() - started < 2.5


def test_a_huge_answer_is_not_read_to_its_end(platform: RestPlatform) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    platform.script = lambda _request: Fault(raw=head + b" " * (MAX_ANSWER + 100_000))
    with pytest.raises(LinkLost, match=f"more than {MAX_ANSWER} bytes"):
        rest(platform, tries=1).devices()


def test_a_large_project_is_read(platform: RestPlatform) -> None:
    for number in range(2000):
        platform.add(f"device {number}", serial=f"{number:05}")
    assert len(rest(platform).devices()) == 2000


def test_attributes_may_be_anything(platform: RestPlatform) -> None:
    listed = [None, 1, {"key": "a"}, {"key": "b", "value": 5}, {"key": 1, "value": "x"},
              {"key": "c", "value": "d", "more": []}]
    body = [{"id": 1, "attributes": listed}, {"id": 2, "attributes": None, "name": None},
            {"id": 3, "attributes": {}, "lat": 24.9}]
    platform.script = lambda _request: Fault((200, json.dumps(body).encode()))
    first, second, third = rest(platform).devices()
    assert first == Device("1", "", {"b": "5", "1": "x", "c": "d"})
    assert (second, third) == (Device("2"), Device("3"))


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = f"http://127.0.0.1:{port}"
    with pytest.raises(LinkLost, match=f"{where}: Connection refused"):
        rest(f"{where}/iot/v1").devices()
    with pytest.raises(LinkLost, match="unknown host; check rest_url and DNS"):
        rest("http://nowhere.invalid/iot").devices()


def test_a_key_that_cannot_stand_in_a_header() -> None:
    with pytest.raises(PlatformRefused, match="no HTTP header can carry"):
        rest("http://127.0.0.1:1", "PK\r\nX-Evil: 1")


def test_a_key_of_any_script_is_sent_as_utf8(platform: RestPlatform) -> None:
    with pytest.raises(PlatformRefused):
        rest(platform, "PK溫室").devices()
    assert platform.requests[0].headers["CK"].encode("latin-1").decode() == "PK溫室"


# --- TLS ------------------------------------------------------------------------------------------


def test_a_verified_platform_is_spoken_to(certs: Certs) -> None:
    with RestPlatform(certs.server) as platform:
        assert rest(platform, context=tls.context(certs.ca)).devices() == ()


@pytest.mark.parametrize(("which", "told"), [
    ("expired", "certificate has expired; renew it on the server, or check this machine's clock"),
    ("wrong_host", "check rest_url and ca_file"),
    ("unknown_ca", "check rest_url and ca_file"),
    ("self_signed", "check rest_url and ca_file"),
])  # fmt: skip
def test_no_other_certificate_is_taken(certs: Certs, which: str, told: str) -> None:
    with RestPlatform(getattr(certs, which)) as platform:
        with pytest.raises(LinkRefused, match="certificate not accepted") as refused:
            rest(platform, context=tls.context(certs.ca)).devices()
        assert told in str(refused.value)
        assert platform.requests == [], "the key was sent to somebody unknown"


def test_before_the_clock_is_set_an_expired_certificate_may_pass_by_itself(certs: Certs) -> None:
    with RestPlatform(certs.expired) as platform, pytest.raises(LinkLost, match="not set yet"):
        rest(platform, context=tls.context(certs.ca), clock_trusted=lambda: False).devices()


def test_https_is_never_spoken_in_plain(platform: RestPlatform, certs: Certs) -> None:
    context = tls.context(certs.ca)
    with pytest.raises(LinkError, match="check rest_url"):
        rest(platform.url.replace("http:", "https:"), context=context).devices()
    assert platform.requests == []
    with pytest.raises(ValueError, match="TLS context"):
        rest("https://127.0.0.1:1")


def test_nothing_older_than_tls_1_2(certs: Certs) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.load_cert_chain(certs.server.cert, certs.server.key)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    def serve(server: socket.socket) -> None:
        client, _ = server.accept()
        with client, pytest.raises((ssl.SSLError, OSError)):
            old.wrap_socket(client, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        with pytest.raises(LinkRefused, match=r"no TLS 1\.2 or newer there .* check rest_url"):
            rest(f"https://127.0.0.1:{server.getsockname()[1]}", context=tls.context(certs.ca),
                 tries=1).devices()
        thread.join(5)


def test_only_those_who_need_it_load_it() -> None:
    code = ("import sys; import agent.app, agent.commands.status; "
            "print('urllib3' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "False\n"


def test_the_device_key_sees_its_device(platform: RestPlatform) -> None:
    device = platform.add("pi1", ("a",))
    assert rest(platform, DEVICE).device(device).name == "pi1"
