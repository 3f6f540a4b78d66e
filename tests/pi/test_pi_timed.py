"""Edges counted and timed, motors and servos, on real kernel lines."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.pi.bed import Guest, Program, until

METER, LDR, TRIGGER, ECHO = 16, 12, 21, 20
FORWARD, BACKWARD, SERVO = 5, 6, 13

OPEN = """
from pathlib import Path
from agent.config.model import ActuatorConfig, QuantityConfig, SensorConfig
from agent.hardware.catalog import open_actuator, open_sensor
from agent.hardware.pi import RaspberryPi
pi = RaspberryPi()
state = Path("/run/work")
def sensor(driver, **options):
    return open_sensor(pi, SensorConfig("s", driver, (QuantityConfig("total"),), options), state)
def actuator(driver, safe=0.0, **options):
    return open_actuator(pi, ActuatorConfig("a", driver, {}, options, safe=safe))
"""
ASKED = """
import os, re
def wakeups():
    told = (open(f"/proc/self/task/{n}/status").read() for n in os.listdir("/proc/self/task"))
    return sum(int(re.search("\\nvoluntary_ctxt_switches:\\t(.*)", text)[1]) for text in told)
def wait_for(path):
    # Spinning, so that the only sleep is that of whoever else there may be.
    while not os.path.exists(path):
        pass
"""
WIRE = """
import threading, time
def wire(line, up):
    (root,) = Path("/sys/devices/platform/gpio-sim.1").glob("gpiochip*")
    (root / f"sim_gpio{line}/pull").write_text("pull-up" if up else "pull-down")
def later(*steps):
    def play():
        for seconds, line, up in steps:
            time.sleep(seconds)
            wire(line, up)
    threading.Thread(target=play, daemon=True).start()
"""


def interrupts(guest: Guest) -> int:
    """How many the kernel has had on lines of ours."""
    rows = str(guest.do("read", path="/proc/interrupts")).splitlines()
    return sum(int(row.split()[1]) for row in rows if "cht-agent" in row)


def pulse(guest: Guest, times: int, *, idle_up: bool = True) -> None:
    """The simulated chip raises its interrupts with the next tick of the kernel (10 ms), and two
    in one tick are one; so each is waited for."""
    for _ in range(times):
        before = interrupts(guest)
        guest.pull(METER, up=not idle_up)
        until("an interrupt", lambda before=before: interrupts(guest) > before)
        guest.pull(METER, up=idle_up)


def chatter(guest: Guest, times: int) -> None:
    for _ in range(times):
        guest.pull(METER, up=False)
        guest.pull(METER, up=True)


def metering(guest: Guest, name: str, **options: object) -> Program:
    """A program with a meter, that prints its total whenever ``/run/ask`` appears, and ends with
    ``/run/end`` (as the agent does: the device is closed)."""
    given = ", ".join(f"{key}={value!r}" for key, value in options.items())
    program = guest.python(
        name,
        OPEN
        + f"meter = sensor('pulse_counter', pin={METER}, {given})\n"
        + """
import os, time
print("ready")
while not os.path.exists("/run/end"):
    if os.path.exists("/run/ask"):
        os.remove("/run/ask")
        print("total", meter.read()["total"])
    time.sleep(0.02)
meter.close()
""",
    )
    program.says("ready")
    return program


def ask(guest: Guest, program: Program) -> float:
    before = program.log.count("total")
    guest.do("write", path="/run/ask", text="")
    until("a total", lambda: program.log.count("total") > before)
    return float(program.log.split()[-1])


def test_no_pulse_is_missed_while_nobody_looks(guest: Guest) -> None:
    program = metering(guest, "meter", bounce_time=0.0)
    assert ask(guest, program) == 0
    pulse(guest, 40)  # more than twice what the kernel keeps of the edges themselves
    assert ask(guest, program) == 40
    pulse(guest, 3)
    assert ask(guest, program) == 43
    assert ask(guest, program) == 43


@pytest.mark.parametrize(
    ("options", "idle_up"), [({"pull_up": False}, False), ({"active_state": False}, True)]
)
def test_only_one_edge_of_a_pulse_counts(
    guest: Guest, options: dict[str, bool], idle_up: bool
) -> None:
    guest.pull(METER, up=idle_up)
    program = metering(guest, "meter", bounce_time=0.0, **options)
    pulse(guest, 5, idle_up=idle_up)
    assert ask(guest, program) == 5
    guest.pull(METER, up=not idle_up)
    assert ask(guest, program) == 6


def test_a_bouncing_contact_is_one_pulse(guest: Guest) -> None:
    program = metering(guest, "meter", bounce_time=0.3)
    for pulses in (1, 2):
        chatter(guest, 5)  # each a few milliseconds
        guest.pull(METER, up=False)
        until("it counts", lambda wanted=pulses: ask(guest, program) == wanted)
        guest.pull(METER, up=True)
        program.guest.do("wait", name=program.name, timeout=0.5)  # it opens for good


def test_the_total_outlives_the_program(guest: Guest) -> None:
    program = metering(guest, "first", bounce_time=0.0, per_pulse=0.5)
    pulse(guest, 7)
    guest.do("write", path="/run/end", text="")
    assert program.wait() == 0, program.log
    chatter(guest, 4)  # nobody is there
    again = guest.python(
        "again",
        OPEN
        + f"print(sensor('pulse_counter', pin={METER}, per_pulse=0.5).read()['total'])",
    )
    assert again.wait() == 0, again.log
    assert again.log.split() == ["3.5"]


def test_counting_wakes_nobody(guest: Guest) -> None:
    program = guest.python(
        "meter",
        OPEN
        + ASKED
        + f"""
meter = pi.pulses({METER}, pull="up", rising=False, bounce_time=0.0)
before = wakeups()
print("ready")
wait_for("/run/go")
count, after = meter.count(), wakeups()
print("count", count, "wakeups", after - before)
""",
    )
    program.says("ready")
    pulse(guest, 30)
    guest.do("write", path="/run/go", text="")
    assert program.wait() == 0, program.log
    words = program.log.split()
    assert words[words.index("count") + 1] == "30"
    assert int(words[-1]) <= 2


def test_the_time_a_capacitor_takes(guest: Guest) -> None:
    guest.pull(LDR, up=False)
    program = guest.python(
        "light",
        OPEN
        + WIRE
        + f"""
line = pi.charge({LDR})
print(line.charge_time(0.05))
for seconds in (0.15, 0.2):  # a tenth of which it is held low
    wire({LDR}, False)
    later((seconds, {LDR}, True))
    print(line.charge_time(5.0))
line.close()
pi.charge({LDR}).close()
""",
    )
    assert program.wait() == 0, program.log
    none, first, second = program.log.split()
    assert none == "None"
    assert float(first) == pytest.approx(0.05, abs=0.04)
    assert float(second) == pytest.approx(0.1, abs=0.04)
    assert guest.recording().levels(LDR)[0] == 0


def test_the_time_an_echo_takes(guest: Guest) -> None:
    program = guest.python(
        "distance",
        OPEN
        + WIRE
        + f"""
from agent.errors import SensorError
line = pi.echo({TRIGGER}, {ECHO})
def ping(longest=1.0):
    try:
        print(line.echo_time(longest))
    except SensorError as exc:
        print(exc)
ping()
later((0.03, {ECHO}, True), (0.05, {ECHO}, False))
ping()
later((0.03, {ECHO}, True), (0.2, {ECHO}, False))
ping(0.1)
ping()  # begins with the echo of the one before
wire({ECHO}, True)
ping()
line.close()
pi.echo({TRIGGER}, {ECHO}).close()
""",
    )
    assert program.wait() == 0, program.log
    silent, echo, far, after, stuck = program.log.splitlines()
    assert silent == after == "no echo begins"
    assert float(echo) == pytest.approx(0.05, abs=0.02)
    assert float(far) == 0.1
    assert stuck == "the echo stays high"
    assert guest.recording().changes(TRIGGER)[:3] == [0, 1, 0]


@pytest.mark.parametrize("pwm", [False, True])
def test_the_two_directions_are_never_on_together(guest: Guest, pwm: bool) -> None:
    for line in (FORWARD, BACKWARD):
        guest.pull(line, up=True)  # a wiring that would run it both ways
    levels = (1.0, -1.0, 0.5, -0.5, 0.0) if pwm else (1.0, -1.0, 1.0, 0.0, -1.0)
    program = guest.python(
        "motor",
        OPEN
        + f"""
import time
motor = actuator("motor", forward={FORWARD}, backward={BACKWARD}, pwm={pwm})
print(motor.lines())
for level in {levels}:
    motor.write(level)
    time.sleep(0.1)
    assert motor.read() == level, level
motor.write(0.0)
print("done")
""",
    )
    assert program.wait() == 0, program.log
    assert program.log.startswith(f"((1, {BACKWARD}, False), (1, {FORWARD}, False))")
    on = {FORWARD: 0, BACKWARD: 0}
    seen = set()
    for event in guest.recording().events:
        if event.what == "level" and event.line in on:
            on[event.line] = event.value
            seen.add(tuple(on.values()))
    assert seen == {(0, 0), (1, 0), (0, 1)}
    for line in (FORWARD, BACKWARD):
        assert guest.recording().levels(line)[0] == 0
        assert guest.level(line) == 0


def test_a_servo_gets_its_pulses(guest: Guest) -> None:
    program = guest.python(
        "servo",
        OPEN
        + f"""
import time
mark = open("/sys/kernel/tracing/trace_marker", "w", buffering=1)
servo = actuator("servo", 90.0, pin={SERVO}, min_angle=0, max_angle=180)
print(servo.read(), servo.lines())
time.sleep(1)
print("min", file=mark)
servo.write(0)
time.sleep(1)
print(servo.read())
print("end", file=mark)
""",
    )
    assert program.wait() == 0, program.log
    assert program.log.split("\n")[:2] == [f"90.0 ((1, {SERVO}, False),)", "0.0"]
    recording = guest.recording()
    assert recording.levels(SERVO)[0] == 0
    for part, pulse in (
        (recording.until("min"), 0.0015),
        (recording.since("min").until("end"), 0.001),
    ):
        events = [event for event in part.of(SERVO) if event.what == "level"]
        wide = [b.time - a.time for a, b in pairwise(events) if a.value and not b.value]
        # Timed by a program of an emulated machine: on a busy host most come late or early.
        good = [width for width in wide if width == pytest.approx(pulse, abs=0.00025)]
        assert len(wide) > 20 and len(good) >= len(wide) / 4, wide
