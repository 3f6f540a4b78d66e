"""The real bridge beside the twin's own rules of the telephone service, message for message.

Callers who share or hide their number dial, press, speak, record, wait and hang up in any order;
the agent is restarted in between. ``CALLS=100000`` walks so many calls (``make walks``).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from agent.phone import upload
from agent.phone.bridge import Bridge
from agent.phone.model import Acted, PinLocked, PinRight, PinWrong
from agent.phone.pin import PinHash
from agent.phone.pinlock import PinLock
from agent.protocol.calls import VoiceMemo
from tests.config.menus import book_of
from tests.phone.bridge_rig import SEEN, Notes
from tests.phone.line import GREENHOUSE, LISTED, PIN
from tests.support.clock import FakeClock
from twin.phone.effects import Effect, Ended, Listening, Publish, Spoken, Why
from twin.phone.telephone import Settings, Telephone

WALKS = int(os.environ.get("CALLS", "240"))
CALLS_AN_EXAMPLE = 8
KEY, STRANGER = "AKwalks", "0900000009"
DAY = 86_400.0
MENUS = GREENHOUSE.replace('測得。"\n', '測得。"\nfresh = true\n') + """
[menu.inner]
say = "很長的話請按一。"
keys = { 1 = "read.long" }
speech = { "很長" = "read.long" }
[read.long]
say = "LONG{temperature}。"
""".replace("LONG", "溫室的情形很好，" * 60)
MENUS = MENUS.replace('3 = "memo.note" }', '3 = "memo.note", 4 = "menu.inner" }')
STEPS = int(os.environ.get("STEPS", "60"))


class Known(PinHash):
    """Knows the PIN without the work."""

    def matches(self, pin: str) -> bool:
        return pin == PIN


@dataclass
class Life:
    """One call as its caller lives it."""

    caller: str
    heard: str = ""
    pressed: str = ""
    knows_pin: bool = False
    over: Why | None = None
    asked: list[str] = field(default_factory=list)


class Walks(RuleBasedStateMachine):
    """The agent's memory is the bridge; the lock is on the disk and outlives it."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="walks-")
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.book = book_of(Path(self.folder.name), MENUS)
        self.telephone = Telephone(Settings(char_seconds=0.0), random.Random(1))
        self.telephone.add_account(KEY)
        rented = self.telephone.rent(KEY, {"appName": "walks"}, self.clock.utc())
        self.number, self.sn = rented["serviceNumber"], rented["SNKey"]
        nodes = [dict(node) for node in upload.nodes(self.book)]
        self.telephone.set_menu(KEY, {"serviceNumber": self.number, "ivrData": nodes})
        self.lives: dict[str, Life] = {}
        self.requests: dict[str, str] = {}
        self.finals: Counter[str] = Counter()
        self.guesses: list[float] = []
        self.acting = ""
        self.lock = PinLock(Path(self.folder.name), self.clock)
        self.queue: deque[Effect] = deque()
        self.restart()

    # --- the agent's hands

    async def check_pin(self, digits: str) -> PinRight | PinWrong | PinLocked:
        verdict = self.lock.check(Known(10, 1, 1, b"", b""), digits)
        if verdict != "locked":
            self.guesses += [self.clock.monotonic()] if verdict == "wrong" else []
        if verdict == "right":
            self.lives[self.acting].knows_pin = True
        return {"right": PinRight(), "wrong": PinWrong(), "locked": PinLocked()}[verdict]

    def act(self, actuator: str, cmd: str) -> Acted:
        life = self.lives[self.acting]
        assert life.caller == LISTED, "a stranger moved something"
        assert life.knows_pin, "something was moved without the PIN in this call"
        assert "1" in life.pressed and "確定請按一" in life.heard, "nobody confirmed it"
        return Acted(True, cmd)

    async def read(self, sensors: tuple[str, ...]) -> None:
        await asyncio.sleep(0)

    # --- the wires between

    def publish(self, topic: str, payload: bytes) -> None:
        action = json.loads(payload)
        if not action.get("isWaitText"):
            self.finals[action["id"]] += 1
        sn = topic.rpartition("/")[2]
        self.queue.extend(self.telephone.action(sn, payload, self.clock.utc()))

    def take(self, effects: Iterable[Effect]) -> None:
        """Carry everything to where it goes, until nothing more follows."""
        self.queue.extend(effects)
        self.loop.run_until_complete(self._carry())

    async def _carry(self) -> None:
        while self.queue or len(asyncio.all_tasks()) > 1:
            if self.queue:
                self._one(self.queue.popleft())
            else:
                await asyncio.sleep(0)

    def _one(self, effect: Effect) -> None:
        match effect:
            case Publish(message):
                content = json.loads(message.payload)
                assert "callActionDebug" not in message.topic, content
                if content.get("type") == "request":
                    self.requests[content["id"]] = content["node"]
                self.bridge.receive(message.topic, message.payload, False)
            case Spoken(call_id, text):
                self.lives[call_id].heard = text
            case Ended(call_id, why):
                self.lives[call_id].over = why
            case Listening():
                pass

    # --- what may happen

    @rule(target=calls, caller=st.sampled_from([LISTED, LISTED, STRANGER, ""]))
    def dial(self, caller: str) -> str:
        call_id, effects = self.telephone.dial(self.number, caller, self.clock.utc())
        self.lives[call_id] = Life(caller)
        self.acting = call_id
        self.take(effects)
        return call_id

    @rule(call=calls, keys=st.sampled_from(
        ["1", "1", "2", "2", "3", "4", "0", "9", "5", "#", f"{PIN}#", f"{PIN}#", "111112#"]))
    def press(self, call: str, keys: str) -> None:
        self.acting = call
        self.lives[call].pressed = keys
        self.take(self.telephone.press(call, keys, self.clock.utc()))

    @rule(call=calls)
    def switch_the_lamp(self, call: str) -> None:
        """The way that leads somewhere, which chance alone seldom finds."""
        for keys in ("2", f"{PIN}#", "1", "1"):
            self.press(call, keys)

    @rule(call=calls, text=st.sampled_from(["很長", "一", PIN, "a/b,c"]),
          confidence=st.sampled_from([None, 0.1, 0.9]))
    def say(self, call: str, text: str, confidence: float | None) -> None:
        self.acting = call
        self.take(self.telephone.say(call, text, confidence, self.clock.utc()))

    @rule(call=calls)
    def record(self, call: str) -> None:
        self.acting = call
        self.take(self.telephone.record(call, "水管漏水了", self.clock.utc()))

    @rule(call=calls)
    def hang_up(self, call: str) -> None:
        self.take(self.telephone.hang_up(call, self.clock.utc()))

    @rule(seconds=st.sampled_from([1.0, 15.0, 70.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, each thing that falls due at its own moment."""
        end = self.clock.monotonic() + seconds
        while True:
            due = self.telephone.next_tick()
            left = end - self.clock.monotonic()
            if due is None or (due - self.clock.utc()).total_seconds() > left:
                self.clock.advance(max(0.0, left))
                return
            self.clock.advance(max(0.0, (due - self.clock.utc()).total_seconds()))
            self.take(self.telephone.tick(self.clock.utc()))

    @rule()
    def restart(self) -> None:
        """The agent ends and comes back: it has forgotten every call."""
        self.notes = Notes()
        self.bridge = Bridge(
            self.sn, self.book, self.clock, self.publish, lambda: SEEN, self, self)

    def call(self, call: str, phone: str | None, what: str) -> None:
        self.notes.call(call, phone, what)

    def memo(self, call: str, memo: VoiceMemo) -> None:
        self.notes.memo(call, memo)

    # --- what always holds

    @invariant()
    def every_request_is_answered_once(self) -> None:
        assert {id: self.finals[id] for id in self.requests if self.finals[id] != 1} == {}
        assert set(self.finals) <= set(self.requests)

    @invariant()
    def nobody_guesses_more_than_ten_times_a_day(self) -> None:
        now = self.clock.monotonic()
        assert sum(now - at < DAY for at in self.guesses) <= 10

    @invariant()
    def nothing_goes_wrong_inside(self) -> None:
        counts = self.bridge.status.counts
        wrong: dict[str, Any] = {kind: counts[kind] for kind in (
            "errors", "malformed", "refused_answers", "unsent", "repeated") if counts[kind]}
        assert wrong == {}

    @invariant()
    def the_service_ends_no_call_for_a_fault_of_ours(self) -> None:
        assert {life.over for life in self.lives.values()} <= {
            None, Why.CALLER, Why.END}

    def teardown(self) -> None:
        """Everybody falls silent: every call ends, and is forgotten."""
        for _ in range(200):
            if not self.telephone.calls():
                break
            self.wait(70.0)
        assert self.telephone.calls() == []
        self.every_request_is_answered_once()
        self.the_service_ends_no_call_for_a_fault_of_ours()
        self.loop.close()
        self.folder.cleanup()


TestWalks = Walks.TestCase
TestWalks.settings = settings(
    max_examples=max(1, WALKS // CALLS_AN_EXAMPLE), stateful_step_count=STEPS, deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate], print_blob=True)
