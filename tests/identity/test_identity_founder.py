"""Reconfigure from the message to the candidate: tried, retried, refused, and overtaken."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agent.config.model import Secret
from agent.errors import ConfigError
from agent.identity.blueprint import Blueprint
from agent.identity.founder import Founder, Founding
from agent.identity.keeper import Keeper
from agent.identity.provision import Objects
from agent.identity.registry import Identity
from agent.identity.rest import Rest
from agent.identity.store import IdentityStore, Stored
from agent.protocol.objects import Sensor
from agent.protocol.registry import Reconfigure, SetDeviceId
from agent.retry import Reconnect
from tests.support.rest_platform import DEVICE, PROJECT, Fault, RestPlatform
from tests.support.waiting import until

PLAN = Blueprint("pi00001", {"serial": "00001"}, (Sensor("t", "gauge", "°C"),))
QUICK = Reconnect(eager=60.0, quick=(0.02, 0.03))
PATIENT = Reconnect(eager=60.0, quick=(50.0, 60.0))


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


class Bench:
    """A keeper and its founder against ``platform``."""

    def __init__(
        self, platform: RestPlatform, folder: Path, pace: Reconnect,
        connect: Callable[[Secret], Objects] | None = None,
    ) -> None:
        self.platform = platform
        self.store = IdentityStore(folder)
        self.keeper = Keeper(self.store, None, False, self._changed)
        self.threads: set[int] = set()
        self.founder = Founder(self.keeper, connect or self._connect, lambda: PLAN, pace=pace)

    def _changed(self) -> None:
        self.founder.changed()

    def _connect(self, key: Secret) -> Objects:
        self.threads.add(threading.get_ident())
        assert threading.current_thread().daemon
        return Rest(self.platform.url, key, None, tries=1, timeout=2.0)


@contextlib.asynccontextmanager
async def running(
    platform: RestPlatform, folder: Path, pace: Reconnect = QUICK,
    connect: Callable[[Secret], Objects] | None = None,
) -> AsyncIterator[Bench]:
    bench = Bench(platform, folder, pace, connect)
    task = asyncio.create_task(bench.founder.run())
    try:
        yield bench
    finally:
        task.cancel()
        await asyncio.wait((task,))
        assert task.cancelled()


@pytest.mark.req("P-18")
def test_the_device_is_created_and_proposed(platform: RestPlatform, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(platform, tmp_path) as bench:
            assert bench.founder.status is None
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.keeper.wanted)
            assert bench.keeper.wanted == Identity("7432", Secret(PROJECT), "registry")
            assert bench.store.load() == Stored(None, bench.keeper.wanted)
            assert bench.founder.status is None
            assert threading.get_ident() not in bench.threads, "it blocked the loop"
        assert list(platform.sensors["7432"]) == ["t"]

    asyncio.run(scenario())


@pytest.mark.req("P-18")
def test_out_of_reach_is_tried_again_and_told_once(
    platform: RestPlatform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    platform.faults = [*[Fault((503, b""))] * 4, None, Fault(done=True), Fault(), None, None]

    async def scenario() -> None:
        async with running(platform, tmp_path) as bench:
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.founder.status and bench.founder.status.state == "waiting")
            status = bench.founder.status
            assert status is not None and status.error is not None and "503" in status.error
            await until(lambda: bench.keeper.wanted)
            assert bench.founder.status is None

    asyncio.run(scenario())
    assert len(platform.devices) == 1
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len([w for w in warnings if "503" in w]) == 1
    assert all(w.endswith("creating this device goes on later") for w in warnings)
    assert PROJECT not in caplog.text


@pytest.mark.req("P-18")
def test_a_crash_while_waiting_loses_nothing(platform: RestPlatform, tmp_path: Path) -> None:
    platform.script = lambda _request: Fault()

    async def first() -> None:
        async with running(platform, tmp_path, PATIENT) as bench:
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.founder.status and bench.founder.status.error)

    async def second() -> None:
        async with running(platform, tmp_path) as bench:
            await until(lambda: bench.keeper.wanted)

    asyncio.run(first())
    platform.script = lambda _request: None
    asyncio.run(second())
    assert len(platform.devices) == 1


def test_nothing_else_that_happens_hastens_the_next_try(
    platform: RestPlatform, tmp_path: Path
) -> None:
    """The message itself, heard before the work begins, and a link that comes up meanwhile."""
    platform.script = lambda _request: Fault()

    async def scenario() -> None:
        async with running(platform, tmp_path, PATIENT) as bench:
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.founder.status and bench.founder.status.error)
            for _ in range(3):
                bench.founder.changed()
                await asyncio.sleep(0.1)
            assert len(platform.requests) == 1

    asyncio.run(scenario())


def test_it_can_be_hurried(platform: RestPlatform, tmp_path: Path) -> None:
    platform.faults = [Fault()]

    async def scenario() -> None:
        async with running(platform, tmp_path, PATIENT) as bench:
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.founder.status and bench.founder.status.error)
            bench.founder.hurry()
            await until(lambda: bench.keeper.wanted)

    asyncio.run(scenario())


@pytest.mark.req("P-18", "P-19")
@pytest.mark.parametrize(("key", "told"), [
    (DEVICE, "a device key may not create devices"),
    ("PKwrongwrong", "the platform says: invalid key ****; check key"),
    (PROJECT, "2 devices on the platform could be this one"),
])  # fmt: skip
def test_a_refusal_is_told_and_the_next_message_counts(
    platform: RestPlatform, tmp_path: Path, caplog: pytest.LogCaptureFixture, key: str, told: str
) -> None:
    if key == PROJECT:
        platform.add("a", serial="00001")
        platform.add("b", serial="00001")

    async def scenario() -> None:
        async with running(platform, tmp_path) as bench:
            bench.keeper.hear(Reconfigure(key))
            await until(lambda: bench.founder.status and bench.founder.status.state == "refused")
            status = bench.founder.status
            assert status is not None and status.error is not None and told in status.error
            assert bench.store.load() == Stored() and bench.keeper.listens
            assert len(caplog.messages) == len(set(caplog.messages))
            platform.devices.clear()
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.keeper.wanted)
            assert bench.founder.status is None

    asyncio.run(scenario())
    assert told in caplog.text and "PKwrongwrong" not in caplog.text


def test_a_refusal_is_over_when_the_registry_says_who_we_are(
    platform: RestPlatform, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with running(platform, tmp_path) as bench:
            bench.keeper.hear(Reconfigure(DEVICE))
            await until(lambda: bench.founder.status and bench.founder.status.state == "refused")
            bench.keeper.hear(SetDeviceId(DEVICE, "7432"))
            assert bench.founder.status is None

    asyncio.run(scenario())


@pytest.mark.req("P-17", "P-18")
def test_set_device_id_overtakes_it(platform: RestPlatform, tmp_path: Path) -> None:
    """While a request is under way, and while it waits for its next try."""
    async def scenario() -> None:
        platform.faults = [Fault(delay=0.3)]
        async with running(platform, tmp_path, PATIENT) as bench:
            for _ in range(2):
                bench.keeper.hear(Reconfigure(PROJECT))
                await until(lambda: platform.requests)
                bench.keeper.hear(SetDeviceId(DEVICE, "1"))
                await until(lambda: bench.founder.status is None)
                platform.faults = [Fault((200, b""))]
                assert bench.keeper.wanted == Identity("1", Secret(DEVICE), "registry")
        assert bench.store.load() == Stored(None, Identity("1", Secret(DEVICE), "registry"))

    asyncio.run(scenario())
    assert platform.devices == {}


@pytest.mark.req("P-18")
def test_never_two_threads_at_once(platform: RestPlatform, tmp_path: Path) -> None:
    """The second could create what the first has not yet seen."""
    lock, most, now = threading.Lock(), 0, 0

    def connect(key: Secret) -> Objects:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        client = Rest(platform.url, key, None, tries=1, timeout=2.0)

        def close() -> None:
            nonlocal now
            with lock:
                now -= 1

        client.close = close  # type: ignore[method-assign]
        return client

    async def scenario() -> None:
        async with running(platform, tmp_path, connect=connect) as bench:
            platform.faults = [Fault(delay=0.2)] * 3
            for key in (PROJECT, DEVICE, PROJECT):
                bench.keeper.hear(Reconfigure(key))
                await asyncio.sleep(0.02)
            await until(lambda: bench.keeper.wanted)

    asyncio.run(scenario())
    assert most == 1 and len(platform.devices) == 1


def test_a_configuration_that_cannot_be_used_is_a_refusal(
    platform: RestPlatform, tmp_path: Path
) -> None:
    def connect(_key: Secret) -> Objects:
        raise ConfigError("ca_file x: no such file")

    async def scenario() -> None:
        async with running(platform, tmp_path, connect=connect) as bench:
            bench.keeper.hear(Reconfigure(PROJECT))
            await until(lambda: bench.founder.status)
            await until(lambda: bench.founder.status == Founding(
                "refused", "ca_file x: no such file"))

    asyncio.run(scenario())
