"""What limits an output in time and beside others, as the lines show it: how long it was on."""

from __future__ import annotations

import pytest

from tests.pi.bed import Guest, Platform, until
from tests.pi.recording import Recording
from tests.pi.test_daemon_lines import RAWDATA, command, run_agent, value_is

BELL, HEATER, FAN = 17, 27, 22
LATE = 0.3
"""Seconds that a timer may be late on a busy machine. None may ever be early."""

DEVICES = f"""
[[actuator]]
id = "bell"
driver = "relay"
pin = {BELL}
commands = {{ off = "off", short = {{ pulse = "100ms" }}, ring = {{ pulse = "1s" }} }}

[[actuator]]
id = "heater"
driver = "relay"
pin = {HEATER}
max_on = "2s"
interlock = "climate"
publish_state = true

[[actuator]]
id = "fan"
driver = "relay"
pin = {FAN}
interlock = "climate"
"""


def times_on(recording: Recording, line: int) -> list[float]:
    """How long the line was on each time, in seconds."""
    since, times = None, []
    for event in recording.of(line):
        if event.what == "level" and event.value and since is None:
            since = event.time
        elif event.what == "level" and not event.value and since is not None:
            times.append(event.time - since)
            since = None
    return times


def never_early(wanted: float) -> object:
    """That long, or a little longer."""
    return pytest.approx(wanted + LATE / 2, abs=LATE / 2 + 0.001)


def test_a_pulse_is_as_long_as_it_is_called(guest: Guest, platform: Platform) -> None:
    agent = run_agent(guest, platform, devices=DEVICES)
    for word, length in (("short", 0.1), ("ring", 1.0), ("short", 0.1)):
        guest.mark("pulse")
        command(platform, word, "bell")
        until("the pulse is over", lambda: times_on(guest.recording().since("pulse"), BELL))
        assert times_on(guest.recording().since("pulse"), BELL) == [never_early(length)]
    assert agent.end() == 0


def test_a_command_cuts_a_pulse_short(guest: Guest, platform: Platform) -> None:
    agent = run_agent(guest, platform, devices=DEVICES)
    command(platform, "ring", "bell")
    assert guest.level(BELL) == 1
    assert command(platform, "off", "bell") == "off"
    (length,) = times_on(guest.recording(), BELL)
    assert length < 1.0
    assert agent.end() == 0


def test_on_for_too_long_it_goes_off_by_itself(guest: Guest, platform: Platform) -> None:
    agent = run_agent(guest, platform, devices=DEVICES)
    assert command(platform, "on", "heater") == "on"
    # Asked for again in between: the time does not begin anew.
    platform.expect(RAWDATA, value_is("heater", "on"))
    assert command(platform, "on", "heater") == "on"
    platform.expect(RAWDATA, value_is("heater", "off"))
    assert times_on(guest.recording(), HEATER) == [never_early(2.0)]
    assert agent.end() == 0


def test_of_two_that_exclude_each_other_never_both_are_on(guest: Guest, platform: Platform) -> None:
    agent = run_agent(guest, platform, devices=DEVICES)
    assert command(platform, "on", "fan") == "on"
    assert command(platform, "on", "heater") == "error: interlock: fan is on"
    assert command(platform, "off", "fan") == "off"
    assert command(platform, "on", "heater") == "on"
    platform.expect(RAWDATA, value_is("heater", "on"))
    assert command(platform, "on", "fan") == "error: interlock: heater is on"
    platform.expect(RAWDATA, value_is("heater", "off"))  # its longest time
    assert command(platform, "on", "fan") == "on"
    assert agent.end() == 0
    on = {HEATER: 0, FAN: 0}
    seen = []
    for event in guest.recording().events:
        if event.what == "level" and event.line in on:
            on[event.line] = event.value
            seen.append(tuple(on.values()))
    assert set(seen) == {(0, 0), (1, 0), (0, 1)}
