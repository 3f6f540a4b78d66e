"""What a changed configuration may change while the agent runs."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from agent.config.alarms import AlarmConfig
from agent.config.menus import Book, Menu, PhoneConfig
from agent.config.model import (
    Action,
    ActuatorConfig,
    ClockConfig,
    Config,
    DeliveryConfig,
    HardwareConfig,
    HeartbeatConfig,
    LastWillConfig,
    PlatformConfig,
    QuantityConfig,
    RegistryConfig,
    SecretRef,
    SensorConfig,
    ServiceConfig,
)
from agent.reload import TAKEN_OVER, plan


def sensor(name: str, driver: str = "file", every: float = 1.0, **options: Any) -> SensorConfig:
    return SensorConfig(name, driver, (QuantityConfig("value"),), options, every)


LAMP = ActuatorConfig("lamp", "relay", {"on": Action("set", 1.0)}, {"pin": 17})
PHONE = PhoneConfig(SecretRef("credential", "tas-key"))
BOOK = Book(Path("phone.toml"), {"main": Menu("請按一。", {"1": "end"})})
RUNNING = Config(
    path=Path("agent.toml"), platform=PlatformConfig(device_id="7432"),
    registry=RegistryConfig("pi"), last_will=LastWillConfig(), heartbeat=HeartbeatConfig(),
    clock=ClockConfig(), delivery=DeliveryConfig(), hardware=HardwareConfig("simulated"),
    service=ServiceConfig(), sensors=(sensor("a", path="a"), sensor("b", path="b")),
    actuators=(LAMP,), phone=PHONE, book=BOOK)


def test_the_same_again_changes_nothing() -> None:
    again = plan(RUNNING, replace(RUNNING, path=Path("elsewhere.toml")))
    assert again.sensors == RUNNING.sensors
    assert again.restart == ()


def test_sensors_are_taken_over_in_their_new_order() -> None:
    new = (sensor("b", every=5.0, path="b"), sensor("c", path="c"))
    found = plan(RUNNING, replace(RUNNING, sensors=new))
    assert found.sensors == new
    assert found.restart == ()


@pytest.mark.parametrize("moved", [
    sensor("a", path="other"), sensor("a", "iio", path="a"), sensor("a")])
def test_one_that_moved_stays_where_it_was(moved: SensorConfig) -> None:
    found = plan(RUNNING, replace(RUNNING, sensors=(moved, RUNNING.sensors[1])))
    assert found.sensors == RUNNING.sensors
    assert [what for what in found.restart if "a" in what.split(":")[0]] == list(found.restart)
    assert len(found.restart) == 1


def test_menus_are_taken_over_but_not_with_another_telephone() -> None:
    book = replace(BOOK, attempts=2)
    found = plan(RUNNING, replace(RUNNING, book=book))
    assert (found.book, found.restart) == (book, ())
    found = plan(RUNNING, replace(RUNNING, book=book, phone=replace(PHONE, port=2884)))
    assert (found.book, found.restart) == (BOOK, ("[phone]",))


CHANGES: dict[str, Any] = {
    "platform": PlatformConfig(device_id="8000"),
    "registry": None,
    "last_will": LastWillConfig(message="gone"),
    "heartbeat": HeartbeatConfig(5.0),
    "clock": ClockConfig("always"),
    "delivery": DeliveryConfig("none"),
    "hardware": HardwareConfig("simulated", "greenhouse"),
    "service": ServiceConfig(state_dir=Path("elsewhere")),
    "phone": None,
    "actuators": (replace(LAMP, options={"pin": 18}),),
}


@pytest.mark.parametrize("field", CHANGES)
def test_all_else_waits_for_a_restart_and_is_named(field: str) -> None:
    found = plan(RUNNING, replace(RUNNING, **{field: CHANGES[field]}))
    assert found.sensors == RUNNING.sensors
    assert found.restart == ("[[actuator]]" if field == "actuators" else f"[{field}]",)


def test_no_part_of_the_configuration_is_forgotten() -> None:
    """A new section must be taken over, or be named as waiting: here it fails until it is."""
    known = {field.name for field in fields(Config)} - {"path", *TAKEN_OVER}
    assert known == set(CHANGES)


def test_alarms_are_taken_over_with_the_sensor_they_watch() -> None:
    new = (AlarmConfig("hot", "a", above=35.0), AlarmConfig("wet", "a", quantity=1, above=80.0))
    found = plan(RUNNING, replace(RUNNING, alarms=new))
    assert found.alarms == new[:1]  # the other one counts on a quantity that waits for a restart
    assert found.restart == ("alarm wet: its sensor",)


def test_an_alarm_whose_new_sensor_waits_goes_on_as_it_was() -> None:
    names = (QuantityConfig("humidity"), QuantityConfig("temperature"))
    dht = SensorConfig("air", "dht22", names, {"pin": 4}, 30.0)
    bme = replace(dht, driver="bme280", quantities=names[::-1], options={})
    hot = AlarmConfig("hot", "air", quantity=1, above=35.0)
    running = replace(RUNNING, sensors=(dht,), alarms=(hot,))
    # By its place alone the new one would take the humidity of the old sensor for heat.
    new = (replace(hot, quantity=0, above=30.0), AlarmConfig("cold", "air", below=5.0))
    found = plan(running, replace(running, sensors=(bme,), alarms=new))
    assert found.sensors == (dht,)
    assert found.alarms == (hot,)
    assert found.restart == (
        "sensor air: driver and pin", "alarm hot: its sensor", "alarm cold: its sensor"
    )  # fmt: skip
