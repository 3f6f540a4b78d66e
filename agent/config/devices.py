"""What sensors and actuators have in common: ids, drivers with keys of their own, and pins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from agent.config.model import ActuatorConfig, SensorConfig
from agent.config.problems import Findings, Place, did_you_mean, quote
from agent.config.reader import Reader
from agent.config.schema import BCM_PINS, Key
from agent.hardware.ports import ActuatorSpec, Option, SensorSpec

Spec = TypeVar("Spec", SensorSpec, ActuatorSpec)


@dataclass(frozen=True)
class Devices:
    """What the menus may speak of, by id; None: it is there, but something is wrong with it."""

    sensors: Mapping[str, SensorConfig | None]
    actuators: Mapping[str, ActuatorConfig | None]


@dataclass(frozen=True)
class Claim:
    """What one entry takes for itself: an id, and pins (option name → BCM number).

    ``shares``: other entries of the same driver with the same options may take the pins too.
    """

    place: Place
    id: str | None
    driver: str
    pins: Mapping[str, int]
    options: Mapping[str, object]
    shares: bool = False


def entries(reader: Reader, name: str, value: object) -> list[tuple[Place, dict[str, Any]]]:
    """The tables under ``[[name]]``, each with its place; its id names it in later findings."""
    if not isinstance(value, list):
        reader.findings.error((name,), f"is a list: write [[{name}]] with double brackets")
        return []
    tables: list[tuple[Place, dict[str, Any]]] = []
    for number, table in enumerate(value):
        place: Place = (name, number)
        if not isinstance(table, dict):
            reader.findings.error(place, f"must be a table: write [[{name}]] for each")
            continue
        if isinstance(table.get("id"), str) and table["id"]:
            reader.findings.name(place, table["id"][:64])
        tables.append((place, table))
    return tables


def find_driver(
    findings: Findings,
    table: Mapping[str, Any],
    place: Place,
    drivers: Mapping[str, Spec],
    elsewhere: Iterable[str],
) -> Spec | None:
    """The SPEC of the entry's driver; None when there is none, which is reported here.

    ``elsewhere``: the drivers of the other list, for who took the wrong one.
    """
    name = table.get("driver")
    if not isinstance(name, str):
        return None  # the reader reports it
    if name in drivers:
        return drivers[name]
    if name in elsewhere:
        other = "actuator" if place[0] == "sensor" else "sensor"
        text = f"{quote(name)} is a driver for [[{other}]]"
    else:
        near = did_you_mean(name, tuple(drivers))
        text = f"unknown driver {quote(name)}{near}; known: {', '.join(sorted(drivers))}"
    findings.error((*place, "driver"), text)
    return None


def option_keys(options: Iterable[Option]) -> tuple[Key, ...]:
    """A driver's options as keys."""
    return tuple(
        Key(
            option.name,
            option.kind,
            required=option.required,
            between=BCM_PINS if option.kind == "pin" else option.between,
            choices=option.choices,
            allowed=option.help,
        )
        for option in options
    )


def option_values(options: Iterable[Option], read: Mapping[str, Any]) -> dict[str, object]:
    """What the driver gets: each option's value, or its default."""
    return {option.name: read.get(option.name, option.default) for option in options}


def claim(place: Place, spec: SensorSpec | ActuatorSpec, read: Mapping[str, Any]) -> Claim:
    """The claim of an entry with good options."""
    options = option_values(spec.options, read)
    pins = {
        option.name: pin
        for option in spec.options
        if option.kind == "pin" and isinstance(pin := options[option.name], int)
    }
    shares = isinstance(spec, SensorSpec) and spec.shares_pin
    return Claim(place, read.get("id"), spec.name, pins, options, shares)


def bare_claim(place: Place, read: Mapping[str, Any]) -> Claim:
    """The claim of an entry whose driver is not known: its id alone."""
    return Claim(place, read.get("id"), "", {}, {})


def check_claims(findings: Findings, claims: Iterable[Claim]) -> None:
    """Ids are unique over sensors and actuators, and so are pins, but for shared ones."""
    ids: dict[str, Claim] = {}
    pins: dict[int, Claim] = {}
    for new in claims:
        if new.id is not None and ids.setdefault(new.id, new) is not new:
            findings.error(
                (*new.place, "id"),
                f"{quote(new.id)} is taken by an earlier [[{ids[new.id].place[0]}]]",
            )
        for name, pin in new.pins.items():
            old = pins.setdefault(pin, new)
            # `old is new`: two options of one entry that name the same pin
            if old is new and list(new.pins.values()).count(pin) == 1:
                continue
            _check_shared(findings, (*new.place, name), pin, old, new)


def _check_shared(findings: Findings, place: Place, pin: int, old: Claim, new: Claim) -> None:
    owner = f"[[{old.place[0]}]] {quote(old.id or '?')}"
    if old is new or not (old.shares and new.shares and old.driver == new.driver):
        findings.error(place, f"pin {pin} is taken by {owner}")
    elif old.options != new.options:
        differing = sorted(key for key in old.options if old.options[key] != new.options[key])
        findings.error(
            place,
            f"pin {pin} is shared with {owner}: {', '.join(differing)} must be the same in both",
        )
