"""``cht-agent check``: is this configuration good? Touches no pin and no network."""

from __future__ import annotations

import argparse
import sys

from agent.config.load import inspect
from agent.config.model import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own: ``--config`` is every command's."""


def run(args: argparse.Namespace) -> int:
    """Print all problems (errors on stderr) and the verdict in one line; 0 good, 2 not."""
    report = inspect(args.config)
    for problem in report.errors:
        print(problem, file=sys.stderr)
    for problem in report.warnings:
        print(f"{problem} (warning)")
    warnings = f", {_count(len(report.warnings), 'warning')}" if report.warnings else ""
    if report.config is None:
        errors = _count(len(report.errors), "error")
        print(f"{args.config}: not good: {errors}{warnings}", file=sys.stderr)
        return 2
    print(f"{args.config}: good: {summary(report.config)}{warnings}")
    return 0


def summary(config: Config) -> str:
    """What a good configuration holds, in a few words."""
    who = (
        f"device {config.platform.device_id}"
        if config.platform.device_id is not None
        else "identity from the registry"
    )
    return ", ".join(
        (
            _count(len(config.sensors), "sensor"),
            _count(len(config.actuators), "actuator"),
            *([_count(len(config.alarms), "alarm")] if config.alarms else []),
            who,
            f"backend {config.hardware.backend}",
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
