"""Both ends of the menu engine, without a network: the service that asks, and who does its work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from agent.config.menus import Book
from agent.phone import engine, nodes, upload
from agent.phone.calls import Calls
from agent.phone.model import (
    Act,
    Acted,
    Call,
    CheckPin,
    Effect,
    FreshRead,
    Heard,
    Moment,
    Outcome,
    PinRight,
    PinWrong,
    ReadDone,
    Step,
    Work,
)
from agent.protocol.calls import CallRequest
from agent.protocol.telephone import CallAction
from tests.config.menus import book_of

TAIPEI = timezone(timedelta(hours=8))
PIN = "135790"
LISTED = "0900000001"


@dataclass
class Exchange:
    """The agent's side: open calls, readings, and work done at once.

    ``commands``: what actuators were told. ``result``: what comes of a command.
    """

    book: Book
    seen: dict[str, Heard] = field(default_factory=dict)
    result: Callable[[Act], Acted] = lambda act: Acted(True, act.cmd)
    pin: Callable[[str], Outcome] = lambda digits: PinRight() if digits == PIN else PinWrong()
    mono: float = 1000.0
    utc: datetime = datetime(2026, 1, 31, 4, 5, tzinfo=UTC)
    calls: Calls = field(default_factory=Calls)
    work: list[Work] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    helpers: bool = True

    @property
    def now(self) -> Moment:
        return Moment(self.mono, self.utc, True, TAIPEI)

    @property
    def commands(self) -> list[tuple[str, str]]:
        return [(work.actuator, work.cmd) for work in self.work if isinstance(work, Act)]

    def answer(self, request: CallRequest) -> CallAction:
        """The one answer to ``request``."""
        self.mono += 1.0
        call = self.calls.find(request.node, request.phone)
        step = engine.asked(
            self.book, call, request, nodes.fresh(), self._helper(), self.seen, self.now
        )
        while step.work is not None:
            assert step.answer is None and step.call is not None and step.wait_text
            self.work.append(step.work)
            self._keep(step)
            outcome = self._do(step.work)
            call = step.call
            step = engine.finished(
                self.book, call, request.id, outcome, self._helper(), self.seen, self.now
            )
        assert step.answer is not None
        self._keep(step, call)
        return step.answer

    def _helper(self) -> str | None:
        return self.calls.helper(self.mono) if self.helpers else None

    def _keep(self, step: Step, before: Call | None = None) -> None:
        self.effects.extend(step.effects)
        if step.call is not None:
            self.calls.keep(step.call)
        elif before is not None:
            self.calls.drop(before)

    def _do(self, work: Work) -> Outcome:
        match work:
            case CheckPin(digits):
                return self.pin(digits)
            case Act():
                return self.result(work)
            case FreshRead():
                return ReadDone()


class Caller:
    """A caller's side: what is heard, and what can be entered. ``text``: all of the last turn; of
    the first one with the greeting, which the service says itself."""

    def __init__(self, exchange: Exchange, phone: str | None = LISTED) -> None:
        self.exchange = exchange
        self.phone = phone
        self.requests = 0
        self.action: CallAction
        self.text = ""
        self.greeting = upload.greeting(exchange.book)
        self.text = self.greeting + self._ask("MAIN", None)

    def enter(self, answer: str) -> str:
        """Keys, words with their confidence, or ``timeout``; what is said then."""
        assert self.action.collect is not None, "nothing is listened for"
        return self._ask(self.action.node, answer)

    def recorded(self) -> str:
        """The service has recorded, and goes on."""
        assert self.action.next_node not in (None, "END")
        return self._ask(str(self.action.next_node), None)

    @property
    def over(self) -> bool:
        return self.action.next_node == "END"

    def _ask(self, node: str, answer: str | None) -> str:
        texts = []
        while True:
            self.requests += 1
            request = CallRequest(f"id{self.requests}", False, self.phone, node, answer)
            self.action = self.exchange.answer(request)
            assert self.action.id == request.id
            texts.append(self.action.text or "")
            if self.action.next_node in (None, "END") or self.action.collect is not None:
                self.text = "".join(texts)
                return self.text
            assert self.action.next_node in nodes.HELPERS
            node, answer = self.action.next_node, None


GREENHOUSE = """\
[callers]
allow = ["0900000001"]
[pin]
hash = "credential:phone-pin"
[menu.main]
say = "溫室您好。查詢溫度請按一，控制電燈請按二，留言請按三。"
keys = { 1 = "read.temperature", 2 = "menu.lamp", 3 = "memo.note" }
[read.temperature]
say = "目前{temperature}，{temperature:age}測得。"
[menu.lamp]
auth = "pin"
say = "開燈請按一，關燈請按二，調光請按三。"
keys = { 1 = "do.on", 2 = "do.off", 3 = "do.dim" }
[do.on]
command = { actuator = "lamp", cmd = "on" }
say = "打開電燈"
done = "電燈已打開。"
failed = "電燈沒有回應。"
[do.off]
command = { actuator = "lamp", cmd = "off" }
[do.dim]
command = { actuator = "dimmer", digits = 3, scale = 0.01 }
ask = "請輸入亮度。"
[memo.note]
say = "請留言。"
record = "60s"
transcript = true
"""
"""A telephone with a bit of everything."""


def greenhouse(folder: Path, menus: str = GREENHOUSE, **options: object) -> Exchange:
    """An exchange with these menus, and a temperature of half a minute ago."""
    exchange = Exchange(book_of(folder, menus), **options)  # type: ignore[arg-type]
    exchange.seen["temperature"] = Heard(("25.3",), ("°C",), ("temperature",), 30.0)
    exchange.seen["load"] = Heard(("0.5",), (None,), ("load",), 30.0)
    return exchange
