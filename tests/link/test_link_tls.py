"""TLS: verified, 1.2 or newer, and nothing else instead of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import tls
from agent.errors import ConfigError
from agent.link.link import Link
from agent.link.model import Account
from agent.retry import Reconnect
from tests.conftest import DEVICE_KEY, PROJECT_KEY, tls_options
from tests.link.rig import account, lines, running
from tests.link.strange_broker import StrangeBroker
from tests.support.certs import Certs, Pair
from tests.support.clock import FakeClock
from tests.support.observer import Observer
from tests.support.waiting import until, wait_until
from twin.broker import Broker

MENDS = {
    "expired": "certificate has expired; renew it on the server, or check this machine's clock",
    "wrong_host": "IP address mismatch, certificate is not valid for '127.0.0.1'.; check host",
    "unknown_ca": "unable to get local issuer certificate; check host and ca_file",
    "self_signed": "self-signed certificate; check host and ca_file",
}


def secure(port: int, certs: Certs, **options: str) -> Account:
    return account(port, key=DEVICE_KEY, tls=tls.context(certs.ca), **options)  # type: ignore[arg-type]


@contextlib.contextmanager
def plain_server(answer: bytes = b"") -> Iterator[tuple[int, list[bytes]]]:
    """Says ``answer`` to each client and keeps the first bytes that each sends."""
    seen: list[bytes] = []
    kept: list[socket.socket] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                client.settimeout(5)
                seen.append(client.recv(65536))
                if answer:
                    client.sendall(answer)
                    client.close()
                else:
                    kept.append(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], seen
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(6)
        for client in kept:
            client.close()


@pytest.mark.req("P-01", "P-03")
def test_a_verified_broker_is_spoken_to(tls_broker: Broker, certs: Certs) -> None:
    async def scenario() -> None:
        async with running(secure(tls_broker.port, certs), "in") as rig:
            await rig.up()
            with Observer(tls_broker.port, ("out",), user=PROJECT_KEY, ca=certs.ca) as observer:
                rig.link.publish("out", b"x" * 100_000)  # many TLS records
                await rig.link.fence()
                await until(lambda: observer.messages)
                assert len(observer.messages[0].payload) == 100_000

    asyncio.run(scenario())


def test_a_burst_over_tls_arrives_whole(certs: Certs) -> None:
    """200 messages in one TLS record: no selector tells of those already decrypted. A message
    handler that fails in the midst of them is no reason to stop, either."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certs.server.cert, certs.server.key)
    burst = b"".join(b"\x30\x08\x00\x02in%04d" % n for n in range(200))

    def fail(_link: Link, _topic: str, payload: bytes) -> None:
        if payload == b"0100":
            raise RuntimeError("a bug of ours")

    async def scenario() -> None:
        async with (
            StrangeBroker(welcome=burst, tls=server).running() as broker,
            running(secure(broker.port, certs), "in", confirm="none", on_message=fail) as rig,
        ):
            await until(lambda: len(rig.heard.messages) == 200, 3)
            assert [int(m[1]) for m in rig.heard.messages] == list(range(200))

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", list(MENDS))
def test_a_certificate_with_a_fault_is_refused(
    certs: Certs, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    pair: Pair = getattr(certs, fault)

    async def scenario() -> None:
        async with running(secure(broker.port, certs)) as rig:
            await rig.state("refused")
            assert "certificate not accepted" in str(rig.link.status.error)
            assert MENDS[fault] in str(rig.link.status.error)
            assert "key refused" not in rig.heard.events
            await asyncio.sleep(0.3)
            rig.link.hurry()
            await asyncio.sleep(0.3)
            assert rig.link.status.state == "refused"

    with Broker(tls_options(pair.cert, pair.key)) as broker:
        asyncio.run(scenario())
        assert "CONNECT" not in broker.log  # so the key was never said
    assert len(lines(caplog)) == 1


def test_while_the_clock_is_not_set_an_expired_certificate_is_tried_again(certs: Certs) -> None:
    async def scenario() -> None:
        clock = FakeClock(trust=False)
        async with running(secure(broker.port, certs), clock=clock, policy=None) as rig:
            await rig.state("down")
            await until(lambda: "clock is not set" in str(rig.link.status.error))
            clock.trust = True
            told = time.monotonic()
            rig.link.hurry()
            await rig.state("refused", timeout=2)  # the certificate really is expired
            assert time.monotonic() - told < 0.25  # not after the wait it was in

    with Broker(tls_options(certs.expired.cert, certs.expired.key)) as broker:
        asyncio.run(scenario())


def test_hurry_during_a_try_is_not_forgotten(certs: Certs) -> None:
    """The clock may be set while a handshake runs that began without it."""

    links: list[Link] = []

    class SetDuringTheTry(FakeClock):
        def trusted(self) -> bool:
            if not self.trust:
                self.trust = True
                asyncio.get_running_loop().call_soon(links[0].hurry)
                return False
            return True

    async def scenario() -> None:
        slow = Reconnect(quick=(30.0, 30.0))
        clock = SetDuringTheTry(trust=False)
        async with running(secure(broker.port, certs), clock=clock, policy=slow) as rig:
            links.append(rig.link)
            await rig.state("refused", timeout=3)

    with Broker(tls_options(certs.expired.cert, certs.expired.key)) as broker:
        asyncio.run(scenario())


def test_tls_to_a_plain_port_never_becomes_plain(
    broker: Broker, certs: Certs, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(secure(broker.port, certs)) as rig:
            await until(lambda: rig.link.status.error)
            await asyncio.sleep(0.3)
            assert rig.link.status.state in ("down", "refused")
            assert rig.link.status.connects == 0

    asyncio.run(scenario())
    assert "TLS" in lines(caplog)[0]
    assert "check port and tls" in lines(caplog)[0]
    assert len(lines(caplog)) == 1


def test_each_try_begins_with_a_tls_handshake(certs: Certs) -> None:
    async def scenario() -> None:
        with plain_server(answer=b"\x20\x02\x00\x00") as (port, seen):  # a plain CONNACK
            async with running(secure(port, certs)) as rig:
                await until(lambda: rig.link.status.error)
                for tries in (2, 3):
                    rig.link.hurry()
                    await until(lambda: len(seen) >= tries)  # noqa: B023
                assert rig.link.status.connects == 0
            assert all(first[0] == 0x16 for first in seen)
            assert not any(DEVICE_KEY.encode() in first for first in seen)

    asyncio.run(scenario())


def test_plain_to_a_tls_port(
    tls_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(account(tls_broker.port, key=DEVICE_KEY)) as rig:
            await until(lambda: rig.link.status.error)
            await asyncio.sleep(0.3)
            assert rig.link.status.state == "down"
            assert rig.link.status.connects == 0

    asyncio.run(scenario())
    assert len(lines(caplog)) == 1
    assert "check port and tls" in lines(caplog)[0]


def test_nothing_older_than_tls_1_2(certs: Certs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    old = subprocess.Popen(
        ["openssl", "s_server", "-accept", str(port), "-cert", str(certs.server.cert),
         "-key", str(certs.server.key), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    async def scenario() -> None:
        who = secure(port, certs)
        assert who.tls is not None
        who.tls.set_ciphers("ALL:@SECLEVEL=0")  # the version alone is to stand in the way
        async with running(who) as rig:
            await rig.state("refused")
            assert "no TLS 1.2 or newer there" in str(rig.link.status.error)

    try:
        wait_until(listens)
        asyncio.run(scenario())
    finally:
        old.kill()
        old.communicate()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"ca_file .*ca\.pem: .*readable PEM certificate"):
        tls.context(path)
