"""The envelope as a state machine: nothing that may happen, in any order, breaks a promise."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agent.config.model import Action, OnLinkLost, RateLimit
from agent.control.words import state_word
from tests.control.fakes import OFF, ON, TOGGLE, Bench, lamp

COMMANDS = {
    "on": ON,
    "off": OFF,
    "toggle": TOGGLE,
    "half": Action("set", 0.5),
    "ring": Action("pulse", 1.0, 12.0),
    "dip": Action("pulse", 0.0, 8.0),
    "blip": Action("pulse", 1.0, 1.0),
}
HEATER = lamp(
    id="heater",
    commands=COMMANDS,
    interlock="air",
    min_on=10.0,
    min_off=8.0,
    max_on=40.0,
    rate_limit=RateLimit(3, 60.0),
)
FAN = lamp(
    id="fan",
    commands=COMMANDS,
    interlock="air",
    min_off=5.0,
    on_link_lost=OnLinkLost(20.0, ON),
)
PUMP = lamp(
    id="pump",
    commands=COMMANDS,
    interlock="air",
    max_on=15.0,
    min_on=2.0,
    on_link_lost=OnLinkLost(30.0),
)
SPECS = (HEATER, FAN, PUMP)
EPS = 1e-5


class Life(RuleBasedStateMachine):
    """Commands, time, links, kills: whatever a day brings."""

    faults = False

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name), SPECS)
        self.bench.control.start()
        self.bench.online()
        self.commanded: list[int] = []

    @rule(
        actuator=st.sampled_from([spec.id for spec in SPECS]),
        cmd=st.sampled_from(sorted(COMMANDS)),
        local=st.booleans(),
    )
    def command(self, actuator: str, cmd: str, local: bool) -> None:
        before = len(self.bench.timeline)
        if local:
            self.bench.control.local(actuator, cmd)
        else:
            self.bench.command(cmd, actuator, text=f"{before} {self.bench.hands.now}")
        self.commanded += range(before, len(self.bench.timeline))

    @rule(seconds=st.one_of(st.sampled_from([1.0, 8.0, 10.0, 20.0, 30.0]), st.floats(0.01, 50)))
    def turn(self, seconds: float) -> None:
        self.bench.hands.turn(seconds)

    @rule()
    def link_lost(self) -> None:
        self.bench.control.link_lost()

    @rule()
    def link_up(self) -> None:
        self.bench.control.link_up()
        self.bench.control.subscribed(self.bench.hands.now)

    @rule()
    def killed(self) -> None:
        self.bench.restart()

    @rule(seconds=st.floats(-1e5, 1e5))
    def clock_step(self, seconds: float) -> None:
        self.bench.hands.step(seconds)

    @precondition(lambda self: self.faults)
    @rule(
        actuator=st.sampled_from([spec.id for spec in SPECS]),
        broken=st.sampled_from(["", "the line is gone"]),
        stuck=st.sampled_from([None, 0.0, 1.0]),
    )
    def fault(self, actuator: str, broken: str, stuck: float | None) -> None:
        self.bench.pins[actuator].broken = broken
        self.bench.pins[actuator].stuck = stuck

    @invariant()
    def at_most_one_of_the_group_is_on(self) -> None:
        assert sum(pin.level > 0 for pin in self.bench.pins.values()) <= 1

    @invariant()
    def the_state_is_the_pin(self) -> None:
        if not self.faults:
            for spec in SPECS:
                level = self.bench.pins[spec.id].level
                assert self.bench.state(spec.id) == state_word(spec, level)

    def teardown(self) -> None:
        self.bench.hands.turn(1.0)
        on: set[str] = set()
        for _, name, level in self.bench.timeline:
            on = on | {name} if level > 0 else on - {name}
            assert len(on) <= 1
        if not self.faults:
            for spec in SPECS:
                self.check_times(spec.id, spec.min_on, spec.min_off, spec.max_on)
        self.check_rate()
        self.bench.kill()
        self.folder.cleanup()

    def check_times(
        self, actuator: str, min_on: float | None, min_off: float | None, max_on: float | None
    ) -> None:
        now, turned, was = self.bench.hands.now, None, 0.0
        for number, (when, name, level) in enumerate(self.bench.timeline):
            if name != actuator:
                continue
            if (level > 0) != (was > 0):
                if turned is not None:
                    lasted = when - turned
                    if level > 0:
                        assert lasted >= (min_off or 0.0) - EPS
                    else:
                        assert lasted <= (max_on or 1e9) + EPS
                        if number in self.commanded:
                            assert lasted >= (min_on or 0.0) - EPS
                turned = when
            was = level
        if was > 0 and turned is not None:
            assert now - turned <= (max_on or 1e9) + EPS

    def check_rate(self) -> None:
        limit = HEATER.rate_limit
        assert limit is not None
        times = [
            self.bench.timeline[number][0]
            for number in self.commanded
            if self.bench.timeline[number][1] == "heater"
        ]
        for first, last in zip(times, times[limit.count :], strict=False):
            assert last - first >= limit.per - EPS
        assert all(a <= b for a, b in pairwise(times))


class FaultyLife(Life):
    """The same with pins that fail, lie and recover: the interlock and the rate still hold."""

    faults = True


TestLife = pytest.mark.req("P-09")(Life.TestCase)
TestLife.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestFaultyLife = FaultyLife.TestCase
TestFaultyLife.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
