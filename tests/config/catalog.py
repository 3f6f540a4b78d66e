"""A small catalog of drivers, so that these tests hold whatever drivers the agent has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.config.load import Report, inspect
from agent.hardware.ports import DIMMER, ActuatorSpec, Option, SensorSpec

PIN = Option("pin", "pin", "the BCM number of the pin", required=True)


def _never(*_: Any) -> Any:
    raise AssertionError("a configuration is checked without opening anything")


SENSORS: Mapping[str, SensorSpec] = {
    spec.name: spec
    for spec in (
        SensorSpec(
            "dht22",
            {"temperature": "°C", "humidity": "%"},
            (
                PIN,
                Option("source", "text", "where from", default="auto", choices=("auto", "kernel")),
            ),
            _never,
            min_every=2.5,
            default_every=30.0,
            shares_pin=True,
        ),
        SensorSpec(
            "button",
            {"pressed": None},
            (
                PIN,
                Option("pull_up", "bool", "pull", default=True),
                Option("bounce_time", "duration", "debounce", default=0.05, between=(0, 5)),
            ),
            _never,
            edge=True,
            default_every=None,
        ),
        SensorSpec("load_average", {"load": None}, (), _never),
        SensorSpec("disk_usage", {"used": "%"}, (), _never),
        SensorSpec("cpu_temperature", {"temperature": "°C"}, (), _never),
        SensorSpec(
            "file",
            {"value": None},
            (Option("path", "path", "the file to read", required=True),),
            _never,
            default_every=None,
        ),
    )
}
ACTUATORS: Mapping[str, ActuatorSpec] = {
    spec.name: spec
    for spec in (
        ActuatorSpec(
            "relay", (PIN, Option("active_high", "bool", "polarity", default=True)), _never
        ),
        ActuatorSpec(
            "pwm_led",
            (PIN, Option("frequency", "int", "Hz", default=100, between=(1, 10_000))),
            _never,
            range=lambda options: DIMMER,
        ),
    )
}

HEAD = """
[platform]
device_id = "7432"
key = "credential:device-key"
[hardware]
backend = "simulated"
"""
"""The least that passes: six lines, so that what follows begins on line 7."""


def look(folder: Path, text: str | bytes, **options: Any) -> Report:
    """Inspect ``text`` as a file in ``folder``, with the drivers above."""
    path = folder / "agent.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return inspect(path, sensors=SENSORS, actuators=ACTUATORS, **options)


def said(report: Report, *, head: int = 0) -> list[str]:
    """Each problem as ``line key: text``, lines counted after the first ``head``."""
    return [
        f"{None if problem.line is None else problem.line - head} {problem.key}: {problem.text}"
        for problem in report.problems
    ]
