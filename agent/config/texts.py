"""The texts of ``phone.toml``: the readings they speak of, and how long they may become."""

from __future__ import annotations

from collections.abc import Iterable

from agent.config.devices import Devices
from agent.config.menus import Language
from agent.config.model import SensorConfig
from agent.config.problems import Findings, Place, did_you_mean, quote
from agent.phone import speech
from agent.values import shortest

MOST = 200
"""Characters that the service takes in one turn (T-05)."""
MOST_TO_CONFIRM = 160
"""Of what is asked to be confirmed, so that the question fits around it."""
_USUAL = 8
"""Characters of a value nobody has set bounds to, such as ``-123.456``."""
_WORDS_OF_A_FILE = 40


def check_text(
    findings: Findings,
    place: Place,
    text: str,
    devices: Devices,
    *,
    own: Iterable[str] = (),
    most: int | None = None,
) -> None:
    """``own``: fields that are filled in by the menu itself. ``most`` None: the text may be said in
    several turns."""
    for name in own:
        text = text.replace(f"{{{name}}}", "")
    try:
        fields = speech.fields(text)
    except ValueError as exc:
        findings.error(place, str(exc))
        return
    for field in fields:
        if field.sensor:
            _check_field(findings, place, field, devices)
    if most is None:
        return
    values = {
        id: longest_value(sensor) for id, sensor in devices.sensors.items() if sensor is not None
    }
    # Which menu leads here is not known yet, but its readings are said in the text's language.
    language: Language = "en" if text.isascii() else "zh"
    length = speech.longest(text, values, language) if fields else len(text)
    if length > most:
        grows = " at its longest readings" if fields else ""
        findings.error(place, f"is {length} characters long{grows}: {most} are the most")


def longest_value(sensor: SensorConfig) -> int:
    """The most characters that a value of the sensor has, as published."""
    if sensor.options.get("parse") == "text":
        return _WORDS_OF_A_FILE
    lengths = []
    for quantity in sensor.quantities:
        if quantity.valid is not None and quantity.decimals is not None:
            whole = max(len(shortest(bound, 0)) for bound in quantity.valid)
            lengths.append(whole + (1 + quantity.decimals if quantity.decimals else 0))
        else:
            lengths.append(_USUAL)
    return max(lengths)


def _check_field(findings: Findings, place: Place, field: speech.Field, devices: Devices) -> None:
    if field.sensor not in devices.sensors:
        near = did_you_mean(field.sensor, tuple(devices.sensors))
        findings.error(place, f"there is no [[sensor]] {quote(field.sensor)}{near}")
        return
    sensor = devices.sensors[field.sensor]
    if sensor is None:
        return
    names = tuple(quantity.name for quantity in sensor.quantities)
    if field.quantity is not None and field.quantity not in names:
        near = did_you_mean(field.quantity, names)
        has = f"; it has {', '.join(names)}"
        wrong = f"{quote(field.sensor)} has no quantity {quote(field.quantity)}{near or has}"
        findings.error(place, wrong)
    elif field.quantity is None and len(names) > 1 and field.kind != "age":
        better = " or ".join(f"{{{field.sensor}.{name}}}" for name in names)
        findings.warning(place, f"{{{field.sensor}}} says the first of its values: {better}")
