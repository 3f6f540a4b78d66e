"""Bodies that are too long, no JSON, or worse: each is refused in the form of its service."""

from __future__ import annotations

import asyncio
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.rest_client import Answer, Service, Stage
from twin.rest.bodies import LONGEST, BadBody, collect, judge

JSON = "application/json"

BAD: dict[str, tuple[str | None, bytes]] = {
    "nothing": (JSON, b""),
    "cut off": (JSON, b'{"name": "x'),
    "two values": (JSON, b'{"name": "x"} {}'),
    "no UTF-8": (JSON, b'{"name": "\xff"}'),
    "half a surrogate pair": (JSON, b'{"name": "\\ud800"}'),
    "no number": (JSON, b'{"name": "x", "lat": NaN}'),
    "endless number": (JSON, b'{"name": "x", "lat": 1e999}'),
    "number without end": (JSON, b'{"name": "x", "lat": ' + b"9" * 100_000 + b"}"),
    "deep": (JSON, b'{"name": "x", "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "too long": (JSON, b'{"name": "' + b"x" * LONGEST + b'"}'),
    "a form": ("application/x-www-form-urlencoded", b"name=x"),
    "JSON called a text": ("text/plain", b'{"name": "x"}'),
    "a strange type": (";;;/", b'{"name": "x"}'),
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture(scope="module")
def service(stage: Stage) -> Service:
    return stage.fresh()


def post(service: Service, path: str, content_type: str | None, content: bytes) -> Answer:
    headers = {"CK": service.project, "X-API-KEY": service.account}
    if content_type is not None:
        headers["Content-Type"] = content_type
    return service.send("POST", path, content, headers)


@pytest.mark.parametrize("case", BAD)
def test_the_platform_refuses_it(service: Service, case: str) -> None:
    answer = post(service, "/iot/v1/device", *BAD[case])
    assert answer.status == 400
    assert list(answer.json) == ["status"]
    assert "\n" not in answer.json["status"]


@pytest.mark.req("T-30")
@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize(("path", "message"), [
    ("reg", "appName cannot be empty"),
    ("phoneConfig", "syntax error list:\r\n - missing 'serviceNumber'\r\n"),
    ("callout", "syntax error list:\r\n - missing 'serviceNumber'\r\n"),
])
def test_the_telephone_finds_no_field_in_it(
        service: Service, case: str, path: str, message: str) -> None:
    answer = post(service, f"/apis/CHTIoT/phone-conn/v1/{path}", *BAD[case])
    assert answer.status == 400
    assert answer.json["status"] == "err"
    assert answer.json["msg"].startswith(message)


@pytest.mark.parametrize("content_type", [None, JSON, "Application/JSON; charset=utf-8"])
def test_json_is_taken_by_these_names(service: Service, content_type: str | None) -> None:
    assert post(service, "/iot/v1/device", content_type, '{"name": "溫室"}'.encode()).status == 200


def test_a_body_in_pieces_is_one_body(service: Service) -> None:
    got = service.http.request(
        "POST", f"{service.url}/iot/v1/device", body=iter([b'{"na', b'me": "x', b'"}']),
        headers={"CK": service.project, "Content-Type": JSON}, chunked=True)
    assert got.status == 200


def test_a_sender_that_goes_away_is_no_trouble(
        service: Service, caplog: pytest.LogCaptureFixture) -> None:
    address = urlsplit(service.url)
    for _ in range(3):
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"POST /iot/v1/device HTTP/1.1\r\nHost: here\r\nContent-Length: 99\r\n"
                           b"Content-Type: application/json\r\n\r\n{")
    assert service.iot("GET", "/device").status == 200
    assert not [record for record in caplog.records if record.exc_info]


def test_of_a_body_that_is_far_too_long_nothing_is_kept() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(LONGEST)

    tracemalloc.start()
    try:
        with pytest.raises(BadBody):
            asyncio.run(collect(parts()))
        assert tracemalloc.get_traced_memory()[1] < 8 * LONGEST
    finally:
        tracemalloc.stop()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(json_values)
def test_what_is_json_comes_through_unharmed(value: Any) -> None:
    assert judge(JSON, json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary())
def test_any_bytes_are_json_or_refused(content: bytes) -> None:
    try:
        json.dumps(judge(JSON, content), allow_nan=False).encode()
    except BadBody as exc:
        assert str(exc).isprintable()


FIELDS = st.sampled_from([
    "name", "type", "lat", "attributes", "id", "value", "time", "pulse", "op", "digest",
    "deviceId", "authority", "appName", "appDesc", "serviceNumber", "ivrData", "phones", "node",
    "text", "nextNode", "DTMF", "collectDTMF", "promptMode", "repeat", "betweenTextRepeatDelay",
])
WORDS = st.sampled_from(["MAIN", "CUSTOM", "END", "Reconfigure", "SetDeviceId", "device", "x", "",
                         "034240000", "0912345678", "1", True, 10**30, -1, 0.5, None])
near_misses = st.recursive(
    WORDS | json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=12)


@settings(max_examples=150, deadline=None)
@given(body=near_misses, call=st.sampled_from([
    ("POST", "/device"), ("PUT", "/device/{}"), ("POST", "/device/{}/sensor"),
    ("PUT", "/device/{}/sensor/t1"), ("POST", "/device/{}/rawdata"),
    ("POST", "/device/{}/command"),
    ("POST", "/device/{}/heartbeat"), ("POST", "/registry/pi00001")]))
def test_nothing_makes_the_platform_stumble(
        service: Service, body: Any, call: tuple[str, str]) -> None:
    device = a_device(service)
    answer = service.iot(call[0], call[1].format(device), body)
    assert answer.status in (200, 400, 404, 409)
    for path in ("/device", f"/device/{device}/sensor", f"/device/{device}/sensor/t1/rawdata"):
        assert service.iot("GET", path).status == 200


@settings(max_examples=150, deadline=None)
@given(body=near_misses | st.dictionaries(FIELDS, near_misses), own=st.booleans(),
       call=st.sampled_from([("POST", "/reg"), ("PUT", "/reg/{}"), ("POST", "/phoneConfig"),
                             ("POST", "/callout")]))
def test_nothing_makes_the_telephone_stumble(
        service: Service, body: Any, own: bool, call: tuple[str, str]) -> None:
    number = a_number(service)
    if own and isinstance(body, dict):
        body = {**body, "serviceNumber": number}
    answer = service.tas(call[0], call[1].format(number), body)
    assert answer.status in (200, 400, 403, 404)
    rented = answer.status == 200 and call == ("POST", "/reg")
    assert ("SNKey" in answer.json) == rented  # the only answer without a status
    if not rented:
        assert answer.json["status"] == ("ok" if answer.status == 200 else "err")
    assert service.tas("GET", "/reg").status == 200
    assert service.tas("GET", f"/phoneConfig/{number}").status in (200, 404)


def a_device(service: Service) -> str:
    """One with the sensor t1."""
    for known in service.iot("GET", "/device").json:
        if service.iot("GET", f"/device/{known['id']}/sensor/t1").status == 200:
            return str(known["id"])
    made: str = service.iot("POST", "/device", {"name": "x"}).json["id"]
    service.iot("POST", f"/device/{made}/sensor", {"id": "t1"})
    return made


def a_number(service: Service) -> str:
    known = service.tas("GET", "/reg")
    if known.status == 404:
        return str(service.tas("POST", "/reg", {"appName": "x"}).json["serviceNumber"])
    return str(known.json[0]["serviceNumber"])
