"""The task of the alarms: readings in, the order out, everything kept in between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.config.alarms import AlarmConfig, CallsConfig, TestDay
from agent.errors import AgentError, LinkLost, NotSent, PlatformRefused
from agent.phone.alarms.office import Alarms, Rules
from agent.phone.alarms.store import AlarmStore
from agent.phone.model import Heard, Quality
from agent.protocol.calls import CallNotice, CalloutResult, CallRequest
from tests.phone.alarms.rig import PHONES
from tests.support.clock import FakeClock
from tests.support.waiting import until

HOT = AlarmConfig("hot", "air", above=35.0, call=("ann", "bob"), unit="°C", publish_state=True)
RULES = Rules((HOT,), CallsConfig(enabled=True, collect=0.0), tuple(PHONES), PHONES)


class Desk:
    """The alarms with a clock by hand and a telephone service that answers what is told.

    ``answers``: group ids, or errors to be raised, for the orders to come.
    """

    def __init__(self, folder: Path, rules: Rules = RULES, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.value, self.quality = "20", "good"
        self.answers: list[str | Exception] = []
        self.ordered: list[str] = []
        self.kept: list[dict[str, Any]] = []
        self.states: list[tuple[str, str]] = []
        self.ready = True
        self.file = folder / "alarms.json"
        self.alarms = Alarms(
            rules, self.clock, AlarmStore(folder), self._seen, self._order,
            lambda: self.ready, lambda *state: self.states.append(state),
        )  # fmt: skip

    def _seen(self) -> dict[str, Heard]:
        quality: Quality = "fault" if self.quality == "fault" else "good"
        values = () if quality == "fault" else (self.value,)
        return {"air": Heard(values, ("°C",), ("temperature",), 1.0, quality)}

    def _order(self, phone: str) -> str:
        """On the thread of the order, as the service would be asked."""
        self.kept.append(json.loads(self.file.read_text()))
        self.ordered.append(phone)
        answer = self.answers.pop(0) if self.answers else f"group-{len(self.ordered)}"
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.advance(1.0)
            self.alarms.look()

    async def order_made(self, count: int = 1) -> None:
        await until(lambda: len(self.ordered) >= count, what=f"order {count}")
        await until(lambda: not self.alarms._orders, what="its answer")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)


def request(answer: str | None = None, node: str = "MAIN", phone: str = "0900000001"
            ) -> CallRequest:  # fmt: skip
    return CallRequest("r1", True, phone, node, answer)


def test_a_call_is_written_down_before_it_is_ordered(desk: Desk) -> None:
    async def play() -> None:
        desk.value = "38"
        desk.alarms.look()
        await desk.order_made()
        (dial,) = desk.kept[0]["dials"]
        assert (dial["person"], dial["phase"]) == ("ann", "dialling")
        assert desk.ordered == ["0900000001"]

    asyncio.run(play())


@pytest.mark.req("T-13", "T-55")
def test_from_the_reading_to_the_acknowledgement(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def play() -> None:
        desk.value = "38"
        desk.alarms.look()
        await desk.order_made()
        desk.alarms.result(CalloutResult("group-1", "0900000001", "answered"))
        desk.alarms.noticed(CallNotice("e", True, "0900000001", "established"))
        prompt = desk.alarms.asked(request())
        assert "三十八度，高於三十五度" in (prompt.text or "")
        (status,) = desk.alarms.status()
        assert (status.state, status.calls) == ("firing", "calling ann")
        desk.alarms.asked(request("1", prompt.node))
        (status,) = desk.alarms.status()
        assert (status.state, status.acknowledged, status.value) == ("acknowledged", "ann", "38")
        desk.pass_time(600)
        assert desk.ordered == ["0900000001"]

    asyncio.run(play())
    assert "alarm hot: acknowledged by ann" in caplog.text
    assert not any(number in caplog.text for number in PHONES.values())


@pytest.mark.parametrize("early", [True, False])
def test_a_result_is_understood_before_and_after_the_answer_to_the_order(
    desk: Desk, early: bool
) -> None:
    async def play() -> None:
        desk.value = "38"
        desk.alarms.look()
        if not early:
            await desk.order_made()
        desk.alarms.result(CalloutResult("group-1", "0900000001", "busy"))
        await desk.order_made()
        desk.alarms.look()
        await desk.order_made(2)
        assert desk.ordered == ["0900000001", "0900000002"]

    asyncio.run(play())


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("status", ["busy", "answered"])
def test_the_result_of_somebody_elses_call_to_the_same_phone_is_not_taken_for_ours(
    desk: Desk, early: bool, status: str
) -> None:
    async def play() -> None:
        desk.value = "38"
        desk.alarms.look()
        if not early:
            await desk.order_made()
        desk.alarms.result(CalloutResult("theirs", "0900000001", status))
        await desk.order_made()
        dial = desk.alarms._situation.call
        assert dial is not None and (dial.group, dial.phase) == ("group-1", "ringing")
        desk.alarms.result(CalloutResult("group-1", "0900000001", "busy"))
        desk.alarms.look()
        await desk.order_made(2)
        assert desk.ordered == ["0900000001", "0900000002"]

    asyncio.run(play())


def test_where_the_order_was_never_answered_the_phone_tells_whose_result_it_is(desk: Desk) -> None:
    async def play() -> None:
        desk.answers = [LinkLost("no answer within 15 s")]
        desk.value = "38"
        desk.alarms.look()
        desk.alarms.result(CalloutResult("nobody knows", "0900000001", "busy"))
        await desk.order_made()
        desk.alarms.look()
        await desk.order_made(2)
        assert desk.ordered == ["0900000001", "0900000002"]

    asyncio.run(play())


@pytest.mark.parametrize(("failure", "next_at", "next_phone"), [
    (LinkLost("no answer within 15 s"), 120, "0900000002"),
    (NotSent("unknown host"), 30, "0900000001"),
    (PlatformRefused("syntax error", 400), 1, "0900000002"),
    (PlatformRefused("locked", 403), 30, "0900000001"),
    (ValueError("no number"), 1, "0900000002"),
])  # fmt: skip
def test_what_an_order_that_failed_leads_to(
    desk: Desk, failure: Exception, next_at: int, next_phone: str
) -> None:
    async def play() -> None:
        desk.answers = [failure]
        desk.value = "38"
        desk.alarms.look()
        await desk.order_made()
        desk.pass_time(next_at - 1)
        assert len(desk.ordered) == 1
        desk.pass_time(2)
        await desk.order_made(2)
        assert desk.ordered[1] == next_phone

    asyncio.run(play())


def test_nothing_is_ordered_that_cannot_be_written_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        desk = Desk(tmp_path)
        desk.file.mkdir()  # nothing can be put in the place of a folder
        desk.value = "38"
        desk.alarms.look()
        await until(lambda: "was not made" in caplog.text, what="the refusal")
        assert desk.ordered == []
        desk.file.rmdir()
        desk.pass_time(31)
        await desk.order_made()

    asyncio.run(play())


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    async def play() -> None:
        first = Desk(tmp_path)
        first.value = "38"
        first.alarms.look()
        await first.order_made()
        await first.alarms.close()
        second = Desk(tmp_path, clock=first.clock)
        second.quality = "fault"
        second.pass_time(100)
        # Neither the lack of data nor the restart ends it, nor phones anybody anew.
        assert second.alarms.status()[0].state == "firing"
        assert second.ordered == []
        second.alarms.asked(request("1"))
        assert second.alarms.status()[0].acknowledged == "ann"

    asyncio.run(play())


def test_after_a_restart_nobody_is_phoned_before_the_first_readings(tmp_path: Path) -> None:
    """That an alarm had cleared is not kept; nobody is woken for it."""
    rules = replace(RULES, calls=CallsConfig(enabled=True))

    async def play() -> None:
        desk = Desk(tmp_path, rules)
        desk.ready = False
        desk.value = "38"
        desk.pass_time(300)
        desk.value = "20"
        desk.pass_time(2)
        await desk.alarms.close()
        again = Desk(tmp_path, rules, desk.clock)
        again.quality = "fault"
        again.pass_time(20)
        assert again.alarms.calls().held == "just started: the first readings are waited for"
        again.quality, again.value = "good", "20"
        again.pass_time(300)
        await asyncio.sleep(0)
        assert again.ordered == [] and not again.alarms._orders
        again.value = "38"  # it is the same incident, and somebody is phoned now
        again.pass_time(2)
        await again.order_made()

    asyncio.run(play())


def test_a_short_pulse_between_two_looks_is_noticed(desk: Desk) -> None:
    async def play() -> None:
        desk.alarms.look()
        desk.alarms.heard("air", ("40",))
        desk.alarms.heard("air", ("20",))
        desk.alarms.heard("else", ("40",))
        desk.alarms.look()
        assert "hot" in desk.alarms._situation.incidents

    asyncio.run(play())


def test_missing_data_is_an_alarm_of_its_own(desk: Desk) -> None:
    async def play() -> None:
        desk.alarms.look()
        desk.quality = "fault"
        desk.pass_time(899)
        assert desk.alarms.status()[0].state == "ok"
        desk.pass_time(1)
        (status,) = desk.alarms.status()
        assert (status.state, status.missing) == ("missing", True)
        await desk.order_made()
        assert "感測器air沒有資料" in (desk.alarms.asked(request()).text or "")

    asyncio.run(play())


def test_states_are_published_as_they_change(desk: Desk) -> None:
    async def play() -> None:
        desk.alarms.look()
        desk.value = "38"
        desk.pass_time(3)
        desk.alarms.acknowledge("hot", "the command line")
        desk.value = "20"
        desk.pass_time(2)
        assert desk.states == [("hot", "ok"), ("hot", "firing"), ("hot", "ok")]
        desk.value = "38"
        desk.pass_time(1)
        assert desk.states[-1] == ("hot", "acknowledged")

    asyncio.run(play())


def test_a_reload_changes_limits_and_drops_alarms_that_are_gone(desk: Desk) -> None:
    async def play() -> None:
        desk.ready = False
        desk.value = "38"
        desk.alarms.look()
        desk.alarms.apply(replace(RULES, alarms=(replace(HOT, call=("bob",)),)))
        desk.alarms.look()
        assert desk.alarms.status()[0].state == "firing"
        desk.ready = True
        desk.alarms.look()
        await desk.order_made()
        assert desk.ordered == ["0900000002"]
        desk.alarms.apply(replace(RULES, alarms=()))
        assert desk.alarms.status() == ()
        desk.pass_time(500)
        assert len(desk.ordered) == 1

    asyncio.run(play())


def test_a_number_that_was_mended_is_skipped_no_longer(desk: Desk) -> None:
    async def play() -> None:
        desk.value = "38"
        desk.pass_time(2)
        await desk.order_made()
        desk.alarms.result(CalloutResult("group-1", None, "notfound", None, None))
        desk.pass_time(2)
        await desk.order_made(2)
        assert desk.ordered == ["0900000001", "0900000002"]
        desk.alarms.apply(RULES)  # the same numbers again
        assert desk.alarms._situation.incidents["hot"].skip == {"ann"}
        desk.alarms.apply(replace(RULES, phones={**RULES.phones, "ann": "0900000009"}))
        desk.alarms.result(CalloutResult("group-2", None, "busy", None, None))
        desk.pass_time(70)
        await desk.order_made(3)
        assert desk.ordered[2] == "0900000009"

    asyncio.run(play())


def test_that_limits_keep_everybody_from_being_phoned_is_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def play() -> None:
        desk.alarms.apply(replace(RULES, calls=replace(RULES.calls, per_day=1)))
        desk.value = "38"
        desk.pass_time(2)
        await desk.order_made()
        desk.alarms.result(CalloutResult("group-1", None, "busy", None, None))
        for _ in range(300):  # it flaps, and is told of once all the same
            desk.value = "20" if desk.value == "38" else "38"
            desk.pass_time(1)
        desk.value = "38"
        desk.pass_time(2)
        assert len(desk.ordered) == 1
        told = [line for line in caplog.messages if "the limits of [calls]" in line]
        assert told == ["alarm hot: nobody may be phoned for 24 h, as the limits of [calls] are"
                        " reached"]  # fmt: skip
        assert desk.alarms.status()[0].calls == "limits reached, next call in 24 h"

    asyncio.run(play())


def test_acknowledging_what_is_not_open_is_refused(desk: Desk) -> None:
    async def play() -> None:
        with pytest.raises(AgentError, match="hot is no open alarm; open: none"):
            desk.alarms.acknowledge("hot", "x")

    asyncio.run(play())


def test_a_test_call_tells_who_hears_what(desk: Desk) -> None:
    async def play() -> None:
        told = desk.alarms.test("hot", dry_run=True)
        assert told["people"] == ["ann", "bob"]
        assert "測試電話" in str(told["say"]) and "hot" in str(told["say"])
        desk.pass_time(5)
        assert desk.ordered == []
        assert desk.alarms.test("bob", dry_run=False) | {"say": ""} == {
            "people": ["bob"], "say": "", "held": None}
        desk.ready = False
        assert "cannot be reached" in str(desk.alarms.test("bob", dry_run=False)["held"])
        desk.ready = True
        desk.pass_time(1)
        await desk.order_made()
        assert desk.ordered == ["0900000002"]
        with pytest.raises(AgentError, match="nobody is neither a contact nor an alarm"):
            desk.alarms.test("nobody", dry_run=True)
        desk.alarms.apply(replace(RULES, calls=CallsConfig()))
        with pytest.raises(AgentError, match="calls are off"):
            desk.alarms.test("bob", dry_run=False)

    asyncio.run(play())


def test_the_monthly_test_is_made_once_a_month(tmp_path: Path) -> None:
    async def play() -> None:
        when = datetime(2026, 5, 1, 12, 0).astimezone()
        calls = replace(RULES.calls, monthly_test=TestDay(1, when.time()))
        clock = FakeClock(utc=when.astimezone(UTC))
        clock.step(-60)
        desk = Desk(tmp_path, replace(RULES, calls=calls), clock)
        desk.pass_time(59)
        assert desk.ordered == []
        clock.trust = False
        desk.pass_time(2)
        assert desk.ordered == []
        clock.trust = True
        desk.pass_time(1)
        await desk.order_made()
        desk.alarms.asked(request("1"))
        desk.pass_time(1)
        await desk.order_made(2)
        desk.alarms.asked(request("1", phone="0900000002"))
        desk.pass_time(100)
        assert desk.ordered == ["0900000001", "0900000002"]
        await desk.alarms.close()
        again = Desk(tmp_path, replace(RULES, calls=calls), clock)
        again.pass_time(10)
        assert again.ordered == []

    asyncio.run(play())


def test_an_alarm_works_without_a_telephone(tmp_path: Path, caplog: pytest.LogCaptureFixture
                                            ) -> None:  # fmt: skip
    async def play() -> None:
        desk = Desk(tmp_path, Rules((HOT,)))
        desk.value = "38"
        desk.pass_time(100)
        (status,) = desk.alarms.status()
        assert (status.state, status.calls) == ("firing", "calls are off")
        assert desk.alarms.calls().enabled is False

    asyncio.run(play())
    assert "alarm hot (warning): air is 38 °C, above 35" in caplog.text
