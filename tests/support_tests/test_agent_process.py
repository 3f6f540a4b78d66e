"""The agent as a program, held by the kit: started, asked, killed, started again, ended."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DEVICE_KEY, PROJECT_KEY
from tests.support.agent import AgentProcess, write_config
from tests.support.observer import Observer
from twin.broker import Broker
from twin.proxy import FaultProxy

BODY = """
[[sensor]]
id = "load"
driver = "load_average"
every = "1s"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
"""


@pytest.fixture
def config(tmp_path: Path, password_broker: Broker, device_id: str) -> Path:
    return write_config(tmp_path, port=password_broker.port, device_id=device_id, key=DEVICE_KEY,
                        body=BODY)


@pytest.fixture
def platform(password_broker: Broker) -> Iterator[Observer]:
    with Observer(password_broker.port, user=PROJECT_KEY) as observer:
        yield observer


def test_it_is_started_asked_and_ended(config: Path) -> None:
    with AgentProcess(config) as agent:
        status = agent.wait_until_up()
        assert status["identity"]["source"] == "config"
        assert agent.command("set", "lamp", "on").returncode == 0
        assert agent.terminate() == 0
        assert not agent.running
        assert agent.status() is None


def test_it_is_reaped_whatever_happens(config: Path) -> None:
    with pytest.raises(RuntimeError, match="a failing test"), AgentProcess(config) as agent:
        agent.wait_for_log("ready")
        raise RuntimeError("a failing test")
    assert not agent.running


def test_an_agent_that_ends_too_early_is_told_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[hardware]\nbackend = 'magic'\n")
    with AgentProcess(path) as agent:
        with pytest.raises(AssertionError, match=r"(?s)ended without 'ready'.*backend"):
            agent.wait_for_log("ready")
        assert agent.wait() == 2


@pytest.mark.req("P-20", "P-21")
def test_a_killed_agent_leaves_its_will_and_a_terminated_one_does_not(
    config: Path, platform: Observer, device_id: str
) -> None:
    will = f"/v1/lwt/will{device_id}"
    with AgentProcess(config) as agent:
        agent.wait_until_up()
        agent.terminate()
        agent.start()
        agent.wait_until_up()
        assert [m.payload for m in platform.on(will) if m.payload] == []
        agent.kill()
        notice = platform.wait_for(lambda m: m.topic == will and m.payload != b"")
        assert notice.payload == b"offline"


@pytest.mark.req("P-22")
def test_an_agent_that_is_back_clears_the_will_kept_of_its_death(
    config: Path, password_broker: Broker, platform: Observer, device_id: str
) -> None:
    will = f"/v1/lwt/will{device_id}"
    with AgentProcess(config) as agent:
        agent.wait_until_up()
        agent.kill()
        died = platform.wait_for(lambda m: m.topic == will and m.payload == b"offline")
        agent.start()
        platform.wait_for(lambda m: m.topic == will and m.payload == b"", after=died.at)
        with Observer(password_broker.port, [will, "end"], user=PROJECT_KEY) as newcomer:
            newcomer.publish("end")
            newcomer.wait_count(1, "end")
            assert newcomer.on(will) == []


@pytest.mark.req("P-02", "P-03")
def test_it_speaks_mqtt_3_1_1_at_qos_0_with_its_key(
    config: Path, password_broker: Broker, platform: Observer, device_id: str
) -> None:
    with AgentProcess(config) as agent:
        agent.wait_until_up()
        platform.wait_count(2, f"/v1/device/{device_id}/rawdata")
        agent.terminate()
    log = password_broker.log
    (client,) = re.findall(rf"connected from \S+ as (\S+) \(p2, c1, k60, u'{DEVICE_KEY}'\)", log)
    levels = re.findall(rf"Received PUBLISH from {client} \(d0, q(\d)", log)
    assert len(levels) > 2
    assert set(levels) == {"0"}
    subscribed = re.search(rf"Received SUBSCRIBE from {client}\n(?:\d+: \t.*\n)+", log)
    assert subscribed is not None
    assert set(re.findall(r"\(QoS (\d)\)", subscribed[0])) == {"0"}


def test_a_stopped_process_is_not_an_ended_one(config: Path) -> None:
    with AgentProcess(config) as agent:
        agent.wait_until_up()
        agent.signal(signal.SIGSTOP)
        assert agent.running
        with pytest.raises(AssertionError, match="still runs after"):
            agent.wait(timeout=0.1)


def test_it_comes_back_through_a_faulty_network(
    tmp_path: Path, broker: Broker, proxy: FaultProxy, device_id: str
) -> None:
    config = write_config(tmp_path, port=proxy.port, device_id=device_id, body=BODY)
    with Observer(broker.port) as platform, AgentProcess(config) as agent:
        platform.wait_count(1, f"/v1/device/{device_id}/rawdata", timeout=15)
        seen = len(agent.log)
        proxy.refuse()
        agent.wait_for_log("platform", after=seen)
        proxy.passing()
        agent.wait_until_up()
