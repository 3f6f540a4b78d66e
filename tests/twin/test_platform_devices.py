"""Projects, keys, devices and sensors of the twin, as REST sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.twin.platform_rig import DEV, DEVICE, NOW, PROJECT, platform, send, told
from twin.platform import Access, Platform, Refused

BODY = {"name": "greenhouse", "desc": "north", "type": "general", "uri": "http://h/",
        "lat": 24.95, "lon": 121, "attributes": [{"key": "serial", "value": "pi00001"}]}
SENSOR = {"id": "t", "name": "Temperature", "desc": "", "type": "gauge", "uri": "", "unit": "°C",
          "formula": "", "attributes": [{"key": "k", "value": "v"}]}


def status_of(call: Callable[[], Any]) -> int:
    with pytest.raises(Refused) as refused:
        call()
    assert refused.value.message
    return refused.value.status


@pytest.mark.req("P-03")
def test_keys_and_ids_look_like_the_platforms_and_differ() -> None:
    twin = Platform()
    projects = [twin.add_project(str(n)).key for n in range(20)]
    ids = [twin.create_device(key, BODY, NOW) for key in projects]
    device_keys = [twin.device_key(id_) for id_ in ids]
    assert all(re.fullmatch(r"PK[A-Z0-9]{16}", key) for key in projects)
    assert all(re.fullmatch(r"DK[A-Z0-9]{16}", key) for key in device_keys)
    assert all(re.fullmatch(r"[1-9][0-9]{10}", id_) for id_ in ids)
    assert len({*projects, *ids, *device_keys}) == 60
    assert dict(twin.keys()) == {
        **{key: Access(key) for key in projects},
        **{key: Access(project, id_)
           for key, project, id_ in zip(device_keys, projects, ids, strict=True)}}


@pytest.mark.req("P-03")
def test_a_key_opens_its_project_or_its_device_and_a_wrong_one_nothing() -> None:
    twin = platform()
    assert twin.access(PROJECT) == Access(PROJECT)
    assert twin.access(DEVICE) == Access(PROJECT, DEV)
    assert twin.access("") is None
    for call in (twin.devices, lambda key: twin.device(key, DEV),
                 lambda key: twin.create_device(key, BODY, NOW),
                 lambda key: twin.post_rawdata(key, DEV, [], NOW),
                 lambda key: twin.registry(key, "pi00001", {}, NOW)):
        assert status_of(lambda call=call: call("PKwrong")) == 403
    lenient = platform(wrong_key_status=200)
    assert status_of(lambda: lenient.devices("PKwrong")) == 200


def test_a_taken_key_or_id_is_an_error() -> None:
    twin = platform()
    with pytest.raises(ValueError, match="taken"):
        twin.add_project("again", PROJECT)
    with pytest.raises(ValueError, match="taken"):
        twin.add_device(PROJECT, "again", device_id=DEV)
    with pytest.raises(ValueError, match="not a number"):
        twin.add_device(PROJECT, "again", device_id="pi")
    with pytest.raises(ValueError, match="no such project"):
        twin.add_device(DEVICE, "again")
    with pytest.raises(ValueError, match="taken"):
        twin.add_device(PROJECT, "again", device_key=DEVICE)
    assert [device["id"] for device in twin.devices(PROJECT)] == [DEV]


def test_a_device_is_shown_as_it_was_made_and_changed() -> None:
    twin = Platform()
    key = twin.add_project("p").key
    made = twin.create_device(key, {**BODY, "id": "ignored", "novel": 1}, NOW)
    assert twin.device(key, made) == {"id": made, **BODY}
    twin.update_device(key, made, {"desc": "south", "attributes": []})
    assert twin.devices(key) == [{"id": made, **BODY, "desc": "south", "attributes": []}]
    twin.devices(key)[0]["attributes"].append("ours")
    assert twin.device(key, made)["attributes"] == []


@pytest.mark.parametrize("wrong", [
    {"name": ""}, {"name": 7}, {"name": "\udc00"}, {"desc": 1}, {"lat": "24"}, {"lat": 91},
    {"lon": float("nan")}, {"lon": True}, {"lon": 10**400}, {"attributes": {}},
    {"attributes": [{"key": "k"}]}, {"attributes": ["k"]}])
def test_a_wrong_device_is_refused_and_changes_nothing(wrong: dict[str, Any]) -> None:
    twin = platform()
    before = twin.devices(PROJECT), twin.keys()
    assert status_of(lambda: twin.create_device(PROJECT, {**BODY, **wrong}, NOW)) == 400
    assert status_of(lambda: twin.update_device(PROJECT, DEV, {**BODY, **wrong})) == 400
    assert (twin.devices(PROJECT), twin.keys()) == before


@pytest.mark.parametrize("body", [None, [], "x", {}, {"desc": "no name"}])
def test_a_device_needs_a_name(body: Any) -> None:
    assert status_of(lambda: platform().create_device(PROJECT, body, NOW)) == 400


def test_sensors_are_made_shown_changed_and_deleted() -> None:
    twin = platform()
    assert twin.create_sensor(PROJECT, DEV, SENSOR) == "t"
    assert twin.sensor(DEVICE, DEV, "t") == SENSOR
    twin.update_sensor(DEVICE, DEV, "t", {"unit": "K", "id": "other"})
    assert twin.sensors(PROJECT, DEV) == [{**SENSOR, "unit": "K"}]
    twin.create_sensor(DEVICE, DEV, {"id": "濕度"})
    assert twin.sensor(PROJECT, DEV, "濕度")["type"] == "gauge"
    twin.delete_sensor(DEVICE, DEV, "t")
    assert [sensor["id"] for sensor in twin.sensors(PROJECT, DEV)] == ["濕度"]
    for call in (twin.sensor, twin.delete_sensor, twin.rawdata,
                 lambda *at: twin.update_sensor(*at, {})):
        assert status_of(lambda call=call: call(PROJECT, DEV, "t")) == 404


@pytest.mark.parametrize("type_", ["gauge", "switch", "text", "snapshot", "counter"])
def test_every_type_of_sensor_is_taken(type_: str) -> None:
    twin = platform()
    twin.create_sensor(PROJECT, DEV, {"id": "t", "name": "t", "type": type_})
    assert twin.sensor(PROJECT, DEV, "t")["type"] == type_


@pytest.mark.parametrize("wrong", [
    {"id": ""}, {"id": None}, {"id": 1}, {"id": "a/b"}, {"id": "+"}, {"id": "a#"}, {"id": "a,b"},
    {"id": "a b"}, {"id": "a\n"}, {"id": "x" * 65}, {"type": "thermometer"}, {"unit": 5}])
def test_a_wrong_sensor_is_refused(wrong: dict[str, Any]) -> None:
    twin = platform()
    assert status_of(lambda: twin.create_sensor(PROJECT, DEV, {**SENSOR, **wrong})) == 400
    assert twin.sensors(PROJECT, DEV) == []


def test_a_sensor_can_be_made_only_once() -> None:
    twin = platform("t")
    assert status_of(lambda: twin.create_sensor(PROJECT, DEV, SENSOR)) == 409
    assert twin.sensor(PROJECT, DEV, "t")["name"] == "t"


@pytest.mark.req("P-03")
def test_a_device_key_sees_its_device_alone_and_makes_and_deletes_none() -> None:
    twin = platform()
    other = twin.create_device(PROJECT, BODY, NOW)
    assert len(twin.devices(PROJECT)) == 2
    assert [device["id"] for device in twin.devices(DEVICE)] == [DEV]
    assert status_of(lambda: twin.device(DEVICE, other)) == 404
    assert status_of(lambda: twin.create_device(DEVICE, BODY, NOW)) == 403
    assert status_of(lambda: twin.delete_device(DEVICE, DEV)) == 403
    assert status_of(lambda: twin.delete_device(DEVICE, other)) == 404
    lenient = platform(device_key_creates=True)
    made = lenient.create_device(DEVICE, BODY, NOW)
    assert lenient.device(PROJECT, made)["name"] == "greenhouse"


def test_devices_do_not_share_values() -> None:
    twin = platform("t")
    other = twin.create_device(PROJECT, BODY, NOW)
    send(twin, "rawdata", [{"id": "t", "value": ["1"]}])
    assert list(twin.values(DEV)) == ["t"]
    assert twin.values(other) == {}


def test_projects_do_not_see_each_other() -> None:
    twin = platform()
    other = twin.add_project("other").key
    assert twin.devices(other) == []
    assert status_of(lambda: twin.sensors(other, DEV)) == 404
    assert status_of(lambda: twin.post_heartbeat(other, DEV, {"pulse": "1"}, NOW)) == 404


def test_a_deleted_device_takes_its_key_and_its_data_along() -> None:
    twin = platform("t", replay_on_subscribe=True)
    send(twin, "rawdata", [{"id": "t", "value": ["1"]}])
    send(twin, "command", [{"id": "t", "cmd": "1"}])
    send(twin, "ack", [{"id": "t", "ack": "1"}])
    twin.delete_device(PROJECT, DEV)
    assert (twin.values(DEV), twin.commands(DEV, "t"), twin.acks(DEV, "t")) == ({}, [], [])
    assert twin.subscribed("#", NOW) == []
    assert twin.access(DEVICE) is None
    assert status_of(lambda: twin.device(PROJECT, DEV)) == 404
    assert status_of(lambda: twin.device_key(DEV)) == 404


def test_a_sensor_made_again_starts_with_nothing() -> None:
    twin = platform("t", "u")
    for sensor in "tu":
        send(twin, "rawdata", [{"id": sensor, "value": ["1"]}])
        send(twin, "command", [{"id": sensor, "cmd": "1"}])
    twin.delete_sensor(PROJECT, DEV, "t")
    twin.create_sensor(PROJECT, DEV, SENSOR)
    assert twin.rawdata(PROJECT, DEV, "t") == {}
    assert twin.commands(DEV, "t") == []
    assert list(twin.values(DEV)) == ["u"]
    assert len(twin.commands(DEV, "u")) == 1


@pytest.mark.req("P-06")
def test_a_new_sensor_is_told_about_at_once() -> None:
    twin = Platform()
    key = twin.add_project("p").key
    made = twin.create_device(key, BODY, NOW)
    twin.create_sensor(key, made, SENSOR)
    dues = twin.post_rawdata(twin.device_key(made), made, [{"id": "t", "value": ["25.3"]}], NOW)
    assert told(dues, "/rawdata")[0]["deviceId"] == made
