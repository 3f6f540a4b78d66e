"""From nothing to a device that publishes, whatever comes between; never two devices."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.station import LAMP, TICK, Station
from tests.end_to_end.turnstile import Cut, Turnstile
from tests.end_to_end.twin_site import (
    application,
    bootstrapping,
    call_registry,
    get,
    new_device,
)
from tests.support.observer import Observer
from tests.support.waiting import wait_until
from twin.serving.process import Twin

DEVICES = TICK + LAMP
SENSORS = ["lamp", "tick"]
LISTING, ONE = "GET .*/device", r"/device/\d+/sensor"
STEPS = [LISTING, "POST .*/device", f"GET .*{ONE}", f"POST .*{ONE}", f"POST .*{ONE}"]
"""The calls that make a device with two sensors, cut at each and begun again after each."""


@contextmanager
def newcomer(
    twin: Twin, folder: Path, serial: str, *, rest_url: str = ""
) -> Iterator[tuple[Station, Observer]]:
    """An agent that knows nothing, and an application that sees every device."""
    with (
        application(twin) as seen,
        bootstrapping(twin, folder, DEVICES, serial, rest_url=rest_url) as agent,
    ):
        yield Station(agent, "", seen), seen


def until_listening(here: Station) -> None:
    here.until(lambda s: s["links"]["registry"]["state"] == "up", 12, "the registry")


def until_publishing(here: Station, seen: Observer) -> str:
    """The id of the device it has become; its readings get as far as an application, and a
    command as far as its lamp."""
    status = here.until_up()
    here.device = str(status["identity"]["device_id"])
    before = len(seen.on(here.topic("sensor/tick/rawdata")))
    seen.wait_count(before + 1, here.topic("sensor/tick/rawdata"), 8)
    acks = here.topic("sensor/lamp/ack")
    before = len(seen.on(acks))
    seen.publish(here.topic("command"), [{"id": "lamp", "cmd": "on"}])
    assert seen.wait_count(before + 1, acks)[-1].json()["ack"] == "on"
    return here.device


def devices_of(twin: Twin, serial: str) -> list[str]:
    """The platform's devices that carry this serial."""
    mark = {"key": "serial", "value": serial}
    return [each["id"] for each in get(twin, "/device") if mark in each.get("attributes", [])]


@pytest.mark.req("P-16", "P-17", "P-19", "P-28")
def test_set_device_id_gives_a_new_machine_its_device_and_key(twin: Twin, tmp_path: Path) -> None:
    with newcomer(twin, tmp_path, "0set") as (here, seen):
        until_listening(here)
        device = new_device(twin, *SENSORS)
        call_registry(twin, "pi0set", op="SetDeviceId", deviceId=device, authority="device")
        assert until_publishing(here, seen) == device
        assert devices_of(twin, "0set") == [], "it has created none of its own"


@pytest.mark.req("P-16", "P-18", "P-19", "P-28")
def test_reconfigure_has_a_new_machine_create_its_device(twin: Twin, tmp_path: Path) -> None:
    with newcomer(twin, tmp_path, "0rec") as (here, seen):
        # Before it listens there is nobody to hear it (P-19): the operator has to call again.
        call_registry(twin, "pi0rec", op="Reconfigure")
        until_listening(here)
        call_registry(twin, "pi0rec", op="Reconfigure")
        device = until_publishing(here, seen)
        assert devices_of(twin, "0rec") == [device]
        assert get(twin, f"/device/{device}")["name"] == "pi0rec"
        sensors = get(twin, f"/device/{device}/sensor")
        assert sorted(each["id"] for each in sensors) == SENSORS
        # The key of a device that is there already comes by the same way, and changes nothing.
        call_registry(twin, "pi0rec", op="Reconfigure", authority="device")
        assert until_publishing(here, seen) == device == devices_of(twin, "0rec")[0]


@pytest.mark.req("P-18", "P-19")
def test_reconfigure_cut_at_each_step_ends_with_one_device(twin: Twin, tmp_path: Path) -> None:
    """SIGKILL before each call is made and after it was, one after the other: each new start
    finds what the last one left. Nobody calls again."""
    cuts = [Cut(when, step) for step in STEPS for when in ("before", "after")]
    agents = []
    with (
        Turnstile(twin.ports["rest"], cuts, lambda: agents[0].kill()) as rest,
        newcomer(twin, tmp_path, "0cut", rest_url=rest.url) as (here, seen),
    ):
        agents.append(here.agent)
        until_listening(here)
        call_registry(twin, "pi0cut", op="Reconfigure")
        for left in reversed(range(len(cuts))):
            wait_until(lambda left=left: len(rest.left) == left, 12,
                       f"cut {len(cuts) - left}; passed: {rest.passed}\n{here.agent.log}")
            here.agent.start()
        # And once more between the proof and after it.
        here.agent.wait_for_log("the platform has this device as")
        here.agent.kill()
        here.agent.start()
        device = until_publishing(here, seen)
        here.agent.kill()
        here.agent.start()
        assert until_publishing(here, seen) == device
        assert devices_of(twin, "0cut") == [device]
        sensors = get(twin, f"/device/{device}/sensor")
        assert sorted(each["id"] for each in sensors) == SENSORS
        assert sum(each.startswith("POST") for each in rest.passed) == 1 + len(SENSORS)


@pytest.mark.req("P-17", "P-18", "P-19")
@pytest.mark.parametrize("op", ["SetDeviceId", "Reconfigure"])
def test_cut_at_any_moment_and_called_again(twin: Twin, tmp_path: Path, op: str) -> None:
    """SIGKILL some time after the call, ever later; the operator calls until it is done."""
    serial = f"any{op[0]}"
    body = {"op": op}
    if op == "SetDeviceId":
        body["deviceId"] = new_device(twin, *SENSORS)
    rand = random.Random(20260601)
    with newcomer(twin, tmp_path, serial) as (here, seen):
        for number in range(5):
            status = here.until(lambda s: "up" in (s["links"]["registry"]["state"],
                                                   s["links"]["platform"]["state"]), 12, "a link")
            if status["identity"] is None:
                call_registry(twin, f"pi{serial}", **body)
            time.sleep(rand.uniform(0, 0.02 * (number + 1)))  # the moment of the fault
            here.agent.kill()
            here.agent.start()
        status = here.until(lambda s: "up" in (s["links"]["registry"]["state"],
                                               s["links"]["platform"]["state"]), 12, "a link")
        if status["identity"] is None:
            call_registry(twin, f"pi{serial}", **body)
        device = until_publishing(here, seen)
        mine = [body["deviceId"]] if op == "SetDeviceId" else devices_of(twin, serial)
        assert mine == [device]
        others = {m.topic.split("/")[3] for m in seen.messages if m.topic.endswith("/rawdata")}
        assert others == {device}, "it has published as nobody else"
