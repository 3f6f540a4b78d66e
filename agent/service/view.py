"""The status document as a person reads it. Pure: document in, lines out.

It tolerates a document with keys missing or added: the daemon may be older or newer than we are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from agent.service.screen import Cell, Colour, age, duration, paint, printable, table

_COLOURS: Mapping[str, Colour] = {
    "up": "good", "good": "good",
    "down": "bad", "refused": "bad", "fault": "bad", "stale": "bad",
    "firing": "bad", "missing": "bad",
    "off": "dim", "ok": "dim",
}  # fmt: skip


def lines(
    status: Mapping[str, Any], now: datetime, *, colours: bool = False, columns: int | None = None
) -> list[str]:
    """All of the status. ``now`` (aware) turns times into ages; ``columns``: the screen's width."""
    found = [paint(_headline(status), "bold", colours), *_remarks(status), ""]
    for rows in (
        _links(status, now), _sensors(status), _actuators(status, now), alarms(status, now),
    ):  # fmt: skip
        if len(rows) > 1:
            found += [*table(rows, colours=colours, columns=columns), ""]
    return [*found, *_tail(status)]


def _headline(status: Mapping[str, Any]) -> str:
    parts = [f"cht-agent {_text(status, 'version')}", f"up {duration(_number(status, 'uptime_s'))}"]
    identity = _part(status, "identity")
    if identity.get("device_id"):
        source = "the registry" if identity.get("source") == "registry" else "the configuration"
        parts.append(f"device {_text(identity, 'device_id')} (from {source})")
    else:
        parts.append("no identity yet: waiting in the registry")
    return ", ".join(parts)


def _remarks(status: Mapping[str, Any]) -> list[str]:
    found = []
    if _part(status, "clock").get("trusted") is False:
        found.append("The clock is not set yet: readings wait for their time.")
    if refused := _text(status, "reload_error"):
        found.append(f"The last reload was refused, nothing has changed: {refused}")
    waiting = _part(status, "configuration").get("restart")
    if isinstance(waiting, list) and waiting:
        names = ", ".join(printable(str(name)) for name in waiting)
        found.append(f"Changed, but not in use before a restart: {names}")
    founding = _part(status, "reconfigure")
    if founding:
        words = {"working": "under way", "waiting": "waiting to try again"}
        state = _text(founding, "state")
        error = _text(founding, "error")
        told = words.get(state, state) + (f": {error}" if error else "")
        found.append(f"Creating this device on the platform: {told}")
    return found


def _links(status: Mapping[str, Any], now: datetime) -> list[list[Cell]]:
    rows = [_heads("LINK", "STATE", "SINCE", "CONNECTS", "ERROR")]
    for name, link in _part(status, "links").items():
        if isinstance(link, Mapping):
            rows.append([
                Cell(printable(name)), _state(_text(link, "state")), Cell(_since(link, now)),
                Cell(_text(link, "connects")), Cell(_text(link, "error")),
            ])  # fmt: skip
    return rows


def _sensors(status: Mapping[str, Any]) -> list[list[Cell]]:
    rows = [_heads("SENSOR", "VALUE", "READ", "QUALITY", "READS", "FAILURES", "ERROR")]
    for sensor in _entries(status, "sensors"):
        seen = sensor.get("age_s")
        rows.append([
            Cell(_text(sensor, "id")), Cell(values(sensor.get("values"), sensor.get("unit"))),
            Cell(age(seen) if isinstance(seen, int | float) else "never"),
            _state(_text(sensor, "quality")), Cell(_text(sensor, "reads")),
            Cell(_text(sensor, "failures")), Cell(_text(sensor, "error")),
        ])  # fmt: skip
    return rows


def _actuators(status: Mapping[str, Any], now: datetime) -> list[list[Cell]]:
    rows = [_heads("ACTUATOR", "STATE", "SINCE", "LAST COMMAND")]
    for actuator in _entries(status, "actuators"):
        last = _part(actuator, "last_command")
        told = f"{_text(last, 'cmd')} from {_text(last, 'from')}: {_text(last, 'result')}"
        rows.append([
            Cell(_text(actuator, "id")), _state(_text(actuator, "state")),
            Cell(_since(actuator, now)), Cell(told if last else "none"),
        ])  # fmt: skip
    return rows


def alarms(status: Mapping[str, Any], now: datetime) -> list[list[Cell]]:
    """The table of alarms, with its head."""
    rows = [_heads("ALARM", "STATE", "SINCE", "SEVERITY", "VALUE", "CALLS")]
    for alarm in _entries(status, "alarms"):
        by = _text(alarm, "acknowledged")
        rows.append([
            Cell(_text(alarm, "id")), _state(_text(alarm, "state")), Cell(_since(alarm, now)),
            Cell(_text(alarm, "severity")), Cell(_text(alarm, "value") or "–"),
            Cell(f"by {by}" if by else _text(alarm, "calls")),
        ])  # fmt: skip
    return rows


def callouts(status: Mapping[str, Any]) -> str:
    """Whether people are phoned, and how often they were, in one line; "" without alarms."""
    told = _part(status, "callouts")
    if not told:
        return ""
    if told.get("enabled") is not True:
        return "call-outs: off"
    line = f"call-outs: {_text(told, 'today')} of {_text(told, 'most')} in 24 h"
    line += " (dry run)" if told.get("dry_run") is True else ""
    line += f", calling {_text(told, 'calling')}" if told.get("calling") else ""
    return line + (f"; held: {_text(told, 'held')}" if told.get("held") else "")


def _tail(status: Mapping[str, Any]) -> list[str]:
    delivery, calls, found = _part(status, "delivery"), _part(status, "calls"), []
    if delivery:
        line = ", ".join(
            f"{_text(delivery, key)} {words}"
            for key, words in (
                ("waiting", "waiting"), ("on_disk", "on disk"),
                ("confirmed", "confirmed"), ("dropped", "dropped"),
            )
        )  # fmt: skip
        oldest = _number(delivery, "oldest_s")
        line += f", the oldest for {duration(oldest)}" if oldest > 0 else ""
        found.append(f"delivery ({_text(delivery, 'confirm')}): {line}")
    if calls:
        found.append(f"calls: {_text(calls, 'open')} open, {_text(calls, 'answered')} answered")
    if line := callouts(status):
        found.append(line)
    return found


def values(given: object, unit: object) -> str:
    """Values with their units: ``25.3 °C``, ``25.3 °C, 61 %``. A faulty sensor has none: ``–``."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        return "–"
    units = unit if isinstance(unit, list | tuple) else [unit] * len(given)
    return ", ".join(
        printable(f"{value} {of}" if isinstance(of, str) else str(value))
        for value, of in zip_longest(given, units[: len(given)])
    )


def _heads(*names: str) -> list[Cell]:
    return [Cell(name, "dim") for name in names]


def _state(text: str) -> Cell:
    return Cell(text, _COLOURS.get(text, "plain"))


def _since(part: Mapping[str, Any], now: datetime) -> str:
    try:
        return age((now - datetime.fromisoformat(part["since"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return "–"


def _part(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _entries(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = document.get(key)
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping)]


def _text(document: Mapping[str, Any], key: str) -> str:
    found = document.get(key)
    return "" if found is None else printable(str(found))


def _number(document: Mapping[str, Any], key: str) -> float:
    found = document.get(key)
    return float(found) if isinstance(found, int | float) else 0.0
