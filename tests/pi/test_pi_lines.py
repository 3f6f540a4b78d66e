"""``agent.hardware.pi`` on real kernel lines; each test on both kinds of kernel."""

from __future__ import annotations

from itertools import pairwise
from signal import SIGKILL
from statistics import median

import pytest

from tests.pi.bed import Guest, Kernel, until
from tests.pi.recording import Event

RELAY, BUTTON, LAMP = 17, 4, 18
ON, OFF = 0, 1  # physical levels of the relay: it is active low

OPEN_RELAY = f"""
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
relay = pi.output({RELAY}, active_high=False, level=0.0)
print("open", relay.read(), relay.lines())
"""
WAIT = "\nimport signal; signal.pause()\n"

GPIOZERO_RELAY = f"""
from gpiozero import OutputDevice
from gpiozero.pins.lgpio import LGPIOFactory
relay = OutputDevice({RELAY}, active_high=False, initial_value=False,
                     pin_factory=LGPIOFactory(chip=1))
print("open")
"""


def test_the_recorder_sees_what_gpiozero_does_to_an_active_low_relay(guest: Guest) -> None:
    """The negative control: without it, "no blip recorded" would prove nothing."""
    guest.pull(RELAY, up=True)
    guest.python("control", GPIOZERO_RELAY + "relay.close()").wait()
    recording = guest.recording()
    levels = recording.levels(RELAY)
    assert levels[levels.index(ON) :][:2] == [ON, OFF], "claimed low, then written"
    assert recording.directions(RELAY) == ["in", "out", "in"]


def test_an_output_is_at_its_safe_level_from_its_first_moment(guest: Guest) -> None:
    guest.pull(RELAY, up=True)
    program = guest.python("ours", OPEN_RELAY + WAIT)
    program.says("open 0.0 ((1, 17, True),)")
    recording = guest.recording()
    assert recording.levels(RELAY) == [OFF]
    assert recording.directions(RELAY) == ["out"]


def test_a_wiring_that_pulls_to_on_is_overruled_with_the_claim(guest: Guest) -> None:
    guest.pull(RELAY, up=False)
    assert guest.level(RELAY) == ON
    program = guest.python("ours", OPEN_RELAY + WAIT)
    program.says("open")
    assert guest.recording().levels(RELAY) == [OFF]
    assert guest.level(RELAY) == OFF


def test_levels_are_written_and_read_back(guest: Guest) -> None:
    guest.pull(RELAY, up=True)
    guest.python(
        "ours",
        OPEN_RELAY
        + """
for level in (1.0, 0.0, 1.0, 0.0):
    relay.write(level)
    print("read", relay.read())
relay.release()
pi.close()
""",
    ).wait()
    assert guest.recording().levels(RELAY)[:5] == [OFF, ON, OFF, ON, OFF]
    log = str(guest.do("log", name="ours"))
    assert log.splitlines()[1:] == ["read 1.0", "read 0.0", "read 1.0", "read 0.0"]


def test_at_exit_the_safe_level_is_held(guest: Guest) -> None:
    """On the one kernel it stays driven, on the other it falls to the pull set with the claim."""
    guest.pull(RELAY, up=False)
    program = guest.python("ours", OPEN_RELAY + "relay.release(); pi.close()")
    assert program.wait() == 0
    recording = guest.recording()
    assert set(recording.levels(RELAY)) == {OFF}
    assert recording.directions(RELAY) == ["out"]
    assert guest.level(RELAY) == OFF


def test_gpiozero_floats_the_relay_at_exit(guest: Guest) -> None:
    """The negative control of the one before: its atexit turns the pin into an input."""
    guest.pull(RELAY, up=False)
    guest.python(
        "control",
        GPIOZERO_RELAY + "from gpiozero import Device\nDevice.pin_factory = relay.pin_factory\n",
    ).wait()
    assert guest.recording().directions(RELAY)[-1] == "in"
    assert guest.level(RELAY) == ON


def test_after_sigkill_the_helper_makes_the_relay_safe(guest: Guest, kernel: Kernel) -> None:
    guest.pull(RELAY, up=False)
    program = guest.python(
        "ours",
        OPEN_RELAY
        + """
from pathlib import Path
from agent.hardware.safe_outputs import write_plan
write_plan(Path("/run/plan.json"), relay.lines())
relay.write(1.0)
print("on")
"""
        + WAIT,
    )
    program.says("on\n")
    assert guest.level(RELAY) == ON
    program.end(SIGKILL)
    assert guest.level(RELAY) == (ON if kernel == "keep" else OFF)

    guest.mark("helper")
    helper = guest.module("helper", "agent.hardware.safe_outputs", "/run/plan.json")
    assert helper.wait() == 0
    assert helper.log == ""
    assert set(guest.recording().since("helper").levels(RELAY)) == {OFF}
    assert guest.level(RELAY) == OFF


def test_the_helper_does_the_others_when_one_line_is_taken(guest: Guest) -> None:
    holder = guest.python(
        "holder",
        f"import lgpio\nh = lgpio.gpiochip_open(1)\n"
        f"lgpio.gpio_claim_input(h, {LAMP})\nprint('holds')" + WAIT,
    )
    holder.says("holds")
    guest.do("write", path="/run/plan.json", text=f'[[1, {LAMP}, 0], ["/dev/gpiochip1", 17, 1]]')
    helper = guest.module("helper", "agent.hardware.safe_outputs", "/run/plan.json")
    assert helper.wait() == 0
    assert helper.log.startswith(f'safe outputs: GPIO{LAMP} of /dev/gpiochip1 is in use by "lg": ')
    assert guest.recording().levels(RELAY)[0] == 1


@pytest.mark.parametrize("active_high", [True, False])
def test_pwm_starts_from_off_and_returns_to_it(guest: Guest, active_high: bool) -> None:
    off, on = (0, 1) if active_high else (1, 0)
    guest.pull(LAMP, up=not active_high)
    program = guest.python(
        "ours",
        f"""
import time
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
lamp = pi.output({LAMP}, active_high={active_high}, level=0.0, frequency=100)
mark = open("/sys/kernel/tracing/trace_marker", "w", buffering=1)
for level in (0.25, 0.75, 1.0, 0.5, 0.0):
    print(level, file=mark)
    lamp.write(level)
    time.sleep(0.5)
    print(lamp.read())
print("end", file=mark)
time.sleep(0.1)
""",
    )
    assert program.wait() == 0
    assert program.log.split() == ["0.25", "0.75", "1.0", "0.5", "0.0"]
    recording = guest.recording()
    assert recording.until("0.25").levels(LAMP) == [off]
    assert recording.directions(LAMP) == ["out"]
    for name, following, part in (("0.25", "0.75", 0.25), ("0.75", "1.0", 0.75)):
        assert _share(recording.since(name).until(following).of(LAMP), on) == pytest.approx(
            part, abs=0.08
        )
    assert recording.since("1.0").until("0.5").levels(LAMP)[-1] == on
    assert recording.since("0.0").levels(LAMP)[-1] == off
    assert len(recording.since("0.0").levels(LAMP)) <= 4, "pulses went on"
    assert guest.level(LAMP) == off


def _share(events: tuple[Event, ...], on: int) -> float:
    """Which part of a period the line was ``on``, by the middle one of the last twenty: a busy
    machine stretches some of them."""
    steps = list(pairwise(events[-41:]))
    high, low = (
        median(after.time - before.time for before, after in steps if (before.value == on) == which)
        for which in (True, False)
    )
    return high / (high + low)


def test_a_button_reports_both_edges_at_once(guest: Guest) -> None:
    program = guest.python(
        "button",
        f"""
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
button = pi.gpio("Button", {BUTTON}, pull_up=True, bounce_time=0.02)
button.when_pressed = lambda: print("pressed")
button.when_released = lambda: print("released")
print("ready", button.is_pressed)
"""
        + WAIT,
    )
    program.says("ready False")
    for _ in range(3):
        guest.pull(BUTTON, up=False)
        until("pressed", lambda: program.log.endswith("pressed\n"))
        guest.pull(BUTTON, up=True)
        until("released", lambda: program.log.endswith("released\n"))
    assert program.log.split()[2:] == ["pressed", "released"] * 3


def test_bounces_are_not_reported(guest: Guest) -> None:
    program = guest.python(
        "button",
        f"""
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
button = pi.gpio("DigitalInputDevice", {BUTTON}, pull_up=True, bounce_time=0.3)
button.when_activated = lambda: print("pressed")
button.when_deactivated = lambda: print("released")
print("ready")
"""
        + WAIT,
    )
    program.says("ready")
    for _ in range(5):  # each pair takes a few milliseconds
        guest.pull(BUTTON, up=False)
        guest.pull(BUTTON, up=True)
    guest.pull(BUTTON, up=False)
    program.says("pressed")
    guest.pull(BUTTON, up=True)
    program.says("released")
    assert program.log.split() == ["ready", "pressed", "released"]


def test_one_faulty_listener_does_not_deafen_the_others(guest: Guest) -> None:
    program = guest.python(
        "buttons",
        f"""
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
faulty = pi.gpio("DigitalInputDevice", {BUTTON}, pull_up=True)
faulty.when_activated = lambda: 1 / 0
good = pi.gpio("DigitalInputDevice", {LAMP}, pull_up=True)
good.when_activated = lambda: print("pressed")
print("ready")
"""
        + WAIT,
    )
    program.says("ready")
    guest.pull(BUTTON, up=False)
    guest.pull(LAMP, up=False)
    program.says("pressed")
    assert "ZeroDivisionError" in program.log


def test_a_taken_input_is_told(guest: Guest) -> None:
    program = guest.python(
        "ours",
        f"""
from agent.errors import HardwareError
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
relay = pi.output({RELAY}, active_high=False, level=0.0)
try:
    pi.gpio("Button", {RELAY})
except HardwareError as exc:
    print(exc)
""",
    )
    assert program.wait() == 0, program.log
    assert 'is in use by "cht-agent"' in program.log
    assert guest.recording().directions(RELAY) == ["out"]


def test_waiting_for_an_edge_costs_nothing(guest: Guest) -> None:
    program = guest.python(
        "ours",
        OPEN_RELAY
        + f"""
import os, re, time
button = pi.gpio("DigitalInputDevice", {BUTTON}, pull_up=True, bounce_time=0.05)
button.when_activated = lambda: None
def wakeups():
    told = (open(f"/proc/self/task/{{n}}/status").read() for n in os.listdir("/proc/self/task"))
    return sum(int(re.search("\\nvoluntary_ctxt_switches:\t(.*)", text)[1]) for text in told)
time.sleep(0.2)
before = wakeups()
time.sleep(2.0)
print("wakeups", wakeups() - before)
""",
    )
    assert program.wait() == 0, program.log
    assert int(program.log.split()[-1]) <= 3  # the main thread's own sleep is one


def test_inputs_are_given_back_and_outputs_kept(guest: Guest) -> None:
    program = guest.python(
        "ours",
        OPEN_RELAY
        + f"""
from agent.errors import HardwareError
for _ in range(2):
    button = pi.gpio("Button", {BUTTON}, pull_up=True)
    button.when_pressed = lambda: None
    button.close()
other = RaspberryPi()
other.gpio("Button", {BUTTON}, pull_up=True)
try:
    other.output({RELAY}, active_high=True, level=0.0)
except HardwareError as exc:
    print(exc)
pi.close()
other.close()
RaspberryPi().gpio("DigitalInputDevice", {BUTTON})
print("done")
""",
    )
    assert program.wait() == 0, program.log
    assert f'GPIO{RELAY} of /dev/gpiochip1 is in use by "cht-agent"' in program.log
    assert program.log.endswith("done\n")
    assert guest.recording().directions(RELAY) == ["out"]


def test_gpiozero_cannot_make_an_output(guest: Guest) -> None:
    program = guest.python(
        "ours",
        f"""
from agent.errors import HardwareError
from agent.hardware.pi import RaspberryPi
try:
    RaspberryPi().gpio("LED", {LAMP})
except HardwareError as exc:
    print(exc)
""",
    )
    assert program.wait() == 0, program.log
    assert f"LED on GPIO{LAMP}: " in program.log
    assert "out" not in guest.recording().directions(LAMP)


def test_nothing_is_left_in_the_working_directory(guest: Guest) -> None:
    guest.do("write", path="/run/elsewhere/x", text="")
    program = guest.python(
        "ours",
        "import os\nos.chdir('/run/elsewhere')\n"
        + OPEN_RELAY
        + f"pi.gpio('Button', {BUTTON})\nprint(os.getcwd(), os.listdir(), os.listdir('/run/tmp'))",
    )
    assert program.wait() == 0, program.log
    assert program.log.splitlines()[-1] == "/run/elsewhere ['x'] []"
