"""The configuration that ``cht-agent init`` writes: a text made from a handful of answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.config.devices import option_keys
from agent.config.reader import convert
from agent.config.schema import ID, Key
from agent.errors import ConfigError
from agent.hardware.ports import ActuatorSpec, SensorSpec

Ask = Callable[[str, bool], str]
Device = Mapping[str, object]
"""The keys of a ``[[sensor]]`` or ``[[actuator]]``, in the order they are written."""


@dataclass(frozen=True)
class Answers:
    """What the operator said. Either ``device_id`` and ``key`` or ``product_code``.

    ``devices``: ("sensor" or "actuator", its keys).
    """

    backend: str
    host: str
    tls: bool = True
    device_id: str | None = None
    key: str | None = None
    product_code: str | None = None
    devices: tuple[tuple[str, Device], ...] = ()


def compose(answers: Answers) -> str:
    """The text of the configuration."""
    platform: dict[str, object] = {
        "host": answers.host,
        "port": 8883 if answers.tls else 1883,
        "tls": answers.tls,
    }
    blocks = ["# Written by cht-agent init. `cht-agent check` tells whether a change is good."]
    if answers.device_id is not None:
        platform |= {"device_id": answers.device_id, "key": answers.key}
    blocks.append(_table("[platform]", platform))
    if answers.product_code is not None:
        blocks.append(_table("[registry]", {"product_code": answers.product_code}))
    blocks.append(_table("[hardware]", {"backend": answers.backend}))
    blocks += [_table(f"[[{kind}]]", device) for kind, device in answers.devices]
    return "\n\n".join(blocks) + "\n"


def _table(header: str, keys: Device) -> str:
    return "\n".join([header, *(f"{name} = {_toml(value)}" for name, value in keys.items())])


def _toml(value: object) -> str:
    # JSON's texts, numbers and booleans are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def ask_text(ask: Ask, key: Key, question: str, default: str | None = None) -> str:
    """Ask until the answer is one that ``key`` allows; an empty answer is the default."""
    hint = f" [{default}]" if default else ""
    while True:
        answer = ask(f"{question}{hint}: ", key.kind == "secret")
        if not answer and default is not None:
            return default
        try:
            convert(key, answer, Path())
            return answer
        except ConfigError as exc:
            question, hint = f"{exc}\n{question.splitlines()[-1]}", hint


def ask_devices(ask: Ask) -> tuple[tuple[str, Device], ...]:
    """One sensor and one actuator to begin with, or none."""
    # Late: it brings all drivers, which flags alone do not need.
    from agent.hardware.catalog import ACTUATORS, SENSORS

    devices: list[tuple[str, Device]] = []
    for kind, drivers in (("sensor", SENSORS), ("actuator", ACTUATORS)):
        names = tuple(sorted(drivers))
        article = "An" if kind == "actuator" else "A"
        question = f"{article} {kind} to begin with ({', '.join(names)}; empty: none)"
        name = ask_text(ask, Key("driver", choices=names), question, "")
        if name:
            devices.append((kind, ask_device(ask, drivers[name])))
    return tuple(devices)


def ask_device(ask: Ask, spec: SensorSpec | ActuatorSpec) -> Device:
    """The keys of one device: its id and what its driver requires; else the defaults."""
    device: dict[str, object] = {}
    quantities = tuple(spec.quantities) if isinstance(spec, SensorSpec) else ()
    if len(quantities) > 1:
        choice = Key("quantity", choices=quantities)
        question = f"Which quantity ({', '.join(quantities)})"
        device["quantity"] = ask_text(ask, choice, question, quantities[0])
    suggested = str(device.get("quantity", spec.name))
    device = {"id": ask_text(ask, ID, "Its id", suggested), "driver": spec.name} | device
    for option, key in zip(spec.options, option_keys(spec.options), strict=True):
        if option.required:
            device[option.name] = _ask_value(ask, key, option.help)
    if isinstance(spec, SensorSpec) and spec.default_every is None and not spec.edge:
        device["every"] = ask_text(ask, Key("every", "duration"), "How often to read it", "60s")
    return device


def _ask_value(ask: Ask, key: Key, help: str) -> object:
    """An answer as the TOML value that ``key`` wants."""
    question = f"{key.name} ({help})"
    while True:
        answer = ask(f"{question}: ", False)
        try:
            value = _parse(key, answer)
            convert(key, value, Path())
            return value
        except (ConfigError, ValueError) as exc:
            reason = str(exc) if isinstance(exc, ConfigError) else "must be a number"
            question = f"{reason}\n{key.name} ({help})"


def _parse(key: Key, answer: str) -> object:
    match key.kind:
        case "pin" | "int":
            return int(answer)
        case "number":
            return float(answer)
        case "bool":
            return {"true": True, "yes": True, "false": False, "no": False}.get(answer.lower())
    return answer
