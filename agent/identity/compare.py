"""The sensors of the configuration beside those of the platform: what would vanish. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from agent.finding import Finding
from agent.protocol.objects import Sensor

_NUMBERS = ("gauge", "counter")


def compare(configured: Iterable[Sensor], on_platform: Iterable[Sensor]) -> list[Finding]:
    """What is wrong, in the order of ``configured``; empty when nothing is.

    A sensor the platform lacks is an error: its readings vanish without a word, and it can be
    sent no command. A type or unit that does not fit is a warning: what is shown there may
    mislead. What only the platform has is nobody's fault.
    """
    there = {sensor.id: sensor for sensor in on_platform}
    configured = list(configured)
    unclaimed = [name for name in there if name not in {sensor.id for sensor in configured}]
    findings = []
    for sensor in configured:
        found = there.get(sensor.id)
        if found is None:
            findings.append(_missing(sensor, unclaimed))
        else:
            findings += _differences(sensor, found)
    return findings


def _missing(sensor: Sensor, unclaimed: list[str]) -> Finding:
    text = f"sensor {sensor.id} does not exist on the platform, so what is sent for it vanishes"
    folded = {name.casefold(): name for name in unclaimed}
    near = get_close_matches(sensor.id.casefold(), folded, n=1, cutoff=0.7)
    if near:
        other = folded[near[0]]
        return Finding("error", text, f"there is {other}: make the two ids the same")
    return Finding("error", text, "cht-agent platform create makes it")


def _differences(sensor: Sensor, found: Sensor) -> list[Finding]:
    findings = []
    words = sensor.type == "text" and found.type in _NUMBERS
    if words or found.type == "snapshot":
        text = f"sensor {sensor.id} is a {found.type} on the platform, but sends {_sends(sensor)}"
        findings.append(Finding("warning", text, f"make it a {sensor.type} there"))
    if sensor.unit and found.unit and sensor.unit != found.unit:
        text = f"sensor {sensor.id} is in {sensor.unit}, but the platform shows {found.unit}"
        findings.append(Finding("warning", text, "change the unit there, or scale it here"))
    return findings


def _sends(sensor: Sensor) -> str:
    return "texts" if sensor.type == "text" else "values"
