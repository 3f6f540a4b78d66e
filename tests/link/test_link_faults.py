"""Lines that hang, and connects that are given up: bounded, noticed, and nothing left open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import tls
from agent.errors import LinkLost
from agent.link.connection import Connection
from agent.link.model import Account
from tests.link.rig import account, lines, running
from tests.support.certs import Certs
from tests.support.waiting import until, wait_until
from twin.broker import Broker
from twin.proxy import FaultProxy


def ignore(_topic: str, _payload: bytes, _retained: bool) -> None:
    pass


def sockets_to(port: int) -> int:
    """How many TCP sockets of this process are connected to a port of loopback."""
    inodes = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(f"/proc/self/fd/{fd}").removeprefix("socket:[").rstrip("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2] == f"0100007F:{port:04X}" and row[9] in inodes for row in rows)


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_half_open_link_is_found_by_the_fence(
    proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:  # with the time-out a user gets
            await rig.up()
            proxy.black_hole()
            begun = time.monotonic()
            with pytest.raises(LinkLost):
                await rig.link.fence()
            assert 4 < time.monotonic() - begun < 6
            await rig.state("down", timeout=0.5)
            assert rig.heard.events[-1] == "fell silent"
            proxy.passing()
            await rig.connects(2)

    asyncio.run(scenario())
    assert "no answer to fence within 4.5 s" in lines(caplog)[0]


def test_the_keep_alive_finds_it_too(broker: Broker) -> None:
    """What remains where no fence is sent."""

    async def scenario() -> None:
        with FaultProxy(broker.port) as proxy:
            who = account(proxy.port, keepalive=1.0)
            async with running(who, confirm="none") as rig:
                await rig.up()
                proxy.black_hole()
                await rig.state("down", timeout=6)
                assert "keep-alive" in str(rig.link.status.error)

    asyncio.run(scenario())


def test_a_reset_is_told_from_a_silence(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:
            await rig.up()
            proxy.drop()
            await rig.state("down")
            assert rig.heard.events[-1] == "ended"
            assert "reset" in str(rig.link.status.error)

    asyncio.run(scenario())


def test_a_drop_while_a_fence_is_out_is_the_brokers_doing(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:
            await rig.up()
            proxy.black_hole("down")
            fences = [asyncio.create_task(rig.link.fence()) for _ in range(3)]
            await asyncio.sleep(0.05)
            proxy.drop()
            done = await asyncio.gather(*fences, return_exceptions=True)
            assert all(isinstance(one, LinkLost) for one in done)
            await until(lambda: rig.heard.events[-1] == "ended")

    asyncio.run(scenario())


def test_who_ended_it_is_not_forgotten_by_an_abort_after_it(broker: Broker) -> None:
    async def scenario() -> None:
        for theirs in (True, False):
            connection = await Connection.open(account(broker.port), ignore, True)
            if theirs:
                await asyncio.to_thread(broker.restart)
                await asyncio.wait((connection.closed,), timeout=5)
            connection.abort("no use any more")
            assert connection.abandoned is not theirs
            assert ("no use any more" in str(connection.closed.result())) is not theirs

    asyncio.run(scenario())


def test_nagles_delay_is_off(broker: Broker) -> None:
    async def scenario() -> None:
        connection = await Connection.open(account(broker.port), ignore, True)
        sock = connection._sock
        assert sock is not None
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await connection.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_server_that_never_answers_is_given_up(certs: Certs, secure: bool) -> None:
    async def scenario() -> None:
        with silent_server() as port:
            who = account(port, tls=tls.context(certs.ca) if secure else None)
            begun = time.monotonic()
            with pytest.raises(LinkLost, match=r"no answer within 0\.3 s"):
                await Connection.open(who, ignore, True, timeout=0.3)
            assert time.monotonic() - begun < 1
            if not secure:
                assert sockets_to(port) == 0
        # The server is gone, the handshake of the thread ends, and so does its socket.
        await until(lambda: sockets_to(port) == 0)
        await until(lambda: not any(t.name.startswith("connect-") for t in threading.enumerate()))

    asyncio.run(scenario())


def test_a_link_stops_at_once_whatever_hangs(certs: Certs) -> None:
    async def scenario() -> None:
        with silent_server() as port:
            for secure in (False, True):
                who = account(port, tls=tls.context(certs.ca) if secure else None)
                async with running(who) as rig:
                    await until(lambda: sockets_to(port))
                    begun = time.monotonic()
                    await rig.stop()
                    assert time.monotonic() - begun < 0.5

    asyncio.run(scenario())


class Slow(Account):
    """An account whose name takes its time to be resolved, as with a DNS server that hangs."""

    @property
    def host(self) -> str:  # type: ignore[override]
        if threading.current_thread() is not threading.main_thread():
            gate.wait(5)
        return "127.0.0.1"

    @host.setter
    def host(self, _host: str) -> None: ...


gate = threading.Event()


def test_a_connect_that_succeeds_too_late_is_closed(broker: Broker) -> None:
    """Name resolution hangs, we give up, and then it goes on."""

    async def scenario() -> None:
        begun = time.monotonic()
        with pytest.raises(LinkLost):
            await Connection.open(who, ignore, True, timeout=0.2)
        task = asyncio.create_task(Connection.open(who, ignore, True))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begun < 1
        gate.set()
        await until(lambda: broker.log.count("New connection") >= before + 2)
        await until(lambda: sockets_to(broker.port) == 0)

    gate.clear()
    who = Slow("127.0.0.1", broker.port, "agent1", account(1).login)
    before = broker.log.count("New connection")
    asyncio.run(scenario())
    assert "as agent1" not in broker.log


def test_a_connect_that_succeeds_after_the_program_is_closed_too(broker: Broker) -> None:
    async def scenario() -> None:
        with pytest.raises(LinkLost):
            await Connection.open(who, ignore, True, timeout=0.1)

    gate.clear()
    who = Slow("127.0.0.1", broker.port, "agent1", account(1).login)
    before = broker.log.count("New connection")
    gc.disable()  # or the collector may do it for us
    try:
        asyncio.run(scenario())
        gate.set()
        wait_until(lambda: broker.log.count("New connection") > before)
        wait_until(lambda: sockets_to(broker.port) == 0)
    finally:
        gc.enable()


def test_many_outages_leave_nothing_open(proxy: FaultProxy, certs: Certs) -> None:
    async def scenario() -> None:
        async with running(proxy.port) as rig:
            await rig.connects(1)
            before = len(os.listdir("/proc/self/fd"))
            for round_ in range(2, 22):
                proxy.drop()
                await rig.connects(round_)
            gc.collect()
            assert len(os.listdir("/proc/self/fd")) <= before + 1

    asyncio.run(scenario())


def test_what_is_published_into_a_full_line_is_drained_in_time(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port, confirm="none") as rig:
            await rig.up()
            proxy.black_hole()
            for _ in range(400):
                rig.link.publish("out", b"x" * 20_000)
            waiting = asyncio.create_task(rig.link.fence())
            await asyncio.sleep(0.2)
            assert not waiting.done()  # the kernel does not have it all
            proxy.passing()
            await asyncio.wait_for(waiting, 5)

    asyncio.run(scenario())


def test_a_drain_ends_with_the_connection(proxy: FaultProxy) -> None:
    async def scenario() -> None:
        async with running(proxy.port, confirm="none") as rig:
            await rig.up()
            proxy.black_hole()
            for _ in range(400):
                rig.link.publish("out", b"x" * 20_000)
            waiting = asyncio.create_task(rig.link.fence())
            await asyncio.sleep(0.05)
            proxy.drop()
            with pytest.raises(LinkLost):
                await asyncio.wait_for(waiting, 5)

    asyncio.run(scenario())
