"""Finding or creating our device: which is ours, what is created, and never two of anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.load import load
from agent.config.model import Secret
from agent.errors import AgentError, LinkError, LinkLost, PlatformRefused
from agent.hardware import catalog
from agent.identity.blueprint import DRIVER_TYPES, QUANTITY_TYPES, Blueprint, blueprint
from agent.identity.provision import find, provision
from agent.identity.rest import Rest
from agent.protocol.objects import Device, Sensor
from tests.support.rest_platform import DEVICE, PROJECT, Fault, Request, RestPlatform

PLAN = Blueprint("pi00001", {"serial": "00001", "product_code": "pi"}, (
    Sensor("temperature", "gauge", "°C"), Sensor("door", "switch"), Sensor("lamp", "switch")))


@pytest.fixture
def platform() -> Iterator[RestPlatform]:
    with RestPlatform() as running:
        yield running


def rest(platform: RestPlatform, key: str = PROJECT) -> Rest:
    return Rest(platform.url, Secret(key), None, tries=1, timeout=2.0)


class Told:
    """What was told: everything, and what of it is new."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.new: list[str] = []

    def __call__(self, text: str, new: bool) -> None:
        self.all.append(text)
        if new:
            self.new.append(text)


# --- what shall be there --------------------------------------------------------------------------

CONFIG = """
[registry]
product_code = "pi"
[hardware]
backend = "simulated"
[[sensor]]
id = "climate"
driver = "dht22"
pin = 4
quantity = ["temperature", "humidity"]
[[sensor]]
id = "door"
driver = "digital_input"
pin = 24
[[sensor]]
id = "load"
driver = "load_average"
[[sensor]]
id = "note"
driver = "file"
path = "note"
parse = "text"
[[sensor]]
id = "water"
driver = "pulse_counter"
pin = 22
quantity = "total"
unit = "m³"
[[sensor]]
id = "flow"
driver = "pulse_counter"
pin = 23
quantity = "rate"
[[sensor]]
id = "router"
driver = "ping"
host = "192.0.2.1"
quantity = "value"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
[[actuator]]
id = "fan"
driver = "pwm_led"
pin = 18
"""


@pytest.mark.req("P-18", "P-28")
def test_every_sensor_and_actuator_is_a_sensor_there(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG)
    assert blueprint(load(file), "00001") == Blueprint(
        "pi00001", {"serial": "00001", "product_code": "pi"}, (
            Sensor("climate", "gauge", "°C, %"), Sensor("door", "switch"),
            Sensor("load", "gauge"), Sensor("note", "text"),
            Sensor("water", "counter", "m³"), Sensor("flow", "gauge"),
            Sensor("router", "switch"),
            Sensor("lamp", "switch"), Sensor("fan", "text")))


def test_the_table_of_types_knows_only_drivers_there_are() -> None:
    assert set(DRIVER_TYPES) <= {*catalog.SENSORS, *catalog.ACTUATORS}
    assert {name for name, spec in catalog.SENSORS.items() if spec.edge} <= set(DRIVER_TYPES)
    assert set(catalog.ACTUATORS) <= set(DRIVER_TYPES)
    for driver, quantity in QUANTITY_TYPES:
        assert quantity in catalog.SENSORS[driver].quantities
    assert {name for name, spec in catalog.SENSORS.items() if spec.keeps} <= {
        driver for driver, _ in QUANTITY_TYPES}


# --- which device is ours -------------------------------------------------------------------------


def device(number: int, name: str = "x", **attributes: str) -> Device:
    return Device(str(number), name, attributes)


@pytest.mark.req("P-18")
@pytest.mark.parametrize(("devices", "ours"), [
    ([], None),
    ([device(1), device(2, "pi00002", serial="00002")], None),
    ([device(1, "pi00001")], "1"),
    ([device(1, serial="00001")], "1"),
    ([device(1, "renamed", serial="00001", product_code="pi")], "1"),
    ([device(1, "pi00001", serial="00002")], None),
    ([device(1, "pi00001", product_code="pc")], None),
    ([device(1, serial="00001", product_code="pc")], None),
    # The serial says more than a name that anybody may give.
    ([device(1, "pi00001"), device(2, "greenhouse", serial="00001")], "2"),
])  # fmt: skip
def test_the_serial_decides_then_the_name(devices: list[Device], ours: str | None) -> None:
    assert find(devices, PLAN) == ours


@pytest.mark.req("P-18")
@pytest.mark.parametrize("devices", [
    [device(1, serial="00001"), device(2, serial="00001")],
    [device(1, "pi00001"), device(2, "pi00001")],
])  # fmt: skip
def test_several_are_for_a_person_to_sort_out(devices: list[Device]) -> None:
    with pytest.raises(AgentError, match=r"2 devices .*\(pi00001\): 1, 2; delete all but one"):
        find(devices, PLAN)


# --- creating -------------------------------------------------------------------------------------


@pytest.mark.req("P-18")
def test_everything_is_created_and_the_second_time_nothing(platform: RestPlatform) -> None:
    told = Told()
    made = provision(rest(platform), PLAN, told)
    assert made == "7432"
    assert told.all == told.new == [
        "device 7432: created (pi00001)", "sensor temperature: created (gauge, °C)",
        "sensor door: created (switch)", "sensor lamp: created (switch)"]
    (found,) = platform.devices.values()
    assert (found["name"], found["type"]) == ("pi00001", "general")
    assert found["attributes"] == [
        {"key": "serial", "value": "00001"}, {"key": "product_code", "value": "pi"}]
    assert platform.sensors[made]["temperature"]["unit"] == "°C"
    before, again = len(platform.requests), Told()
    assert provision(rest(platform), PLAN, again) == made
    assert again.new == [] and len(again.all) == 4
    assert all(r.method == "GET" for r in platform.requests[before:])


@pytest.mark.req("P-18")
def test_what_is_there_is_left_alone(platform: RestPlatform) -> None:
    platform.add("other", serial="00009")
    mine = platform.add("greenhouse", ("door", "extra"), serial="00001")
    told = Told()
    assert provision(rest(platform), PLAN, told) == mine
    assert told.new == ["sensor temperature: created (gauge, °C)", "sensor lamp: created (switch)"]
    assert platform.sensors[mine]["door"] == {"id": "door", "type": "gauge"}
    assert set(platform.sensors[mine]) == {"door", "extra", "temperature", "lamp"}


def test_a_sensor_that_appears_meanwhile_is_as_good_as_created(platform: RestPlatform) -> None:
    """A request that was cut off may take effect late: the platform then refuses ours."""
    device = platform.add("pi00001", serial="00001", product_code="pi")

    def late(request: Request) -> Fault | None:
        if request.method == "POST" and request.path.endswith("/sensor"):
            platform.script = lambda _request: None
            platform.sensors[device]["temperature"] = {"id": "temperature"}
        return None

    platform.script = late
    told = Told()
    assert provision(rest(platform), PLAN, told) == device
    assert "sensor temperature: there already" in told.all
    assert told.new == ["sensor door: created (switch)", "sensor lamp: created (switch)"]


def test_a_dry_run_only_looks(platform: RestPlatform) -> None:
    told = Told()
    assert provision(rest(platform), PLAN, told, dry_run=True) is None
    assert told.new[0] == "device pi00001: would be created" and len(told.new) == 4
    mine = platform.add("pi00001", ("door",))
    told = Told()
    assert provision(rest(platform), PLAN, told, dry_run=True) == mine
    assert told.new == ["sensor temperature: would be created (gauge, °C)",
                        "sensor lamp: would be created (switch)"]
    assert all(request.method == "GET" for request in platform.requests)


def test_a_device_that_is_known_must_be_there(platform: RestPlatform) -> None:
    mine = platform.add("named by a person")
    provision(rest(platform), PLAN, Told(), device_id=mine)
    assert len(platform.devices) == 1 and len(platform.sensors[mine]) == 3
    with pytest.raises(PlatformRefused, match="device 1: there is none"):
        provision(rest(platform), PLAN, Told(), device_id="1")
    assert len(platform.devices) == 1


@pytest.mark.req("P-18", "P-19")
def test_a_device_key_that_may_not_create_is_told_plainly(platform: RestPlatform) -> None:
    with pytest.raises(PlatformRefused, match="a device key may not create devices"):
        provision(rest(platform, DEVICE), PLAN, Told())
    mine = platform.add("pi00001")
    assert provision(rest(platform, DEVICE), PLAN, Told()) == mine


# --- cut at any point -----------------------------------------------------------------------------


def cut_at(number: int, fault: Fault) -> Callable[[Request], Fault | None]:
    """The fault for every request from this one on, as when the network goes away."""
    count = 0

    def script(_request: Request) -> Fault | None:
        nonlocal count
        count += 1
        return fault if count == number else Fault() if count > number else None

    return script


@pytest.mark.req("P-18")
@pytest.mark.parametrize("done", [False, True], ids=["not done", "done, but no answer"])
def test_cut_after_every_request_there_is_never_a_second_device(done: bool) -> None:
    for number in range(1, 7):
        with RestPlatform() as platform:
            platform.script = cut_at(number, Fault(done=done))
            if number <= 5:
                with pytest.raises(LinkLost):
                    provision(rest(platform), PLAN, Told())
            else:
                provision(rest(platform), PLAN, Told())
            platform.script = lambda _request: None
            made = provision(rest(platform), PLAN, Told())
            assert list(platform.devices) == [made]
            assert list(platform.sensors[str(made)]) == ["temperature", "door", "lamp"]


faults = st.sampled_from([
    None, None, Fault(), Fault(done=True), Fault((500, b"")), Fault((503, b""), done=True),
    Fault((200, b"<html>")), Fault((200, b"<html>"), done=True), Fault(raw=b"HTTP/1.1 2"),
])  # fmt: skip


@pytest.mark.req("P-18")
@settings(deadline=None, max_examples=60)
@given(st.lists(faults, max_size=14))
def test_whatever_the_network_does_there_is_one_device_in_the_end(
    plan: list[Fault | None]
) -> None:
    with RestPlatform(faults=list(plan)) as platform:
        for _ in range(len(plan) + 1):
            try:
                made = provision(rest(platform), PLAN, Told())
                break
            except LinkError:
                continue
        assert list(platform.devices) == [made]
        assert set(platform.sensors[str(made)]) == {"temperature", "door", "lamp"}
