"""Any order of firing, clearing, calls, keys, restarts and silence: nobody is phoned twice by
mistake, too often, or out of turn, and nobody who has not pressed a key counts as knowing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.config.alarms import AlarmConfig, CallsConfig
from agent.phone.alarms.rules import RuleState, judge
from tests.phone.alarms.rig import HOT, PHONES, World, check_limits
from tests.phone.alarms.test_alarm_ladder import WAYS

WITHOUT_KEY = sorted(set(WAYS) - {"passed on"})


class Life(RuleBasedStateMachine):
    """The world, with a telephone service and people who do anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.keys = 0
        self.steps: dict[tuple[str, float], int] = {}

    @rule(seconds=st.sampled_from([1.0, 5.0, 31.0, 61.0, 125.0, 700.0, 3700.0, 20_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.wait(seconds, every=max(1.0, seconds / 20))

    @rule(id=st.sampled_from(["hot", "wet"]))
    def it_fires(self, id: str) -> None:
        self.world.fire(id)

    @rule(id=st.sampled_from(["hot", "wet"]))
    def it_clears(self, id: str) -> None:
        self.world.clear(id)

    @rule(name=st.sampled_from(["ann", "hot"]))
    def somebody_makes_a_test_call(self, name: str) -> None:
        self.world.test(name, ("ann",) if name == "ann" else HOT.call)

    @rule()
    def the_order_is_taken(self) -> None:
        self.world.placed()

    @rule()
    def the_answer_is_lost(self) -> None:
        self.world.unsure()

    @rule(blame=st.booleans())
    def the_order_fails(self, blame: bool) -> None:
        self.world.not_placed(blame=blame)

    @rule(status=st.sampled_from(
        ["answered", "reject", "busy", "timeout", "notfound", "failed", "exploded"]))
    def a_result_comes(self, status: str) -> None:
        self.world.result(status)

    @rule()
    def the_line_stands(self) -> None:
        self.world.established()

    @rule()
    def they_hang_up(self) -> None:
        self.world.hang_up()

    @rule(answer=st.sampled_from([None, "1", "2", "3", "9", "timeout", "", "台北/0.7", "1,1"]),
          phone=st.sampled_from([None, "034240000", *PHONES.values()]),
          which=st.integers(0, 3))  # fmt: skip
    def a_request_comes(self, answer: str | None, phone: str | None, which: int) -> None:
        ids = self.world.ids
        node = f"a00{ids[-1 - which]}" if len(ids) > which else "MAIN"
        action = self.world.ask(answer, node if answer is not None else "MAIN", phone)
        assert action.id == "id1"
        self.keys += answer == "1"

    @rule(reboot=st.booleans(), trusted=st.booleans())
    def the_agent_restarts(self, reboot: bool, trusted: bool) -> None:
        self.world.trusted = trusted
        self.world.restart(reboot=reboot)

    @rule(ready=st.booleans())
    def the_service_comes_and_goes(self, ready: bool) -> None:
        self.world.ready = ready

    @invariant()
    def there_is_one_call_at_a_time(self) -> None:
        open = [dial for dial in self.world.situation.dials if dial.phase != "over"]
        assert len(open) <= 1

    @invariant()
    def nobody_is_phoned_too_often(self) -> None:
        check_limits(self.world)

    @invariant()
    def only_a_key_acknowledges(self) -> None:
        acked = any(one.ack for one in self.world.situation.incidents.values())
        assert not acked or self.keys

    @invariant()
    def the_ladder_only_climbs(self) -> None:
        """Within one incident and one stretch without acknowledgement."""
        for key, one in self.world.situation.incidents.items():
            stretch = (key, one.opened.mono)
            if one.ack is not None:
                self.steps.pop(stretch, None)
                continue
            if one.kind == "test":
                continue
            assert one.step >= self.steps.get(stretch, 0) or one.step == 0
            self.steps[stretch] = one.step
            assert one.step <= len(one.call) * one.rounds


Life.TestCase.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
TestLife = Life.TestCase


@pytest.mark.req("T-33")
@given(st.lists(st.sampled_from(WITHOUT_KEY), min_size=4, max_size=4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_without_a_key_it_always_goes_to_the_next_and_then_stops(
    ways: list[str], restarts: bool
) -> None:
    world = World()
    world.fire("hot")
    for number, way in enumerate(ways):
        if len(world.people) == number:
            world.wait_for_call()
        if restarts:
            world.restart(reboot=number % 2 == 1)
        WAYS[way](world)
    world.wait(1000)
    assert world.people == ["ann", "bob", "ann", "bob"]
    assert world.situation.incidents["hot"].ack is None


@pytest.mark.slow
@pytest.mark.parametrize("settling", [1.0, 900.0])
@pytest.mark.parametrize("way", ["timeout", "1", "busy"])
def test_flapping_for_a_day_stays_within_the_limits(way: str, settling: float) -> None:
    """At 1 Hz, where it is one incident all day; and so slowly that each is a new one."""
    flap = AlarmConfig("hot", "air", above=35.0, call=("ann", "bob"))
    world = World(alarms=(flap,), calls=CallsConfig(enabled=True, collect=0.0))
    state, hot = RuleState(0.0), False
    while world.seconds < 86_400:
        world.seconds += settling if hot else 1.0
        hot = not hot
        before, state = state, judge(flap, state, "36" if hot else "20", world.seconds)
        if state.firing and not before.firing:
            world.fire("hot")
        elif before.firing and not state.firing:
            world.clear("hot")
        world.tick()
        if world.call is not None and world.call.phase == "dialling":
            world.placed()
            if way == "busy":
                world.result("busy")
            else:
                world.result("answered")
                world.ask(way, world.ask(None).node)
    check_limits(world)
    assert 0 < len(world.ordered) <= 20
    if settling == 1.0:
        # Known for four hours at a time, or told to everybody twice.
        assert len(world.ordered) <= math.ceil(24 / 4) if way == "1" else 4


def test_one_restart_after_another_gives_no_fresh_allowance() -> None:
    world = World(trusted=False)
    for _ in range(40):
        world.fire("hot")
        world.wait(40, every=10)
        world.answer_and("1")
        world.situation = world.situation.without("hot")
        world.restart(reboot=True)
        world.wait(100, every=10)
    check_limits(world)
    assert world.people.count("ann") <= 5


def test_limits_are_lifted_by_time(  # or the property above would hold for an agent that is mute
) -> None:
    world = World(calls=CallsConfig(enabled=True, collect=0.0, per_day=2))
    for day in range(3):
        for _ in range(3):
            world.fire("hot")
            world.wait(61)
            world.answer_and("1")
            world.situation = world.situation.without("hot")
        world.wait(86_400, every=600)
        assert len(world.ordered) == 2 * (day + 1)


def test_people_are_phoned_about_what_they_are_named_for() -> None:
    world = World(alarms=(HOT,))
    world.fire("hot")
    world.wait_for_call()
    assert set(world.people) <= set(HOT.call)
