"""Everything that calls itself TLS and is not good enough: refused, and the key is never said."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import tls
from agent.link.model import Account
from tests.conftest import DEVICE_KEY
from tests.link.rig import account, running
from tests.support.certs import Certs, Pair, make_bad_certs
from tests.support.waiting import until

CERTIFICATES = {
    "not yet valid": "not yet valid",
    "for clients alone": "unsuitable certificate purpose",
    "no name but the common one": "not valid for",
    "signed by one who is no authority": "certificate not accepted",
    "its authority between is not sent": "unable to get local issuer certificate",
    "a key of 1024 bits": "too weak",
    "signed with SHA-1": "too weak",
}


@pytest.fixture(scope="module")
def bad(certs: Certs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    return make_bad_certs(tmp_path_factory.mktemp("bad"), Pair(certs.ca, certs.ca_key))


def secure(port: int, ca: Path) -> Account:
    return account(port, key=DEVICE_KEY, tls=tls.context(ca))


@contextlib.contextmanager
def serving(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does this with each connection; its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                client.settimeout(5)
                threading.Thread(target=attend, args=(client,), daemon=True).start()

    def attend(client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), client:
            handle(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(6)


def speaking(context: ssl.SSLContext, heard: list[bytes]) -> Callable[[socket.socket], None]:
    """Shakes hands so, and keeps what a client then says."""
    def handle(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as secured:
            heard.append(secured.recv(1000))
    return handle


def server_context(pair: Pair | None = None) -> ssl.SSLContext:
    """One that minds nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:aNULL:eNULL:@SECLEVEL=0")
    if pair is not None:
        context.load_cert_chain(pair.cert, pair.key)
    return context


@pytest.mark.req("P-01")
@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_certificate_that_must_not_be_accepted(
    certs: Certs, bad: dict[str, Pair], fault: str
) -> None:
    heard: list[bytes] = []

    async def scenario(port: int) -> None:
        async with running(secure(port, certs.ca)) as rig:
            await rig.state("refused")
            assert CERTIFICATES[fault] in str(rig.link.status.error)
            assert rig.link.status.connects == 0

    with serving(speaking(server_context(bad[fault]), heard)) as port:
        asyncio.run(scenario(port))
    assert b"".join(heard) == b""


def only(version: ssl.TLSVersion) -> Callable[[ssl.SSLContext], None]:
    def limit(context: ssl.SSLContext) -> None:
        context.minimum_version = context.maximum_version = version
    return limit


def ciphers(names: str) -> Callable[[ssl.SSLContext], None]:
    def limit(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{names}:@SECLEVEL=0")
    return limit


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("weaken", [
    pytest.param(only(ssl.TLSVersion.TLSv1), id="TLS 1.0"),
    pytest.param(only(ssl.TLSVersion.TLSv1_1), id="TLS 1.1"),
    pytest.param(ciphers("aNULL"), id="no certificate at all"),
    pytest.param(ciphers("eNULL"), id="no encryption"),
])
def test_a_handshake_that_is_too_weak(
    certs: Certs, weaken: Callable[[ssl.SSLContext], None]
) -> None:
    heard: list[bytes] = []
    context = server_context(certs.server)
    weaken(context)

    async def scenario(port: int) -> None:
        async with running(secure(port, certs.ca)) as rig:
            await rig.state("refused")
            assert rig.link.status.connects == 0

    with serving(speaking(context, heard)) as port:
        asyncio.run(scenario(port))
    assert b"".join(heard) == b""


def hang_up(client: socket.socket) -> None:
    client.recv(1000)


def stop_in_the_middle(client: socket.socket) -> None:
    client.recv(1000)
    client.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00")


def talk_nonsense(client: socket.socket) -> None:
    client.recv(1000)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def answer_with_an_alert(client: socket.socket) -> None:
    client.recv(1000)
    client.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


@pytest.mark.parametrize("handle", [
    hang_up, stop_in_the_middle, talk_nonsense, answer_with_an_alert,
])
def test_a_handshake_that_comes_to_nothing(
    certs: Certs, handle: Callable[[socket.socket], None]
) -> None:
    async def scenario(port: int) -> None:
        async with running(secure(port, certs.ca)) as rig:
            await until(lambda: rig.link.status.error)
            assert rig.link.status.state in ("down", "refused")
            assert rig.link.status.connects == 0

    with serving(handle) as port:
        asyncio.run(scenario(port))


def test_a_handshake_that_never_ends_is_given_up_when_told(certs: Certs) -> None:
    """The machine there accepts and says nothing: the loop goes on, and a stop is not held up."""
    silence = threading.Event()

    async def scenario(port: int) -> None:
        async with running(secure(port, certs.ca)) as rig:
            await asyncio.sleep(0.3)
            assert rig.link.status.state == "down" and rig.link.status.connects == 0

    with serving(lambda _client: silence.wait(5) and None) as port:
        try:
            asyncio.run(asyncio.wait_for(scenario(port), 4))
        finally:
            silence.set()
