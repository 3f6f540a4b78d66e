"""The phones of the twin's world: who calls, and who is there to take a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from twin.phone.callout import How
from twin.phone.effects import (
    Effect,
    Ended,
    Listening,
    Music,
    Publish,
    Recorded,
    Ringing,
    Spoken,
)
from twin.serving.exchange import Exchange

Ear = Callable[[dict[str, Any]], None]
"""Told what a phone hears, as the control socket writes it."""

_RINGS = 0.3
"""Seconds of this machine before a call-out is taken: its POST should have been answered."""


class Handset:
    """One call, for who holds the phone."""

    def __init__(self, exchange: Exchange, call_id: str) -> None:
        self._exchange = exchange
        self._telephone = exchange.telephone
        self._now = exchange.clock.now
        self._call_id = call_id

    def press(self, digits: str) -> None:
        self._exchange.emit(self._telephone.press(self._call_id, digits, self._now()))

    def say(self, text: str, confidence: float | None) -> None:
        self._exchange.emit(self._telephone.say(self._call_id, text, confidence, self._now()))

    def record(self, spoken: str | float) -> None:
        self._exchange.emit(self._telephone.record(self._call_id, spoken, self._now()))

    def hang_up(self) -> None:
        self._exchange.emit(self._telephone.hang_up(self._call_id, self._now()))


class Callee:
    """Somebody at a phone, who will take the next call so, or as they please (None).
    ``handset``: once it rings."""

    def __init__(self, phone: str, how: How | None, ear: Ear) -> None:
        self.phone = phone
        self.how = how
        self.ear = ear
        self.handset: Handset | None = None


class Phones:
    """Give every effect to ``hear``."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ears: dict[str, Ear] = {}
        self._ringing: dict[str, str] = {}
        self._waiting: list[Callee] = []

    def call(self, number: str, caller: str, ear: Ear) -> Handset:
        """Dial; what is heard goes to ``ear`` from now on."""
        now = self._exchange.clock.now()
        call_id, effects = self._exchange.telephone.dial(number, caller, now)
        self._ears[call_id] = ear
        self._exchange.emit(effects)
        return Handset(self._exchange, call_id)

    def await_call(self, callee: Callee) -> None:
        """Let them take the next call-out to their phone, or one that rings already."""
        self._waiting.append(callee)
        self._match()

    def leave(self, callee: Callee) -> None:
        """Nobody is at that phone any more."""
        if callee in self._waiting:
            self._waiting.remove(callee)
        elif callee.handset is not None:
            callee.handset.hang_up()

    def hear(self, effect: Effect) -> None:
        match effect:
            case Publish():
                pass
            case Ringing(call_id, phone):
                self._ringing[call_id] = phone
                self._match()
            case Spoken(call_id, text, voice, seconds):
                self._tell(call_id, event="spoken", text=text, voice=voice, seconds=seconds)
            case Music(call_id):
                self._tell(call_id, event="music")
            case Listening(call_id, kind, seconds):
                self._tell(call_id, {"for": kind}, event="listening", seconds=seconds)
            case Recorded(call_id, seconds):
                self._tell(call_id, event="recorded", seconds=seconds)
            case Ended(call_id, why):
                self._tell(call_id, event="ended", why=why)
                self._ears.pop(call_id, None)
                self._ringing.pop(call_id, None)

    def _tell(self, call_id: str, more: dict[str, Any] | None = None, **message: Any) -> None:
        if ear := self._ears.get(call_id):
            ear({**message, **(more or {})})

    def _match(self) -> None:
        """Who waits gets what rings, both in the order they came."""
        for call_id, phone in list(self._ringing.items()):
            callee = next((each for each in self._waiting if each.phone == phone), None)
            if callee is not None:
                self._waiting.remove(callee)
                del self._ringing[call_id]
                callee.handset = Handset(self._exchange, call_id)
                self._ears[call_id] = callee.ear
                callee.ear({"event": "ringing"})
                if callee.how is not None:
                    asyncio.get_running_loop().call_later(_RINGS, self.take, callee, callee.how)

    def take(self, callee: Callee, how: How) -> None:
        """The phone that rings is taken so; nothing when it does not ring."""
        now = self._exchange.clock.now()
        self._exchange.emit(self._exchange.telephone.answer(callee.phone, how, now))
