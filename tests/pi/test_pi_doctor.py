"""``cht-agent doctor`` on real kernel lines: who has a pin, and who may open the chip."""

from __future__ import annotations

import json

from tests.pi.bed import Guest

CONFIG = """
[platform]
host = "127.0.0.1"
device_id = "7432"
key = "a-key-of-nobody"
rest_url = "http://127.0.0.1"
[service]
socket = "/run/none.sock"
[hardware]
backend = "pi"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
[[actuator]]
id = "pump"
driver = "relay"
pin = 27
"""
HOLD = """
from agent.hardware import gpiochip
gpiochip.CONSUMER = b"%s"
line = gpiochip.claim_output(1, 17, False)
print("held", flush=True)
import signal; signal.pause()
"""


def doctor(guest: Guest, name: str) -> dict[str, list[str]]:
    """What it finds on the header: check → lines."""
    guest.do("write", path="/run/agent.toml", text=CONFIG)
    guest.module(name, "agent", "doctor", "--json", "--config", "/run/agent.toml").wait()
    found: dict[str, list[str]] = {"gpio": [], "pins": []}
    for one in json.loads(str(guest.do("log", name=name)))["findings"]:
        found.setdefault(one["check"], []).append(f"{one['severity']}: {one['text']}")
    return found


def test_the_header_is_found_and_its_pins_are_free(guest: Guest) -> None:
    found = doctor(guest, "healthy")
    assert [line.endswith("has its header on /dev/gpiochip1") for line in found["gpio"]] == [True]
    assert found["pins"] == ["good: nobody else has GPIO17, GPIO27"]


def test_a_pin_that_another_program_has(guest: Guest) -> None:
    guest.python("other", HOLD % "blinker").says("held")
    assert doctor(guest, "taken")["pins"] == ['error: GPIO17 (lamp) is in use by "blinker"']


def test_a_pin_that_an_agent_has_which_does_not_answer(guest: Guest) -> None:
    guest.python("ours", HOLD % "cht-agent").says("held")
    assert doctor(guest, "stuck")["pins"] == ['error: GPIO17 (lamp) is in use by "cht-agent"']
