"""Each documented failure of the telephone service, provoked, to the letter (T-30)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.twin.rest_client import NOTHING, Service, Stage

NO_NAME = (400, "appName cannot be empty")
NO_NUMBER_GIVEN = (400, "syntax error list:\r\n - missing 'serviceNumber'\r\n")
UNBOUND = (403, "no binding phone number for payment. Please visit IOT TAS (Telephone Access "
                "Service) web site and binding a fixed phone number for payment")
WRONG_KEY = (403, "authentication error")
THREE = (403, "reach maximum rent count: 3")
NONE_RENTED = (404, "no service number associates with the API-KEY. Check API-KEY or send POST "
                    "request to get a service number")
UNKNOWN = (404, "service number not found")
FOREIGN = (403, "you cannot access serviceNumber {}")
LOCKED = (403, "service number {} is in locking status. Send PUT reg to unlock")
NO_MENU = (404, "The data of serviceNumber {} does not exist")

NAME = {"appName": "greenhouse"}
MENU = {"serviceNumber": "{}", "ivrData": [{"node": "MAIN", "text": "hello"}]}
CALLOUT = {"serviceNumber": "{}", "phones": ["0900000001"], "ivrData": {"text": "hello"}}

Call = tuple[str, str, Any]
RENT: Call = ("POST", "/reg", NAME)
LIST: Call = ("GET", "/reg", NOTHING)
RENAME: Call = ("PUT", "/reg/{}", NAME)
LOCK: Call = ("DELETE", "/reg/{}", NOTHING)
SET_MENU: Call = ("POST", "/phoneConfig", MENU)
SHOW_MENU: Call = ("GET", "/phoneConfig/{}", NOTHING)
DELETE_MENU: Call = ("DELETE", "/phoneConfig/{}", NOTHING)
PHONE: Call = ("POST", "/callout", CALLOUT)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def service(stage: Stage) -> Service:
    return stage.fresh()


@pytest.fixture
def number(service: Service) -> str:
    rented: str = service.tas("POST", "/reg", NAME).json["serviceNumber"]
    service.told.clear()
    return rented


def fails(service: Service, call: Call, number: str, expected: tuple[int, str],
          key: str | None = None) -> None:
    """The call fails so, exactly, and does nothing."""
    method, path, body = call
    if isinstance(body, dict) and body.get("serviceNumber") == "{}":
        body = {**body, "serviceNumber": number}
    answer = service.tas(method, path.format(number), body, key=key)
    assert (answer.status, answer.json) == (
        expected[0], {"status": "err", "msg": expected[1].format(number)})
    assert list(answer.json) == ["status", "msg"]
    assert service.emitted == service.told == []


def without(call: Call, field: str, value: object = NOTHING) -> Call:
    """The call, with that field taken out or replaced."""
    body = {name: content for name, content in call[2].items() if name != field}
    return (*call[:2], body if value is NOTHING else {**body, field: value})


@pytest.mark.req("T-20", "T-22", "T-30")
@pytest.mark.parametrize("call", [RENT, RENAME], ids=["rent", "rename"])
@pytest.mark.parametrize("name", [NOTHING, "", None, 5], ids=["missing", "empty", "null", "number"])
def test_an_app_without_a_name(service: Service, number: str, call: Call, name: object) -> None:
    fails(service, without(call, "appName", name), number, NO_NAME)


@pytest.mark.req("T-24", "T-27", "T-30")
@pytest.mark.parametrize("call", [SET_MENU, PHONE], ids=["menu", "callout"])
def test_a_number_that_is_not_given(service: Service, number: str, call: Call) -> None:
    fails(service, without(call, "serviceNumber"), number, NO_NUMBER_GIVEN)


@pytest.mark.req("T-20", "T-24", "T-25", "T-26", "T-27", "T-30", "T-42")
@pytest.mark.parametrize("call", [RENT, SET_MENU, SHOW_MENU, DELETE_MENU, PHONE],
                         ids=["rent", "menu", "show", "delete", "callout"])
def test_an_account_without_a_bound_phone(service: Service, number: str, call: Call) -> None:
    service.telephone.add_account("unbound", bound=False)
    fails(service, call, number, UNBOUND, key="unbound")


@pytest.mark.req("T-20", "T-24", "T-25", "T-26", "T-27", "T-30")
@pytest.mark.parametrize("call", [RENT, SET_MENU, SHOW_MENU, DELETE_MENU, PHONE],
                         ids=["rent", "menu", "show", "delete", "callout"])
@pytest.mark.parametrize("key", ["nobody", ""])
def test_a_key_nobody_knows(service: Service, number: str, call: Call, key: str) -> None:
    fails(service, call, number, WRONG_KEY, key=key)


@pytest.mark.req("T-30")
@pytest.mark.parametrize("call", [RENT, SET_MENU, PHONE], ids=["rent", "menu", "callout"])
def test_the_key_is_looked_at_before_the_body(service: Service, number: str, call: Call) -> None:
    fails(service, (*call[:2], {}), number, WRONG_KEY, key="nobody")


@pytest.mark.req("T-30")
def test_no_key_at_all(service: Service) -> None:
    answer = service.send("POST", "/apis/CHTIoT/phone-conn/v1/reg", b'{"appName":"x"}')
    assert (answer.status, answer.json) == (403, {"status": "err", "msg": WRONG_KEY[1]})


@pytest.mark.req("T-20", "T-30")
def test_a_fourth_number(service: Service) -> None:
    for _ in range(3):
        assert service.tas(*RENT).status == 200
    service.told.clear()
    fails(service, RENT, "", THREE)


@pytest.mark.req("T-21", "T-30")
@pytest.mark.parametrize("key", [None, "nobody", ""], ids=["good key", "wrong key", "empty key"])
def test_nothing_to_list(service: Service, key: str | None) -> None:
    fails(service, LIST, "", NONE_RENTED, key=key)


@pytest.mark.req("T-22", "T-23", "T-30")
@pytest.mark.parametrize("call", [RENAME, LOCK], ids=["rename", "lock"])
def test_a_number_that_is_not_there(service: Service, number: str, call: Call) -> None:
    fails(service, call, "099999999", UNKNOWN)
    fails(service, call, number, UNKNOWN, key="nobody")


@pytest.mark.req("T-24", "T-25", "T-26", "T-27", "T-30", "T-31")
@pytest.mark.parametrize("call", [SET_MENU, SHOW_MENU, DELETE_MENU, PHONE],
                         ids=["menu", "show", "delete", "callout"])
def test_a_number_of_somebody_else(service: Service, number: str, call: Call) -> None:
    service.telephone.add_account("another")
    fails(service, call, number, FOREIGN, key="another")
    fails(service, call, "099999999", FOREIGN)


@pytest.mark.req("T-23", "T-27", "T-30")
def test_a_locked_number_phones_nobody(service: Service, number: str) -> None:
    assert service.tas(*LOCK[:1], LOCK[1].format(number)).status == 200
    fails(service, PHONE, number, LOCKED)


@pytest.mark.req("T-25", "T-30")
def test_a_menu_that_was_never_set(service: Service, number: str) -> None:
    fails(service, SHOW_MENU, number, NO_MENU)


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/reg/", 404), ("PATCH", "/reg", 405),
    ("GET", "/reg/034240000/more", 404)])
def test_paths_and_methods_that_are_none(
        service: Service, method: str, path: str, status: int) -> None:
    answer = service.tas(method, path)
    assert answer.status == status
    assert list(answer.json) == ["status", "msg"]
    assert answer.json["status"] == "err"
