"""A machine without a clock that started before it knew the time (decision 6)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.end_to_end.station import (
    LAMP,
    TICK,
    Station,
    platform_toml,
    prepared,
    wait_until_back,
)
from tests.support.agent import ROOT, AgentProcess
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.broker import Broker


class Unset(AgentProcess):
    """The agent with a clock of its own (own_clock.py); ``set`` is NTP's part."""

    @property
    def timesync(self) -> Path:
        return self.folder / "timesync"

    def start(self) -> None:
        self.timesync.mkdir(exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.end_to_end.own_clock", str(self.config),
                 str(self.timesync)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env, cwd=ROOT)

    def set(self) -> None:
        (self.timesync / "synchronized").touch()


@pytest.fixture
def here(tmp_path: Path, broker: Broker, device_id: str) -> Iterator[Station]:
    text = platform_toml(broker.port, device_id).replace('trust = "always"', 'trust = "auto"')
    config = prepared(tmp_path, text + "[delivery]\nhold = \"1s\"\n" + TICK + LAMP)
    agent = Unset(config.config)
    agent.env["HW_MOCKS_CONTROL"] = f"{agent.env['RUNTIME_DIRECTORY']}/hands"
    with Observer(broker.port) as platform, agent:
        found = Station(agent, device_id, platform)
        found.until_up()
        yield found


def test_readings_wait_for_their_time_and_beats_do_not(here: Station) -> None:
    begun = datetime.now(UTC)
    here.until(lambda s: s["sensors"][0]["reads"] >= 8 and s["delivery"]["on_disk"] >= 2, 8)
    wait_until(lambda: len(here.platform.on(here.topic("heartbeat"))) >= 3, 5, "beats")
    status = here.ask() or {}
    assert status["clock"] == {"trusted": False}
    assert here.readings() == [], "a reading went out without its time, or with a wrong one"
    # A command may be an old one, so just after a subscription none is believed.
    assert here.told("on") == "error: clock not set yet, it may be an old one"
    assert here.levels() == "0"
    assert here.agent.command("set", "lamp", "on").returncode == 0
    assert isinstance(here.agent, Unset)
    here.agent.set()
    here.agent.wait_for_log("the clock is set now")
    reads = here.until(lambda s: s["clock"]["trusted"])["sensors"][0]["reads"]
    wait_until(lambda: len(here.readings("tick")) >= reads, 8, "all that waited")
    times = [datetime.fromisoformat(one["time"]) for one in here.readings("tick")]
    assert times == sorted(times) and len(set(times)) == len(times)
    assert (times[0] - begun).total_seconds() < 1, "they have the time of their measurement"
    assert here.told("off") == "off"
    here.until(lambda s: s["delivery"]["on_disk"] == 0 and s["delivery"]["dropped"] == 0)


def test_what_a_crash_left_without_a_time_gets_it_in_the_same_boot(
    here: Station, broker: Broker
) -> None:
    assert isinstance(here.agent, Unset)
    here.until(lambda s: s["delivery"]["on_disk"] >= 4, 8)
    here.agent.kill()
    broker.restart()
    wait_until_back(here.platform)
    here.agent.start()
    here.until_up()
    assert here.readings() == []
    here.agent.set()
    here.until(lambda s: s["clock"]["trusted"] and s["delivery"]["waiting"] <= 1, 8)
    times = [datetime.fromisoformat(one["time"]) for one in here.readings("tick")]
    assert len(times) >= 5 and times == sorted(times)
    assert (datetime.now(UTC) - times[0]).total_seconds() < 60
