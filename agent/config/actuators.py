"""``[[actuator]]``: what is driven, by which words, and what keeps it safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.config.commands import read_commands, words
from agent.config.devices import (
    Claim,
    bare_claim,
    claim,
    entries,
    find_driver,
    option_keys,
    option_values,
)
from agent.config.model import Action, ActuatorConfig, OnLinkLost
from agent.config.problems import Findings, Place, did_you_mean, quote
from agent.config.reader import Reader, convert
from agent.config.schema import DAY, DRIVER, ID, Key
from agent.config.units import show_duration
from agent.errors import ConfigError
from agent.hardware.ports import ActuatorSpec, Range
from agent.values import shortest

KEYS = (
    ID,
    DRIVER,
    Key("commands", "raw"),
    Key("safe", "raw"),
    Key("max_on", "duration", between=(0.01, 30 * DAY)),
    Key("min_on", "duration", between=(0.01, DAY)),
    Key("min_off", "duration", between=(0.01, DAY)),
    Key("interlock", matches=r"[^\s\x00-\x1f\x7f]{1,64}", allowed="1 to 64 characters, no blanks"),
    Key("rate_limit", "rate"),
    Key("on_link_lost", "raw"),
    Key("max_command_age", "duration", between=(1, DAY)),
    Key("publish_state", "bool"),
)
LINK_LOST_KEYS = (
    Key("after", "duration", required=True, between=(1, 30 * DAY), allowed='such as "10m"'),
    Key("do"),
)
SAFE = "safe"
"""In ``on_link_lost``: the safe state, whatever words the actuator has."""
_AS_IT_IS = (
    "max_on",
    "min_on",
    "min_off",
    "interlock",
    "rate_limit",
    "max_command_age",
    "publish_state",
)


def read_actuators(
    reader: Reader, value: object, drivers: Mapping[str, ActuatorSpec], elsewhere: Iterable[str]
) -> tuple[list[ActuatorConfig], list[Claim]]:
    """All good ``[[actuator]]`` entries, and the claims of all entries."""
    actuators: list[ActuatorConfig] = []
    claims = []
    places: dict[str, Place] = {}
    for place, table in entries(reader, "actuator", value):
        spec = find_driver(reader.findings, table, place, drivers, elsewhere)
        if spec is None:
            claims.append(bare_claim(place, reader.table(KEYS, table, place, others=True)))
            continue
        before = len(reader.findings)
        read = reader.table((*KEYS, *option_keys(spec.options)), table, place)
        claims.append(claim(place, spec, read))
        levels = spec.range(option_values(spec.options, read))
        if levels.low >= levels.high:
            reader.findings.error(place, "its levels go from a lower to a higher number")
        commands = words(levels)
        if "commands" in read:
            commands = read_commands(reader, read["commands"], (*place, "commands"), levels)
        safe = _safe(reader, read.get("safe", "off"), (*place, "safe"), levels)
        lost = _on_link_lost(reader, read, (*place, "on_link_lost"), commands)
        if len(reader.findings) == before:
            actuator = ActuatorConfig(
                id=read["id"],
                driver=spec.name,
                commands=commands,
                options=option_values(spec.options, read),
                levels=(levels.low, levels.high),
                numbers=levels.continuous and "commands" not in read,
                safe=safe,
                on_link_lost=lost,
                **{key: read[key] for key in _AS_IT_IS if key in read},
            )
            _check_times(reader.findings, place, actuator)
            actuators.append(actuator)
            places[actuator.id] = place
    _check_interlocks(reader.findings, actuators, places)
    return actuators, claims


def _safe(reader: Reader, value: object, place: Place, levels: Range) -> float:
    named = dict(levels.words)
    if levels.low <= 0 <= levels.high:
        named["off"] = 0.0
    if isinstance(value, str) and value in named:
        return named[value]
    allowed = " or ".join(map(quote, named))
    if levels.continuous and not isinstance(value, str):
        try:
            key = Key("safe", "number", between=(levels.low, levels.high))
            return float(convert(key, value, reader.base))
        except ConfigError as exc:
            reader.findings.error(place, f"{exc}, or {allowed}")
    else:
        span = f"{shortest(levels.low)} to {shortest(levels.high)}"
        number = f", or a number from {span}" if levels.continuous else ""
        reader.findings.error(place, f"must be {allowed}{number}")
    return levels.low


def _on_link_lost(
    reader: Reader, entry: Mapping[str, Any], place: Place, commands: Mapping[str, Action]
) -> OnLinkLost | None:
    if "on_link_lost" not in entry:
        return None
    read: dict[str, Any] = reader.table(LINK_LOST_KEYS, entry["on_link_lost"], place)
    word = read.get("do", SAFE)
    if word != SAFE and word not in commands:
        table = entry.get("commands")
        if isinstance(table, dict) and word in table:
            return None  # that word is wrong in itself, and reported
        known = (SAFE, *commands)
        allowed = ", ".join(map(quote, known))
        reader.findings.error(
            (*place, "do"), f"{quote(word)} is not one of {allowed}{did_you_mean(word, known)}"
        )
        return None
    if "after" not in read:
        return None
    return OnLinkLost(read["after"], None if word == SAFE else commands[word])


def _check_times(findings: Findings, place: Place, actuator: ActuatorConfig) -> None:
    """Times that contradict each other or the safe state."""
    longest, shortest = actuator.max_on, actuator.min_on
    if longest is not None and shortest is not None and longest < shortest:
        findings.error((*place, "max_on"), f"is shorter than min_on ({show_duration(shortest)})")
    if longest is not None and actuator.safe != 0:
        findings.error(
            (*place, "max_on"),
            "leads to the safe state, which is not off here: it could never end the on-time",
        )
    for word, action in actuator.commands.items():
        here = (*place, "commands", word)
        if action.kind != "pulse":
            continue
        if longest is not None and action.duration > longest:
            findings.error(here, f"the pulse is longer than max_on ({show_duration(longest)})")
        if shortest is not None and action.duration < shortest:
            findings.error(here, f"the pulse is shorter than min_on ({show_duration(shortest)})")


def _check_interlocks(
    findings: Findings, actuators: Iterable[ActuatorConfig], places: Mapping[str, Place]
) -> None:
    """Of a group at most one is on, in the safe state too."""
    groups: dict[str, list[ActuatorConfig]] = {}
    for actuator in actuators:
        if actuator.interlock is not None:
            groups.setdefault(actuator.interlock, []).append(actuator)
    for name, members in groups.items():
        on = [member for member in members if member.safe != 0]
        for member in on[1:]:
            text = f"{quote(on[0].id)} of the same interlock is on in its safe state too"
            findings.error((*places[member.id], "safe"), text)
        if len(members) == 1:
            place = (*places[members[0].id], "interlock")
            findings.warning(place, f"no other actuator names the group {quote(name)}")
