"""The simulated backend as a process of its own, worked by hand from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw_mocks.control import send
from tests.support.waiting import wait_until

PROGRAM = """
from agent.clock import SystemClock
from agent.config.model import ActuatorConfig, HardwareConfig, QuantityConfig, SensorConfig
from agent.hardware.catalog import open_actuator, open_hardware, open_sensor

hardware = open_hardware(HardwareConfig("simulated"), SystemClock())
value = (QuantityConfig("value"),)
button = open_sensor(hardware, SensorConfig("b", "button", value, {"pin": 27}))
button.watch(lambda sample: print(sample["value"], flush=True))
lamp = open_actuator(hardware, ActuatorConfig("lamp", "relay", {}, {"pin": 17}))
print("ready", flush=True)
input()
lamp.write(1.0)
print("lit", flush=True)
input()
hardware.close()
"""


@pytest.fixture
def control() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hw-") as folder:  # a socket's path must be short
        yield Path(folder) / "control"


def test_a_running_process_is_worked_through_its_socket(control: Path) -> None:
    root = Path(__file__).parents[2]
    environ = {**os.environ, "HW_MOCKS_CONTROL": str(control), "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        command = [sys.executable, "-m", "hw_mocks.control", str(control)]
        done = subprocess.run(
            [*command, "press", "27", "0.2"], env=environ, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, "ok\n")
        assert process.stdout.readline() == "1.0\n"
        assert process.stdout.readline() == "0.0\n"

        assert send(control, "read 17") == "0"
        print(file=process.stdin, flush=True)
        assert process.stdout.readline() == "lit\n"
        assert send(control, "history 17") == "0 1"
        refused = subprocess.run([*command, "press", "17"], env=environ, capture_output=True)
        assert refused.returncode == 1

        print(file=process.stdin, flush=True)
        assert process.wait(10) == 0
    wait_until(lambda: not control.exists())
