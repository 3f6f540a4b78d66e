"""Anything may happen on many lines at once, in any order: the promises of the engine still hold.

Every request is answered once and validly, every call ends, nothing moves without what the menus
ask for. ``CALLS=100000`` walks so many calls (``make walks``); the ordinary run some hundreds.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from agent.config.menus import Book
from agent.phone import engine, nodes
from agent.phone.callers import standing
from agent.phone.calls import Calls
from agent.phone.model import (
    Act,
    Acted,
    AskingPin,
    Call,
    CheckPin,
    Choosing,
    Confirming,
    Entering,
    FreshRead,
    Heard,
    Moment,
    PinLocked,
    PinRight,
    PinWrong,
    ReadDone,
    Step,
    Work,
)
from agent.protocol.calls import CallRequest
from agent.protocol.telephone import CallAction, Keypad, Recording, encode_call_action
from tests.config.menus import book_of
from tests.phone.line import GREENHOUSE, LISTED, PIN, TAIPEI
from twin.phone.action import Answer, read_action

WALKS = int(os.environ.get("CALLS", "600"))
SPOKEN_WITHIN = 90.0
"""Seconds after which the service has said a text, and asks for the node behind it."""
CALLS_AN_EXAMPLE = 20
"""About so many calls begin in an example."""

MORE = """\
[menu.inner]
say = "關燈請按一。"
keys = { 1 = "do.off", 2 = "menu.main", 3 = "read.long", 4 = "end" }
[read.long]
say = "LONG{temperature}。"
fresh = true
then = "read.load"
[read.load]
say = "負載{load}，現在{now}。"
then = "read.long"
[menu.open]
say = "開燈請按一，留言請按二。"
keys = { 1 = "do.on", 2 = "memo.note", 3 = "do.quick" }
language = "en"
speech = { "開燈" = "do.quick", "燈" = "do.dim" }
[do.quick]
command = { actuator = "lamp", cmd = "toggle" }
confirm = false
then = "menu.inner"
""".replace("LONG", "溫室的情形很好，" * 40)


def books(folder: Path) -> list[Book]:
    """Menus of several tempers."""
    plain = GREENHOUSE.replace('3 = "memo.note"', '3 = "memo.note", 4 = "menu.open"')
    plain = plain.replace('3 = "do.dim"', '3 = "do.dim", 4 = "menu.inner"') + MORE
    closed = plain.replace(', 4 = "menu.open"', "")
    allow = 'allow = ["0900000001"]\n'
    texts = [
        plain,
        plain.replace(allow, allow + 'unknown = "deny"\n'),
        plain.replace(allow, allow + 'unknown = "all"\n').replace("confirm = false", ""),
        'max_turns = 8\nattempts = 1\nlanguage = "en"\n' + plain,
        plain.replace('"credential:phone-pin"', '"credential:x"\nentry = "speech"').replace(
            "scale = 0.01 }", 'scale = 0.01, entry = "speech" }'
        ),
        plain.replace("[menu.main]", '[menu.main]\nauth = "pin"'),
        plain.replace('auth = "pin"\n', ""),
        plain.replace("[do.quick]", '[do.quick]\nauth = "pin"'),
        closed,
        closed.replace(allow, allow + 'unknown = "all"\n').replace(
            'say = "打開電燈"', "confirm = false"
        ),
    ]
    return [book_of(folder, text) for text in texts]


with tempfile.TemporaryDirectory() as _folder:
    BOOKS = books(Path(_folder))

ANSWERS = st.sampled_from(
    ["timeout", "", "1", "2", "3", "4", "5", "9", "0", "1", "2", PIN, PIN, "111111", "50", "50",
     "12345678901234567890", "開燈/0.9", "燈/0.9", "燈/0.1", "溫度", "1/0.9", "2/0.8", "5 0/0.7",
     "1 3 5 7 9 0/0.9", "*", "七,八/九/0.5", None]
)  # fmt: skip
PHONES = st.sampled_from([LISTED, LISTED, "0900000002", "0900***001", None, None, ""])


@dataclass
class Line:
    """One call as the service sees it. ``working``: the request that is still to be answered."""

    phone: str | None
    action: CallAction | None = None
    working: tuple[str, Work] | None = None
    secret: str = ""
    since: float = 0.0
    answers: int = 0
    wrong_pins: int = 0
    pin_right: bool = False
    spoke: bool = False
    over: bool = False


class Switchboard(RuleBasedStateMachine):
    """Callers, time, restarts, other menus: whatever a day brings."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = Calls()
        self.lines: list[Line] = []
        self.mono = 1000.0
        self.ids = 0
        self.helpers, self.habit = True, "timeout"
        self.seen: dict[str, Heard] = {}

    @initialize(
        book=st.sampled_from(range(len(BOOKS))),
        helpers=st.booleans(),
        habit=st.sampled_from(["timeout", "9", "111111"]),
    )
    def begin(self, book: int, helpers: bool, habit: str) -> None:
        self.book, self.helpers, self.habit = BOOKS[book], helpers, habit

    # --- what can happen

    @rule(phone=PHONES)
    def call(self, phone: str | None) -> None:
        line = Line(phone)
        self.lines.append(line)
        self._request(line, "MAIN", None)
        if standing(self.book.callers, phone) == "denied":
            assert line.over

    @precondition(lambda self: any(not line.working for line in self.lines))
    @rule(data=st.data(), answer=ANSWERS)
    def enter(self, data: st.DataObject, answer: str | None) -> None:
        line = data.draw(st.sampled_from([line for line in self.lines if not line.working]))
        self._enter(line, answer)

    @rule(phone=PHONES, choices=st.lists(st.integers(0, 11), min_size=2, max_size=12))
    def walk(self, phone: str | None, choices: list[int]) -> None:
        """A call that knows what it wants, most of the time; it goes on later."""
        self.call(phone)
        line = self.lines[-1]
        for choice in choices:
            if line.working:
                self._finish(line, PinRight() if choice else PinWrong(), Acted(choice > 1, "on"))
            else:
                self._enter(line, self._sensible(line, choice))

    @precondition(lambda self: any(not line.over for line in self.lines))
    @rule(data=st.data(), choices=st.lists(st.integers(0, 11), min_size=1, max_size=8))
    def go_on(self, data: st.DataObject, choices: list[int]) -> None:
        line = data.draw(st.sampled_from([line for line in self.lines if not line.over]))
        for choice in choices:
            if not line.working:
                self._enter(line, self._sensible(line, choice))

    def _sensible(self, line: Line, choice: int) -> str:
        """What leads on from where the call is."""
        call = self._call(line)
        match call.place if call else None:
            case Choosing():
                here = self.book.menus.get(call.path[-1]) if call else None
                keys = [*here.keys, *here.speech] if here else ["1"]
                return keys[choice % len(keys)]
            case AskingPin():
                return PIN if choice else "111111"
            case Entering():
                return "50"
            case Confirming():
                return "1" if choice % 4 else "0"
        return "timeout"

    @precondition(lambda self: any(line.working for line in self.lines))
    @rule(
        data=st.data(),
        pin=st.sampled_from([PinRight, PinRight, PinWrong, PinLocked]),
        acted=st.sampled_from([Acted(True, "on"), Acted(True, "0.5"), Acted(False, "error: x")]),
    )
    def work(
        self, data: st.DataObject, pin: type[PinRight | PinWrong | PinLocked], acted: Acted
    ) -> None:
        line = data.draw(st.sampled_from([line for line in self.lines if line.working]))
        self._finish(line, pin(), acted)

    @precondition(lambda self: any(line.action for line in self.lines))
    @rule(data=st.data(), answer=ANSWERS)
    def stray(self, data: st.DataObject, answer: str | None) -> None:
        """A second request from the same node, while work is done, or after all."""
        line = data.draw(st.sampled_from([line for line in self.lines if line.action]))
        assert line.action is not None
        self._request(line, line.action.node, answer)

    @rule(node=st.sampled_from(["more0", "more5", "weather", "c00000000000000", "caa000000000000"]),
          answer=ANSWERS)  # fmt: skip
    def from_nowhere(self, node: str, answer: str | None) -> None:
        line = Line(None)
        self.lines.append(line)
        if self.calls.find(node) is None:
            self._request(line, node, answer)
        self.lines.remove(line)

    @precondition(lambda self: self.lines)
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        line = data.draw(st.sampled_from(self.lines))
        self.lines.remove(line)
        call = self.calls.only_one_from(line.phone)
        if call is not None and call.secret == line.secret:
            self.calls.drop(call)

    @rule(seconds=st.sampled_from([1.0, 60.0, 500.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        self._speak(seconds)
        for call in self.calls.expire(self.mono):
            self._forget(call.secret)

    def _speak(self, seconds: float) -> None:
        """Time passes; whoever listens to a text hears its end, and goes on behind it."""
        end = self.mono + seconds
        while listening := [line for line in self.lines if self._at_a_helper(line)]:
            line = min(listening, key=lambda line: line.since)
            if line.since + SPOKEN_WITHIN > end:
                break
            self.mono = max(self.mono, line.since + SPOKEN_WITHIN)
            self._enter(line, None)
        self.mono = max(self.mono, end)

    def _at_a_helper(self, line: Line) -> bool:
        return bool(
            not line.over
            and not line.working
            and line.action is not None
            and line.action.next_node in nodes.HELPERS
        )

    @rule()
    def restart(self) -> None:
        """What was being worked at is never answered; the service drops such a call."""
        self.calls = Calls(self.mono)
        self.lines = [line for line in self.lines if not line.working]
        for line in self.lines:
            self._forget(line.secret)

    @rule(book=st.sampled_from(range(len(BOOKS))))
    def reload(self, book: int) -> None:
        self.book = BOOKS[book]

    @rule(
        id=st.sampled_from(["temperature", "load"]),
        heard=st.sampled_from(
            [
                Heard(("25.3",), ("°C",), ("x",), 3.0),
                Heard((), ("°C",), ("x",), 90.0, "fault"),
                Heard(("7",), (None,), ("x",), 9e5, "stale"),
                Heard(()),
            ]
        ),
    )
    def measure(self, id: str, heard: Heard) -> None:
        self.seen[id] = heard

    def teardown(self) -> None:
        """Whoever says nothing any more, or ever the same, is out of the line in the end."""
        for line in self.lines:
            for _ in range(200):
                if line.over:
                    break
                if line.working:
                    self._finish(line, PinWrong(), Acted(True, "on"))
                else:
                    self._enter(line, self.habit)
            assert line.over

    # --- the service and the bridge

    def _enter(self, line: Line, answer: str | None) -> None:
        if line.over:
            return
        action = line.action
        assert action is not None
        if action.next_node is not None:
            self._request(line, action.next_node, None)
            return
        keyed = isinstance(action.collect, Keypad)
        line.spoke = line.spoke or (not keyed and answer is not None)
        if keyed and answer is not None:
            answer = answer.partition("/")[0]
            answer = answer if answer.isdecimal() else "timeout"
        self._request(line, action.node, answer)

    def _request(self, line: Line, node: str, answer: str | None) -> None:
        self.ids += 1
        request = CallRequest(f"id{self.ids}", False, line.phone, node, answer)
        call = self.calls.find(node, line.phone)
        helper = self.calls.helper(self.mono) if self.helpers else None
        step = engine.asked(self.book, call, request, nodes.fresh(), helper, self.seen, self._now)
        self._check(line, request.id, step, call, answer)

    def _finish(self, line: Line, pin: PinRight | PinWrong | PinLocked, acted: Acted) -> None:
        assert line.working is not None
        id, work = line.working
        outcome = pin if isinstance(work, CheckPin) else acted
        call = self._call(line)
        if isinstance(work, CheckPin) and call is not None:
            line.pin_right = line.pin_right or isinstance(pin, PinRight)
            line.wrong_pins += isinstance(pin, PinWrong)
        line.working = None
        if call is None:
            line.over = True  # it expired meanwhile; the bridge apologises
            return
        done = ReadDone() if isinstance(work, FreshRead) else outcome
        helper = self.calls.helper(self.mono) if self.helpers else None
        step = engine.finished(self.book, call, id, done, helper, self.seen, self._now)
        assert line.wrong_pins <= 5
        self._check(line, id, step, call, None)

    @property
    def _now(self) -> Moment:
        self.mono += 0.1
        return Moment(self.mono, datetime(2026, 1, 31, tzinfo=UTC), True, TAIPEI)

    def _call(self, line: Line) -> Call | None:
        return self.calls.find(str(nodes.Token("c", "00", line.secret)))

    def _forget(self, secret: str) -> None:
        for line in self.lines:
            if line.secret == secret:
                line.pin_right, line.answers, line.wrong_pins = False, 0, 0

    # --- the promises

    def _check(
        self, line: Line, id: str, step: Step, before: Call | None, answer: str | None
    ) -> None:
        assert (step.answer is None) != (step.work is None)
        if before is None and step.call is not None:
            # A new call, or one forgotten: it begins anew, and knows of no PIN.
            assert not step.call.authorised
            line.secret, line.answers, line.pin_right = step.call.secret, 0, False
            # What was begun for the call before is answered, too, but nothing comes of it.
            line.working = None
        if before is not None and isinstance(before.place, Confirming) and answer == "1":
            line.spoke = False  # a key has confirmed what was spoken
        if step.call is not None:
            self.calls.keep(step.call)
            assert (
                step.call.turns < self.book.max_turns
                or step.work is not None
                or (step.call.turns < max(book.max_turns for book in BOOKS))
            )
            assert not step.call.authorised or line.pin_right
            here = f"menu.{step.call.path[-1]}"
            if isinstance(step.call.place, Choosing) and step.call.path != getattr(
                before, "path", None
            ):
                assert here not in self.book.guarded or line.pin_right
        elif before is not None:
            self.calls.drop(before)
        if step.answer is not None:
            self._check_answer(line, id, step.answer, step)
        else:
            assert step.work is not None and step.call is not None and step.wait_text
            assert line.working is None, "two works in one call"
            line.working = (id, step.work)
            self._check_work(line, step.work, before, answer)

    def _check_answer(self, line: Line, id: str, answer: CallAction, step: Step) -> None:
        assert answer.id == id
        read = read_action(encode_call_action(answer))
        assert isinstance(read, Answer) and not read.warnings, read
        assert answer.next_node in (None, "END", *nodes.HELPERS)
        # Who leaves a memo last is on the line until it is recorded.
        last_words = isinstance(answer.collect, Recording) and answer.next_node == "END"
        assert (step.call is None or last_words) == (answer.next_node == "END")
        if answer.next_node in nodes.HELPERS:
            waiting = [call for call in (self.calls.find(answer.next_node, line.phone),) if call]
            assert [call.secret for call in waiting] == [line.secret]
        line.action, line.over, line.since = answer, answer.next_node == "END", self.mono
        line.answers += 1
        assert line.answers <= max(book.max_turns for book in BOOKS)
        if isinstance(step.call and step.call.place, Choosing):
            line.spoke = False

    def _check_work(self, line: Line, work: Work, before: Call | None, answer: str | None) -> None:
        if isinstance(work, CheckPin):
            assert standing(self.book.callers, line.phone) == "full"
            assert len(work.digits) >= 6
            assert line.wrong_pins < 5
        if isinstance(work, Act):
            assert standing(self.book.callers, line.phone) == "full"
            assert before is not None
            place = before.place
            (target, *_) = [
                f"do.{name}" for name, page in self.book.actions.items()
                if page.actuator == work.actuator and page.cmd in (None, work.cmd)
            ]  # fmt: skip
            if target in self.book.guarded:
                assert line.pin_right
            if isinstance(place, Confirming):
                assert place.act == work
                assert answer == "1"
            else:
                assert not self.book.page(target).confirm  # type: ignore[union-attr]
                assert not line.spoke


class TestSwitchboard(Switchboard.TestCase):  # type: ignore[name-defined, misc]
    settings = settings(
        max_examples=max(1, WALKS // CALLS_AN_EXAMPLE),
        # The ordinary run walks the same ways each time; make walks looks for others.
        derandomize="CALLS" not in os.environ,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
