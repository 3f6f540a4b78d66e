"""What a changed configuration may change while the agent runs (SIGHUP). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from agent.config.alarms import AlarmConfig
from agent.config.menus import Book
from agent.config.model import Config, SensorConfig

TAKEN_OVER = ("sensors", "book", "alarms", "contacts", "calls")
"""Fields of the configuration that need no restart."""


@dataclass(frozen=True)
class Reload:
    """``sensors``, ``alarms`` and ``book``: what holds from now on; contacts and the limits of
    calls do as they stand in the new one. ``restart``: what changed but needs one."""

    sensors: tuple[SensorConfig, ...]
    alarms: tuple[AlarmConfig, ...]
    book: Book | None
    restart: tuple[str, ...]


def plan(running: Config, new: Config) -> Reload:
    """Sensors, menus and alarms are taken over; a sensor that moved to another driver or pin keeps
    the old one, and pins of actuators, identity and everything else wait for a restart."""
    old = {sensor.id: sensor for sensor in running.sensors}
    sensors: list[SensorConfig] = []
    restart: list[str] = []
    for sensor in new.sensors:
        before = old.get(sensor.id)
        if before is not None and _wiring(before) != _wiring(sensor):
            restart.append(f"sensor {sensor.id}: driver and pin")
            sensor = before
        sensors.append(sensor)
    for field in fields(Config):
        if field.name == "path" or field.name in TAKEN_OVER:
            continue
        if getattr(running, field.name) != getattr(new, field.name):
            restart.append("[[actuator]]" if field.name == "actuators" else f"[{field.name}]")
    # The menus of another telephone come with it.
    book = new.book if new.phone == running.phone else running.book
    # An alarm that counts on another wiring waits with its sensor; till then it is as it was.
    known = {alarm.id: alarm for alarm in running.alarms}
    alarms: list[AlarmConfig] = []
    for alarm in new.alarms:
        watched = _quantity(alarm, sensors)
        fits = watched is not None and watched == _quantity(alarm, new.sensors)
        if not fits:
            restart.append(f"alarm {alarm.id}: its sensor")
        if (now := alarm if fits else known.get(alarm.id)) is not None:
            alarms.append(now)
    return Reload(tuple(sensors), tuple(alarms), book, tuple(restart))


def _quantity(
    alarm: AlarmConfig, sensors: Iterable[SensorConfig]
) -> tuple[str, str | None] | None:
    """What the alarm would watch of these ``sensors``: its name and unit; None: nothing."""
    for sensor in sensors:
        if sensor.id == alarm.sensor and alarm.quantity < len(sensor.quantities):
            quantity = sensor.quantities[alarm.quantity]
            return quantity.name, quantity.unit
    return None


def _wiring(sensor: SensorConfig) -> tuple[str, dict[str, object]]:
    return sensor.driver, dict(sensor.options)
