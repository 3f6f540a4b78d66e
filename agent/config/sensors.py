"""``[[sensor]]``: what is read, how often, and what becomes of the values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.config.devices import (
    Claim,
    bare_claim,
    claim,
    entries,
    find_driver,
    option_keys,
    option_values,
)
from agent.config.model import QuantityConfig, SensorConfig
from agent.config.problems import Place, did_you_mean, quote
from agent.config.reader import Reader, convert, type_name
from agent.config.schema import DAY, DRIVER, ID, Key
from agent.config.units import show_duration
from agent.errors import ConfigError
from agent.hardware.ports import SensorSpec

KEYS = (
    ID,
    DRIVER,
    Key("quantity", "raw"),
    Key("every", "duration", between=(0.01, 30 * DAY)),
    Key("report_at_least", "duration", between=(1, 30 * DAY)),
    Key("lat", "number", between=(-90, 90)),
    Key("lon", "number", between=(-180, 180)),
)
QUANTITY_KEYS = (
    Key("unit", matches=r"[^\x00-\x1f\x7f]{0,32}", allowed="at most 32 characters"),
    Key("scale", "number"),
    Key("offset", "number"),
    Key("median", "int", between=(1, 99)),
    Key("valid", "range"),
    Key("decimals", "int", between=(0, 9)),
    Key("deadband", "number", between=(0, 1e12)),
)
"""Filters of one quantity; where ``quantity`` is a list, each may be a list of the same length."""


def read_sensors(
    reader: Reader, value: object, drivers: Mapping[str, SensorSpec], elsewhere: Iterable[str]
) -> tuple[list[SensorConfig], list[Claim]]:
    """All good ``[[sensor]]`` entries, and the claims of all entries."""
    sensors, claims = [], []
    for place, table in entries(reader, "sensor", value):
        spec = find_driver(reader.findings, table, place, drivers, elsewhere)
        raw = tuple(Key(key.name, "raw") for key in QUANTITY_KEYS)
        if spec is None:
            read = reader.table((*KEYS, *raw), table, place, others=True)
            claims.append(bare_claim(place, read))
            continue
        before = len(reader.findings)
        read = reader.table((*KEYS, *raw, *option_keys(spec.options)), table, place)
        claims.append(claim(place, spec, read))
        every = _every(reader, place, spec, read)
        quantities = _quantities(reader, place, spec, read)
        if ("lat" in table) != ("lon" in table):
            reader.findings.error(place, "lat and lon stand together or not at all")
        if len(reader.findings) == before:
            sensors.append(
                SensorConfig(
                    id=read["id"],
                    driver=spec.name,
                    quantities=quantities,
                    options=option_values(spec.options, read),
                    every=every,
                    report_at_least=read.get("report_at_least"),
                    lat=read.get("lat"),
                    lon=read.get("lon"),
                )
            )
    return sensors, claims


def _every(reader: Reader, place: Place, spec: SensorSpec, read: Mapping[str, Any]) -> float | None:
    """Seconds between readings: as written, or the driver's default; not below its minimum."""
    every: float | None = read.get("every", spec.default_every)
    if every is None:
        if not spec.edge:
            reader.findings.error((*place, "every"), 'is missing: how often to read, such as "30s"')
        return None
    if every < spec.min_every:
        reader.findings.warning(
            (*place, "every"),
            f"raised to {show_duration(spec.min_every)}, the minimum of {spec.name}",
        )
        return spec.min_every
    return every


def _quantities(
    reader: Reader, place: Place, spec: SensorSpec, read: Mapping[str, Any]
) -> tuple[QuantityConfig, ...]:
    names = _names(reader, place, spec, read.get("quantity"))
    if not names:
        return ()
    is_list = isinstance(read.get("quantity"), list)
    columns: dict[str, list[Any]] = {}
    for key in QUANTITY_KEYS:
        if key.name in read:
            try:
                columns[key.name] = _spread(reader, key, read[key.name], len(names), is_list)
            except ConfigError as exc:
                reader.findings.error((*place, key.name), str(exc))
    columns.setdefault("unit", [spec.quantities[name] for name in names])
    return tuple(
        QuantityConfig(
            name=name,
            **{key: cells[number] for key, cells in columns.items() if cells[number] is not None},
        )
        for number, name in enumerate(names)
    )


def _names(reader: Reader, place: Place, spec: SensorSpec, quantity: object) -> list[str]:
    """The names asked for, all of them known to the driver; empty when something is wrong."""
    known = tuple(spec.quantities)
    here = (*place, "quantity")
    if quantity is None and len(known) == 1:
        return list(known)
    if quantity is None:
        reader.findings.error(here, f"is missing: one of {', '.join(known)}, or a list of them")
        return []
    names = quantity if isinstance(quantity, list) else [quantity]
    bad = [name for name in names if name not in known]
    for name in bad:
        said = quote(name) if isinstance(name, str) else type_name(name)
        near = did_you_mean(name, known) if isinstance(name, str) else ""
        has = ", ".join(known)
        reader.findings.error(here, f"{spec.name} does not measure {said}{near}; it has {has}")
    if not names:
        reader.findings.error(here, "is empty: name at least one quantity")
    if any(name in names[:number] for number, name in enumerate(names)):
        reader.findings.error(here, "names the same quantity twice")
        return []
    return [] if bad else [str(name) for name in names]


def _spread(reader: Reader, key: Key, value: object, count: int, is_list: bool) -> list[Any]:
    """One value for each quantity. In a list ``false`` means none for that one.

    Raises ConfigError.
    """
    one_range = (
        key.kind == "range"
        and isinstance(value, list)
        and not any(isinstance(bound, list | bool) for bound in value)
    )
    if not isinstance(value, list) or one_range or not is_list:
        if isinstance(value, list) and key.kind != "range":
            raise ConfigError("may be a list only where quantity is a list")
        return [_filter(reader, key, value)] * count
    if len(value) != count:
        raise ConfigError(
            f"has {len(value)} entries for {count} quantities: one for each (false for none)"
        )
    return [None if entry is False else _filter(reader, key, entry) for entry in value]


def _filter(reader: Reader, key: Key, value: object) -> Any:
    converted = convert(key, value, reader.base)
    if key.name == "scale" and converted == 0:
        raise ConfigError("must not be 0: it would make every value the same")
    if key.name == "median" and converted % 2 == 0:
        raise ConfigError("must be odd, so that the middle one is a value that was read")
    return None if converted == "" else converted  # unit = "": none, whatever the driver's is
