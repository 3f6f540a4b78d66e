"""The user-space DHT reader on a line without a DHT: what Blinka may and may not do to us."""

from __future__ import annotations

import importlib.util

import pytest

from tests.pi.bed import Guest

PIN = 4

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("adafruit_dht", "board", "gpiod"))),
    reason="needs adafruit-circuitpython-dht and gpiod",
)


def test_a_silent_sensor_fails_each_time_and_blinka_changes_nothing_else(guest: Guest) -> None:
    guest.pull(PIN, up=True)
    program = guest.python(
        "dht",
        f"""
import signal, sys
from agent.errors import HardwareError
from agent.hardware.pi import RaspberryPi
mine = lambda *_: None
signal.signal(signal.SIGTERM, mine)
pi = RaspberryPi()
sensor = pi.dht("dht22", {PIN})
assert "board" not in sys.modules, "imported lazily"
for _ in range(2):
    try:
        print(sensor.measure())
    except RuntimeError as exc:
        print("failed:", exc)
assert signal.getsignal(signal.SIGTERM) is mine
assert "sysv_ipc" not in sys.modules, "no pulse helper"
holder = pi.gpio("DigitalInputDevice", {PIN})
try:
    sensor.measure()
except HardwareError as exc:
    print("taken:", exc)
""",
    )
    assert program.wait() == 0, program.log
    first, second, taken = program.log.splitlines()
    assert first == second == "failed: DHT sensor not found, check wiring"
    assert taken.startswith(f"taken: GPIO{PIN} cannot be used for a DHT")
    levels = guest.recording().levels(PIN)
    assert 0 in levels, "the start signal was sent"
