"""Anything may happen on many lines at once, in any order: the promises of a call still hold."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.twin.phone_rig import START
from twin.phone.call import RULES
from twin.phone.callout import HOWS, How
from twin.phone.effects import Effect, Ended, Listening, Music, Publish, Recorded, Spoken, Why
from twin.phone.happenings import HangUp, Phase, TimeUp
from twin.phone.telephone import Settings, Telephone

MENU = [
    {"node": "MAIN", "text": "主選單", "collectDTMF": True,
     "DTMF": {"1": "ask", "2": "CUSTOM", "3": "say", "4": "MAIN", "5": "silent"}},
    {"node": "ask", "text": "問", "collectDTMF": True},
    {"node": "say", "text": "說", "nextNode": "more"},
    {"node": "more", "nextNode": "CUSTOM"},
    {"node": "silent", "nextNode": "circle"},
    {"node": "circle", "nextNode": "silent"},
]
QUESTION = [{"node": "MAIN", "nextNode": "CUSTOM"}, {"node": "more", "nextNode": "CUSTOM"}]
MODES = ["collectDTMF", "collectText", "collectDigits", "maxRecordDuration", "isWaitText"]
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from(["", "好", "請再說一次", "中" * 201, 5]),
    "node": st.sampled_from(["a", "END", "b_1", "", None]),
    "nextNode": st.sampled_from(["MAIN", "end", "CUSTOM", "more", "silent", "lost", "CONFIG"]),
    "repeat": st.integers(0, 3),
    "betweenTextRepeatDelay": st.integers(0, 3),
    "promptMode": st.sampled_from(["M", "F", "X"]),
    "collectDTMF": st.sampled_from([True, False, "true"]),
    "collectText": st.booleans(),
    "collectDigits": st.booleans(),
    "maxDTMF": st.integers(1, 4),
    "collectDTMFTimeout": st.integers(0, 12),
    "maxRecordDuration": st.integers(0, 9),
    "recordToText": st.booleans(),
    "isWaitText": st.booleans(),
}
ACTIONS = st.fixed_dictionaries(
    {"node": st.sampled_from(["a", "b", "END"])},
    optional={name: values for name, values in FIELDS.items() if name != "node"})
LONGEST_CALL = 900.0
KEY = "AK"


class Exchange(RuleBasedStateMachine):
    """Callers with a phone each, so that every message tells which call it is of."""

    @initialize(share=st.booleans(), partial=st.booleans(), asks=st.booleans(),
                pace=st.sampled_from([0.0, 0.25]), seed=st.integers(0, 9))
    def begin(self, share: bool, partial: bool, asks: bool, pace: float, seed: int) -> None:
        self.now = START
        self.share = share
        self.telephone = Telephone(Settings(
            share_first_id=share, partial_keys=partial, asks_after_recording=asks,
            map_silence_asks=asks, char_seconds=pace, call_seconds=LONGEST_CALL,
        ), random.Random(seed))
        self.telephone.add_account(KEY)
        self.sn_keys = {}
        for nodes in (MENU, QUESTION):
            rented = self.telephone.rent(KEY, {"appName": "x"}, self.now)
            self.number = rented["serviceNumber"]
            self.sn_keys[self.number] = rented["SNKey"]
            self.telephone.set_menu(KEY, {"serviceNumber": self.number, "ivrData": nodes})
        self.last_request = ""
        self.phones = 0
        self.open: dict[str, str] = {}
        """Phone → the id its last request waits for, or nothing, while the application knows of
        an open call."""
        self.known: list[str] = []
        self.ended: set[str] = set()
        self.ids: list[str] = []
        self.first: dict[str, str] = {}
        self.results: Counter[str] = Counter()
        self.rung: list[str] = []

    # What may happen

    @precondition(lambda self: len(self.telephone.calls()) < 4)
    @rule(data=st.data())
    def dial(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(list(self.sn_keys)))
        call, effects = self.telephone.dial(number, self.new_phone(), self.now)
        self.known.append(call)
        self.take(effects)

    @precondition(lambda self: len(self.telephone.calls()) < 4)
    @rule(mode=st.sampled_from(MODES), heard=st.booleans())
    def dial_and_be_asked(self, mode: str, heard: bool) -> None:
        """What leads deeper more often than chance would."""
        call, effects = self.telephone.dial(self.number, self.new_phone(), self.now)
        self.known.append(call)
        self.take(effects)
        self.ask(self.last_request, mode)
        self.wait(0.25 if heard else 0.0)

    @rule(interactive=st.booleans(), count=st.integers(1, 3))
    def callout(self, interactive: bool, count: int) -> None:
        phones = [self.new_phone() for _ in range(count)]
        ivr = ({"node": "MAIN", "nextNode": "CUSTOM"} if interactive
               else {"text": "太熱", "repeat": 2})
        _, effects = self.telephone.callout(
            KEY, {"serviceNumber": self.number, "phones": phones, "ivrData": ivr}, self.now)
        self.rung += phones
        self.known += [effect.call_id for effect in effects if not isinstance(effect, Publish)]
        self.take(effects)

    @precondition(lambda self: self.telephone.ringing())
    @rule(data=st.data(), how=st.sampled_from(HOWS))
    def pick_up(self, data: st.DataObject, how: How) -> None:
        phone = data.draw(st.sampled_from(self.telephone.ringing()))
        self.take(self.telephone.answer(phone, how, self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), keys=st.text("0123456789*#x", min_size=1, max_size=6))
    def press(self, data: st.DataObject, keys: str) -> None:
        self.to_some_call(data, lambda call: self.telephone.press(call, keys, self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), text=st.text(max_size=9),
          sure=st.none() | st.floats(0, 1, allow_nan=False))
    def say(self, data: st.DataObject, text: str, sure: float | None) -> None:
        self.to_some_call(data, lambda call: self.telephone.say(call, text, sure, self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), spoken=st.text(max_size=9) | st.floats())
    def record(self, data: st.DataObject, spoken: str | float) -> None:
        self.to_some_call(data, lambda call: self.telephone.record(call, spoken, self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        self.to_some_call(data, lambda call: self.telephone.hang_up(call, self.now))

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data(), fields=ACTIONS)
    def answer(self, data: st.DataObject, fields: dict[str, Any]) -> None:
        id = data.draw(st.sampled_from([id for id in self.open.values() if id]))
        self.act(json.dumps({"id": id, **fields}).encode())

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data(), mode=st.sampled_from(MODES))
    def answer_well(self, data: st.DataObject, mode: str) -> None:
        self.ask(data.draw(st.sampled_from([id for id in self.open.values() if id])), mode)

    @rule(payload=st.binary(max_size=20) | st.dictionaries(
        st.sampled_from(["id", *FIELDS]), st.none() | st.integers() | st.text(max_size=3),
    ).map(lambda content: json.dumps(content).encode()))
    def act(self, payload: bytes) -> None:
        for sn_key in self.sn_keys.values():
            self.take(self.telephone.action(sn_key, payload, self.now))

    @rule(seconds=st.sampled_from([0.0, 0.25, 0.25, 0.5, 2.0, 10.0, 240.0]))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.take(self.telephone.tick(self.now))

    @rule()
    def wait_for_the_next(self) -> None:
        self.now = max(self.now, self.telephone.next_tick(self.now) or self.now)
        self.take(self.telephone.tick(self.now))

    # What has to hold

    @invariant()
    def ids_are_unique(self) -> None:
        assert len(set(self.ids)) == len(self.ids)

    @invariant()
    def nothing_is_overdue(self) -> None:
        due = self.telephone.next_tick(self.now)
        assert due is None or due > self.now

    @invariant()
    def a_call_is_open_or_rings_or_has_ended(self) -> None:
        open = set(self.telephone.calls())
        assert not open & self.ended
        assert len(self.known) == len(open | self.ended) + len(self.telephone.ringing())

    @invariant()
    def each_phone_has_one_result_when_it_rings_no_more(self) -> None:
        ringing = self.telephone.ringing()
        assert self.results == Counter(phone for phone in self.rung if phone not in ringing)

    def teardown(self) -> None:
        if hasattr(self, "telephone"):
            self.wait(LONGEST_CALL + 60)
            assert self.telephone.calls() == []
            assert self.ended == set(self.known)
            assert self.open == {}
            assert self.telephone.next_tick(self.now) is None

    # Help

    def new_phone(self) -> str:
        self.phones += 1
        return f"09{self.phones:08}"

    def ask(self, id: str, mode: str) -> None:
        self.act(json.dumps({"id": id, "node": "q", "text": "請", "maxDTMF": 2,
                             mode: 9 if mode == "maxRecordDuration" else True}).encode())

    def to_some_call(self, data: st.DataObject, do: Callable[[str], list[Effect]]) -> None:
        self.take(do(data.draw(st.sampled_from(self.telephone.calls() or self.known))))

    def take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Publish(message):
                    self.published(message.topic.split("/")[1], json.loads(message.payload))
                case Ended(call_id, why):
                    assert isinstance(why, Why)
                    assert call_id in self.known or why is Why.NO_NUMBER
                    assert call_id not in self.ended
                    self.ended.add(call_id)
                case Spoken() | Listening() | Music() | Recorded():
                    assert effect.call_id not in self.ended

    def published(self, kind: str, content: dict[str, Any]) -> None:
        phone = content.get("phone", "")
        if kind == "calloutResult":
            self.results[phone] += 1
        if kind != "callEvent":
            return
        match content["type"], content.get("event"):
            case _, "CallEstablished":
                assert phone not in self.open
                self.open[phone] = ""
                self.first[phone] = content["id"]
            case _, "CallHangUp":
                del self.open[phone]
            case ("request" | "calloutRequest"), None:
                assert phone in self.open, "a request without an open call"
                self.open[phone] = self.last_request = content["id"]
                shared = content["id"] == self.first.pop(phone, None)
                assert not shared or self.share
                if shared:
                    return
            case "recordEvent", None:
                assert phone in self.open
            case other:
                raise AssertionError(other)
        self.ids.append(content["id"])


TestExchange = pytest.mark.req("T-01", "T-03", "T-38")(Exchange.TestCase)
TestExchange.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)


def test_every_phase_of_a_call_knows_what_to_do_when_its_time_is_up_and_when_the_caller_goes() -> (
        None):
    for phase in Phase:
        assert ((phase, TimeUp) in RULES) is ((phase, HangUp) in RULES) is (phase is not Phase.OVER)
