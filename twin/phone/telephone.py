"""The telephone service: numbers and menus over REST, calls, and call-outs.

It has no clock and does no I/O: every call says when it happens and gets what follows from it.
Whoever runs it calls ``tick`` at ``next_tick``.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from twin.phone import errors, wire
from twin.phone.accounts import Accounts, Rental, rented, token
from twin.phone.action import Answer, Malformed, read_action, unknown_target
from twin.phone.call import Call
from twin.phone.callout import HOWS, Bell, How, read_order, service_number, status_of
from twin.phone.effects import Effect, Ended, Note, Publish, Ringing, Why
from twin.phone.errors import TasError
from twin.phone.fields import Fields
from twin.phone.happenings import (
    Final,
    HangUp,
    Input,
    Key,
    Memo,
    Phase,
    TimeUp,
    Wait,
    Words,
)
from twin.phone.kept import kept, revived
from twin.phone.menu import NOTHING_BUT_A_QUESTION, read_menu
from twin.phone.settings import LONGEST_RECORDING, Settings
from twin.phone.turn import MAIN

__all__ = ["Settings", "TasError", "Telephone"]

_ID_LENGTH = 14
_GROUP_LENGTH = 18
_MOST_NOTES = 1000
_OK = {"status": "ok"}


class Telephone:
    """Everything the service knows. ``rand`` makes its ids, numbers' keys and groups.

    The REST calls take the body as parsed JSON, whatever it is, and raise TasError. Times are
    aware. ``notes``: what was dropped and why, for the log, the newest 1,000.
    """

    def __init__(self, settings: Settings | None = None,
                 rand: random.Random | None = None) -> None:
        self.settings = settings or Settings()
        self.notes: deque[Note] = deque(maxlen=_MOST_NOTES)
        self._rand = rand or random.Random()  # noqa: S311 (names, not secrets)
        self._accounts = Accounts(self.settings.first_number, self._rand)
        self._calls: dict[str, Call] = {}
        self._bells: dict[str, Bell] = {}

    # Accounts

    @property
    def api_keys(self) -> list[str]:
        """Every key of every account."""
        return self._accounts.keys

    def add_account(self, api_key: str, bound: bool = True) -> None:
        """An account with this key, with or without a landline that pays. Called again it binds
        or unbinds the landline; unbinding voids all its numbers (T-42)."""
        self._accounts.add(api_key, bound=bound)

    def add_key(self, api_key: str, beside: str) -> None:
        """One more key for the account of the key ``beside``. Raises KeyError."""
        self._accounts.add_key(api_key, beside)

    def api_key_of(self, sn_key: str) -> str | None:
        """Whose number it is; None when nobody's."""
        rental = self._accounts.with_sn_key(sn_key)
        return rental.api_key if rental else None

    def sn_keys(self, api_key: str) -> list[str]:
        """The SNKeys of the numbers this key rented: whose topics it may use."""
        return [rental.sn_key for rental in self._accounts if rental.api_key == api_key]

    # Numbers and menus (T-20…T-26)

    def rent(self, api_key: str, body: Any, now: datetime) -> dict[str, Any]:
        return rented(self._accounts.rent(api_key, body, now))

    def numbers(self, api_key: str) -> list[dict[str, Any]]:
        return [rental.told() for rental in self._accounts.of(api_key)]

    def rename(self, api_key: str, number: str, body: Any) -> dict[str, Any]:
        self._accounts.rename(api_key, number, body)
        return dict(_OK)

    def lock(self, api_key: str, number: str, now: datetime) -> dict[str, Any]:
        self._accounts.lock(api_key, number, now)
        return dict(_OK)

    def set_menu(self, api_key: str, body: Any) -> dict[str, Any]:
        """Calls under way keep the menu they began with."""
        self._accounts.check_key(api_key)
        content = body if isinstance(body, dict) else {}
        fields = Fields(content)
        number = service_number(fields)
        if fields.errors:
            raise errors.syntax_errors(fields.errors)
        rental = self._accounts.accessible(api_key, number)
        rental.menu = read_menu(content.get("ivrData"), self.settings.menu_timeout)
        rental.uploaded = content
        return dict(_OK)

    def menu(self, api_key: str, number: str) -> dict[str, Any]:
        uploaded = self._accounts.accessible(api_key, number).uploaded
        if uploaded is None:
            raise errors.no_menu(number)
        return uploaded

    def delete_menu(self, api_key: str, number: str) -> dict[str, Any]:
        rental = self._accounts.accessible(api_key, number)
        rental.menu = rental.uploaded = None
        return dict(_OK)

    def kept(self) -> list[dict[str, Any]]:
        """Every number with its menu, as JSON values for ``restore``."""
        return [kept(rental) for rental in self._accounts]

    def restore(self, numbers: Sequence[Mapping[str, Any]]) -> None:
        """Begin with numbers of an earlier run. Raises KeyError, TypeError, ValueError or
        TasError for what ``kept`` did not write."""
        for number in numbers:
            self._accounts.restore(revived(number, self.settings.menu_timeout))

    # Call-outs (T-27, T-13)

    def callout(self, api_key: str, body: Any, now: datetime,
                ) -> tuple[dict[str, Any], list[Effect]]:
        """Let phones ring; ``answer`` says how each takes it."""
        self._accounts.check_key(api_key)
        order = read_order(body)
        rental = self._accounts.accessible(api_key, order.number)
        if rental.locked_at:
            raise errors.locked(order.number)
        effects, group = self.tick(now), self._token(_GROUP_LENGTH)
        until = now + timedelta(seconds=self.settings.ring_seconds)
        for phone in order.phones:
            bell = Bell(self._token(_ID_LENGTH), group, rental.sn_key, phone, order.turn, until)
            self._bells[bell.call_id] = bell
            effects.append(Ringing(bell.call_id, phone))
        return {**_OK, "groupId": group}, effects

    def ringing(self) -> list[str]:
        """The phones that ring, the one called first before the others."""
        return [bell.phone for bell in self._bells.values()]

    def answer(self, phone: str, how: How, now: datetime) -> list[Effect]:
        """A phone that rings is taken, or not. Nothing happens when it does not ring. Raises
        ValueError for a word that is not in ``How``."""
        if how not in HOWS:
            raise ValueError(f"{how!r} is no way to take a call: {', '.join(HOWS)}")
        effects = self.tick(now)
        for bell in self._bells.values():
            if bell.phone == phone:
                return effects + self._take(bell, how, now) + self.tick(now)
        return effects

    # Calls

    def dial(self, number: str, caller: str, now: datetime) -> tuple[str, list[Effect]]:
        """Somebody calls a service number; ``caller`` is empty when withheld. A call that cannot
        stand comes back ended."""
        effects = self.tick(now)
        call_id = self._token(_ID_LENGTH)
        rental = self._accounts.at_number(number)
        if rental is None or not rental.in_service:
            return call_id, [*effects, Ended(call_id, Why.NO_NUMBER)]
        if rental.menu is None:
            return call_id, [*effects, Ended(call_id, Why.NO_MENU)]
        call = Call(call_id, wire.Leg(rental.sn_key, caller), rental.menu, self.settings,
                    self._new_id)
        self._calls[call_id] = call
        return call_id, effects + call.start(rental.menu[MAIN], now) + self.tick(now)

    def calls(self) -> list[str]:
        """The calls that are open."""
        return list(self._calls)

    def press(self, call_id: str, digits: str, now: datetime) -> list[Effect]:
        """Keys, one after the other: ``0``-``9``, ``*``, ``#``. Anything else is no key.

        This and what follows does nothing to a call that is over.
        """
        effects = self.tick(now)
        for key in digits:
            if key in "0123456789*#":
                effects += self._tell(call_id, Key(key), now)
        return effects

    def say(self, call_id: str, text: str, confidence: float | None, now: datetime) -> list[Effect]:
        """Heard only while the service listens for speech. None: the usual confidence."""
        return self.tick(now) + self._tell(call_id, Words(text, confidence), now)

    def record(self, call_id: str, spoken: str | float, now: datetime) -> list[Effect]:
        """Say this, or something for so many seconds, into a recording, which ends after it."""
        if isinstance(spoken, str):
            memo = Memo(spoken, len(spoken) * self.settings.char_seconds)
        else:
            memo = Memo("", min(max(0.0, spoken), LONGEST_RECORDING))
        return self.tick(now) + self._tell(call_id, memo, now)

    def hang_up(self, call_id: str, now: datetime) -> list[Effect]:
        """The phone is put down; one that only rings refuses the call."""
        effects = self.tick(now)
        if bell := self._bells.get(call_id):
            return effects + self._take(bell, "reject", now)
        return effects + self._tell(call_id, HangUp(), now)

    def action(self, sn_key: str, payload: bytes, now: datetime) -> list[Effect]:
        """A callAction has come for this number (T-03…T-12)."""
        effects = self.tick(now)
        rental = self._accounts.with_sn_key(sn_key)
        if rental is None:
            self._note(now, "dropped: no number has this SNKey", sn_key)
            return effects
        read = read_action(payload)
        if isinstance(read, Malformed):
            return [*effects, self._refuse(rental, read, now)]
        call = next((call for call in self._calls.values()
                     if call.request == read.id and call.leg.sn_key == rental.sn_key), None)
        if call is None:
            self._note(now, "dropped: it answers no open request", rental.sn_key)
            return effects
        if not isinstance(read, Answer):
            return effects + self._tell(call.id, Wait(read.lines), now)
        if error := unknown_target(read, call.menu):
            return [*effects, self._refuse(rental, Malformed(read.id, (error,)), now)]
        for warning in read.warnings:
            self._note(now, f"taken, but: {warning}", rental.sn_key)
        return effects + self._tell(call.id, Final(read.turn), now)

    # Time

    def next_tick(self, now: datetime | None = None) -> datetime | None:
        """When something happens by itself; it may be due already."""
        return min((at for at, _ in self._due()), default=None)

    def tick(self, now: datetime) -> list[Effect]:
        """Everything that was due until now, in its order, each at its own time."""
        effects: list[Effect] = []
        while True:
            at, happen = min(self._due(), key=lambda due: due[0], default=(None, None))
            if at is None or happen is None or at > now:
                return effects
            effects += happen(at)

    def _due(self) -> list[tuple[datetime, Callable[[datetime], list[Effect]]]]:
        due: list[tuple[datetime, Callable[[datetime], list[Effect]]]] = [
            (bell.until, partial(self._take, bell, "timeout")) for bell in self._bells.values()]
        due += [(call.due, partial(self._give, call.id, TimeUp()))
                for call in self._calls.values() if call.due is not None]
        expiry = self._accounts.next_expiry()
        return due if expiry is None else [*due, (expiry, self._expire)]

    def _expire(self, at: datetime) -> list[Effect]:
        for _ in self._accounts.expire(at):
            self._note(at, "a locked number was not fetched back in time and is gone")
        return []

    def _take(self, bell: Bell, how: How, at: datetime) -> list[Effect]:
        """T-34: one result for each phone; then the call itself, if there is one."""
        del self._bells[bell.call_id]
        effects: list[Effect] = [Publish(wire.result(
            bell.sn_key, bell.group, bell.phone, status_of(how, bell.phone), at))]
        if how not in ("answer", "voicemail"):
            return [*effects, Ended(bell.call_id, Why.NOT_TAKEN)]
        rental = self._accounts.with_sn_key(bell.sn_key)
        uploaded = rental.menu if rental and self.settings.callout_menu else None
        menu = {**(uploaded or {}), **NOTHING_BUT_A_QUESTION}
        call = Call(bell.call_id, wire.Leg(bell.sn_key, bell.phone, callout=True), menu,
                    self.settings, self._new_id, reports=bell.turn is None)
        self._calls[call.id] = call
        return effects + call.start(bell.turn or menu[MAIN], at)

    def _tell(self, call_id: str, what: Input, now: datetime) -> list[Effect]:
        """What follows at once, too: a turn without a text takes no time."""
        return self._give(call_id, what, now) + self.tick(now)

    def _give(self, call_id: str, what: Input, at: datetime) -> list[Effect]:
        call = self._calls.get(call_id)
        if call is None:
            return []
        effects = call.receive(what, at)
        if call.phase is Phase.OVER:
            del self._calls[call_id]
        return effects

    def _refuse(self, rental: Rental, what: Malformed, now: datetime) -> Effect:
        self._note(now, f"dropped: {'; '.join(what.errors)}", rental.sn_key)
        return Publish(wire.debug(rental.sn_key, what.id, what.errors, now))

    def _note(self, at: datetime, what: str, sn_key: str = "") -> None:
        self.notes.append(Note(at, what, f"{wire.ACTION_TOPIC}/{sn_key}" if sn_key else ""))

    def _new_id(self) -> str:
        return self._token(_ID_LENGTH)

    def _token(self, length: int) -> str:
        return token(self._rand, length)
