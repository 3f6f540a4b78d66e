"""Every call of the telephone service over real HTTP, when all is well (T-20…T-29)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.twin.rest_client import NOW, Service, Stage
from twin.phone.effects import Ringing

MENU = [{"node": "MAIN", "text": "目前氣溫二十五度"}]
KEYS = [
    {"node": "MAIN", "text": "按 1 或 2", "promptMode": "F", "collectDTMF": True,
     "DTMF": {"1": "more", "2": "CUSTOM"}},
    {"node": "more", "nextNode": "CUSTOM"},
    {"node": "CONFIG"},
]
WARNING = {"text": "溫室快要結冰了", "repeat": 3, "betweenTextRepeatDelay": 2, "promptMode": "F"}
INTERACTIVE = {"node": "MAIN", "nextNode": "CUSTOM"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def service(stage: Stage) -> Service:
    return stage.fresh()


def rent(service: Service, name: str = "greenhouse") -> str:
    return str(service.tas("POST", "/reg", {"appName": name}).json["serviceNumber"])


def state(service: Service) -> str:
    return str(service.tas("GET", "/reg").json[0]["rentStatus"])


@pytest.mark.req("T-20", "T-28", "T-43")
def test_renting_a_number(service: Service) -> None:
    answer = service.tas("POST", "/reg", {"appName": "greenhouse", "appDesc": "warns"})
    assert answer.status == 200
    assert list(answer.json) == ["serviceNumber", "SNKey", "start"]
    assert re.fullmatch(r"0\d{8,9}", answer.json["serviceNumber"])
    assert re.fullmatch(r"[A-Za-z0-9]{22,32}", answer.json["SNKey"])
    assert answer.json["start"] == f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    assert service.told == [0]


@pytest.mark.req("T-21", "T-42")
def test_listing_numbers(service: Service) -> None:
    first = service.tas("POST", "/reg", {"appName": "one", "appDesc": "first"}).json
    second = service.tas("POST", "/reg", {"appName": "two"}).json
    answer = service.tas("GET", "/reg")
    assert answer.status == 200
    assert [list(each) for each in answer.json] == [
        ["appName", "appDesc", "serviceNumber", "SNKey", "start", "rentStatus"]] * 2
    assert answer.json[0] == {"appName": "one", "appDesc": "first", **first,
                              "rentStatus": "Accessible"}
    assert answer.json[1]["SNKey"] == second["SNKey"]


@pytest.mark.req("T-22")
def test_renaming_a_number(service: Service) -> None:
    number = rent(service)
    answer = service.tas("PUT", f"/reg/{number}", {"appName": "cellar", "appDesc": "wet"})
    assert (answer.status, answer.content) == (200, b'{"status":"ok"}')
    (shown,) = service.tas("GET", "/reg").json
    assert (shown["appName"], shown["appDesc"]) == ("cellar", "wet")


@pytest.mark.req("T-22", "T-23", "T-42")
def test_locking_a_number_and_bringing_it_back(service: Service) -> None:
    number = rent(service)
    answer = service.tas("DELETE", f"/reg/{number}")
    assert (answer.status, answer.content) == (200, b'{"status":"ok"}')
    assert state(service) == "Lock"
    assert service.tas("PUT", f"/reg/{number}", {"appName": "back"}).status == 200
    assert state(service) == "Accessible"


@pytest.mark.req("T-24", "T-25", "T-26")
@pytest.mark.parametrize("nodes", [MENU, KEYS], ids=["text", "keys"])
def test_a_menu_is_set_shown_and_deleted(service: Service, nodes: list[dict[str, Any]]) -> None:
    number = rent(service)
    menu = {"serviceNumber": number, "ivrData": nodes}
    answer = service.tas("POST", "/phoneConfig", menu)
    assert (answer.status, answer.content) == (200, b'{"status":"ok"}')
    shown = service.tas("GET", f"/phoneConfig/{number}")
    assert (shown.status, shown.json) == (200, menu)
    assert list(shown.json) == ["serviceNumber", "ivrData"]
    answer = service.tas("DELETE", f"/phoneConfig/{number}")
    assert (answer.status, answer.content) == (200, b'{"status":"ok"}')
    assert service.tas("GET", f"/phoneConfig/{number}").status == 404


@pytest.mark.req("T-24", "T-35")
@pytest.mark.parametrize(("nodes", "about"), [
    ([], "MAIN"),
    ([{"node": "other"}], "MAIN"),
    ([{"node": "MAIN"}, {"node": "MAIN"}], "MAIN"),
    ([{"node": "MAIN"}, {"node": "CONFIG"}, {"node": "CONFIG"}], "CONFIG"),
    ([{"node": "MAIN", "text": "長" * 201}], "text"),
    ([{"node": "MAIN", "promptMode": "X"}], "promptMode"),
    ([{"node": "MAIN", "nextNode": "CONFIG"}], "nextNode"),
    ([{"node": "MAIN", "collectDTMF": True, "DTMF": {"#": "CUSTOM"}}], "DTMF"),
    ([{"node": "MAIN"}, {"node": "1st"}], "node"),
    ("MAIN", "ivrData"),
])
def test_a_menu_that_breaks_a_rule_is_a_syntax_error(
        service: Service, nodes: Any, about: str) -> None:
    number = rent(service)
    answer = service.tas("POST", "/phoneConfig", {"serviceNumber": number, "ivrData": nodes})
    assert answer.status == 400
    assert list(answer.json) == ["status", "msg"]
    assert answer.json["status"] == "err"
    assert re.fullmatch(r"syntax error list:\r\n( - [^\r\n]*\r\n)+", answer.json["msg"])
    assert about in answer.json["msg"]
    assert service.tas("GET", f"/phoneConfig/{number}").status == 404


@pytest.mark.req("T-24", "T-35")
def test_a_menu_of_two_hundred_signs_and_one_without_text_are_fine(service: Service) -> None:
    number = rent(service)
    for node in ({"node": "MAIN", "text": "長" * 200}, {"node": "MAIN", "nextNode": "CUSTOM"}):
        assert service.tas("POST", "/phoneConfig",
                           {"serviceNumber": number, "ivrData": [node]}).status == 200


@pytest.mark.req("T-27", "T-34")
@pytest.mark.parametrize("content", [WARNING, INTERACTIVE, {"text": "x"}],
                         ids=["simple", "interactive", "least"])
def test_phoning_people(service: Service, content: dict[str, Any]) -> None:
    phones = ["0900000001", "034240002"]
    answer = service.tas("POST", "/callout", {
        "serviceNumber": rent(service), "phones": phones, "ivrData": content})
    assert answer.status == 200
    assert list(answer.json) == ["status", "groupId"]
    assert answer.json["status"] == "ok"
    assert re.fullmatch(r"[A-Za-z0-9]+", answer.json["groupId"])
    assert [each.phone for each in service.emitted if isinstance(each, Ringing)] == phones


@pytest.mark.req("T-27", "T-28", "T-34")
@pytest.mark.parametrize(("change", "about"), [
    ({"phones": None}, "phones"), ({"phones": []}, "phones"), ({"phones": "0912345678"}, "phones"),
    ({"phones": ["912345678"]}, "phone"), ({"phones": ["09-12345678"]}, "phone"),
    ({"ivrData": None}, "ivrData"), ({"ivrData": []}, "ivrData"), ({"ivrData": {}}, "text"),
    ({"ivrData": {"text": ""}}, "text"), ({"ivrData": {"text": "x", "repeat": 0}}, "repeat"),
    ({"ivrData": {"text": "x", "repeat": 100}}, "repeat"),
    ({"ivrData": {"text": "x", "betweenTextRepeatDelay": 100}}, "betweenTextRepeatDelay"),
    ({"ivrData": {"text": "x", "promptMode": "f"}}, "promptMode"),
])
def test_a_call_out_that_breaks_a_rule_is_a_syntax_error(
        service: Service, change: dict[str, Any], about: str) -> None:
    body = {"serviceNumber": rent(service), "phones": ["0900000001"], "ivrData": WARNING, **change}
    answer = service.tas("POST", "/callout",
                         {key: value for key, value in body.items() if value is not None})
    assert answer.status == 400
    assert re.fullmatch(r"syntax error list:\r\n( - [^\r\n]*\r\n)+", answer.json["msg"])
    assert about in answer.json["msg"]
    assert service.emitted == []


@pytest.mark.req("T-27")
def test_an_interactive_call_out_ignores_all_else(service: Service) -> None:
    answer = service.tas("POST", "/callout", {
        "serviceNumber": rent(service), "phones": ["0900000001"],
        "ivrData": {**INTERACTIVE, "text": "", "repeat": 1000}})
    assert answer.status == 200


@pytest.mark.req("T-31")
def test_a_number_belongs_to_the_key_that_rented_it(service: Service) -> None:
    service.telephone.add_account("another")
    number = rent(service)
    assert service.tas("GET", "/reg", key="another").status == 404
    assert service.tas("PUT", f"/reg/{number}", {"appName": "mine"}, key="another").status == 404
    assert service.tas("GET", f"/phoneConfig/{number}", key="another").status == 403
