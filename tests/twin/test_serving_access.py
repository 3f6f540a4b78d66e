"""Who may connect to the twin, and what each may do: from the keys to the broker's refusals."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from tests.support.observer import Observer
from tests.support.waiting import wait_until
from tests.twin.served import DEVICES, PHONE, Client, ask, new_device, rent
from twin.messages import Message
from twin.mosquitto import EVERYTHING, Listener, Role
from twin.serving.access import changes, phone_users, platform_users
from twin.serving.brokers import OwnBroker
from twin.serving.process import Twin


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin() as running:
        yield running


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def enter(clients: ExitStack, port: int, user: str, ca: Path | None = None) -> Client:
    client = Client(port, user, ca)
    clients.callback(client.close)
    return client


def device_key(twin: Twin, clients: ExitStack, device: str) -> str:
    """The key of the device, which only the registry tells (P-19)."""
    with Observer(twin.ports["mqtt"], ["/v1/registry/pi1"], user="chtregistry") as registry:
        body = {"op": "SetDeviceId", "digest": "x", "deviceId": device, "authority": "device"}
        assert ask(f"{twin.rest_url}{DEVICES}/registry/pi1", twin.project_key, body)[0] == 200
        return str(registry.wait_for(lambda m: True).json()["ck"])


@pytest.mark.req("P-03")
def test_a_wrong_key_is_refused_at_connect(twin: Twin, clients: ExitStack) -> None:
    assert enter(clients, twin.ports["mqtt"], "wrong").received == "Not authorized"
    assert enter(clients, twin.ports["mqtt_tls"], "wrong", twin.ca_file
                 ).received == "Not authorized"
    assert enter(clients, twin.ports["phone"], twin.project_key, twin.ca_file
                 ).received == "Not authorized"
    wait_until(lambda: "refused at CONNECT" in twin.log, what="a word in the log")


@pytest.mark.req("P-01", "P-03")
def test_the_right_key_is_let_in_over_both_doors(twin: Twin, clients: ExitStack) -> None:
    for port, ca in ((twin.ports["mqtt"], None), (twin.ports["mqtt_tls"], twin.ca_file)):
        assert enter(clients, port, twin.project_key, ca).received == "Success"
    assert enter(clients, twin.ports["phone"], twin.api_key, twin.ca_file).received == "Success"


@pytest.mark.req("P-01")
def test_another_authority_does_not_vouch_for_it(twin: Twin) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(
            _connected(twin.ports["phone"]), server_hostname="127.0.0.1")


@pytest.mark.req("P-16")
def test_the_registry_user_may_only_listen_to_the_registry(
    twin: Twin, clients: ExitStack
) -> None:
    registry = enter(clients, twin.ports["mqtt"], "chtregistry")
    assert registry.may_subscribe("/v1/registry/pi00001")
    assert not registry.may_subscribe("/v1/device/1/sensor/a/command")
    assert not registry.may_subscribe("/v1/lwt/somebody")
    assert not registry.may_subscribe("#")


@pytest.mark.req("P-22")
def test_a_device_key_is_for_its_device_and_for_wills(twin: Twin, clients: ExitStack) -> None:
    mine, other = new_device(twin, "a"), new_device(twin, "a")
    device = enter(clients, twin.ports["mqtt"], device_key(twin, clients, mine))
    assert device.may_subscribe(f"/v1/device/{mine}/sensor/a/command")
    assert not device.may_subscribe(f"/v1/device/{other}/sensor/a/command")
    assert not device.may_subscribe("/v1/device/+/sensor/a/command")
    assert not device.may_subscribe("/v1/registry/pi00001")
    assert device.may_subscribe("/v1/lwt/mine")
    with Observer(twin.ports["mqtt"], ["/v1/device/#", "/v1/lwt/+"],
                  user=twin.project_key) as project:
        device.publish(f"/v1/device/{other}/rawdata")
        device.publish(f"/v1/device/{mine}/rawdata")
        device.publish("/v1/lwt/mine")
        project.wait_for(lambda m: m.topic == "/v1/lwt/mine")
        assert project.on(f"/v1/device/{mine}/rawdata")
        assert not project.on(f"/v1/device/{other}/rawdata")
    wait_until(lambda: "may not publish" in twin.log, what="a word in the log")


def test_a_new_device_cuts_nobody_off_and_works_at_once(twin: Twin, clients: ExitStack) -> None:
    project = enter(clients, twin.ports["mqtt"], twin.project_key)
    for _ in range(3):
        assert project.may_subscribe(f"/v1/device/{new_device(twin)}/heartbeat")
    assert "disconnected" not in project.words


def test_the_key_of_a_deleted_device_is_worth_nothing(twin: Twin, clients: ExitStack) -> None:
    device = new_device(twin)
    key = device_key(twin, clients, device)
    client = enter(clients, twin.ports["mqtt"], key)
    url = f"{twin.rest_url}{DEVICES}/device/{device}"
    assert ask(url, twin.project_key, method="DELETE")[0] == 200
    assert client.next(2) == "disconnected"
    assert enter(clients, twin.ports["mqtt"], key).received == "Not authorized"


@pytest.mark.req("T-31", "T-32")
def test_an_api_key_hears_its_own_numbers_alone(twin: Twin, clients: ExitStack) -> None:
    _, sn_key = rent(twin)
    application = enter(clients, twin.ports["phone"], twin.api_key, twin.ca_file)
    assert application.may_subscribe(f"phone-conn/callEvent/{sn_key}")
    assert application.may_subscribe(f"phone-conn/+/{sn_key}")
    assert not application.may_subscribe("phone-conn/callEvent/somebodyelses")
    assert not application.may_subscribe("phone-conn/#")


@pytest.mark.req("P-16")
def test_a_wrong_rest_key_is_told(twin: Twin) -> None:
    assert ask(f"{twin.rest_url}{DEVICES}/device", "wrong")[0] == 403
    assert ask(f"{twin.rest_url}{PHONE}/reg", "wrong", header="X-API-KEY")[0] == 404


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 5)


def test_a_project_is_shut_out_of_anothers_devices_however_it_asks(clients: ExitStack) -> None:
    async def run() -> None:
        async with AsyncExitStack() as stack:
            broker = OwnBroker([Listener()], Path(), public=False)
            users = platform_users({"mine": {"1": "key1"}, "theirs": {"2": "key2"}})
            await broker.open(stack, ["/v1/device/#"], lambda _: None, users)
            client = await asyncio.to_thread(enter, clients, broker.ports[0], "mine")
            may = asyncio.to_thread
            assert await may(client.may_subscribe, "/v1/device/+/rawdata")
            assert not await may(client.may_subscribe, "/v1/device/2/rawdata")
            broker.publish(Message("/v1/device/2/rawdata", b"x"))
            broker.publish(Message("/v1/device/1/rawdata", b"x"))
            await may(wait_until, lambda: client.messages)
            assert client.messages == ["/v1/device/1/rawdata"]
            await broker.admit({**users, "key3": EVERYTHING})
            late = await asyncio.to_thread(enter, clients, broker.ports[0], "key3")
            assert late.received == "Success"
    asyncio.run(run())


def test_only_what_changed_is_changed() -> None:
    one, other = Role(publish=("a",)), Role(publish=("b",))
    assert list(changes({"x": one}, {"x": one})) == []
    assert [each["command"] for each in changes({"x": one}, {"x": other})] == ["modifyRole"]
    assert [each["command"] for each in changes({"x": one}, {"y": one})] == [
        "deleteClient", "deleteRole", "createRole", "createClient"]


def test_a_key_without_a_number_hears_nothing() -> None:
    assert phone_users({"api": []}) == {"api": Role()}
