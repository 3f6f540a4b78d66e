"""Readings and commands between the agent and an application, through the platform's rules."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.end_to_end.station import LAMP, TICK
from tests.end_to_end.twin_site import get, new_sensor, site
from tests.support.waiting import wait_until
from tests.twin.served import DEVICES, ask
from twin.proxy import FaultProxy
from twin.serving.process import FREE, Twin

AIR = """
[[sensor]]
id = "air"
driver = "dht22"
pin = 4
quantity = ["temperature", "humidity"]
every = "2s"
decimals = 1
"""


def moment(text: str) -> datetime:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), text
    return datetime.fromisoformat(text)


@pytest.mark.req("P-06", "P-07", "P-08", "P-27")
def test_readings_reach_an_application_in_both_forms(twin: Twin, tmp_path: Path) -> None:
    with site(twin, tmp_path, AIR + TICK, "air") as here:
        notice = here.wait_for_notices("rawdata", "air")[0].json()
        text = here.wait_for_notices("csv", "air")[0].payload.decode()
        sent = here.readings("air")[0]
        assert notice == {"id": "air", "deviceId": here.device, "time": sent["time"],
                          "value": sent["value"]}
        temperature, humidity = sent["value"]
        assert 0 < float(temperature) < 60 and 0 < float(humidity) <= 100
        assert text == f"{sent['time']},{here.device},air,{temperature},{humidity}"
        assert abs((moment(sent["time"]) - datetime.now(UTC)).total_seconds()) < 20
        kept = get(twin, f"/device/{here.device}/sensor/air/rawdata?start={sent['time']}")
        assert kept[0] == notice
        # What the platform was never told of vanishes, though the broker has read it.
        wait_until(lambda: here.readings("tick"), 5, "a reading that vanishes")
        assert here.notices("rawdata", "tick") == []
        wait_until(lambda: re.search(rf"dropped .*{here.device}.*tick", twin.log), 5, "a word")
        new_sensor(twin, here.device, "tick")
        assert here.wait_for_notices("rawdata", "tick")[0].json()["value"] == ["1"]


@pytest.mark.req("P-09", "P-10", "P-11", "P-12", "P-25", "P-26")
def test_a_command_and_its_ack_go_all_the_way(twin: Twin, tmp_path: Path) -> None:
    with site(twin, tmp_path, LAMP, "lamp") as here:
        before = datetime.now(UTC)
        here.order("on", lat=24.95, lon=121.16, save=False)
        command = here.wait_for_notices("command")[0].json()
        ack = here.wait_for_notices("ack")[0].json()
        assert here.actuator()["state"] == "on"
        assert command == {"id": "lamp", "deviceId": here.device, "time": command["time"],
                           "cmd": "on"}
        assert ack == {"id": "lamp", "deviceId": here.device, "time": ack["time"], "ack": "on"}
        # Both times are the platform's own, to the millisecond below.
        received = moment(command["time"]), moment(ack["time"])
        assert before.timestamp() - 0.001 <= received[0].timestamp() <= received[1].timestamp()
        # The state is a reading of the same name.
        wait_until(lambda: "on" in [m.json()["value"][0] for m in here.notices("rawdata")],
                   5, "the state")
        url = f"{twin.rest_url}{DEVICES}/device/{here.device}/command"
        assert ask(url, twin.project_key, [{"id": "lamp", "cmd": "off"}])[0] == 200
        here.order("sing")
        answers = [m.json()["ack"] for m in here.wait_for_notices("ack", count=3)]
        assert answers[:2] == ["on", "off"] and answers[2].startswith("error: ")


@pytest.mark.req("P-04")
def test_what_was_gathered_in_an_outage_comes_in_messages_the_platform_takes(
    twin: Twin, tmp_path: Path
) -> None:
    names = [f"tick{number}" for number in range(12)]
    text = "".join(TICK.replace('"tick"\nd', f'"{name}"\nd') for name in names)
    with (
        FaultProxy(twin.ports["mqtt"]) as proxy,
        site(twin, tmp_path, text, *names, port=proxy.port) as here,
    ):
        proxy.refuse()
        here.until(lambda s: s["delivery"]["waiting"] > 120, 15, "a backlog")
        proxy.passing()
        here.until_up(2)
        here.until(lambda s: s["delivery"]["waiting"] <= len(names), 15, "the backlog to be gone")
        sizes = [len(m.payload) for m in here.platform.on(here.topic("rawdata"))]
        assert 4000 < max(sizes) <= 5000
        for name in names:
            here.wait_for_notices("rawdata", name, len(here.readings(name)))
        assert f"/v1/device/{here.device}/rawdata: " not in twin.log  # nothing was dropped


@pytest.mark.req("P-05", "P-09", "P-26")
def test_late_and_lost_notices_cost_repeats_and_nothing_else(tmp_path: Path) -> None:
    with (
        Twin(replace(FREE, delay=0.3, loss=0.4)) as slow,
        site(slow, tmp_path, TICK + LAMP, "tick", "lamp") as here,
    ):
        def answered() -> bool:
            """An application that hears nothing asks again."""
            here.order("on")
            with contextlib.suppress(AssertionError):
                return bool(here.platform.wait_count(1, here.topic("sensor/lamp/ack"), 1))
            return False

        wait_until(answered, 30, "an ack")
        assert {m.json()["ack"] for m in here.notices("ack")} == {"on"}
        assert here.levels().split() == ["0", "1"]
        command, sent = here.notices("command")[0], here.platform.on(here.topic("command"))[0]
        assert command.at - sent.at > 0.29
        wait_until(lambda: "lost on the way" in slow.log, 10, "a loss")
        # Readings go the other way, where nothing is lost.
        made = {one["time"] for one in here.readings("tick")}
        kept = get(slow, f"/device/{here.device}/sensor/tick/rawdata?start=2020-01-01T00:00:00Z")
        assert made <= {one["time"] for one in kept}


@pytest.mark.req("P-09")
def test_a_replay_of_the_last_command_moves_nothing(tmp_path: Path) -> None:
    text = LAMP + 'max_command_age = "1s"\n'
    with (
        Twin(replace(FREE, replay=True)) as twin,
        FaultProxy(twin.ports["mqtt"]) as proxy,
        site(twin, tmp_path, text, "lamp", port=proxy.port) as here,
    ):
        def replayed(connect: int) -> None:
            """Whoever subscribes is told the last command; it is judged before a later one."""
            count = len(here.notices("command"))
            here.until_up(connect)
            here.wait_for_notices("command", count=count + 1)

        here.order("on")
        here.wait_for_notices("ack")
        # A connection that breaks: the same command again, which was obeyed.
        proxy.drop()
        replayed(2)
        here.order("off")
        wait_until(lambda: here.actuator()["state"] == "off", 5, "the lamp to be off")
        assert here.levels().split() == ["0", "1", "0"]
        here.order("on")
        wait_until(lambda: here.actuator()["state"] == "on", 5, "the lamp to be on")
        # A new start: it was obeyed by the one before, and the lamp is safe since.
        here.agent.kill()
        here.agent.start()
        replayed(1)
        here.order("sing")  # a live one behind it: once that is refused, the other was judged
        wait_until(lambda: here.acks()[-1].startswith("error: "), 5, "a refusal")
        assert here.levels().split() == ["0"]
        # One that came while nobody was there, and is too old by now.
        assert here.agent.terminate() == 0
        count = len(here.notices("command"))
        here.order("on")
        sent = moment(here.wait_for_notices("command", count=count + 1)[-1].json()["time"])
        wait_until(lambda: (datetime.now(UTC) - sent).total_seconds() > 1.2, 5, "it to be old")
        here.agent.start()
        replayed(1)
        wait_until(lambda: here.acks()[-1].startswith("error: too old"), 5, "a refusal")
        assert here.levels().split() == ["0"]
