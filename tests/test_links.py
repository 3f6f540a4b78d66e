"""Which connections run, as whom, and how each is made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.config.model import (
    Action,
    ActuatorConfig,
    Config,
    HardwareConfig,
    PlatformConfig,
    QuantityConfig,
    RegistryConfig,
    Secret,
    SensorConfig,
)
from agent.errors import ConfigError
from agent.identity.keeper import Keeper
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore
from agent.link.link import Link
from agent.link.model import Will
from agent.links import Links, Plans
from agent.protocol.registry import SetDeviceId
from agent.retry import Reconnect
from tests.conftest import DEVICE_KEY
from tests.support.certs import Certs
from tests.support.observer import Observer
from tests.support.waiting import until
from twin.broker import Broker
from twin.mosquitto import BrokerOptions

WILL = Will("/v1/lwt/pi00001", b"offline", True)
LAMP = ActuatorConfig("lamp", "relay", {"on": Action("set", 1.0)}, {"pin": 17})
SENSOR = SensorConfig("t", "file", (QuantityConfig("value"),), {"path": "t"}, 1.0)
CONFIG = Config(
    path=Path("agent.toml"),
    platform=PlatformConfig(host="127.0.0.1", port=1, tls=False, keepalive=30.0),
    registry=RegistryConfig("pi", "00001"),
    hardware=HardwareConfig("simulated"),
    sensors=(SENSOR,),
    actuators=(LAMP,),
)
A = Identity("7432", Secret(DEVICE_KEY), "registry")


def plans(config: Config = CONFIG) -> Plans:
    return Plans.of(config, "00001", WILL)


@pytest.mark.req("P-02", "P-03", "P-09", "P-14", "P-15", "P-20", "P-22")
def test_the_platform_as_a_device() -> None:
    plan = plans().platform(A)
    assert plan.topics == (
        "/v1/device/7432/sensor/lamp/command", "/v1/device/7432/heartbeat",
        "/v1/device/7432/active", WILL.topic)
    assert plan.fence_topic is not None and plan.fence_topic not in plan.topics
    assert plan.fence_topic.startswith("/v1/device/7432/sensor/")
    assert (plan.account.login, plan.account.will) == (A.key, WILL)
    assert (plan.account.host, plan.account.port, plan.account.tls) == ("127.0.0.1", 1, None)
    assert plan.account.keepalive == 30.0 and plan.account.mqtt_version == "3.1.1"
    assert not plan.must_subscribe


@pytest.mark.req("P-01", "P-03", "P-16", "P-28")
def test_the_registry() -> None:
    plan = plans().registry()
    assert plan.topics == ("/v1/registry/pi00001",) and plan.must_subscribe
    assert plan.account.login == Secret("chtregistry")
    assert plan.account.will is None, "a device that is nobody yet has no death to tell"
    assert plan.account.client_id != plans().platform(A).account.client_id
    assert len(plan.account.client_id) <= 23 and plan.account.client_id.isalnum()


def test_without_a_registry_section_there_is_nothing_to_wait_in() -> None:
    with pytest.raises(ConfigError, match="registry"):
        plans(replace(CONFIG, registry=None)).registry()


def test_without_sensors_there_is_a_fence_all_the_same() -> None:
    plan = plans(replace(CONFIG, sensors=(), actuators=())).platform(A)
    assert plan.fence_topic is not None and plan.fence_topic not in plan.topics


def test_the_client_id_stays_with_the_machine_whoever_it_is() -> None:
    other = Identity("8000", Secret("DK2"), "registry")
    ids = {plans().platform(who).account.client_id for who in (A, other)}
    assert len(ids) == 1
    assert Plans.of(CONFIG, "00002", WILL).platform(A).account.client_id not in ids


def test_tls_is_made_once_and_a_bad_ca_is_an_error_of_the_configuration(
    certs: Certs, tmp_path: Path
) -> None:
    platform = replace(CONFIG.platform, tls=True, ca_file=certs.ca)
    made = plans(replace(CONFIG, platform=platform))
    assert made.platform(A).account.tls is made.registry().account.tls is not None
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"bad\.pem"):
        plans(replace(CONFIG, platform=replace(platform, ca_file=tmp_path / "bad.pem")))


# --- running, on a real broker -----------------------------------------------------------------


class Bench:
    """Both links with a keeper; ``became`` is what the rest of the agent was told."""

    def __init__(self, port: int, folder: Path, relocatable: bool) -> None:
        clock, policy = SystemClock("always"), Reconnect(eager=60.0, quick=(0.02, 0.05))
        self.became: list[str | None] = []
        self.keeper = Keeper(
            IdentityStore(folder), None, relocatable, lambda: self.links.changed())
        self.platform = Link(
            "platform", clock, lambda *_: None, policy=policy,
            on_up=lambda: self.keeper.proven(self._wanted()),
            on_key_refused=lambda: self.keeper.refused(self._wanted()))
        self.registry = Link("registry", clock, lambda *_: None, policy=policy)
        config = replace(CONFIG, platform=replace(CONFIG.platform, port=port))
        self.links = Links(self.keeper, plans(config), self.platform, self.registry)
        self.task = asyncio.create_task(self.links.run(self._become))

    def _wanted(self) -> Identity:
        assert self.keeper.wanted is not None
        return self.keeper.wanted

    def _become(self, identity: Identity | None) -> None:
        self.became.append(identity.device_id if identity else None)

    async def states(self, platform: str, registry: str) -> None:
        await until(lambda: (self.platform.status.state, self.registry.status.state)
                    == (platform, registry), 8,
                    f"{platform}, {registry}: {self.platform.status}, {self.registry.status}")

    def hear(self, device: str, key: str) -> None:
        self.keeper.hear(SetDeviceId(key, device))


@contextlib.asynccontextmanager
async def running(
    folder: Path, relocatable: bool = False
) -> AsyncIterator[tuple[Bench, Observer]]:
    users = {name: name for name in ("chtregistry", DEVICE_KEY, "PKall")}
    with Broker(BrokerOptions(users=users)) as broker, Observer(broker.port, user="PKall") as seen:
        bench = Bench(broker.port, folder, relocatable)
        try:
            yield bench, seen
        finally:
            bench.task.cancel()
            await asyncio.wait((bench.task,))


def test_from_waiting_to_a_device_and_no_further(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(tmp_path) as (bench, seen):
            await bench.states("waiting", "up")
            bench.hear("9999", "DKwrong")
            await until(lambda: bench.became == [None, "9999", None], 8, f"{bench.became}")
            await bench.states("waiting", "up")
            assert bench.registry.status.connects == 1, "the registry was left meanwhile"
            bench.hear("7432", DEVICE_KEY)
            await bench.states("up", "off")
            assert bench.became == [None, "9999", None, "7432"]
            bench.task.cancel()
            await asyncio.wait((bench.task,))
            assert not bench.platform.up
            assert seen.on(WILL.topic) == [], "it left without a DISCONNECT"

    asyncio.run(scene())


def test_a_relocatable_one_keeps_listening_and_comes_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(tmp_path, relocatable=True) as (bench, _):
            bench.hear("7432", DEVICE_KEY)
            await bench.states("up", "up")
            bench.hear("8000", DEVICE_KEY)
            await until(lambda: bench.became[-1] == "8000" and bench.platform.up, 8, "the move")
            bench.hear("9999", "DKwrong")
            await until(lambda: bench.became[-2:] == ["9999", "8000"] and bench.platform.up, 8,
                        f"the way back: {bench.became}")
            assert bench.registry.status.connects == 1

    asyncio.run(scene())
