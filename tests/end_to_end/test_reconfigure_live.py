"""From a bare machine to a device the platform has never heard of, by Reconfigure (P-18)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT_KEY
from tests.end_to_end.station import LAMP, TICK, Station, prepared
from tests.support.observer import Observer
from tests.support.rest_platform import DEVICE, PROJECT, Fault, Request, RestPlatform
from tests.support.waiting import wait_until
from twin.broker import Broker
from twin.mosquitto import BrokerOptions

TOPIC = "/v1/registry/pi00001"
USERS = {name: name for name in ("chtregistry", PROJECT, DEVICE, PROJECT_KEY)}


@dataclass
class Bench:
    """The agent, the platform's broker as seen by ``here.platform``, and its REST."""

    here: Station
    rest: RestPlatform

    def reconfigure(self, key: str = PROJECT) -> None:
        self.here.platform.publish(TOPIC, {"op": "Reconfigure", "ck": key})

    def until_listening(self) -> None:
        self.here.until(lambda s: s["links"]["registry"]["state"] == "up", 15, "registry")

    def until_created(self) -> dict[str, Any]:
        """The agent publishes as the device it has made."""
        return self.here.until(
            lambda s: s["links"]["platform"]["state"] == "up" and s["delivery"]["confirmed"] > 0,
            20, "the device to publish")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with (
        Broker(BrokerOptions(users=USERS)) as broker,
        RestPlatform() as rest,
        Observer(broker.port, user=PROJECT_KEY) as platform,
    ):
        text = f"""
[platform]
host = "127.0.0.1"
port = {broker.port}
tls = false
rest_url = "{rest.url}"
[registry]
product_code = "pi"
serial = "00001"
[heartbeat]
pulse = "3s"
[clock]
trust = "always"
[hardware]
backend = "simulated"
""" + TICK + LAMP
        with prepared(tmp_path, text) as agent:
            found = Bench(Station(agent, "7432", platform), rest)
            found.until_listening()
            yield found


@pytest.mark.req("P-16", "P-18", "P-28")
def test_it_creates_itself_with_its_sensors_and_goes_to_work(bench: Bench) -> None:
    here = bench.here
    bench.reconfigure()
    status = bench.until_created()
    assert status["identity"] == {"device_id": "7432", "source": "registry"}
    assert status["reconfigure"] is None
    assert bench.rest.devices["7432"]["name"] == "pi00001"
    assert {one["id"]: one["type"] for one in bench.rest.sensors["7432"].values()} == {
        "tick": "gauge", "lamp": "switch"}
    assert here.told("on") == "on"
    here.until(lambda s: s["links"]["registry"]["state"] == "off")
    assert PROJECT not in here.agent.log
    # It is as much its own as one that was told: the next start asks nobody.
    before = len(bench.rest.requests)
    here.agent.kill()
    here.agent.start()
    bench.until_created()
    assert len(bench.rest.requests) == before


def killing_at(number: int, bench: Bench, done: bool) -> Callable[[Request], Fault | None]:
    """A power cut during request ``number``, before or after it takes effect."""
    count = 0

    def script(_request: Request) -> Fault | None:
        nonlocal count
        count += 1
        if count != number:
            return None
        os.kill(bench.here.agent.pid, signal.SIGKILL)
        return Fault(done=done)

    return script


@pytest.mark.req("P-18")
@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_power_cut_at_any_request_leaves_one_device_in_the_end(
    bench: Bench, number: int, done: bool
) -> None:
    bench.rest.script = killing_at(number, bench, done)
    bench.reconfigure()
    bench.here.agent.wait()
    assert len(bench.rest.requests) == number
    bench.here.agent.start()
    # Nobody has to ask again: the registry may not keep what it said.
    bench.until_created()
    assert list(bench.rest.devices) == ["7432"]
    assert set(bench.rest.sensors["7432"]) == {"tick", "lamp"}


@pytest.mark.req("P-18")
@pytest.mark.parametrize("restarted", [False, True])
def test_after_a_creation_without_an_answer_it_does_not_look_again_at_once(
    bench: Bench, restarted: bool
) -> None:
    """A new device may need a moment to show; who looks too soon creates a second one."""
    times: list[tuple[str, float]] = []

    def script(request: Request) -> Fault | None:
        times.append((request.method, time.monotonic()))
        return Fault(done=True) if request.method == "POST" and len(times) == 2 else None

    if restarted:
        bench.rest.script = killing_at(1, bench, done=False)
        bench.reconfigure()
        bench.here.agent.wait()
        bench.rest.script = script
        bench.here.agent.start()
    else:
        bench.rest.script = script
        bench.reconfigure()
    bench.until_created()
    assert [method for method, _ in times[:3]] == ["GET", "POST", "GET"]
    assert times[2][1] - times[1][1] > 1.9
    assert list(bench.rest.devices) == ["7432"]


@pytest.mark.req("P-18")
def test_out_of_reach_is_shown_and_passes(bench: Bench) -> None:
    bench.rest.script = lambda _request: Fault((503, b""))
    bench.reconfigure()
    status = bench.here.until(lambda s: s["reconfigure"] and s["reconfigure"]["error"])
    assert status["reconfigure"]["state"] in ("waiting", "working")
    assert "the platform answers 503" in status["reconfigure"]["error"]
    told = bench.here.agent.command("status").stdout
    assert "Creating this device on the platform: " in told
    bench.rest.script = lambda _request: None
    bench.until_created()
    assert bench.here.agent.log.count("the platform answers 503") == 1


@pytest.mark.req("P-18", "P-19")
def test_a_key_that_cannot_create_is_told_and_the_waiting_goes_on(bench: Bench) -> None:
    bench.reconfigure(DEVICE)
    status = bench.here.until(lambda s: s["reconfigure"]
                              and s["reconfigure"]["state"] == "refused")
    assert "a device key may not create devices" in status["reconfigure"]["error"]
    assert status["identity"] is None and status["links"]["registry"]["state"] == "up"
    bench.reconfigure(PROJECT)
    bench.until_created()


@pytest.mark.req("P-18")
def test_a_stop_is_quick_while_the_platform_hangs(bench: Bench) -> None:
    bench.rest.script = lambda _request: Fault(delay=15)
    bench.reconfigure()
    wait_until(lambda: bench.rest.requests, 5, "the request")
    assert bench.here.agent.terminate(5) == 0
