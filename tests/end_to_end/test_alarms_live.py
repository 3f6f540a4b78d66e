"""The real agent phones people through the twin: voice mail, busy, the next person, a key."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.farm import ANN, BOB, alarm_of, ended_well, farm
from tests.end_to_end.station import prepared
from tests.end_to_end.twin_site import get, platform_toml
from tests.support.waiting import wait_until
from twin.serving.process import FREE, Twin


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    """One that speaks without taking time."""
    with Twin(replace(FREE, char_seconds=0.0)) as running:
        yield running


@pytest.mark.req("T-14", "T-27", "T-55")
def test_voice_mail_does_not_count_and_the_next_person_acknowledges(
    twin: Twin, tmp_path: Path
) -> None:
    with farm(twin, tmp_path) as here:
        script = ("--answer", "--expect", "溫室太熱，三十八點二度，高於三十五度", "--keys", "1",
                  "--expect", "已經記下", "--expect-end")  # fmt: skip
        with here.person(ANN, "--voicemail"), here.person(BOB, *script) as bob:
            here.measure("38.2")
            here.log("calling ann about hot")
            wait_until(lambda: "溫室太熱" in twin.log, 20, "the machine to hear it")
            twin.advance(11)  # in which a machine presses nothing
            here.log("call to ann: no key")
            assert ended_well(bob)
        here.log("alarm hot: acknowledged by bob")
        wait_until(lambda: here.alarm().get("acknowledged") == "bob", 10, "the status")
        assert here.alarm()["state"] == "acknowledged"
        assert here.status()["callouts"]["today"] == 2
        assert "acknowledged" in here.agent.command("alarms").stdout
        assert ANN not in here.agent.log and BOB not in here.agent.log


@pytest.mark.req("T-33")
def test_busy_and_passed_on_lead_to_the_next_person(twin: Twin, tmp_path: Path) -> None:
    with farm(twin, tmp_path) as here:
        script = ("--answer", "--expect", "溫室太熱", "--keys", "2", "--expect", "下一位")
        with here.person(ANN, "--busy"), here.person(BOB, *script) as bob:
            here.measure("38.2")
            here.log("call to ann: busy")
            assert ended_well(bob)
        here.log("call to bob: passed on")
        assert here.alarm()["acknowledged"] is None
        done = here.agent.command("alarms", "ack", "hot")
        assert done.returncode == 0, done.stderr
        wait_until(lambda: here.alarm()["acknowledged"] == "the command line", 10, "the status")


def test_a_restart_in_a_call_neither_dials_again_nor_loses_the_key(
    twin: Twin, tmp_path: Path
) -> None:
    with farm(twin, tmp_path) as here:
        here.measure("38.2")
        here.log("calling ann about hot")
        wait_until(lambda: twin.status()["ringing"], 10, "the phone to ring")
        here.agent.kill()
        here.agent.start()
        here.agent.wait_until_up("phone")
        with here.person(ANN, "--answer", "--expect", "溫室太熱", "--keys", "1", "--expect-end"
                         ) as ann:  # fmt: skip
            assert ended_well(ann)
        here.log("alarm hot: acknowledged by ann")
        assert here.agent.log.count("calling ") == 1


def test_alarms_are_published_and_taken_over_by_a_reload(twin: Twin, tmp_path: Path) -> None:
    with farm(twin, tmp_path, "enabled = false\n") as here:
        here.measure("38.2")
        wait_until(lambda: here.alarm().get("state") == "firing", 10, "the alarm")
        here.measure("20")
        wait_until(lambda: here.alarm().get("state") == "ok", 10, "the end of it")
        path = here.agent.config
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("above = 35", "above = 15").replace("clear = 33", "clear = 5"),
                        encoding="utf-8")
        here.agent.signal(signal.SIGHUP)
        wait_until(lambda: here.alarm().get("state") == "firing", 10, "the new threshold")
        dry = here.agent.command("alarms", "test", "hot", "--dry-run")
        assert "would phone ann, bob" in dry.stdout and "測試電話" in dry.stdout
        real = here.agent.command("alarms", "test", "ann")
        assert real.returncode == 1 and "calls are off" in real.stderr
        assert here.status()["callouts"]["enabled"] is False
        device = re.findall(r'device_id = "(\d+)"', text)[0]
        wait_until(lambda: published(twin, device) == ["firing"], 10, "the state at the platform")


def test_the_first_alarm_may_come_with_a_reload(tmp_path: Path) -> None:
    """On an agent without platform and telephone, as it stands in a shed."""
    (tmp_path / "air").write_text("38.2")
    sensor = '[[sensor]]\nid = "air"\ndriver = "file"\npath = "air"\nevery = "250ms"\n'
    with prepared(tmp_path, platform_toml(1, "7432") + sensor) as agent:
        wait_until(agent.status, 15, "the agent")
        assert agent.command("alarms").stdout == "no alarms are configured\n"
        refused = agent.command("alarms", "ack", "hot")
        assert refused.returncode == 1 and "no [[alarm]]" in refused.stderr
        with agent.config.open("a") as file:
            file.write('[[alarm]]\nid = "hot"\nsensor = "air"\nabove = 35\n')
        agent.signal(signal.SIGHUP)
        agent.wait_for_log(r"alarm hot \(warning\): air is 38\.2, above 35")
        assert "firing" in agent.command("alarms").stdout
        assert agent.command("alarms", "ack", "hot").returncode == 0
        assert agent.terminate() == 0
        agent.start()  # what somebody knows is known after a restart
        wait_until(lambda: alarm_of(agent).get("acknowledged"), 15, "the acknowledgement")
        assert alarm_of(agent)["state"] == "acknowledged"


def published(twin: Twin, device: str) -> Any:
    return get(twin, f"/device/{device}/sensor/hot/rawdata")["value"]
