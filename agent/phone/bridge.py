"""Between the telephone service and the menu engine: every request gets exactly one final answer.

Whatever happens. What takes longer than a second is announced by a wait text (T-11); an error of
ours is apologised for and ends the call; what cannot be read is noted once and counted. Messages
are taken in the order they arrive, and calls expire by our own clock: the ``time`` in them is
somebody else's (protocol, section 9). Runs on the loop, without any I/O of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from hashlib import blake2b
from typing import Protocol

from agent.clock import Clock
from agent.config.menus import Book
from agent.errors import LinkLost
from agent.masking import masked
from agent.noticing import Noticing
from agent.phone import engine, nodes
from agent.phone.calllog import told
from agent.phone.callouts import Callouts
from agent.phone.calls import Calls
from agent.phone.model import (
    Act,
    Acted,
    Call,
    CheckPin,
    Effect,
    Ended,
    FreshRead,
    Moment,
    Outcome,
    PinLocked,
    PinRight,
    PinWrong,
    ReadDone,
    Seen,
    Step,
    Unsent,
)
from agent.phone.recent import Departures, Repetitions
from agent.protocol import calls as protocol
from agent.protocol import telephone
from agent.protocol.calls import CallNotice, CalloutResult, CallRequest, VoiceMemo
from agent.protocol.errors import Malformed
from agent.protocol.telephone import CallAction, WaitAction

log = logging.getLogger("cht_agent.phone")

TAIPEI = timezone(timedelta(hours=8), "Asia/Taipei")
"""What every caller's clock shows, as the numbers are Taiwan's. A Pi is often left on UTC."""
PATIENCE = 1.0
"""Seconds of silence that a caller may hear."""
LONGEST_WORK = 120.0
"""Seconds: the service itself plays music for 4 minutes, then it drops the call (T-11)."""
EXPIRE_EVERY = 30.0
UNNOTICED = 120.0
"""Seconds for which a connection may seem to be there that is gone: two keep-alives."""


class Hands(Protocol):
    """What a call may have done. None of it raises for what callers do."""

    async def check_pin(self, digits: str) -> PinRight | PinWrong | PinLocked:
        """Look at a PIN, off the loop."""

    def act(self, actuator: str, cmd: str) -> Acted:
        """Command an actuator and read it back."""

    async def read(self, sensors: tuple[str, ...]) -> None:
        """Measure now; what comes of it is in the next ``seen``."""


class Notes(Protocol):
    """Where it is kept what happened."""

    def call(self, call: str, phone: str | None, what: str) -> None:
        """A line of the call log. ``phone`` is not masked yet."""

    def memo(self, call: str, memo: VoiceMemo) -> None:
        """A recording came."""


@dataclass(frozen=True)
class BridgeStatus:
    """``open`` calls now, calls ``answered`` since the start, and what else was counted."""

    open: int
    answered: int
    counts: Mapping[str, int]


class Bridge:
    """All calls of one service number.

    ``publish`` sends and raises LinkLost. ``callouts`` None: nobody phones people from here.
    ``fresh`` mints the random part of a call's token.
    """

    def __init__(
        self,
        sn_key: str,
        book: Book,
        clock: Clock,
        publish: Callable[[str, bytes], None],
        seen: Callable[[], Seen],
        hands: Hands,
        notes: Notes,
        callouts: Callouts | None = None,
        fresh: Callable[[], str] = nodes.fresh,
        patience: float = PATIENCE,
    ) -> None:
        self.book = book
        self.noticing = Noticing(log, clock)
        self._topic = telephone.call_action_topic(sn_key)
        self._clock = clock
        self._publish = publish
        self._seen = seen
        self._hands = hands
        self._notes = notes
        self._callouts = callouts
        self._fresh = fresh
        self._patience = patience
        self._calls = Calls(clock.monotonic())
        self._repetitions = Repetitions()
        self._departures = Departures()
        self._works: set[asyncio.Task[None]] = set()
        self._answered = 0
        self._counts: Counter[str] = Counter()

    @property
    def status(self) -> BridgeStatus:
        counts = Counter(self._counts)
        counts.update(self.noticing.counts)
        return BridgeStatus(len(self._calls), self._answered, counts)

    def renew(self, book: Book, *, other_pin: bool) -> None:
        """Other menus from now on, also in calls that are open; with another PIN they need it."""
        self.book = book
        if other_pin:
            self._calls.distrust()

    def lost(self) -> None:
        """The connection is gone, and the last answers may be, too: nobody acknowledges them."""
        now = self._clock.monotonic()
        for call in self._calls:
            if now - call.heard < UNNOTICED:
                self._note(call, "connection lost: the last answer may not have arrived")

    def receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """One message of the service. Never raises for what is in it."""
        try:
            if retained:
                raise Malformed("it was kept by the broker and is not of now")
            self._route(topic, payload)
        except Malformed as exc:
            self.noticing.note("malformed", f"message ignored: {exc}")
            if not retained and (id := protocol.waiting_id(payload)) is not None:
                self._apologise(id)
        except Exception:
            # A task border: no message may end the agent.
            log.exception("a message of the telephone service could not be handled")
            self._counts["errors"] += 1

    async def run(self) -> None:
        """Forget calls that nobody hears of any more, until cancelled; then finish what waits."""
        try:
            while True:
                await asyncio.sleep(EXPIRE_EVERY)
                for call in self._calls.expire(self._clock.monotonic()):
                    self._note(call, "nothing was heard of it any more")
        finally:
            for work in tuple(self._works):
                work.cancel()
            await asyncio.gather(*self._works, return_exceptions=True)

    # --- what comes -------------------------------------------------------------------------------

    def _route(self, topic: str, payload: bytes) -> None:
        match telephone.kind_of(topic):
            case "callEvent":
                self._event(protocol.decode_call_event(payload))
            case "callActionDebug":
                self._debug(protocol.decode_debug(payload))
            case "calloutResult":
                self._result(protocol.decode_callout_result(payload))
            case None:
                raise Malformed("nothing was subscribed for its topic")

    def _event(self, event: CallRequest | CallNotice | VoiceMemo) -> None:
        if self._repetitions.again(event, self._clock.monotonic()):
            self._counts["repeated"] += 1
            return
        match event:
            case CallRequest():
                self._counts["requests"] += 1
                self._guarded(event, self._ask_callouts if event.callout else self._ask)
            case CallNotice():
                self._notice(event)
            case VoiceMemo():
                self._counts["recordings"] += 1
                call = self._calls.only_one_from(event.phone)
                self._notes.memo(_shown(call) if call else "", event)

    def _debug(self, text: str) -> None:
        self.noticing.note("refused_answers", f"the service refused an answer of ours: {text}")

    def _result(self, result: CalloutResult) -> None:
        self._counts["callout_results"] += 1
        log.info("call-out to %s: %s", masked(result.phone), result.status)
        if self._callouts is not None:
            self._callouts.result(result)

    def _notice(self, notice: CallNotice) -> None:
        if notice.callout:
            if self._callouts is not None:
                self._callouts.noticed(notice)
            return
        if notice.event == "established":
            return
        if not self._departures.expected(notice.phone, self._clock.monotonic()):
            call = self._calls.only_one_from(notice.phone)
            if call is not None:
                self._calls.drop(call)
                self._note(call, "hung up")

    # --- a turn -----------------------------------------------------------------------------------

    def _guarded(self, request: CallRequest, handle: Callable[[CallRequest], None]) -> None:
        """Whatever we get wrong, the caller gets an answer."""
        try:
            handle(request)
        except Exception:
            # A task border: the next call must be answered, too.
            log.exception("a call could not be answered")
            self._fail(request)

    def _ask(self, request: CallRequest) -> None:
        call = self._calls.find(request.node, request.phone)
        now = self._moment()
        helper = self._calls.helper(now.mono)
        token = self._fresh() if call is None else call.secret
        step = engine.asked(self.book, call, request, token, helper, self._seen(), now)
        if call is None and step.call is not None:
            self._answered += 1
            main = request.node.upper() == "MAIN"
            self._note(step.call, "called" if main else "goes on, though we did not know it")
        elif call is None:
            self._answered += 1
            self._notes.call("", request.phone, "called")
        self._take(request, call, step)

    def _ask_callouts(self, request: CallRequest) -> None:
        if self._callouts is None:
            self.noticing.note("unknown_callouts", "a call-out was answered that is none of ours")
            self._apologise(request.id)
            return
        self._send(self._callouts.asked(request))

    def _take(self, request: CallRequest, call: Call | None, step: Step) -> None:
        """What a step says is to be kept, done and remembered; the answer first."""
        if step.call is not None:
            self._calls.keep(step.call)
        elif call is not None:
            self._calls.drop(call)
        unsent: tuple[Effect, ...] = ()
        if step.answer is None:
            self._begin(request, step)
        else:
            unsent = self._send(step.answer)
            if step.call is None:
                self._departures.leaves(request.phone, self._clock.monotonic())
        self._note_effects(request, step.call or call, (*step.effects, *unsent))

    def _begin(self, request: CallRequest, step: Step) -> None:
        work = asyncio.create_task(self._work(request, step), name="phone-work")
        self._works.add(work)
        work.add_done_callback(self._works.discard)

    async def _work(self, request: CallRequest, step: Step) -> None:
        """Do what a turn needs, and answer it then."""
        impatient = asyncio.get_running_loop().call_later(
            self._patience, self._announce, request.id, step
        )
        try:
            async with asyncio.timeout(LONGEST_WORK):
                outcome = await self._perform(step)
        except Exception:
            # A task border: the answer is owed all the same.
            log.exception("what a caller asked for could not be done")
            self._fail(request, step.call)
            return
        except asyncio.CancelledError:
            self._fail(request, step.call)
            raise
        finally:
            impatient.cancel()
        self._guarded(request, lambda request: self._finish(request, step, outcome))

    async def _perform(self, step: Step) -> Outcome:
        match step.work:
            case CheckPin(digits):
                return await self._hands.check_pin(digits)
            case Act(actuator, cmd):
                return self._hands.act(actuator, cmd)
            case FreshRead(sensors):
                await self._hands.read(sensors)
                return ReadDone()
            case None:
                raise ValueError("a step has neither an answer nor work")

    def _finish(self, request: CallRequest, step: Step, outcome: Outcome) -> None:
        if step.call is None:
            raise ValueError("work is done for no call")
        call = self._calls.current(step.call)
        now = self._moment()
        helper = self._calls.helper(now.mono)
        done = engine.finished(
            self.book, call or step.call, request.id, outcome, helper, self._seen(), now
        )
        if call is not None:
            self._take(request, call, done)
            return
        # The caller has hung up meanwhile: what was done is noted, but nothing more is begun.
        unsent = self._send(done.answer or engine.apology(self.book, request.id))
        self._note_effects(request, step.call, (*done.effects, *unsent))

    def _announce(self, id: str, step: Step) -> None:
        if step.wait_text is None:
            return
        self._counts["waits"] += 1
        self._send(WaitAction(id, step.wait_text.strip(), voice=self.book.voice))

    # --- answers ----------------------------------------------------------------------------------

    def _send(self, action: CallAction | WaitAction) -> tuple[Effect, ...]:
        """Say it, now or never. What is to be noted of that."""
        try:
            self._publish(self._topic, telephone.encode_call_action(action))
        except LinkLost as exc:
            # True only now: when the link is back, the caller is gone.
            self.noticing.note("unsent", f"an answer could not be sent: {exc}")
            return (Unsent(),)
        if isinstance(action, CallAction):
            self._counts["answers"] += 1
        return ()

    def _fail(self, request: CallRequest, call: Call | None = None) -> None:
        """Apologise and end the call."""
        unsent = self._apologise(request.id)  # first of all
        self._counts["errors"] += 1
        call = call or self._calls.find(request.node, request.phone)
        if call is not None:
            self._calls.drop(call)
            self._note_effects(request, call, (Ended("error"), *unsent))
        self._departures.leaves(request.phone, self._clock.monotonic())

    def _apologise(self, id: str) -> tuple[Effect, ...]:
        try:
            return self._send(engine.apology(self.book, id))
        except ValueError as exc:
            self.noticing.note("unanswerable", f"a request could not be answered: {exc}")
            return ()

    def _moment(self) -> Moment:
        clock = self._clock
        return Moment(clock.monotonic(), clock.utc(), clock.trusted(), TAIPEI)

    def _note_effects(
        self, request: CallRequest, call: Call | None, effects: tuple[Effect, ...]
    ) -> None:
        for effect in effects:
            if call is not None:
                self._note(call, told(effect))
            else:
                self._notes.call("", request.phone, told(effect))

    def _note(self, call: Call, what: str) -> None:
        self._notes.call(_shown(call), call.phone, what)


def _shown(call: Call) -> str:
    """What the log calls it: the token itself opens the call to whoever reads it."""
    return blake2b(call.secret.encode(), digest_size=4).hexdigest()
