"""The HTTP server as a guest in a loop: its port, its errors, its end, and signals left alone."""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import urllib3
from fastapi import FastAPI

from tests.support.certs import Certs
from tests.support.waiting import until
from twin.rest.server import RestServer, ServerError


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test in an event loop, in the main thread."""
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))
    return run


def small_app() -> FastAPI:
    """Says hello."""
    app = FastAPI()

    @app.get("/")
    async def hello() -> str:
        return "hello"

    return app


class SlowApp:
    """Says hello when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answer = asyncio.Event(), asyncio.Event()
        self.app = FastAPI()
        self.app.get("/")(self._hello)

    async def _hello(self) -> str:
        self.asked.set()
        await self.answer.wait()
        return "hello"


async def get(url: str) -> bytes:
    """The answer, asked for in a thread."""
    def ask() -> bytes:
        return urllib3.request("GET", url, retries=False, timeout=10).data
    return await asyncio.to_thread(ask)


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


@in_loop
async def test_it_answers_when_start_returns_and_no_more_after_stop() -> None:
    server = RestServer(small_app())
    await server.start()
    assert server.port
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert await get(server.url) == b'"hello"'
    await server.stop()
    assert refused(server.port)
    await server.stop()


@in_loop
async def test_it_takes_the_port_it_is_given_again_at_once() -> None:
    first = RestServer(small_app())
    await first.start()
    await get(first.url)
    await first.stop()
    second = RestServer(small_app(), port=first.port)
    await second.start()
    assert second.port == first.port
    await second.stop()


@pytest.mark.parametrize(("host", "port", "words"), [
    ("127.0.0.1", 0, "the port is taken; end what uses it or choose another"),
    ("203.0.113.1", 8080, "an address of this machine"),
    ("127.0.0.1", 65536, "ports go from 0 to 65535"),
])
@in_loop
async def test_a_port_that_cannot_be_had_is_one_clear_line(
        host: str, port: int, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = RestServer(small_app(), host, port or taken.getsockname()[1])
        with pytest.raises(ServerError) as problem:
            await server.start()
    assert words in str(problem.value)
    assert f"{host} port {server.port}" in str(problem.value)
    assert "\n" not in str(problem.value)
    await server.stop()


@in_loop
async def test_signals_stay_with_the_program() -> None:
    assert threading.current_thread() is threading.main_thread()
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    server = RestServer(small_app())
    await server.start()
    during = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    await server.stop()
    assert before == during == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]


@in_loop
async def test_a_request_under_way_is_still_answered() -> None:
    slow = SlowApp()
    server = RestServer(slow.app)
    await server.start()
    answer = asyncio.create_task(get(server.url))
    await slow.asked.wait()
    stopping = asyncio.create_task(server.stop())
    await until(lambda: refused(server.port), what="the port to close")
    slow.answer.set()
    assert await answer == b'"hello"'
    await stopping


@in_loop
async def test_a_request_that_hangs_does_not_hold_up_the_end() -> None:
    slow = SlowApp()
    server = RestServer(slow.app)
    await server.start()
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await slow.asked.wait()
        await asyncio.wait_for(server.stop(), 5)


@in_loop
async def test_it_speaks_tls_with_a_certificate(certs: Certs) -> None:
    server = RestServer(small_app(), tls=(certs.server.cert, certs.server.key))
    await server.start()
    assert server.url == f"https://127.0.0.1:{server.port}"

    def ask() -> bytes:
        with urllib3.PoolManager(ca_certs=str(certs.ca), retries=False, timeout=10) as client:
            return client.request("GET", server.url).data

    assert await asyncio.to_thread(ask) == b'"hello"'
    await server.stop()


@in_loop
async def test_a_certificate_that_is_none_is_one_clear_line(tmp_path: Path, certs: Certs) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for cert in (empty, tmp_path / "missing.pem"):
        server = RestServer(small_app(), tls=(cert, certs.server.key))
        with pytest.raises(ServerError, match=r"^the REST server cannot use its certificate: .+"):
            await server.start()
        await server.stop()
