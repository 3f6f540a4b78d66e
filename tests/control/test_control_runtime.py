"""From a command to the pin and its ack; safe states, pulses, faults, the status."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from agent.config.model import Action, OnLinkLost, RateLimit
from agent.control.control import ActuatorStatus, LastCommand, Result
from agent.control.decision import Command
from agent.control.journal import KEPT
from agent.control.timers import Alarm, Timers
from agent.values import shortest
from tests.control.fakes import NOON, OFF, ON, WORDS, Bench, lamp

RING = {**WORDS, "ring": Action("pulse", 1.0, 0.5), "dip": Action("pulse", 0.0, 5.0)}


def started(folder: Path, *specs: object, **changes: object) -> Bench:
    bench = Bench(folder, specs or [lamp(**changes)])  # type: ignore[arg-type]
    bench.control.start()
    bench.online()
    return bench


@pytest.mark.req("P-09", "P-11")
def test_a_command_moves_the_pin_and_the_ack_is_its_state(tmp_path: Path) -> None:
    bench = started(tmp_path)
    assert bench.command("on") == "on"
    assert bench.pins["lamp"].level == 1.0
    bench.hands.turn(1)
    assert bench.command("toggle") == "off"
    bench.hands.turn(1)
    assert bench.command("toggle") == "on"
    bench.hands.turn(1)
    assert bench.command("off") == "off"
    assert bench.command("on", ago=61) == "error: too old: 61 s, at most 60 s"
    assert bench.command("blink") == "error: unknown command 'blink'; known: on, off, toggle"
    assert [level for _, level in bench.pins["lamp"].moves] == [1.0, 0.0, 1.0, 0.0]
    assert [r.values for r in bench.states] == [("off",), *[("on",), ("off",)] * 2]
    assert all(r.urgent and r.sensor == "lamp" for r in bench.states)
    assert bench.states[1].mono == bench.hands.now - 3


@pytest.mark.req("P-11")
def test_an_ack_is_the_configured_word_and_a_number_where_there_is_none(tmp_path: Path) -> None:
    words = {"開": ON, "關": OFF, "half": Action("set", 0.5)}
    bench = started(tmp_path, commands=words, numbers=True)
    for cmd, ack in {"開": "開", "0.35": "0.35", "0.5": "half", "0": "關", "1.0": "開"}.items():
        assert bench.command(cmd) == ack


@pytest.mark.req("P-11")
def test_a_pwm_says_the_value_set_though_its_hardware_has_steps(tmp_path: Path) -> None:
    bench = started(tmp_path, numbers=True)
    bench.pins["lamp"].step = 1 / 255
    assert bench.command("0.3") == "0.3"
    assert bench.pins["lamp"].level != 0.3


@pytest.mark.req("P-09")
@pytest.mark.parametrize("killed", [False, True])
def test_a_repetition_is_known_though_hundreds_of_commands_came_since(
    tmp_path: Path, killed: bool
) -> None:
    bench = started(tmp_path, commands={"on": ON}, numbers=True, max_command_age=3600.0)
    sent = []
    for n in range(701):  # odd: one of the last moment that is remembered is forgotten
        now = bench.hands.utc()
        sent.append(Command("lamp", f"0.{n + 100}", now, now.isoformat()))
        assert bench.send(sent[-1]) == shortest(float(sent[-1].cmd))
        bench.hands.turn(0.1 if n % 2 else 0.0)  # two of the same moment, too
    if killed:
        bench.restart()
        bench.online()
    moves = len(bench.timeline)
    for n, command in enumerate(sent):
        again = bench.send(command)
        assert again.startswith("error: older than") or (n >= 701 - KEPT and again[:2] == "0.")
        assert len(bench.timeline) == moves, n
    assert bench.command("on") == "on"


@pytest.mark.req("P-09")
def test_commands_of_two_clocks_do_not_shut_each_other_out(tmp_path: Path) -> None:
    """A platform that writes its local time is eight hours ahead; that makes nothing else old."""
    bench = started(tmp_path)
    for _ in range(KEPT):
        assert bench.command("on", ago=-8 * 3600) == "on"
        bench.hands.turn(0.1)
    assert bench.command("off") == "off"


@pytest.mark.req("P-09")
def test_the_same_command_again_repeats_its_first_ack(tmp_path: Path) -> None:
    bench = started(tmp_path)
    first = Command("lamp", "on", NOON, "2027-01-01T12:00:00.000Z")
    bench.hands.step((NOON - bench.hands.utc()).total_seconds())
    assert bench.send(first) == "on"
    bench.hands.turn(5)
    assert bench.command("off") == "off"
    assert bench.send(first) == "on"
    bench.hands.turn(3600)
    assert bench.send(first) == "on"
    bench.restart()
    assert bench.send(first) == "on"
    assert bench.pins["lamp"].level == 0.0
    assert bench.control.snapshot()[0].last_command is None


@pytest.mark.req("P-09")
def test_a_duplicate_of_a_command_the_agent_died_in_answers_with_the_state(tmp_path: Path) -> None:
    bench = started(tmp_path)
    time = bench.hands.utc()
    command = Command("lamp", "on", time, "a time")
    bench.pins["lamp"].deadly = True
    with pytest.raises(KeyboardInterrupt):
        bench.send(command)
    bench.pins["lamp"].deadly = False
    bench.restart()
    bench.online(0)
    assert bench.send(command) == "off"
    assert bench.pins["lamp"].moves == []


@pytest.mark.req("P-09")
def test_a_command_refused_by_the_envelope_is_spent(tmp_path: Path) -> None:
    bench = started(tmp_path, min_on=30.0)
    bench.hands.turn(60)
    assert bench.command("on") == "on"
    bench.hands.turn(18)
    refusal = "error: on for at least 30 s, 12 s left"
    assert bench.command("off", text="t") == refusal
    bench.hands.turn(12)
    assert bench.command("off", ago=12, text="t") == refusal
    assert bench.pins["lamp"].level == 1.0
    assert bench.command("off") == "off"


@pytest.mark.req("P-09")
def test_a_replay_may_come_before_its_suback(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.control.link_lost()
    bench.control.link_up()
    untimed = Command("lamp", "on")
    assert bench.send(untimed) == "error: no valid time, it may be an old one"
    bench.control.subscribed(bench.hands.now)
    bench.hands.turn(9.9)
    assert bench.send(untimed).startswith("error: ")
    bench.control.subscribed(bench.hands.now)
    bench.hands.turn(9.9)
    assert bench.send(untimed).startswith("error: ")
    bench.hands.turn(0.2)
    assert bench.send(untimed) == "on"


@pytest.mark.req("P-09")
def test_a_clock_that_steps_back_makes_no_refused_command_young(tmp_path: Path) -> None:
    bench = started(tmp_path)
    old = Command("lamp", "on", bench.hands.utc() - timedelta(hours=2), "two hours ago")
    refusal = bench.send(old)
    assert refusal == "error: too old: 7200 s, at most 60 s"
    bench.hands.step(-7200)
    assert bench.send(old) == refusal
    assert bench.pins["lamp"].moves == []
    assert bench.command("on") == "on"


def test_the_memory_of_refusals_is_bounded(tmp_path: Path) -> None:
    bench = started(tmp_path)
    for number in range(1000):
        bench.command("on", ago=100, text=f"time {number}")
    assert len(bench.control._refused) == 256


def test_an_unset_clock_is_no_reason_to_refuse_for_ever(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.hands.sure = False
    bench.control.subscribed(bench.hands.now)
    time = bench.hands.utc()
    command = Command("lamp", "on", time, time.isoformat())
    assert bench.send(command) == "error: clock not set yet, it may be an old one"
    bench.hands.turn(10)
    assert bench.send(command) == "on"


def test_local_commands_take_the_same_path_without_an_ack(tmp_path: Path) -> None:
    bench = started(tmp_path, min_on=30.0)
    assert bench.control.local("lamp", "on") == Result(True, "on")
    refused = bench.control.local("lamp", "off", "phone")
    assert refused == Result(False, "error: on for at least 30 s, 30 s left")
    assert not bench.control.local("pump", "on").ok
    assert "there are: lamp" in bench.control.local("pump", "on").text
    assert bench.acks == []
    assert [r.values for r in bench.states] == [("off",), ("on",)]
    since = bench.hands.now
    assert bench.control.snapshot() == (
        ActuatorStatus("lamp", "on", since, LastCommand("off", "phone", refused.text)),
    )


def test_states_are_published_only_where_wanted(tmp_path: Path) -> None:
    bench = started(tmp_path, publish_state=False)
    bench.command("on")
    assert bench.states == []


def test_a_command_for_somebody_else_is_counted_and_not_acknowledged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = started(tmp_path)
    for _ in range(3):
        bench.control.handle(Command("pu\nmp", "on"))
    assert bench.control.unknown == 3
    assert bench.acks == []
    assert [r.message for r in caplog.records] == [
        "command for 'pu?mp', which is no actuator here"
    ]


def test_a_row_of_refusals_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = started(tmp_path)
    for _ in range(5):
        bench.command("on", ago=3600)
    assert len(caplog.records) == 1
    bench.command("on")
    bench.command("off", ago=3600)
    assert len(caplog.records) == 2
    assert {vars(record).get("ACTUATOR") for record in caplog.records} == {"lamp"}  # a field


# Safe states


def test_start_finds_a_pin_on_and_makes_it_safe(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.command("on")
    bench.restart()
    assert bench.pins["lamp"].level == 0.0
    assert bench.state() == "off"


def test_stop_writes_every_safe_level_then_lets_go(tmp_path: Path) -> None:
    valve = lamp(id="valve", safe=1.0, commands=RING, on_link_lost=OnLinkLost(60.0))
    bench = Bench(tmp_path, [lamp(max_on=9.0), valve, lamp(id="pump"), lamp(id="away")])
    bench.unopenable = {"away"}
    bench.control.start()
    bench.online()
    bench.command("on")
    bench.command("dip", "valve")
    bench.command("on", "pump")
    bench.pins["lamp"].broken = "the line is gone"
    bench.command("off")
    bench.control.link_lost()
    assert bench.hands.pending == 5
    bench.control.stop()
    assert bench.hands.pending == 0
    assert bench.pins["valve"].level == 1.0
    assert bench.pins["pump"].level == 0.0
    assert [pin.released for pin in bench.pins.values()] == [1, 1, 1, 0]
    moves = {name: len(pin.moves) for name, pin in bench.pins.items()}
    bench.hands.turn(3600)
    assert bench.command("on", "pump") == "error: the agent is stopping"
    assert not bench.control.local("pump", "on").ok
    bench.control.link_up()
    bench.control.link_lost()
    assert bench.hands.pending == 0
    bench.hands.turn(3600)
    assert {name: len(pin.moves) for name, pin in bench.pins.items()} == moves
    assert bench.states[-1].values == ("off",)
    assert bench.states[-1].sensor == "pump"


def test_max_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench = started(tmp_path, max_on=120.0, min_on=300.0, numbers=True)
    bench.command("on")
    bench.hands.turn(119)
    assert bench.command("0.5") == "0.5"
    assert bench.command("on") == "on"
    bench.hands.turn(0.9)
    assert bench.state() == "on"
    bench.hands.turn(0.1)
    assert bench.state() == "off"
    assert bench.states[-1].values == ("off",)
    assert "actuator lamp: on for 120 s, the longest allowed: now off" in caplog.text
    assert {vars(record).get("ACTUATOR") for record in caplog.records} == {"lamp"}  # a field


def test_a_switch_off_in_time_resets_max_on(tmp_path: Path) -> None:
    bench = started(tmp_path, max_on=120.0)
    for _ in range(3):
        bench.command("on")
        bench.hands.turn(100)
        assert bench.command("off") == "off"
        bench.hands.turn(1)
    bench.command("on")
    bench.hands.turn(119)
    assert bench.state() == "on"


def test_an_output_whose_safe_state_is_on_may_stay_there(tmp_path: Path) -> None:
    bench = started(tmp_path, safe=1.0, max_on=10.0)
    bench.hands.turn(100)
    assert bench.command("off") == "off"
    bench.hands.turn(100)
    assert bench.command("on") == "on"
    bench.hands.turn(100)
    assert len(bench.pins["lamp"].moves) == 3


@pytest.mark.parametrize("do", [None, OFF])  # "safe", and a word that leads there
def test_a_lost_link_makes_safe_after_its_time_once(tmp_path: Path, do: Action | None) -> None:
    bench = started(tmp_path, on_link_lost=OnLinkLost(600.0, do), min_on=10000.0)
    bench.command("on")
    bench.control.link_lost()
    bench.hands.turn(599)
    bench.control.link_lost()
    assert bench.state() == "on"
    bench.hands.turn(1)
    assert bench.state() == "off"
    assert bench.control.local("lamp", "on").ok
    bench.control.link_lost()
    bench.hands.turn(6000)
    assert bench.state() == "on"


def test_a_link_that_comes_back_in_time_changes_nothing(tmp_path: Path) -> None:
    bench = started(tmp_path, on_link_lost=OnLinkLost(600.0))
    bench.command("on")
    for _ in range(3):
        bench.control.link_lost()
        bench.hands.turn(599)
        bench.control.link_up()
    bench.hands.turn(6000)
    assert bench.state() == "on"


def test_a_link_that_never_came_counts_as_lost(tmp_path: Path) -> None:
    bench = Bench(tmp_path, [lamp(on_link_lost=OnLinkLost(600.0))])
    bench.control.start()
    assert bench.control.local("lamp", "on").ok
    bench.hands.turn(600)
    assert bench.state() == "off"


def test_another_action_for_a_lost_link_obeys_the_envelope(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rule = OnLinkLost(600.0, ON)
    bench = started(
        tmp_path,
        lamp(on_link_lost=rule, interlock="air"),
        lamp(id="fan", interlock="air"),
    )
    bench.command("on", "fan")
    bench.control.link_lost()
    bench.hands.turn(600)
    assert bench.state() == "off"
    assert "no link for 600 s: interlock: fan is on" in caplog.text
    bench.control.link_up()
    bench.command("off", "fan")
    bench.control.link_lost()
    bench.hands.turn(600)
    assert bench.state() == "on"


def test_a_lost_link_needs_no_allowance(tmp_path: Path) -> None:
    bench = started(
        tmp_path, rate_limit=RateLimit(2, 9999.0), on_link_lost=OnLinkLost(600.0, ON)
    )
    bench.command("on")
    bench.command("off")
    bench.control.link_lost()
    bench.hands.turn(600)
    assert bench.state() == "on"


# Pulses


@pytest.mark.req("P-11")
def test_a_pulse_acks_at_its_start_and_ends_by_itself(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING)
    assert bench.command("ring") == "on"
    bench.hands.turn(0.4)
    assert bench.state() == "on"
    bench.hands.turn(0.1)
    assert bench.state() == "off"
    assert len(bench.acks) == 1
    assert [r.values for r in bench.states] == [("off",), ("on",), ("off",)]


def test_a_pulse_ends_where_it_began(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING, numbers=True)
    bench.command("0.3")
    bench.command("ring")
    bench.hands.turn(1)
    assert bench.state() == "0.3"
    bench.command("dip")
    bench.hands.turn(6)
    assert bench.state() == "0.3"
    bench.command("on")
    assert bench.command("ring") == "on"
    bench.hands.turn(1)
    assert bench.state() == "on"


def test_a_command_in_a_pulse_ends_it(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING)
    for cmd, state in {"on": "on", "off": "off"}.items():
        bench.command("off")
        bench.command("ring")
        bench.hands.turn(0.1)
        assert bench.command(cmd) == state
        bench.hands.turn(5)
        assert bench.state() == state
    bench.command("ring")
    assert bench.command("toggle") == "off"


def test_a_pulse_in_a_pulse_starts_anew_and_ends_once(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING)
    bench.command("ring")
    bench.hands.turn(0.4)
    bench.command("ring")
    bench.hands.turn(0.4)
    assert bench.state() == "on"
    bench.hands.turn(0.1)
    assert bench.state() == "off"
    bench.hands.turn(10)
    assert len(bench.pins["lamp"].moves) == 2


def test_a_refused_command_leaves_a_pulse_alone(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING)
    bench.command("ring")
    assert bench.command("onn").startswith("error: ")
    bench.hands.turn(0.5)
    assert bench.state() == "off"


def test_a_pulse_may_not_undercut_the_minimum_times(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING, min_on=1.0, min_off=5.0)
    ack = bench.command("ring")
    assert ack == "error: a pulse of 0.5 s is too short: on for at least 1 s, 0.5 s left"
    assert bench.command("on") == "on"
    bench.hands.turn(1)
    assert bench.command("dip") == "off"
    bench.hands.turn(5)
    assert bench.state() == "on"


def test_a_pulse_does_not_end_on_top_of_another_of_its_group(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = started(
        tmp_path, lamp(commands=RING, interlock="air"), lamp(id="fan", interlock="air")
    )
    bench.command("on")
    assert bench.command("on", "fan") == "error: interlock: lamp is on"
    bench.command("dip")
    bench.hands.turn(1)
    assert bench.command("on", "fan") == "on"
    bench.hands.turn(5)
    assert bench.state() == "off"
    assert "stays off after its pulse: interlock: fan is on" in caplog.text


def test_a_pulse_counts_once_for_the_rate(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING, rate_limit=RateLimit(2, 60.0))
    for ack in ("on", "on", "error: at most 2 changes in 60 s, 58 s left"):
        assert bench.command("ring") == ack
        bench.hands.turn(1)


def test_a_longer_pulse_is_no_change(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING, rate_limit=RateLimit(1, 60.0))
    assert bench.command("ring") == "on"
    bench.hands.turn(0.4)
    assert bench.command("ring") == "on"


def test_a_restart_gives_no_fresh_allowance(tmp_path: Path) -> None:
    bench = started(tmp_path, rate_limit=RateLimit(2, 600.0))
    bench.control.local("lamp", "on")
    bench.control.local("lamp", "off")
    bench.restart()
    assert bench.control.local("lamp", "on").text.startswith("error: at most 2 changes")
    bench.hands.boot_id, bench.hands.now = "the next boot", 30.0
    bench.restart()
    assert "570 s left" in bench.control.local("lamp", "on").text
    bench.hands.turn(570)
    assert bench.control.local("lamp", "on").ok


# Faults


def test_an_actuator_that_cannot_be_opened_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    bench = Bench(tmp_path, [lamp(), lamp(id="fan")])
    bench.unopenable = {"lamp"}
    bench.control.start()
    bench.online()
    assert bench.state() == "unknown"
    assert bench.states[0].values == ("unknown",)
    ack = bench.command("on")
    assert ack == "error: not available: line of lamp is taken by another program"
    assert bench.command("on", "fan") == "on"
    assert bench.control.lines() == ((0, 17, False),)
    bench.hands.turn(300)
    bench.unopenable = set()
    bench.hands.turn(60)
    assert bench.state() == "off"
    assert bench.command("on") == "on"
    told = [r.message for r in caplog.records if "lamp" in r.message]
    assert sum("taken" in text for text in told) == 2  # the fault, and the refused command
    assert "actuator lamp: works again" in told
    bench.control.stop()


def test_a_pin_that_does_not_follow_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = started(tmp_path, max_on=60.0)
    bench.pins["lamp"].stuck = 0.0
    ack = "error: the output reads off after on was written"
    assert bench.command("on") == ack
    assert bench.command("on") == ack
    assert bench.state() == "off"
    assert sum("the output reads off" in r.message for r in caplog.records) == 2
    bench.hands.turn(60)
    assert bench.pins["lamp"].level == 0.0
    assert bench.command("off") == "off"


def test_a_line_that_fails_is_unknown_and_its_safe_state_insisted_on(tmp_path: Path) -> None:
    bench = started(tmp_path, max_on=60.0)
    pin = bench.pins["lamp"]
    bench.command("on")
    bench.hands.turn(59)
    pin.broken = "lamp: the line is gone"
    assert bench.command("toggle") == "error: lamp: the line is gone"
    bench.hands.turn(30)
    assert bench.state() == "unknown"
    assert pin.level == 1.0
    pin.broken = ""
    bench.hands.turn(1)
    assert pin.level == 0.0
    assert bench.states[-1].values == ("off",)


def test_a_switch_off_that_fails_is_insisted_on(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.command("on")
    bench.pins["lamp"].broken = "busy"
    assert bench.command("off") == "error: busy"
    bench.pins["lamp"].broken = ""
    bench.hands.turn(1)
    assert bench.state() == "off"


def test_a_later_command_ends_the_insisting(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.pins["lamp"].broken = "busy"
    bench.command("off")
    bench.pins["lamp"].broken = ""
    assert bench.command("on") == "on"
    bench.hands.turn(5)
    assert bench.state() == "on"


def test_the_end_of_a_pulse_that_fails_is_insisted_on(tmp_path: Path) -> None:
    bench = started(tmp_path, commands=RING)
    bench.command("ring")
    bench.pins["lamp"].broken = "busy"
    bench.hands.turn(5)
    bench.pins["lamp"].broken = ""
    bench.hands.turn(1)
    assert bench.pins["lamp"].level == 0.0


def test_a_switch_on_that_fails_does_not_happen_later(tmp_path: Path) -> None:
    bench = started(tmp_path)
    bench.pins["lamp"].broken = "busy"
    assert bench.command("on") == "error: busy"
    bench.pins["lamp"].broken = ""
    bench.hands.turn(600)
    assert bench.pins["lamp"].moves == []


def test_what_may_be_on_blocks_its_group(tmp_path: Path) -> None:
    bench = started(tmp_path, lamp(interlock="air"), lamp(id="fan", interlock="air"), lamp(id="x"))
    assert bench.command("on") == "on"
    assert bench.control.local("lamp", "on").ok
    bench.pins["lamp"].broken = "busy"
    bench.command("off")
    assert bench.command("on", "fan") == "error: interlock: lamp is unknown"
    assert bench.command("on", "x") == "on"


# The port to the loop


def test_an_asyncio_loop_is_a_timer() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        timers: Timers = loop
        rung: list[str] = []
        done = loop.create_future()
        first, second, third = Alarm(timers), Alarm(timers), Alarm(timers)
        first.set(0.0, lambda: rung.append("never"))
        first.set(0.001, lambda: rung.append("first"))
        second.set(0.0, lambda: rung.append("never"))
        second.cancel()
        third.set(0.01, lambda: done.set_result(None))
        assert (first.pending, second.pending) == (True, False)
        await asyncio.wait_for(done, 5)
        assert (first.pending, third.pending) == (False, False)
        return rung

    assert asyncio.run(main()) == ["first"]


MOTOR = {"forward": ON, "backward": Action("set", -1.0), "stop": OFF}


@pytest.mark.req("P-09", "P-11")
def test_a_motor_obeys_both_ways_within_its_envelope(tmp_path: Path) -> None:
    bench = started(
        tmp_path,
        lamp(commands=MOTOR, levels=(-1.0, 1.0), numbers=True, max_on=30.0, interlock="power"),
        lamp(id="fan", interlock="power"),
    )
    assert bench.state() == "stop"
    assert bench.command("backward") == "backward"
    assert bench.command("on", "fan") == "error: interlock: lamp is backward"
    bench.hands.turn(20)
    assert bench.command("-0.25") == "-0.25"
    bench.hands.turn(11)
    assert bench.state() == "stop", "on in either direction counts for max_on"
    assert bench.command("on", "fan") == "on"
    assert bench.command("-1") == "error: interlock: fan is on"
    assert [level for _, level in bench.pins["lamp"].moves] == [-1.0, -0.25, 0.0]
