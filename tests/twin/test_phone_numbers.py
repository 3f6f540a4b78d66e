"""Numbers: rented, listed, renamed, locked, fetched back, lost; and each refusal to the letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.twin.phone_rig import API_KEY, START, Exchange
from twin.phone.telephone import Settings, TasError, Telephone

UNBOUND = "AKunbound"
OTHER = "AKother"
SIBLING = "AKsibling"
NOT_BOUND = ("no binding phone number for payment. Please visit IOT TAS (Telephone Access Service)"
             " web site and binding a fixed phone number for payment")
MISSING = "syntax error list:\r\n - missing 'serviceNumber'\r\n"
APP = {"appName": "greenhouse", "appDesc": "tomatoes"}
MENU = [{"node": "MAIN", "text": "a"}]
CALLOUT = {"phones": ["034240005"], "ivrData": {"text": "a"}}

Request = Callable[[Exchange], Any]


@pytest.fixture
def line() -> Exchange:
    exchange = Exchange()
    telephone = exchange.telephone
    telephone.add_account(UNBOUND, bound=False)
    telephone.add_account(OTHER)
    telephone.add_key(SIBLING, beside=API_KEY)
    return exchange


def rent(key: str, body: Any = APP) -> Request:
    return lambda line: line.telephone.rent(key, body, line.now)


def put(key: str, body: Any = APP, number: str | None = None) -> Request:
    return lambda line: line.telephone.rename(key, number or line.number, body)


def lock(key: str, number: str | None = None) -> Request:
    return lambda line: line.telephone.lock(key, number or line.number, line.now)


def numbers(key: str) -> Request:
    return lambda line: line.telephone.numbers(key)


def set_menu(key: str, **body: Any) -> Request:
    return lambda line: line.telephone.set_menu(
        key, {"serviceNumber": line.number, "ivrData": MENU, **body})


def get_menu(key: str, number: str | None = None) -> Request:
    return lambda line: line.telephone.menu(key, number or line.number)


def delete_menu(key: str, number: str | None = None) -> Request:
    return lambda line: line.telephone.delete_menu(key, number or line.number)


def callout(key: str, **body: Any) -> Request:
    return lambda line: line.telephone.callout(
        key, {"serviceNumber": line.number, **CALLOUT, **body}, line.now)


def locked_callout(line: Exchange) -> Any:
    lock(API_KEY)(line)
    return callout(API_KEY)(line)


def fourth(key: str) -> Request:
    def rent_four(line: Exchange) -> None:
        for _ in range(2):
            rent(API_KEY)(line)
        rent(key)(line)
    return rent_four


REFUSALS: list[tuple[str, Request, int, str]] = [
    ("rent: no name", rent(API_KEY, {}), 400, "appName cannot be empty"),
    ("rent: empty name", rent(API_KEY, {"appName": " "}), 400, "appName cannot be empty"),
    ("rent: no object", rent(API_KEY, ["appName"]), 400, "appName cannot be empty"),
    ("rename: no name", put(API_KEY, {"appDesc": "a"}), 400, "appName cannot be empty"),
    ("menu: no number", set_menu(API_KEY, serviceNumber=None), 400, MISSING),
    ("call-out: no number", callout(API_KEY, serviceNumber=None), 400, MISSING),
    ("call-out: empty number", callout(API_KEY, serviceNumber=""), 400, MISSING),
    *((f"{name}: not bound", make(UNBOUND), 403, NOT_BOUND) for name, make in [
        ("rent", rent), ("menu", set_menu), ("call-out", callout), ("get menu", get_menu),
        ("delete menu", delete_menu)]),
    *((f"{name}: wrong key", make("AKnobody"), 403, "authentication error") for name, make in [
        ("rent", rent), ("menu", set_menu), ("call-out", callout), ("get menu", get_menu),
        ("delete menu", delete_menu)]),
    ("rent: a fourth", fourth(API_KEY), 403, "reach maximum rent count: 3"),
    ("rent: a fourth, by another key", fourth(SIBLING), 403, "reach maximum rent count: 3"),
    *((f"{name}: somebody else's", make(OTHER), 403, "you cannot access serviceNumber 034240000")
      for name, make in [("menu", set_menu), ("call-out", callout), ("get menu", get_menu),
                         ("delete menu", delete_menu)]),
    ("menu: the same account's other key", set_menu(SIBLING), 403,
     "you cannot access serviceNumber 034240000"),
    ("call-out: locked", locked_callout, 403,
     "service number 034240000 is in locking status. Send PUT reg to unlock"),
    *((f"list: {who}", numbers(key), 404,
       "no service number associates with the API-KEY. Check API-KEY or send POST request to get "
       "a service number")
      for who, key in [("wrong key", "AKnobody"), ("no number", OTHER), ("no landline", UNBOUND)]),
    *((f"{name}: {who}", make(key), 404, "service number not found")
      for name, make in [("rename", put), ("lock", lock)]
      for who, key in [("wrong key", "AKnobody"), ("other key", OTHER), ("sibling", SIBLING)]),
    ("rename: no such number", put(API_KEY, number="0299"), 404, "service number not found"),
    ("lock: no such number", lock(API_KEY, number="0299"), 404, "service number not found"),
    ("get menu: none", get_menu(API_KEY), 404,
     "The data of serviceNumber 034240000 does not exist"),
]


@pytest.mark.req("T-30", "T-20", "T-21", "T-22", "T-23", "T-24", "T-25", "T-26", "T-27", "T-31")
@pytest.mark.parametrize(("request_", "status", "message"),
                         [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_each_refusal(line: Exchange, request_: Request, status: int, message: str) -> None:
    with pytest.raises(TasError) as refused:
        request_(line)
    assert (refused.value.status, refused.value.message) == (status, message)
    assert refused.value.body == {"status": "err", "msg": message}


@pytest.mark.req("T-20", "T-43")
def test_a_number_is_rented() -> None:
    telephone = Telephone()
    telephone.add_account(API_KEY)
    rented = telephone.rent(API_KEY, APP, START + timedelta(hours=8))
    assert rented["serviceNumber"] == "034240000"
    assert re.fullmatch(r"[A-Za-z0-9]{22,32}", rented["SNKey"])
    assert rented["start"] == "2024-05-06T15:08:09Z"
    assert set(rented) == {"serviceNumber", "SNKey", "start"}


@pytest.mark.req("T-21", "T-31")
def test_a_list_has_what_this_very_key_rented(line: Exchange) -> None:
    second = rent(SIBLING)(line)
    (own,) = line.telephone.numbers(API_KEY)
    assert own == {"appName": "greenhouse", "appDesc": "", "serviceNumber": line.number,
                   "SNKey": line.sn_key, "start": "2024-05-06T07:08:09Z",
                   "rentStatus": "Accessible"}
    (others,) = line.telephone.numbers(SIBLING)
    assert others["serviceNumber"] == second["serviceNumber"] == "034240001"
    assert others["SNKey"] != line.sn_key
    assert line.telephone.api_key_of(others["SNKey"]) == SIBLING
    assert line.telephone.api_key_of("nobody") is None
    assert line.telephone.sn_keys(API_KEY) == [line.sn_key]
    assert line.telephone.api_keys == [API_KEY, UNBOUND, OTHER, SIBLING]


@pytest.mark.req("T-20")
def test_another_account_has_three_numbers_of_its_own(line: Exchange) -> None:
    for key in (API_KEY, API_KEY, OTHER, OTHER, OTHER):
        rent(key)(line)
    assert len({row["serviceNumber"] for key in (API_KEY, OTHER)
                for row in line.telephone.numbers(key)}) == 6


@pytest.mark.req("T-22")
def test_a_number_is_renamed(line: Exchange) -> None:
    assert put(API_KEY, {"appName": "shed", "appDesc": "x"})(line) == {"status": "ok"}
    assert put(API_KEY, {"appName": "barn"})(line) == {"status": "ok"}
    (row,) = line.telephone.numbers(API_KEY)
    assert (row["appName"], row["appDesc"]) == ("barn", "x")


@pytest.mark.req("T-23", "T-22", "T-42")
def test_a_locked_number_is_out_of_service_until_it_is_fetched_back(line: Exchange) -> None:
    line.menu(*MENU)
    assert lock(API_KEY)(line) == {"status": "ok"}
    assert line.telephone.numbers(API_KEY)[0]["rentStatus"] == "Lock"
    line.dial()
    assert line.happened() == ["end: the number is not in service"]
    line.wait(timedelta(days=29.9).total_seconds())
    assert put(API_KEY)(line) == {"status": "ok"}
    line.wait(timedelta(days=60).total_seconds())
    assert line.telephone.numbers(API_KEY)[0]["rentStatus"] == "Accessible"
    line.dial()
    assert line.heard() == ["a"]


@pytest.mark.req("T-23")
def test_a_locked_number_is_gone_after_thirty_days(line: Exchange) -> None:
    lock(API_KEY)(line)
    assert line.telephone.next_tick(line.now) == START + timedelta(days=30)
    line.wait(86400)
    lock(API_KEY)(line)  # again: the days are counted from the first time
    line.wait(timedelta(days=29).total_seconds())
    with pytest.raises(TasError, match="not found"):
        put(API_KEY)(line)
    assert line.telephone.next_tick(line.now) is None
    assert "gone" in line.telephone.notes[-1].what
    for _ in range(3):
        assert rent(API_KEY)(line)["serviceNumber"] != line.number


@pytest.mark.req("T-42")
def test_a_landline_that_is_unbound_voids_all_numbers_for_good(line: Exchange) -> None:
    line.menu(*MENU)
    line.telephone.add_account(API_KEY, bound=False)
    assert line.telephone.numbers(API_KEY)[0]["rentStatus"] == "Abnormal"
    line.telephone.add_account(API_KEY, bound=True)
    assert line.telephone.numbers(API_KEY)[0]["rentStatus"] == "Abnormal"
    with pytest.raises(TasError, match="you cannot access"):
        callout(API_KEY)(line)
    line.dial()
    assert line.happened() == ["end: the number is not in service"]
    for _ in range(3):
        rent(API_KEY)(line)
    assert [row["rentStatus"] for row in line.telephone.numbers(API_KEY)[1:]] == ["Accessible"] * 3


def test_the_first_number_is_a_setting_and_a_wrong_one_is_told() -> None:
    telephone = Telephone(Settings(first_number="0299"))
    telephone.add_account(API_KEY)
    assert [telephone.rent(API_KEY, APP, START)["serviceNumber"] for _ in range(2)] == [
        "0299", "0300"]
    wrong = Telephone(Settings(first_number="12"))
    wrong.add_account(API_KEY)
    with pytest.raises(ValueError, match="leading 0"):
        wrong.rent(API_KEY, APP, START)


def test_a_number_nobody_rents_does_not_answer(line: Exchange) -> None:
    line.number = "0200000000"
    line.dial()
    assert line.happened() == ["end: the number is not in service"]
    assert line.telephone.calls() == []
