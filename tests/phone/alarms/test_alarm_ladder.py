"""Who is phoned, in which order, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, time
from itertools import pairwise

import pytest

from agent.config.alarms import AlarmConfig, QuietHours
from agent.config.menus import Language
from agent.phone.alarms import ladder, texts
from agent.phone.alarms.model import Kind
from agent.phone.model import Moment, Quality
from agent.protocol.telephone import Keypad
from tests.phone.alarms.rig import AIR, CALLS, HOT, WET, World, check_limits, without_collecting


def test_one_key_ends_it_for_everybody() -> None:
    world = World()
    world.fire("hot")
    world.wait(29)
    assert world.people == []  # what else fires now shares the call
    dial = world.wait_for_call()
    assert dial.person == "ann"
    action = world.answer_and("1")
    assert action.next_node == "END"
    world.wait(3600)
    assert world.people == ["ann"]
    assert "alarm hot: acknowledged by ann" in world.log


@pytest.mark.req("T-55")
def test_the_prompt_says_what_is_wrong_and_listens_for_a_key() -> None:
    world = World()
    world.fire("hot")
    dial = world.wait_for_call()
    action = world.ask(None)
    assert action.collect == Keypad(1, 10)
    assert dial.id in action.node
    assert action.text == (
        "警報。hot，溫度三十八點二度，高於三十五度。知道了請按一，聯絡下一位請按二，重聽請按九。"
    )
    assert world.ask("9", action.node).text == action.text


WAYS = {
    "busy": lambda w: (w.placed(), w.result("busy")),
    "reject": lambda w: (w.placed(), w.result("reject")),
    "timeout": lambda w: (w.placed(), w.result("timeout")),
    "failed": lambda w: (w.placed(), w.result("failed")),
    "an unknown word": lambda w: (w.placed(), w.result("exploded")),
    "lost": lambda w: (w.placed(), w.wait(121)),
    "nobody knows": lambda w: (w.unsure(), w.wait(121)),
    "no answer of the service at all": lambda w: w.wait(121),
    "answered and silent": lambda w: (w.placed(), w.result("answered"), w.wait(46)),
    "voice mail": lambda w: w.answer_and("timeout"),
    "voice mail that says nothing": lambda w: (
        w.placed(), w.result("answered"), w.ask(None), w.wait(60)),
    "hung up": lambda w: (w.placed(), w.established(), w.ask(None), w.hang_up()),
    "passed on": lambda w: w.answer_and("2"),
    "wrong keys": lambda w: [w.answer_and("7")] + [w.ask("5", w.ask(None).node) for _ in range(4)],
}  # fmt: skip


@pytest.mark.req("T-13", "T-33", "T-34")
@pytest.mark.parametrize("way", WAYS)
def test_without_a_key_it_is_the_next_persons_turn(way: str) -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    WAYS[way](world)
    if world.people == ["ann"]:
        world.wait_for_call(2)
    assert world.people == ["ann", "bob"]


def test_who_presses_no_key_hears_who_is_phoned_next() -> None:
    world = World()
    world.fire("hot")
    heard = []
    for _ in range(4):
        world.wait_for_call()
        heard.append(world.answer_and("timeout").text)
    assert heard[:3] == ["沒有收到按鍵。將聯絡下一位，再見。"] * 3
    assert heard[3] == "沒有收到按鍵。已經沒有下一位可以聯絡，再見。"


def test_two_rounds_and_then_it_is_only_shown() -> None:
    world = World()
    world.fire("hot")
    for person in ("ann", "bob", "ann", "bob"):
        assert world.wait_for_call().person == person
        world.answer_and("timeout")
    world.wait(10_000)
    assert world.people == ["ann", "bob", "ann", "bob"]
    assert "alarm hot: everyone was phoned and nobody acknowledged" in world.log
    assert world.situation.incidents["hot"].given_up


@pytest.mark.req("T-33")
def test_a_number_that_does_not_exist_is_skipped_and_warned_of() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.placed()
    world.result("notfound")
    assert "the number of ann does not exist: mend it in [contacts]" in world.log
    for _ in range(2):
        assert world.wait_for_call().person == "bob"
        world.answer_and("timeout")
    world.wait(10_000)
    assert world.people == ["ann", "bob", "bob"]


def test_what_fires_together_shares_a_call() -> None:
    world = World()
    world.fire("wet")
    world.wait(10)
    world.fire("hot")
    assert world.wait_for_call().person == "bob"  # wet has been collecting for longer
    assert world.call is not None and world.call.about == ("wet",)
    world.wait(15)
    world.answer_and("timeout")
    dial = world.wait_for_call()
    assert (dial.person, dial.about) == ("ann", ("hot",))  # the most urgent first
    world.wait(60)  # or bob would have been phoned a moment ago, and eve be next for wet
    world.answer_and("timeout")
    dial = world.wait_for_call()
    # Bob hears of both, and it is his turn for one of them.
    assert (dial.person, dial.about, dial.counts) == ("bob", ("hot", "wet"), ("hot",))
    world.answer_and("1")
    world.wait(3600)
    assert world.people == ["bob", "ann", "bob"]


def test_an_acknowledgement_holds_for_four_hours() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.answer_and("1")
    world.wait(4 * 3600 - 60, every=10)
    assert world.people == ["ann"]
    assert world.wait_for_call().person == "ann"


def test_what_clears_is_not_phoned_about() -> None:
    world = World()
    world.fire("hot")
    world.clear("hot")
    world.wait(3600)
    assert world.people == []
    assert world.situation.incidents == {}


def test_what_clears_while_it_rings_is_said_to_have_cleared() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.clear("hot")
    action = world.ask(None)
    assert (action.text, action.next_node) == ("先前的警報已經解除，再見。", "END")


def test_what_comes_again_soon_is_the_same_incident() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.answer_and("1")
    world.clear("hot")
    world.wait(500)
    world.fire("hot")
    world.wait(3600)
    assert world.people == ["ann"]  # still acknowledged
    world.clear("hot")
    world.wait(700)
    world.fire("hot")
    assert world.wait_for_call().person == "ann"  # a new one


def test_quiet_hours_hold_a_warning_and_no_critical_one() -> None:
    hours = QuietHours(time(22), time(7))
    world = World(calls=replace(CALLS, quiet_hours=hours, acknowledged_for=36_000.0))
    world.seconds = 20 * 3600  # START is 04:00: midnight
    world.fire("wet")
    world.fire("hot")
    assert world.wait_for_call().person == "ann"
    world.answer_and("1")
    world.wait(6 * 3600, every=10)
    assert world.people == ["ann"]
    assert world.wait_for_call().person == "bob"  # at seven
    assert world.now.local().time() >= time(7)


def test_a_clock_that_is_not_set_holds_warnings_where_there_are_quiet_hours() -> None:
    world = World(trusted=False)
    world.fire("wet")
    assert world.wait_for_call().person == "bob"
    world = World(calls=replace(CALLS, quiet_hours=QuietHours(time(22), time(7))), trusted=False)
    world.fire("wet")
    world.wait(600)
    assert world.people == []
    world.fire("hot")
    assert world.wait_for_call().person == "ann"


def test_a_person_at_the_limit_is_passed_over() -> None:
    world = World(calls=replace(CALLS, person_per_hour=1))
    world.fire("hot")
    for _ in range(2):
        world.wait_for_call()
        world.answer_and("timeout")
    third = world.wait_for_call(4000)
    assert third.person == "ann" and world.ordered[2][0] - world.ordered[0][0] >= 3600
    check_limits(world)


def test_each_person_has_a_limit_of_a_day() -> None:
    world = World(calls=replace(CALLS, person_per_day=1))
    world.fire("hot")
    for _ in range(2):
        world.wait_for_call()
        world.answer_and("timeout")
    world.wait(80_000, every=60)
    assert world.people == ["ann", "bob"]
    assert world.wait_for_call(10_000).person == "ann"


def test_nobody_is_phoned_unless_calls_are_enabled() -> None:
    world = World(calls=replace(CALLS, enabled=False))
    world.fire("hot")
    world.wait(3600)
    assert world.people == []
    assert ladder.waiting(world.situation.incidents["hot"], world.calls, world.now) == (
        "calls are off"
    )


def test_a_dry_run_goes_the_whole_way_without_a_call() -> None:
    world = World(calls=replace(CALLS, dry_run=True), ready=False)
    world.fire("hot")
    world.wait(300)
    assert world.people == []
    assert [line for line in world.log if line.startswith("dry run")] == [
        f"dry run: would phone {person} about hot" for person in ("ann", "bob", "ann", "bob")
    ]


@pytest.mark.req("T-34")
def test_nothing_is_ordered_while_results_could_not_be_heard() -> None:
    world = World(ready=False)
    world.fire("hot")
    world.wait(600)
    assert world.people == []
    world.ready = True
    assert world.wait_for_call(2).person == "ann"


def test_a_call_that_was_surely_not_made_is_tried_again_less_and_less_often() -> None:
    world = World()
    world.fire("hot")
    times = []
    for _ in range(4):
        assert world.wait_for_call().person == "ann"
        times.append(world.seconds)
        world.not_placed()
    assert [round(b - a) for a, b in pairwise(times)] == [30, 60, 120]


def test_a_number_the_service_refuses_is_the_next_persons_turn() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.not_placed(blame=True)
    assert world.wait_for_call(2).person == "bob"


@pytest.mark.parametrize("reboot", [False, True])
@pytest.mark.parametrize("when", ["dialling", "ringing", "answered", "talking"])
def test_a_restart_never_dials_again(when: str, reboot: bool) -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    if when != "dialling":
        world.placed()
    if when in ("answered", "talking"):
        world.result("answered")
    node = world.ask(None).node if when == "talking" else "MAIN"
    world.restart(reboot=reboot)
    world.wait(30)
    assert world.people == ["ann"]
    # The person on the line is still understood, by the node or as the only one.
    world.ask("1", node)
    world.wait(3600)
    assert world.people == ["ann"]
    assert world.situation.incidents["hot"].ack is not None


def test_a_restart_in_a_call_that_nobody_takes_leads_to_the_next_person() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.restart(reboot=True)
    assert world.wait_for_call(130).person == "bob"


@pytest.mark.req("T-36")
@pytest.mark.parametrize("phone", ["0900000001", None, "034240000"])
def test_a_late_key_acknowledges_though_the_next_one_is_being_phoned(phone: str | None) -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.placed()
    world.result("answered")
    node = world.ask(None, phone="0900000001").node
    world.wait(60)
    assert world.people == ["ann", "bob"]
    world.ask("1", node, phone=phone)
    assert "alarm hot: acknowledged by ann" in world.log
    world.result("busy")
    world.wait(3600)
    assert world.people == ["ann", "bob"]


def test_the_phone_tells_whose_call_it_is_before_any_node_does() -> None:
    world = World()
    world.fire("hot")
    world.wait_for_call()
    world.wait(121)  # lost: bob is phoned; ann answers after all
    assert world.people == ["ann", "bob"]
    world.ask(None, phone="+886900000001")
    assert world.call is not None and (world.call.person, world.call.phase) == ("bob", "dialling")


def test_a_test_call_is_confirmed_by_a_key() -> None:
    world = World(calls=without_collecting())
    world.test("ann", ("ann",))
    assert world.wait_for_call(2).person == "ann"
    action = world.ask(None)
    assert action.text is not None and action.text.startswith("這是警報系統的測試電話。")
    world.ask("1", action.node)
    assert world.situation.incidents == {}
    assert "test call ann: confirmed by ann" in world.log


def test_a_test_call_nobody_confirms_is_told_and_not_repeated() -> None:
    world = World()
    world.test("hot", ("ann", "bob"))
    for person in ("ann", "bob"):
        assert world.wait_for_call(2).person == person
        world.answer_and("timeout")
    world.wait(3600)
    assert world.people == ["ann", "bob"]
    assert "test call hot: nobody confirmed it" in world.log


def test_a_test_that_cannot_be_made_soon_is_not_made_at_night() -> None:
    world = World(ready=False)
    world.test("ann", ("ann",))
    world.wait(1801)
    world.ready = True
    world.wait(600)
    assert world.people == []


@pytest.mark.parametrize("quality", ["fault", "stale"])
@pytest.mark.parametrize(("language", "said"), [
    ("zh", "hot，溫度目前沒有資料，先前高於三十五度"),
    ("en", "hot: temperature has no data now, before that above thirty-five degrees"),
])
def test_a_reading_that_is_gone_is_not_told_as_if_it_were_there(
    language: Language, said: str, quality: Quality
) -> None:
    world = World()
    world.fire("hot")
    values = () if quality == "fault" else ("38.2", "95")
    seen = {"air": replace(AIR["air"], values=values, quality=quality)}
    moment = Moment(world.now.mono, world.now.utc, True, UTC)
    assert texts.item(HOT, world.situation.incidents["hot"], seen, moment, language) == said


@pytest.mark.parametrize(("kind", "language", "site", "said"), [
    ("missing", "zh", None, "警報。溫室的溫度計沒有資料。"),
    ("missing", "zh", "一號溫室", "一號溫室警報。溫室的溫度計沒有資料。"),
    ("missing", "en", "house one", "Alarm at house one. 溫室的溫度計沒有資料. "),
    ("test", "zh", "一號溫室", "這是一號溫室警報系統的測試電話。太熱，三十八點二度。"),
    ("test", "en", "house one", "This is a test call of the alarm system at house one. "),
])
def test_a_call_says_where_it_is_and_what_is_missing_in_the_owners_words(
    kind: Kind, language: Language, site: str | None, said: str
) -> None:
    alarm = replace(HOT, say="太熱，{air.temperature}。", say_missing="溫室的溫度計沒有資料。")
    world = World(alarms=(alarm,))
    world.fire("hot")
    incident = replace(world.situation.incidents["hot"], kind=kind)
    moment = Moment(world.now.mono, world.now.utc, True, UTC)
    text = texts.prompt([incident], {"hot": alarm}, AIR, moment, language, site)
    assert text.startswith(said)


def test_the_site_is_said_on_the_call_itself() -> None:
    world = World(calls=replace(CALLS, site="一號溫室"))
    world.fire("hot")
    world.wait_for_call()
    assert (world.ask(None).text or "").startswith("一號溫室警報。")


def test_more_than_three_items_are_counted() -> None:
    alarms = tuple(AlarmConfig(f"a{n}", "air", above=35.0, call=("ann",)) for n in range(5))
    world = World(alarms=alarms)
    for alarm in alarms:
        world.fire(alarm.id)
    world.wait_for_call()
    action = world.ask(None)
    text = action.text or ""
    assert "a2" in text and "a3" not in text
    assert text.endswith("及其他兩項。全部知道了請按一，聯絡下一位請按二，重聽請按九。")
    world.ask("1", action.node)
    assert all(f"alarm {alarm.id}: acknowledged by ann" in world.log for alarm in alarms)


def test_a_long_item_is_cut_to_what_one_turn_takes() -> None:
    long = replace(WET, id="w" * 64, say="很長的句子，" * 20 + "{air.humidity}")
    world = World(alarms=(replace(HOT, say="熱" * 120), long), calls=replace(CALLS, site="室" * 20))
    world.fire("hot")
    world.fire(long.id)
    world.wait_for_call()
    text = world.ask(None).text or ""
    assert len(text) <= 200 and text.endswith("重聽請按九。")
