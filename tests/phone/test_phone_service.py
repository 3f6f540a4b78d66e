"""The client of the telephone service's REST, against the twin's."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import reach
from agent.config.menus import PhoneConfig
from agent.config.model import Secret, SecretRef
from agent.config.schema import PHONE_NUMBER
from agent.errors import LinkLost, LinkRefused, NotSent
from agent.phone.service import PhoneService, ServiceRefused
from agent.protocol.errors import Malformed
from agent.protocol.phone_service import (
    Announcement,
    decode_callout,
    decode_menu,
    decode_numbers,
    decode_rented,
    encode_callout,
    encode_names,
    phone,
    refusal,
)
from tests.support.certs import Certs
from tests.support.rest_platform import Fault, RestPlatform
from tests.twin.rest_client import Service, Stage

BASE = "/apis/CHTIoT/phone-conn/v1"
ASK = {"node": "MAIN", "nextNode": "CUSTOM"}
CALLEE = "0900000001"
KEY = SecretRef("env", "NONE")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture
def twin(stage: Stage) -> Service:
    return stage.fresh()


def client(twin: Service, key: str = "") -> PhoneService:
    return PhoneService(f"{twin.url}{BASE}", Secret(key or twin.account), None,
                        sleep=lambda _s: None)  # fmt: skip


@pytest.mark.req("T-20", "T-21", "T-22", "T-23", "T-42")
def test_a_number_is_rented_listed_renamed_locked_and_restored(twin: Service) -> None:
    service = client(twin)
    rented = service.rent("greenhouse", "warns of frost")
    assert rented.sn_key and rented.sn_key not in repr(rented)
    (listed,) = service.numbers()
    assert (listed.number, listed.sn_key, listed.name, listed.status) == (
        rented.number, rented.sn_key, "greenhouse", "Accessible")  # fmt: skip
    service.rename(rented.number, "pump house")
    service.lock(rented.number)
    assert [(n.name, n.status) for n in service.numbers()] == [("pump house", "Lock")]
    service.rename(rented.number, "pump house")
    assert [n.status for n in service.numbers()] == ["Accessible"]
    service.close()


@pytest.mark.req("T-24", "T-25", "T-26")
def test_a_menu_is_set_shown_and_deleted(twin: Service) -> None:
    service = client(twin)
    number = service.rent("x").number
    assert service.menu(number) is None
    nodes = [ASK, {"node": "more0", "nextNode": "CUSTOM", "text": "溫室"}]
    service.set_menu(number, nodes)
    assert service.menu(number) == tuple(nodes)
    service.delete_menu(number)
    assert service.menu(number) is None


@pytest.mark.req("T-27", "T-28", "T-34")
def test_people_are_phoned(twin: Service) -> None:
    service = client(twin)
    number = service.rent("x").number
    assert service.call(number, [CALLEE])
    assert service.call(number, [CALLEE], Announcement("快要結冰了", "您好", "再見", 2, 1, "F"))


Work = Callable[[PhoneService, str], object]
ALL: dict[str, Work] = {
    "rent": lambda s, _n: s.rent("x"),
    "numbers": lambda s, _n: s.numbers(),
    "rename": lambda s, n: s.rename(n, "x"),
    "lock": lambda s, n: s.lock(n),
    "set menu": lambda s, n: s.set_menu(n, [ASK]),
    "menu": lambda s, n: s.menu(n),
    "delete menu": lambda s, n: s.delete_menu(n),
    "call": lambda s, n: s.call(n, [CALLEE]),
}
PHONED = ("set menu", "menu", "delete menu", "call")


def refused(work: str, service: PhoneService, number: str, kind: str, mend: str) -> None:
    with pytest.raises(ServiceRefused) as caught:
        ALL[work](service, number)
    assert caught.value.kind == kind
    assert mend in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.req("T-30")
@pytest.mark.parametrize("work", ["rent", *PHONED])
def test_no_line_is_bound(twin: Service, work: str) -> None:
    number = client(twin).rent("x").number
    twin.telephone.add_account("unbound", bound=False)
    refused(work, client(twin, "unbound"), number, "unbound", "bind a landline")


@pytest.mark.req("T-30")
@pytest.mark.parametrize("work", ["rent", *PHONED])
def test_a_wrong_key(twin: Service, work: str) -> None:
    number = client(twin).rent("x").number
    refused(work, client(twin, "nobody"), number, "key", "check [phone] api_key")


@pytest.mark.req("T-21", "T-30")
def test_no_number_or_a_wrong_key(twin: Service) -> None:
    refused("numbers", client(twin), "", "none", "cht-agent phone rent")


@pytest.mark.req("T-20", "T-30")
def test_a_fourth_number(twin: Service) -> None:
    for _ in range(3):
        client(twin).rent("x")
    refused("rent", client(twin), "", "most", "phone release")


@pytest.mark.req("T-22", "T-23", "T-30")
@pytest.mark.parametrize("work", ["rename", "lock"])
def test_a_number_that_is_not_there(twin: Service, work: str) -> None:
    refused(work, client(twin), "099999999", "unknown", "phone numbers")


@pytest.mark.req("T-30", "T-31")
@pytest.mark.parametrize("work", PHONED)
def test_somebody_elses_number(twin: Service, work: str) -> None:
    number = client(twin).rent("x").number
    twin.telephone.add_account("another")
    refused(work, client(twin, "another"), number, "foreign", "was not rented with this key")


@pytest.mark.req("T-27", "T-30")
def test_a_locked_number_phones_nobody(twin: Service) -> None:
    number = client(twin).rent("x").number
    client(twin).lock(number)
    refused("call", client(twin), number, "locked", "phone restore")


@pytest.mark.req("T-24", "T-30")
def test_a_menu_the_service_does_not_understand(twin: Service) -> None:
    service = client(twin)
    number = service.rent("x").number
    with pytest.raises(ServiceRefused, match="does not understand") as caught:
        service.set_menu(number, [{"node": "other"}])
    assert caught.value.kind == "syntax" and "missing node 'MAIN'" in str(caught.value)


@pytest.mark.req("T-20", "T-27", "T-28")
def test_what_is_illegal_never_leaves() -> None:
    for wrong in ("1234567890", "09-12345678", "+886900000001", "0900 000001", ""):
        with pytest.raises(ValueError) as caught:
            phone(wrong)
        assert not wrong or wrong not in str(caught.value)
    for build in (
        lambda: encode_names(""), lambda: encode_callout("034240000", []),
        lambda: encode_callout("../reg", [CALLEE]), lambda: Announcement(""),
        lambda: Announcement("x" * 201), lambda: Announcement("x", repeat=0),
        lambda: Announcement("x", delay=100),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            build()


@pytest.mark.req("T-28")
def test_whom_the_configuration_lets_call_can_be_called() -> None:
    for number in ("0800000", "0900000001", "012345678901234"):
        assert re.fullmatch(PHONE_NUMBER, number) and phone(number) == number


@pytest.fixture
def broken() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


BUSY, GONE = Fault((503, b'{"status":"err","msg":"busy"}')), Fault()


@pytest.mark.parametrize("fault", [BUSY, GONE], ids=["busy", "gone"])
@pytest.mark.parametrize("work", ALL)
def test_what_may_be_repeated_is_and_renting_and_dialling_never(
    broken: RestPlatform, fault: Fault, work: str
) -> None:
    broken.script = lambda _request: fault
    service = PhoneService(broken.url, Secret("k"), None, sleep=lambda _s: None, timeout=2.0)
    with pytest.raises(LinkLost):
        ALL[work](service, "034240000")
    assert len(broken.requests) == (1 if work in ("rent", "call") else 3)


def test_a_call_that_was_surely_not_ordered_is_told_from_one_that_may_ring(
    broken: RestPlatform
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for nowhere in (f"http://127.0.0.1:{port}", "http://nobody.invalid"):
        with pytest.raises(NotSent):
            PhoneService(nowhere, Secret("k"), None).call("034240000", ["0900000001"])
    for fault in (BUSY, GONE):
        broken.script = lambda _request, fault=fault: fault
        service = PhoneService(broken.url, Secret("k"), None, timeout=2.0)
        with pytest.raises(LinkLost) as lost:
            service.call("034240000", ["0900000001"])
        assert not isinstance(lost.value, NotSent)


@pytest.mark.parametrize("work", ["rent", "call", "numbers", "menu"])
def test_what_is_no_answer_of_the_service(broken: RestPlatform, work: str) -> None:
    broken.script = lambda _request: Fault((200, b"<html>"))
    service = PhoneService(broken.url, Secret("k"), None, sleep=lambda _s: None, timeout=2.0)
    with pytest.raises(LinkLost, match="no answer of the service"):
        ALL[work](service, "034240000")


UNBOUND = (403, "no binding phone number for payment. Please visit IOT TAS (Telephone Access "
                "Service) web site and binding a fixed phone number for payment")  # fmt: skip
WRONG_KEY = (403, "authentication error")
FOREIGN = (403, "you cannot access serviceNumber 034240000")
NAMELESS = (400, "appName cannot be empty")
SYNTAX = (400, "syntax error list:\r\n - missing 'serviceNumber'\r\n")
UNKNOWN = (404, "service number not found")
DOCUMENTED: list[tuple[tuple[int, str], str, str]] = [
    *((UNBOUND, work, "bind a landline") for work in ("rent", *PHONED)),
    *((WRONG_KEY, work, "check [phone] api_key") for work in ("rent", *PHONED)),
    *((FOREIGN, work, "check [phone] service_number and api_key") for work in PHONED),
    *((NAMELESS, work, "the name is empty: give one") for work in ("rent", "rename")),
    *((SYNTAX, work, "missing 'serviceNumber'") for work in ("set menu", "call")),
    *((UNKNOWN, work, "cht-agent phone numbers lists them") for work in ("rename", "lock")),
    ((403, "reach maximum rent count: 3"), "rent", "phone release gives one back"),
    ((403, "service number 034240000 is in locking status. Send PUT reg to unlock"), "call",
     "cht-agent phone restore"),
    ((404, "no service number associates with the API-KEY. Check API-KEY or send POST request to "
      "get a service number"), "numbers", "cht-agent phone rent"),
]  # fmt: skip


@pytest.mark.req("T-30")
@pytest.mark.parametrize(("told", "work", "mend"), DOCUMENTED)
def test_each_documented_refusal_to_the_letter(
    broken: RestPlatform, told: tuple[int, str], work: str, mend: str
) -> None:
    status, text = told
    answer = json.dumps({"status": "err", "msg": text}).encode()
    broken.script = lambda _request: Fault((status, answer))
    service = PhoneService(broken.url, Secret("canary6"), None, sleep=lambda _s: None)
    with pytest.raises(ServiceRefused) as caught:
        ALL[work](service, "034240000")
    assert caught.value.kind != "other" and caught.value.status == status
    assert mend in str(caught.value) and " ".join(text.split())[:100] in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(broken.requests) == 1, "asking again would get the same answer"


@pytest.mark.req("T-25", "T-30")
def test_no_menu_is_no_refusal(broken: RestPlatform) -> None:
    told = b'{"status":"err","msg":"The data of serviceNumber 034240000 does not exist"}'
    broken.script = lambda _request: Fault((404, told))
    assert PhoneService(broken.url, Secret("k"), None).menu("034240000") is None


@pytest.mark.req("P-01", "T-20")
@pytest.mark.parametrize("which", ["wrong_host", "unknown_ca", "self_signed", "expired"])
def test_the_certificate_is_verified_before_the_key_is_sent(certs: Certs, which: str) -> None:
    with RestPlatform(getattr(certs, which)) as server:
        config = PhoneConfig(KEY, ca_file=certs.ca, rest_url=server.url)
        for work in ("rent", "numbers"):
            with pytest.raises(LinkRefused, match="certificate not accepted"):
                ALL[work](reach.telephone(config, Secret("canary8")), "")
        assert server.requests == []


def test_a_private_ca_is_taken_where_it_is_configured(certs: Certs) -> None:
    with RestPlatform(certs.server) as server:
        server.script = lambda _request: Fault((200, b"[]"))
        config = PhoneConfig(KEY, ca_file=certs.ca, rest_url=server.url)
        assert reach.telephone(config, Secret("canary9")).numbers() == ()
        with pytest.raises(LinkRefused):
            reach.telephone(replace(config, ca_file=None), Secret("canary9")).numbers()


def test_the_key_goes_in_its_header_alone(broken: RestPlatform) -> None:
    broken.script = lambda _request: Fault((403, b'{"status":"err","msg":"bad canary7"}'))
    service = PhoneService(broken.url, Secret("canary7"), None)
    with pytest.raises(ServiceRefused) as caught:
        service.numbers()
    (request,) = broken.requests
    assert request.headers["X-API-KEY"] == "canary7"
    assert "canary7" not in request.path and "canary7" not in str(caught.value)


@pytest.mark.req("T-21")
def test_a_list_as_the_documents_write_it() -> None:
    text = ('[{"appName":"a","serviceNumber":"034240000","SNKey":"38JUGOPLQ7deRpLm14IltQ ",'
            '"start":"2018-03-30T08:28:47Z","rentStaus":"Lock","more":1}]')  # fmt: skip
    (number,) = decode_numbers(text.encode())
    assert (number.sn_key, number.status, number.description) == (
        "38JUGOPLQ7deRpLm14IltQ", "Lock", "")  # fmt: skip


@pytest.mark.req("T-25")
@pytest.mark.parametrize("body", [{"serviceNumber": "1", "ivrData": [ASK]}, [ASK]])
def test_a_menu_in_either_shape(body: object) -> None:
    assert decode_menu(json.dumps(body).encode()) == (ASK,)


NOISE = st.binary() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["serviceNumber", "SNKey", "appName", "rentStatus", "start", "ivrData",
                         "node", "groupId", "status", "msg"]) | st.text(), inner),
).map(lambda value: json.dumps(value).encode())  # fmt: skip


@pytest.mark.parametrize(
    "decode", [decode_rented, decode_numbers, decode_menu, decode_callout], ids=lambda d: d.__name__
)
@given(payload=NOISE)
def test_noise_is_malformed_or_understood_and_nothing_else(
    decode: Callable[[bytes], object], payload: bytes
) -> None:
    with contextlib.suppress(Malformed):
        decode(payload)


@pytest.mark.req("T-30")
@given(status=st.integers(300, 599), payload=NOISE)
def test_any_refusal_is_told_in_one_line(status: int, payload: bytes) -> None:
    _, said = refusal(status, payload)
    assert len(said) <= 200 and "\n" not in said


@pytest.mark.parametrize(("status", "payload", "kind"), [
    (401, b"", "key"), (403, b"<html>", "key"), (403, b'{"msg":"something new"}', "other"),
    (404, b"", "other"), (400, b"\xff", "other"), (418, b"[]", "other"),
])
def test_a_no_that_is_not_documented(status: int, payload: bytes, kind: str) -> None:
    assert refusal(status, payload)[0] == kind
