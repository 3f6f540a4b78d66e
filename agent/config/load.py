"""``agent.toml`` from file to ``Config``: every error at once, or a syntax error alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from agent.config import text as toml
from agent.config.actuators import read_actuators
from agent.config.alarms import AlarmConfig
from agent.config.crosschecks import check_sections, loopback
from agent.config.devices import Devices, check_claims
from agent.config.lines import locate
from agent.config.menus import Book
from agent.config.model import ActuatorConfig, Config, SecretRef, SensorConfig
from agent.config.problems import Findings, Problem, Report, did_you_mean
from agent.config.reader import Reader
from agent.config.schema import CONTACTS, LISTS, RENAMED, REQUIRED_SECTIONS, SECTIONS
from agent.config.secrets import others_can_read
from agent.config.sensors import read_sensors
from agent.errors import ConfigError
from agent.hardware.ports import ActuatorSpec, SensorSpec

__all__ = ["Problem", "Report", "inspect", "load"]

Device = TypeVar("Device", SensorConfig, ActuatorConfig)


def load(
    path: Path,
    *,
    sensors: Mapping[str, SensorSpec] | None = None,
    actuators: Mapping[str, ActuatorSpec] | None = None,
) -> Config:
    """The checked configuration. Raises ConfigError, one line for each error."""
    report = inspect(path, sensors=sensors, actuators=actuators)
    if report.config is None:
        raise ConfigError("\n".join(map(str, report.errors)))
    return report.config


def inspect(
    path: Path,
    *,
    sensors: Mapping[str, SensorSpec] | None = None,
    actuators: Mapping[str, ActuatorSpec] | None = None,
    renamed: Mapping[tuple[str, str], str] = RENAMED,
    text: str | None = None,
) -> Report:
    """Everything there is to say about the file; never raises for what is in it.

    ``sensors`` and ``actuators``: the drivers there are, by name; by default all of the agent's.
    ``text``: what is to be in the file, if it is not written yet.
    """
    try:
        text = toml.read(path) if text is None else text
        tables = toml.parse(path, text)
    except toml.BadText as exc:
        return Report(None, exc.problems)
    if sensors is None or actuators is None:
        # Late: it brings all drivers, and a syntax error needs none.
        from agent.hardware import catalog

        sensors = catalog.SENSORS if sensors is None else sensors
        actuators = catalog.ACTUATORS if actuators is None else actuators
    findings = Findings(path, locate(text))
    reader = Reader(findings, path.absolute().parent, renamed)
    return _read(reader, path, tables, sensors, actuators)


def _read(
    reader: Reader,
    path: Path,
    tables: Mapping[str, Any],
    sensor_specs: Mapping[str, SensorSpec],
    actuator_specs: Mapping[str, ActuatorSpec],
) -> Report:
    findings = reader.findings
    _check_section_names(findings, tables)
    sections = {name: _section(reader, name, tables) for name in SECTIONS}
    sensors, claims = read_sensors(reader, tables.get("sensor", []), sensor_specs, actuator_specs)
    actuators, more = read_actuators(
        reader, tables.get("actuator", []), actuator_specs, sensor_specs
    )
    check_claims(findings, [*claims, *more])
    check_sections(reader, sections, tables)
    _check_readers_of_keys(findings, path, sections)
    devices = Devices(_ids(sensors, tables, "sensor"), _ids(actuators, tables, "actuator"))
    alarms, contacts = _read_alarms(reader, path, tables, sections["calls"], devices)
    book, others = _read_book(sections["phone"], devices)
    problems = (*findings.problems(), *others)
    if any(problem.severity == "error" for problem in problems):
        return Report(None, problems)
    built = {
        name: SECTIONS[name].builds(**values)
        for name, values in sections.items()
        if name in tables or name in REQUIRED_SECTIONS
    }
    built |= {"sensors": tuple(sensors), "actuators": tuple(actuators), "book": book}
    built |= {"alarms": alarms, "contacts": contacts}
    return Report(Config(path=path, **built), problems)


def _section(reader: Reader, name: str, tables: Mapping[str, Any]) -> dict[str, Any]:
    if name in tables or name in REQUIRED_SECTIONS:
        return reader.table(SECTIONS[name].keys, tables.get(name, {}), (name,))
    return {}


def _ids(good: Sequence[Device], tables: Mapping[str, Any], kind: str) -> dict[str, Device | None]:
    """Id → device, and None for one with errors: what names it is not wrong for that."""
    entries = tables.get(kind)
    found: dict[str, Device | None] = {
        entry["id"]: None
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }
    return found | {device.id: device for device in good}


def _read_book(
    phone: Mapping[str, Any], devices: Devices
) -> tuple[Book | None, tuple[Problem, ...]]:
    """Without a number nobody can call, and the menus may still be to be written."""
    menus = phone.get("menus")
    if menus is None or ("sn_key" not in phone and not menus.exists()):
        return None, ()
    from agent.config.book import read_book  # late: most agents have no telephone

    return read_book(menus, devices)


def _read_alarms(
    reader: Reader, path: Path, tables: Mapping[str, Any], calls: dict[str, Any], devices: Devices
) -> tuple[tuple[AlarmConfig, ...], Mapping[str, SecretRef]]:
    if not {"alarm", CONTACTS, "calls"} & tables.keys():
        return (), {}
    from agent.config.alarm_reader import read_alarms  # late: it brings the texts that are spoken

    return read_alarms(reader, path, tables, calls, devices)


def _check_section_names(findings: Findings, tables: Mapping[str, Any]) -> None:
    known = (*SECTIONS, *LISTS, CONTACTS)
    for name, value in tables.items():
        if name in known:
            continue
        homes = [s for s, section in SECTIONS.items() if name in {k.name for k in section.keys}]
        if not isinstance(value, dict | list) and homes:
            findings.error((name,), f"unknown key outside the sections: it belongs to [{homes[0]}]")
        else:
            near = did_you_mean(name, known) or f"; known: {', '.join(known)}"
            findings.error((name,), f"unknown section{near}")


def _check_readers_of_keys(
    findings: Findings, path: Path, sections: Mapping[str, Mapping[str, Any]]
) -> None:
    """A key written into a file that everybody may read is no secret."""
    for section, name in (("platform", "key"), ("phone", "api_key"), ("phone", "sn_key")):
        key = sections[section].get(name)
        if not isinstance(key, SecretRef) or key.source not in ("literal", "file"):
            continue
        if loopback(sections[section].get("host", "")):
            continue
        holder = path if key.source == "literal" else Path(key.where)
        if not others_can_read(holder):
            continue
        if key.source == "literal":
            findings.warning(
                (section, name),
                "others can read it here: chmod o-r this file, or use credential:NAME",
            )
        else:
            findings.warning((section, name), f"others can read {holder}: chmod o-r it")
