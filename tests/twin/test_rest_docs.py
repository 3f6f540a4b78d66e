"""The page about all calls: complete, true, and made of nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.twin.rest_client import Service, Stage

PROMISED = {
    "/iot/v1/device": {"get", "post"},
    "/iot/v1/device/{device}": {"get", "put", "delete"},
    "/iot/v1/device/{device}/sensor": {"get", "post"},
    "/iot/v1/device/{device}/sensor/{sensor}": {"get", "put", "delete"},
    "/iot/v1/device/{device}/rawdata": {"post"},
    "/iot/v1/device/{device}/sensor/{sensor}/rawdata": {"get"},
    "/iot/v1/device/{device}/heartbeat": {"post"},
    "/iot/v1/device/{device}/command": {"post"},
    "/iot/v1/registry/{name}": {"post"},
    "/apis/CHTIoT/phone-conn/v1/reg": {"get", "post"},
    "/apis/CHTIoT/phone-conn/v1/reg/{number}": {"put", "delete"},
    "/apis/CHTIoT/phone-conn/v1/phoneConfig": {"post"},
    "/apis/CHTIoT/phone-conn/v1/phoneConfig/{number}": {"get", "delete"},
    "/apis/CHTIoT/phone-conn/v1/callout": {"post"},
}
CALLS = [(path, method) for path, methods in PROMISED.items() for method in sorted(methods)]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def service(stage: Stage) -> Service:
    return stage.fresh()


@pytest.fixture
def description(service: Service) -> Any:
    return service.send("GET", "/openapi.json").json


def examples(described: dict[str, Any]) -> list[Any]:
    content = described.get("content", {}).get("application/json", {})
    return [example["value"] for example in content.get("examples", {}).values()]


def test_the_root_leads_to_the_page(service: Service) -> None:
    root = service.send("GET", "/")
    assert root.status == 200
    links = re.findall(r'href="([^"]*)"', root.content.decode())
    assert "/docs" in links
    for link in links:
        assert service.send("GET", link).status == 200


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_needs_no_network(service: Service, path: str) -> None:
    page = service.send("GET", path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = page.content.decode()
    assert not re.search(r"https?://|\bsrc\s*=|@import|url\(|<link", text)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert not re.search(r"https?:|\*", policy)


def test_every_call_is_described(description: Any) -> None:
    assert {path: set(methods) for path, methods in description["paths"].items()} == PROMISED
    for path, method in CALLS:
        operation = description["paths"][path][method]
        assert len(operation["description"]) > 20
        assert operation["summary"] and operation["security"] and operation["tags"]


def test_no_answer_is_described_that_never_comes(description: Any) -> None:
    assert "422" not in json.dumps(description)
    assert "HTTPValidationError" not in json.dumps(description)


@pytest.mark.parametrize(("path", "method"), CALLS)
def test_what_is_shown_works_as_shown(service: Service, path: str, method: str) -> None:
    operation = service.send("GET", "/openapi.json").json["paths"][path][method]
    iot = path.startswith("/iot/")
    made = prepared(service, iot=iot, fresh=method == "post")
    key = {"CK": service.project} if iot else {"X-API-KEY": service.account}
    content = None
    for body in examples(operation.get("requestBody", {})):
        body = {**body, "serviceNumber": made["number"]} if "serviceNumber" in body else body
        content = json.dumps(body).encode()
    assert (content is None) == (method in ("get", "delete"))
    answer = service.send(method.upper(), path.format(**made), content, key)
    assert answer.status == 200
    shown = examples(operation["responses"]["200"])
    if not shown:
        assert answer.empty
    elif isinstance(shown[0], list):
        assert [list(each) for each in answer.json] == [list(each) for each in shown[0]]
    else:
        assert list(answer.json) == list(shown[0])


def prepared(service: Service, *, iot: bool, fresh: bool) -> dict[str, str]:
    """Names for the placeholders: a device and a number with all there can be, unless the call is
    to make it (``fresh``)."""
    paths = service.send("GET", "/openapi.json").json["paths"]

    def shown(path: str) -> Any:
        return examples(paths[path]["post"]["requestBody"])[0]

    made = {"sensor": "temperature", "name": "pi00001", "device": "", "number": ""}
    if iot:
        base = "/iot/v1/device"
        made["device"] = service.iot("POST", "/device", shown(base)).json["id"]
        if not fresh:
            device = f"/device/{made['device']}"
            service.iot("POST", f"{device}/sensor", shown(f"{base}/{{device}}/sensor"))
            service.iot("POST", f"{device}/rawdata", shown(f"{base}/{{device}}/rawdata"))
        return made
    base = "/apis/CHTIoT/phone-conn/v1"
    made["number"] = service.tas("POST", "/reg", shown(f"{base}/reg")).json["serviceNumber"]
    if not fresh:
        service.tas("POST", "/phoneConfig",
                    {**shown(f"{base}/phoneConfig"), "serviceNumber": made["number"]})
    return made


def test_documented_failures_have_the_documented_form(description: Any) -> None:
    for path, method in CALLS:
        names = ["status"] if path.startswith("/iot/") else ["status", "msg"]
        for status, response in description["paths"][path][method]["responses"].items():
            if status != "200":
                assert all(list(example) == names for example in examples(response))
                assert examples(response)


def test_fields_of_the_page_have_names_to_be_read_out(service: Service) -> None:
    page = service.send("GET", "/docs").content.decode()
    assert '<html lang="en">' in page
    assert "focus-visible" in page
