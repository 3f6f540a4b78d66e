"""``[[alarm]]``, ``[contacts]`` and ``[calls]``: what is watched, who is phoned, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

from agent.config.alarms import LIMIT, AlarmConfig, QuietHours, TestDay
from agent.config.book_schema import TEXT
from agent.config.devices import Devices, entries
from agent.config.model import SecretRef, SensorConfig
from agent.config.problems import Findings, Place, did_you_mean, quote
from agent.config.reader import Reader, convert, type_name
from agent.config.schema import DAY, ID, PHONE_NUMBER, Key
from agent.config.secrets import others_can_read, parse_ref
from agent.config.texts import check_text
from agent.config.units import show_duration
from agent.errors import ConfigError
from agent.values import shortest

_SAY = replace(TEXT, matches=TEXT.matches.replace("1000", "120"),
               allowed="1 to 120 characters on one line: three of them are read in one call")
ALARM_KEYS = (
    ID,
    Key("sensor", required=True, allowed="the id of a [[sensor]]"),
    Key("quantity"),
    Key("above", "number"),
    Key("below", "number"),
    Key("equals", "raw"),
    Key("for", "duration", between=(0, DAY)),
    Key("clear", "number"),
    Key("keep", "duration", between=(0, DAY)),
    Key("missing", "raw"),
    Key("severity", choices=("warning", "critical")),
    _SAY,
    replace(_SAY, name="say_missing"),
    Key("call", "raw"),
    Key("publish_state", "bool"),
)  # fmt: skip
_MISSING = Key("missing", "duration", between=(10, 30 * DAY))
_CONDITIONS = ("above", "below", "equals")
_AS_IT_IS = ("above", "below", "clear", "keep", "severity", "say", "say_missing", "publish_state")
_CONTACT = re.compile(r"[^\s.\x00-\x1f\x7f]{1,32}")


def read_alarms(
    reader: Reader, path: Path, tables: Mapping[str, Any], calls: dict[str, Any], devices: Devices
) -> tuple[tuple[AlarmConfig, ...], Mapping[str, SecretRef]]:
    """The good alarms, and the contacts.

    ``calls`` is what was read of ``[calls]``: its times of day become what the model wants.
    ``path``: the file, which may be readable by others.
    """
    contacts = _contacts(reader, path, tables.get("contacts", {}))
    alarms = [
        alarm
        for place, table in entries(reader, "alarm", tables.get("alarm", []))
        if (alarm := _alarm(reader, place, table, devices, contacts)) is not None
    ]
    _check_ids(reader.findings, tables, devices)
    _read_times(reader.findings, calls)
    _check_calls(reader.findings, tables, calls, alarms)
    return tuple(alarms), {name: ref for name, ref in contacts.items() if ref is not None}


def normal_number(text: str) -> str | None:
    """A phone number as the service wants it (T-28): digits with a leading 0; None: it is none."""
    digits = re.sub(r"^\+886", "0", re.sub(r"[ ()-]", "", text))
    return digits if re.fullmatch(PHONE_NUMBER, digits, re.ASCII) else None


# --- [contacts] -----------------------------------------------------------------------------------


def _contacts(reader: Reader, path: Path, value: object) -> dict[str, SecretRef | None]:
    """Name → where the number is; None where that is wrong, which is reported."""
    findings = reader.findings
    if not isinstance(value, dict):
        findings.error(("contacts",), f"is {type_name(value)}; it must be a table of names")
        return {}
    found: dict[str, SecretRef | None] = {}
    for name, written in value.items():
        place = ("contacts", name)
        found[name] = None
        if not _CONTACT.fullmatch(name):
            findings.error(place, "a name has 1 to 32 characters without blanks and dots")
            continue
        try:
            found[name] = _reference(written, reader.base)
        except ConfigError as exc:
            findings.error(place, str(exc))
            continue
        _check_reader(findings, place, path, found[name])
    return found


def _reference(written: object, base: Path) -> SecretRef:
    """Raises ConfigError, which never holds the number."""
    wanted = 'a phone number in quotes with its area code, such as "0900000001"'
    if not isinstance(written, str):
        raise ConfigError(f"must be {wanted}, or credential:NAME, not {type_name(written)}")
    if written.partition(":")[0] in ("credential", "env", "file") and ":" in written:
        return parse_ref(written, base)
    number = normal_number(written)
    if number is None:
        raise ConfigError(f"must be {wanted}, or credential:NAME")
    return SecretRef("literal", number)


def _check_reader(findings: Findings, place: Place, path: Path, ref: SecretRef | None) -> None:
    if ref is None or ref.source not in ("literal", "file"):
        return
    holder = path if ref.source == "literal" else Path(ref.where)
    if others_can_read(holder):
        better = "chmod o-r this file, or use credential:NAME"
        said = "others can read it here" if ref.source == "literal" else f"others can read {holder}"
        findings.warning(place, f"{said}: {better if ref.source == 'literal' else 'chmod o-r it'}")


# --- [[alarm]] ------------------------------------------------------------------------------------


def _alarm(
    reader: Reader,
    place: Place,
    table: Mapping[str, Any],
    devices: Devices,
    contacts: Mapping[str, SecretRef | None],
) -> AlarmConfig | None:
    """The alarm; None when something is wrong with it, which is reported."""
    findings = reader.findings
    before = len(findings)
    read = reader.table(ALARM_KEYS, table, place)
    sensor = _sensor(findings, place, read, devices)
    equals = _equals(findings, (*place, "equals"), read) if "equals" in read else None
    missing = AlarmConfig.missing
    if "missing" in read:
        missing = _missing(reader, (*place, "missing"), read["missing"])
    call = _call(findings, (*place, "call"), read["call"], contacts) if "call" in read else ()
    _check_condition(findings, place, table, read)
    quantity = _quantity(findings, (*place, "quantity"), read.get("quantity"), sensor)
    if "say" in read:
        check_text(findings, (*place, "say"), read["say"], devices, own=(LIMIT,))
    if "say_missing" in read:
        check_text(findings, (*place, "say_missing"), read["say_missing"], devices)
    if len(findings) > before:
        return None
    if sensor is None:
        return None  # something is wrong with the sensor itself, and reported there
    _check_times(findings, place, read, sensor)
    return AlarmConfig(
        id=read["id"],
        sensor=sensor.id,
        quantity=quantity,
        unit=sensor.quantities[quantity].unit,
        equals=equals,
        hold_for=read.get("for", 0.0),
        missing=missing,
        call=call,
        **{key: read[key] for key in _AS_IT_IS if key in read},
    )


def _sensor(
    findings: Findings, place: Place, read: Mapping[str, Any], devices: Devices
) -> SensorConfig | None:
    id = read.get("sensor")
    if id is not None and id not in devices.sensors:
        near = did_you_mean(id, tuple(devices.sensors))
        findings.error((*place, "sensor"), f"there is no [[sensor]] {quote(id)}{near}")
    return devices.sensors.get(id) if id is not None else None


def _quantity(
    findings: Findings, place: Place, name: str | None, sensor: SensorConfig | None
) -> int:
    """Which value of the sensor; 0 when that cannot be told, which is reported."""
    if sensor is None:
        return 0
    names = tuple(one.name for one in sensor.quantities)
    if name is None:
        if len(names) > 1:
            findings.error(place, f"is missing: {quote(sensor.id)} has {', '.join(names)}")
        return 0
    if name not in names:
        has = did_you_mean(name, names) or f"; it has {', '.join(names)}"
        findings.error(place, f"{quote(sensor.id)} has no quantity {quote(name)}{has}")
        return 0
    return names.index(name)


def _equals(findings: Findings, place: Place, read: Mapping[str, Any]) -> str | None:
    value = read["equals"]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e15:
        return shortest(value)
    if isinstance(value, str) and value:
        return value
    findings.error(place, f"must be a number or a text, not {type_name(value)}")
    return None


def _missing(reader: Reader, place: Place, value: object) -> float | None:
    if value is False:
        return None
    try:
        return float(convert(_MISSING, value, reader.base))
    except ConfigError as exc:
        reader.findings.error(place, f"{exc}, or false")
        return None


def _call(
    findings: Findings, place: Place, value: object, contacts: Mapping[str, SecretRef | None]
) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        findings.error(place, 'must be a list of [contacts], such as ["grower", "owner"]')
        return ()
    for position, name in enumerate(value):
        if name not in contacts:
            near = did_you_mean(name, tuple(contacts))
            findings.error((*place, position), f"{quote(name)} is not in [contacts]{near}")
        elif name in value[:position]:
            findings.error((*place, position), f"{quote(name)} stands here twice")
    return tuple(value)


def _check_condition(
    findings: Findings,
    place: Place,
    table: Mapping[str, Any],
    read: Mapping[str, Any],
) -> None:
    given = [name for name in _CONDITIONS if name in table]
    if len(given) > 1:
        findings.error((*place, given[1]), f"stands beside {given[0]}: make two alarms of it")
        return
    never = table.get("missing") is False
    if not given and never:
        findings.error(place, "fires never: give above, below, equals or missing")
    if "say_missing" in read and never:
        findings.error((*place, "say_missing"), "is never said: missing is false")
    for key in ("for", "clear", "keep"):
        if key in read and not given:
            findings.error((*place, key), "is about a condition: give above, below or equals")
    if "clear" not in read or not given:
        return
    clear, kind = read["clear"], given[0]
    if kind == "equals":
        findings.error((*place, "clear"), "is for above and below: equals ends with another value")
    elif kind in read and (clear > read[kind] if kind == "above" else clear < read[kind]):
        side = "not above" if kind == "above" else "not below"
        findings.error((*place, "clear"), f"must be {side} {shortest(read[kind])}")


def _check_times(
    findings: Findings, place: Place, read: Mapping[str, Any], sensor: SensorConfig
) -> None:
    if sensor.every is not None and 0 < read.get("for", 0.0) <= sensor.every:
        findings.warning(
            (*place, "for"),
            f"{quote(sensor.id)} is read every {show_duration(sensor.every)}:"
            " one reading alone makes this alarm",
        )


def _check_ids(findings: Findings, tables: Mapping[str, Any], devices: Devices) -> None:
    """An alarm may be called by its id everywhere, and its state published under it."""
    entries = tables.get("alarm", [])
    taken: dict[str, str] = dict.fromkeys(devices.sensors, "a [[sensor]]")
    taken |= dict.fromkeys(devices.actuators, "an [[actuator]]")
    contacts = tables.get("contacts")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        id = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(id, str):
            continue
        if isinstance(contacts, dict) and id in contacts:
            findings.error(("alarm", number, "id"), f"{quote(id)} is the name of a contact, too")
        elif id in taken:
            findings.error(("alarm", number, "id"), f"{quote(id)} is taken by {taken[id]}")
        taken.setdefault(id, "an earlier [[alarm]]")


# --- [calls] --------------------------------------------------------------------------------------


def _read_times(findings: Findings, calls: dict[str, Any]) -> None:
    if (text := calls.get("quiet_hours")) is not None:
        start, end = (_clock(part) for part in text.split("-"))
        if start == end:
            findings.error(("calls", "quiet_hours"), "begins and ends at the same time")
        calls["quiet_hours"] = QuietHours(start, end)
    if (text := calls.get("monthly_test")) is not None:
        day, _, at = text.partition(" ")
        calls["monthly_test"] = TestDay(int(day), _clock(at))


def _clock(text: str) -> time:
    hour, minute = text.strip().split(":")
    return time(int(hour), int(minute))


def _check_calls(
    findings: Findings,
    tables: Mapping[str, Any],
    calls: Mapping[str, Any],
    alarms: Iterable[AlarmConfig],
) -> None:
    if not calls.get("enabled"):
        if any(alarm.call for alarm in alarms) and "enabled" not in calls:
            findings.warning(("calls", "enabled"), "is not there, so nobody is phoned")
        return
    phone = tables.get("phone")
    needed = ("sn_key", "service_number")
    lacking = [key for key in needed if not isinstance(phone, dict) or key not in phone]
    if lacking and not calls.get("dry_run"):
        findings.error(
            ("calls", "enabled"),
            f"calls need a number of the telephone service: [phone] lacks {' and '.join(lacking)}",
        )

