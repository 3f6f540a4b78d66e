"""Every call of the platform over real HTTP: what it answers, how it fails, whom it tells."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.twin.rest_client import NOTHING, NOW, Service, Stage
from twin.platform import Due

DEVICE: dict[str, Any] = {
    "name": "pi00001", "desc": "by the door", "type": "general", "uri": "http://example.invalid/",
    "lat": 24.95, "lon": 121.16, "attributes": [{"key": "serial", "value": "00001"}],
}
SENSOR: dict[str, Any] = {
    "id": "t1", "name": "溫度", "desc": "", "type": "gauge", "uri": "", "unit": "°C",
    "formula": "", "attributes": [],
}
READING = {"id": "t1", "time": "2026-01-31T07:59:58.000Z", "value": ["21.5"]}
STAMP = "2026-01-31T08:00:00.123Z"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def service(stage: Stage) -> Service:
    return stage.fresh()


def make_device(service: Service) -> str:
    made: str = service.iot("POST", "/device", DEVICE).json["id"]
    assert service.iot("POST", f"/device/{made}/sensor", SENSOR).empty
    service.emitted.clear()
    service.told.clear()
    return made


def told(service: Service) -> list[tuple[str, Any]]:
    """Topic and content of the JSON messages a request caused, all of them due at once."""
    assert all(isinstance(each, Due) and each.at == NOW for each in service.emitted)
    return [(due.message.topic, json.loads(due.message.payload)) for due in service.emitted
            if not due.message.topic.endswith("/csv")]


def test_a_device_lives_from_its_making_to_its_end(service: Service) -> None:
    made = service.iot("POST", "/device", DEVICE)
    assert made.status == 200
    assert list(made.json) == ["id"]
    path = f"/device/{made.json['id']}"
    assert service.iot("GET", path).json == {**made.json, **DEVICE}
    assert service.iot("GET", "/device").json == [{**made.json, **DEVICE}]
    assert service.iot("PUT", path, {"name": "other"}).empty
    assert service.iot("GET", path).json == {**made.json, **DEVICE, "name": "other"}
    assert service.iot("DELETE", path).empty
    assert service.iot("GET", "/device").json == []
    assert service.iot("GET", path).status == 404


def test_a_sensor_lives_from_its_making_to_its_end(service: Service) -> None:
    path = f"/device/{make_device(service)}/sensor"
    assert service.iot("GET", path).json == [SENSOR]
    assert service.iot("GET", f"{path}/t1").json == SENSOR
    assert service.iot("PUT", f"{path}/t1", {"unit": "K"}).empty
    assert service.iot("GET", f"{path}/t1").json == {**SENSOR, "unit": "K"}
    assert service.iot("DELETE", f"{path}/t1").empty
    assert service.iot("GET", path).json == []
    assert service.iot("GET", f"{path}/t1").status == 404


def test_json_goes_out_as_utf8_and_not_escaped(service: Service) -> None:
    path = f"/device/{make_device(service)}/sensor/t1"
    assert "溫度".encode() in service.iot("GET", path).content


@pytest.mark.req("P-06", "P-07", "P-08")
def test_readings_are_kept_and_told(service: Service) -> None:
    device = make_device(service)
    assert service.iot("POST", f"/device/{device}/rawdata", [READING]).empty
    topic = f"/v1/device/{device}/sensor/t1"
    assert told(service) == [(f"{topic}/rawdata", {"id": "t1", "deviceId": device,
                                                   "time": READING["time"], "value": ["21.5"]})]
    assert [due.message.payload.decode() for due in service.emitted
            if due.message.topic == f"{topic}/csv"] == [f"{READING['time']},{device},t1,21.5"]


def test_readings_are_read_back(service: Service) -> None:
    device = make_device(service)
    for minute in range(3):
        assert service.iot("POST", f"/device/{device}/rawdata", [
            {"id": "t1", "time": f"2026-01-31T07:0{minute}:00.000Z", "value": [str(minute)]},
        ]).empty
    path = f"/device/{device}/sensor/t1/rawdata"
    latest = service.iot("GET", path).json
    assert list(latest) == ["id", "deviceId", "time", "value"]
    assert latest == {"id": "t1", "deviceId": device, "time": "2026-01-31T07:02:00.000Z",
                      "value": ["2"]}
    some = service.iot("GET", f"{path}?start=2026-01-31T07:01:00Z&end=2026-01-31T07:03:00Z").json
    assert [record["value"] for record in some] == [["1"], ["2"]]
    first = service.iot("GET", f"{path}?start=2026-01-31T07:00:00Z&interval=2").json
    assert [record["value"] for record in first] == [["0"], ["2"]]


@pytest.mark.parametrize("query", ["start=yesterday", "end=", "interval=-1", "interval=often",
                                   "start=2026-13-01T00:00:00Z", "interval=" + "9" * 5000])
def test_a_query_that_makes_no_sense_is_refused(service: Service, query: str) -> None:
    answer = service.iot("GET", f"/device/{make_device(service)}/sensor/t1/rawdata?{query}")
    assert answer.status == 400
    assert list(answer.json) == ["status"]


@pytest.mark.req("P-09", "P-10")
def test_a_command_reaches_the_device(service: Service) -> None:
    device = make_device(service)
    assert service.iot("POST", f"/device/{device}/command", [{"id": "t1", "cmd": "on"}]).empty
    assert told(service) == [(f"/v1/device/{device}/sensor/t1/command", {
        "id": "t1", "deviceId": device, "time": STAMP, "cmd": "on"})]


@pytest.mark.req("P-13", "P-14", "P-23")
def test_a_heartbeat_counts_as_one_over_mqtt(service: Service) -> None:
    device = make_device(service)
    assert service.iot("POST", f"/device/{device}/heartbeat", {"pulse": "1000"}).empty
    ((topic, notice),) = told(service)
    assert topic == f"/v1/device/{device}/heartbeat"
    assert (notice["type"], notice["pulse"], notice["time"]) == ("Live", "1000", STAMP)
    assert notice["from"] == "127.0.0.1"


@pytest.mark.req("P-16", "P-17", "P-19", "P-28")
@pytest.mark.parametrize("authority", ["project", "device"])
def test_the_registry_tells_a_device_who_it_is(service: Service, authority: str) -> None:
    device = make_device(service)
    body = {"op": "SetDeviceId", "digest": "pi00001", "deviceId": device}
    if authority == "device":
        body["authority"] = "device"
    assert service.iot("POST", "/registry/pi00001", body).status == 200
    key = service.project if authority == "project" else service.platform.device_key(device)
    assert told(service) == [
        ("/v1/registry/pi00001", {"op": "SetDeviceId", "ck": key, "deviceId": device})]


@pytest.mark.req("P-18", "P-19")
def test_the_registry_tells_a_device_to_create_itself(service: Service) -> None:
    assert service.iot("POST", "/registry/pi00001",
                       {"op": "Reconfigure", "digest": "pi00001"}).status == 200
    assert told(service) == [
        ("/v1/registry/pi00001", {"op": "Reconfigure", "ck": service.project})]


def test_new_keys_are_in_force_before_anybody_is_told_of_them(service: Service) -> None:
    device = make_device(service)
    service.iot("POST", "/registry/pi00001", {
        "op": "SetDeviceId", "digest": "x", "deviceId": device, "authority": "device"})
    assert service.told == [0]
    assert len(service.emitted) == 1
    service.iot("POST", "/device", DEVICE)
    service.iot("DELETE", f"/device/{device}")
    assert service.told == [0, 1, 1]


CALLS: list[tuple[str, str, Any]] = [
    ("POST", "/device", DEVICE),
    ("GET", "/device", NOTHING),
    ("GET", "/device/{}", NOTHING),
    ("PUT", "/device/{}", {"name": "other"}),
    ("DELETE", "/device/{}", NOTHING),
    ("POST", "/device/{}/sensor", {**SENSOR, "id": "t2"}),
    ("GET", "/device/{}/sensor", NOTHING),
    ("GET", "/device/{}/sensor/t1", NOTHING),
    ("PUT", "/device/{}/sensor/t1", {"unit": "K"}),
    ("DELETE", "/device/{}/sensor/t1", NOTHING),
    ("POST", "/device/{}/rawdata", [READING]),
    ("GET", "/device/{}/sensor/t1/rawdata", NOTHING),
    ("POST", "/device/{}/command", [{"id": "t1", "cmd": "on"}]),
    ("POST", "/device/{}/heartbeat", {"pulse": "1000"}),
    ("POST", "/registry/pi00001", {"op": "Reconfigure", "digest": "x"}),
]
IDS = [f"{method} {path}" for method, path, _ in CALLS]


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=IDS)
def test_every_call_refuses_a_key_nobody_knows(
        service: Service, method: str, path: str, body: Any) -> None:
    device = make_device(service)
    for key in ("PKNOBODY", ""):
        answer = service.iot(method, path.format(device), body, key=key)
        assert answer.status == 403
        assert list(answer.json) == ["status"]
        assert isinstance(answer.json["status"], str)
    assert service.emitted == service.told == []


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=IDS)
def test_every_call_refuses_a_request_without_a_key(
        service: Service, method: str, path: str, body: Any) -> None:
    path = "/iot/v1" + path.format(make_device(service))
    content = None if body is NOTHING else json.dumps(body).encode()
    assert service.send(method, path, content).status == 403
    assert service.emitted == service.told == []


@pytest.mark.parametrize(("method", "path", "body"), CALLS, ids=IDS)
def test_every_call_does_with_the_right_key(
        service: Service, method: str, path: str, body: Any) -> None:
    assert service.iot(method, path.format(make_device(service)), body).status == 200


@pytest.mark.req("P-03")
def test_a_device_key_opens_its_device_and_no_other(service: Service) -> None:
    own, other = make_device(service), make_device(service)
    key = service.platform.device_key(own)
    assert service.iot("POST", f"/device/{own}/rawdata", [READING], key=key).empty
    assert service.iot("POST", f"/device/{other}/rawdata", [READING], key=key).status in (403, 404)
    assert [each["id"] for each in service.iot("GET", "/device", key=key).json] == [own]
    assert service.iot("POST", "/device", DEVICE, key=key).status == 403
    assert service.iot("POST", "/registry/pi00001", {"op": "Reconfigure", "digest": "x"},
                       key=key).status == 403


def test_another_project_sees_nothing_of_it(service: Service) -> None:
    device = make_device(service)
    stranger = service.platform.add_project("other").key
    assert service.iot("GET", "/device", key=stranger).json == []
    assert service.iot("GET", f"/device/{device}", key=stranger).status in (403, 404)


@pytest.mark.parametrize(("path", "body"), [
    ("/device", {}), ("/device", []), ("/device", None), ("/device", {"name": 5}),
    ("/device/{}/sensor", {}), ("/device/{}/sensor", {"id": "a/b"}),
    ("/device/{}/sensor", {"id": "x", "type": "banana"}),
    ("/device/{}/rawdata", {}), ("/device/{}/rawdata", [1]), ("/device/{}/rawdata", "21.5"),
    ("/device/{}/rawdata", [{"id": "t1", "value": "21.5"}]),
    ("/device/{}/command", {}), ("/device/{}/command", [{"id": "t1"}]),
    ("/device/{}/heartbeat", {"pulse": 1000}), ("/device/{}/heartbeat", []),
    ("/registry/pi00001", {}), ("/registry/pi00001", {"op": "Explode", "digest": "x"}),
    ("/registry/pi00001", {"op": "SetDeviceId", "digest": "x"}),
    ("/registry/%23", {"op": "Reconfigure", "digest": "x"}),
])
def test_a_body_that_makes_no_sense_is_refused(service: Service, path: str, body: Any) -> None:
    answer = service.iot("POST", path.format(make_device(service)), body)
    assert answer.status == 400
    assert list(answer.json) == ["status"]
    assert service.emitted == []


@pytest.mark.parametrize("path", ["/device/0", "/device/0/sensor", "/device/0/sensor/t1",
                                  "/device/{}/sensor/t9", "/device/{}/sensor/t9/rawdata",
                                  "/device/{}/", "/devices", "/device/a%2Fb"])
def test_what_is_not_there_is_not_found(service: Service, path: str) -> None:
    answer = service.iot("GET", path.format(make_device(service)))
    assert answer.status == 404
    assert list(answer.json) == ["status"]


def test_a_method_a_path_does_not_take(service: Service) -> None:
    answer = service.iot("PATCH", "/device", DEVICE)
    assert answer.status == 405
    assert answer.json == {"status": "Method Not Allowed"}
    assert answer.headers["allow"]


def test_a_refusal_is_one_line_in_the_log_without_a_key(
        service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.iot("GET", "/device/x%0A%1b%5b2J", key="PKSECRET")
    service.tas("POST", "/callout", {})
    lines = [record.getMessage() for record in caplog.records if record.name == "cht_twin.rest"]
    assert lines[0].startswith("GET /iot/v1/device/x  [2J: 403 ")
    assert lines[1].startswith("POST /apis/CHTIoT/phone-conn/v1/callout: 400 syntax error list:")
    assert len(lines) == 2
    assert all(line.isprintable() and "PKSECRET" not in line for line in lines)


def test_an_answer_is_not_held_back(service: Service) -> None:
    def took() -> float:
        begun = time.perf_counter()
        service.iot("POST", "/device", DEVICE)
        return time.perf_counter() - begun

    # Nagle's algorithm and delayed acknowledgements together would cost 40 ms, though not at the
    # very beginning of a connection.
    assert min([took() for _ in range(40)][20:]) < 0.03
