"""What passes through the running twin: devices, notices, time, and what its log tells."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.observer import Observer
from tests.support.waiting import wait_until
from tests.twin.served import DEVICES, ask, new_device
from twin.broker import Broker
from twin.serving.process import FREE, Twin, TwinError


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin() as running:
        yield running


def all_of(twin: Twin, device: str) -> Observer:
    return Observer(twin.ports["mqtt"], [f"/v1/device/{device}/#"], user=twin.project_key)


@pytest.mark.req("P-06", "P-07", "P-08")
def test_a_reading_comes_back_in_both_forms(twin: Twin) -> None:
    device = new_device(twin, "temp")
    topic = f"/v1/device/{device}/sensor/temp"
    with all_of(twin, device) as observer:
        observer.publish(f"/v1/device/{device}/rawdata",
                         [{"id": "temp", "time": "2026-01-02T03:04:05.678Z", "value": ["21.5"]}])
        (notice,) = observer.wait_count(1, f"{topic}/rawdata")
        (csv,) = observer.wait_count(1, f"{topic}/csv")
    assert notice.json()["value"] == ["21.5"]
    assert csv.payload.decode() == f"2026-01-02T03:04:05.678Z,{device},temp,21.5"
    wait_until(lambda: "rawdata    temp 21.5" in twin.log, what="the reading in the log")
    assert "sensor/temp" not in twin.log


@pytest.mark.req("P-09", "P-10")
def test_a_command_reaches_the_device(twin: Twin) -> None:
    device = new_device(twin, "lamp")
    with all_of(twin, device) as observer:
        observer.publish(f"/v1/device/{device}/command", [{"id": "lamp", "cmd": "on"}])
        (command,) = observer.wait_count(1, f"/v1/device/{device}/sensor/lamp/command")
    assert command.json()["cmd"] == "on"
    assert command.json()["time"].endswith("Z")


@pytest.mark.req("P-13", "P-14")
def test_a_notice_of_a_heartbeat_is_no_heartbeat(twin: Twin) -> None:
    device = new_device(twin)
    topic = f"/v1/device/{device}/heartbeat"
    with all_of(twin, device) as observer:
        observer.publish(topic, {"pulse": "60000"})
        live = observer.wait_for(lambda m: b"Live" in m.payload)
        # A second beat behind it shows that nothing more came of the notice.
        observer.publish(topic, {"pulse": "60000"})
        observer.wait_count(3, topic)
        assert [m for m in observer.on(topic) if "type" in m.json()] == [live]


@pytest.mark.req("P-14", "P-23")
def test_time_can_be_made_to_pass(twin: Twin) -> None:
    device = new_device(twin)
    topic = f"/v1/device/{device}/heartbeat"
    with all_of(twin, device) as observer:
        observer.publish(topic, {"pulse": "3600000"})
        observer.wait_for(lambda m: b"Live" in m.payload)
        twin.advance(7200)
        lost = observer.wait_for(lambda m: b"Lost" in m.payload).json()
        observer.publish(topic, {"pulse": "3600000"})
        again = observer.wait_for(lambda m: b"ReLive" in m.payload).json()
    assert "T" in lost["time"] and lost["time"] < again["time"]


@pytest.mark.req("P-15", "P-24")
def test_the_watch_of_the_data_rate_is_begun_from_outside(twin: Twin) -> None:
    device = new_device(twin)
    with all_of(twin, device) as observer:
        twin.ask({"op": "active", "device": device, "on": True})
        observer.wait_for(lambda m: b'"start"' in m.payload)
        twin.ask({"op": "active", "device": device, "on": False})
        observer.wait_for(lambda m: b'"stop"' in m.payload)
    with pytest.raises(TwinError, match="not found"):
        twin.ask({"op": "active", "device": "1", "on": True})


@pytest.mark.req("P-04")
def test_what_is_too_large_vanishes_and_the_log_tells(twin: Twin) -> None:
    device = new_device(twin, "text")
    topic = f"/v1/device/{device}/rawdata"
    frame = len(json.dumps([{"id": "text", "value": [""]}]))
    with all_of(twin, device) as observer:
        observer.publish(topic, [{"id": "text", "value": ["x" * (5001 - frame)]}])
        observer.publish(topic, [{"id": "text", "value": ["y" * (5000 - frame)]}])
        (notice,) = observer.wait_count(1, f"/v1/device/{device}/sensor/text/rawdata")
    assert notice.json()["value"][0].startswith("y")
    wait_until(lambda: f"{topic}: 5001 bytes, over 5000" in twin.log, what="a word in the log")


@pytest.mark.parametrize(("payload", "why"), [
    (b"{", "not JSON"), (b'[{"id":"nosuch","value":["1"]}]', "nosuch"),
])
def test_what_is_dropped_is_told(twin: Twin, payload: bytes, why: str) -> None:
    device = new_device(twin)
    with all_of(twin, device) as observer:
        observer.publish(f"/v1/device/{device}/rawdata", payload)
        wait_until(lambda: [line for line in twin.log.splitlines()
                            if " dropped " in line and device in line and why in line],
                   what="a word in the log")
        observer.wait_count(1, f"/v1/device/{device}/rawdata")
        assert len(observer.messages) == 1


@pytest.mark.req("P-20", "P-21")
def test_a_retained_will_outlives_its_device(twin: Twin) -> None:
    with Observer(twin.ports["mqtt"], ["/v1/lwt/pi77"], user=twin.project_key) as first:
        first.publish("/v1/lwt/pi77", "offline", retain=True)
        first.wait_count(1, "/v1/lwt/pi77")
    with Observer(twin.ports["mqtt"], ["/v1/lwt/pi77"], user=twin.project_key) as later:
        assert later.wait_count(1, "/v1/lwt/pi77")[0].retain
        later.publish("/v1/lwt/pi77", b"", retain=True)
        later.wait_count(2, "/v1/lwt/pi77")
    wait_until(lambda: "pi77 cleared" in twin.log, what="a word in the log")


@pytest.mark.req("P-17", "P-16")
def test_the_registry_reaches_who_waits_and_its_key_is_not_shown(twin: Twin) -> None:
    device = new_device(twin)
    with Observer(twin.ports["mqtt"], ["/v1/registry/pi00009"], user="chtregistry") as waiting:
        body = {"op": "SetDeviceId", "digest": "x", "deviceId": device}
        assert ask(f"{twin.rest_url}{DEVICES}/registry/pi00009", twin.project_key, body)[0] == 200
        told = waiting.wait_for(lambda m: True).json()
    assert told == {"op": "SetDeviceId", "ck": twin.project_key, "deviceId": device}
    wait_until(lambda: "a message for pi00009" in twin.log, what="a word in the log")
    assert twin.log.count(twin.project_key) == 1  # where it tells where everything is


def test_rest_is_there_over_tls_too(twin: Twin) -> None:
    context = ssl.create_default_context(cafile=twin.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    url = f"{twin.rest_tls_url}{DEVICES}/device"
    assert ask(url, twin.project_key, tls=context)[0] == 200
    assert ask(url.replace("127.0.0.1", "localhost"), twin.project_key, tls=context)[0] == 200


@pytest.mark.req("P-05")
def test_notices_are_as_late_as_wanted() -> None:
    with Twin(replace(FREE, delay=1000.0)) as twin:
        device = new_device(twin, "a")
        with all_of(twin, device) as observer:
            observer.publish(f"/v1/device/{device}/rawdata", [{"id": "a", "value": ["1"]}])
            observer.wait_count(1, f"/v1/device/{device}/rawdata")
            wait_until(lambda: twin.status()["received"] == 1)
            twin.advance(999)
            assert twin.status()["sent"] == 0
            twin.advance(1)
            observer.wait_count(1, f"/v1/device/{device}/sensor/a/rawdata")


@pytest.mark.req("P-05")
def test_notices_are_lost_as_wanted() -> None:
    with Twin(replace(FREE, loss=1.0)) as twin:
        device = new_device(twin, "a")
        with all_of(twin, device) as observer:
            observer.publish(f"/v1/device/{device}/rawdata", [{"id": "a", "value": ["1"]}])
            wait_until(lambda: "lost on the way" in twin.log, what="a word in the log")
            observer.publish(f"/v1/device/{device}/active", "the last word")
            observer.wait_count(1, f"/v1/device/{device}/active")
            assert len(observer.messages) == 2  # both are the device's own


def test_the_last_command_is_replayed_to_who_subscribes_if_wanted() -> None:
    with Twin(replace(FREE, replay=True)) as twin:
        device = new_device(twin, "lamp")
        topic = f"/v1/device/{device}/sensor/lamp/command"
        with Observer(twin.ports["mqtt"], ["/v1/lwt/x"], user=twin.project_key) as first:
            first.publish(f"/v1/device/{device}/command", [{"id": "lamp", "cmd": "on"}])
            wait_until(lambda: twin.status()["sent"] == 1)
        with Observer(twin.ports["mqtt"], [topic], user=twin.project_key) as later:
            assert later.wait_count(1, topic)[0].json()["cmd"] == "on"


def test_it_serves_a_broker_that_is_already_there() -> None:
    with (
        Broker() as broker,
        Twin(replace(FREE, broker=("127.0.0.1", broker.port))) as twin,
    ):
        assert twin.ports["mqtt"] == twin.ports["phone"] == broker.port
        device = new_device(twin, "a")
        with Observer(broker.port) as observer:
            observer.publish(f"/v1/device/{device}/rawdata", [{"id": "a", "value": ["1"]}])
            observer.wait_count(1, f"/v1/device/{device}/sensor/a/csv")
            # A broker that goes away and comes back finds the twin again.
            broker.restart()
            wait_until(lambda: broker.log.count("as cht-twin-devices") == 2, 10)
