"""The faulty network does what it is told, or the tests that use it would prove nothing."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.waiting import wait_until
from twin.proxy import FaultProxy


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass  # the proxy resets connections: that is the test


@pytest.fixture
def echo() -> Iterator[FaultProxy]:
    """A proxy before a server that says everything back."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with FaultProxy(server.server_address[1]) as proxy:
            yield proxy
        server.shutdown()
        thread.join()


def dial(proxy: FaultProxy, timeout: float = 5.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout)


def ask(sock: socket.socket, text: bytes) -> bytes:
    sock.sendall(text)
    got = b""
    while len(got) < len(text) and (more := sock.recv(65536)):
        got += more
    return got


def silent(sock: socket.socket, seconds: float = 0.15) -> bool:
    """Whether nothing, not even an end, comes within that time."""
    return not select.select([sock], [], [], seconds)[0]


def test_it_passes_bytes_both_ways_and_counts_them(echo: FaultProxy) -> None:
    with dial(echo) as sock:
        assert ask(sock, b"x" * 100_000) == b"x" * 100_000
        assert echo.connections == 1
    assert echo.passed == {"up": 100_000, "down": 100_000}
    wait_until(lambda: echo.connections == 0, what="the connection to be gone")


def test_a_close_is_passed_on(echo: FaultProxy) -> None:
    with dial(echo) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""


def test_refuse_resets_what_is_open_and_refuses_what_is_new(echo: FaultProxy) -> None:
    with dial(echo) as sock:
        assert ask(sock, b"a") == b"a"
        echo.refuse()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        with pytest.raises(ConnectionRefusedError):
            dial(echo)
    echo.passing()
    with dial(echo) as sock:
        assert ask(sock, b"b") == b"b"


def test_reset_accepts_and_resets_until_it_behaves_again(echo: FaultProxy) -> None:
    echo.reset()
    for _ in range(2):
        with pytest.raises(ConnectionResetError), dial(echo) as sock:
            sock.recv(1)
    echo.passing()
    with dial(echo) as sock:
        assert ask(sock, b"b") == b"b"


def test_drop_resets_once(echo: FaultProxy) -> None:
    with dial(echo) as sock:
        assert ask(sock, b"a") == b"a"
        echo.drop()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    with dial(echo) as sock:
        assert ask(sock, b"b") == b"b"


@pytest.mark.parametrize("way", ["both", "up", "down"])
def test_a_black_hole_keeps_connections_and_holds_their_bytes(echo: FaultProxy, way: str) -> None:
    with dial(echo) as old:
        assert ask(old, b"a") == b"a"
        echo.black_hole(way)  # type: ignore[arg-type]
        old.sendall(b"lost?")
        with dial(echo) as new:
            new.sendall(b"nobody there")
            assert silent(old)
            assert silent(new)
            heard = 1 if way in ("both", "up") else 1 + len(b"lost?nobody there")
            wait_until(lambda: echo.passed["up"] == heard, what=f"{heard} bytes on the way up")
        echo.passing()
        assert old.recv(100) == b"lost?"


def test_slow_keeps_to_its_rate(echo: FaultProxy) -> None:
    echo.slow(10_000)
    with dial(echo) as sock:
        begun = time.monotonic()
        assert ask(sock, b"x" * 3000) == b"x" * 3000
        assert time.monotonic() - begun >= 0.25
        echo.passing()
        begun = time.monotonic()
        ask(sock, b"x" * 30_000)
        assert time.monotonic() - begun < 2


@pytest.mark.parametrize("count", [0, 1, 7])
def test_a_cut_comes_after_exactly_so_many_bytes(echo: FaultProxy, count: int) -> None:
    echo.cut_after(count, "up")
    with dial(echo) as sock:
        sock.sendall(b"0123456789")
        wait_until(lambda: echo.accepted and not echo.connections, what="the cut")
    assert echo.passed["up"] == count
    with dial(echo) as sock:
        assert ask(sock, b"again") == b"again"


def test_a_cut_on_the_way_down(echo: FaultProxy) -> None:
    echo.cut_after(4, "down")
    with dial(echo) as sock:
        sock.sendall(b"0123456789")
        wait_until(lambda: echo.accepted and not echo.connections, what="the cut")
    assert echo.passed["down"] == 4


def test_a_server_that_is_down_looks_like_a_reset(echo: FaultProxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        echo.target = free.getsockname()[1]
    with pytest.raises(ConnectionResetError), dial(echo) as sock:
        sock.recv(1)
