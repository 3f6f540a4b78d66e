"""The menu engine: a call and what the caller did → what to answer, or to do first (decision 9).

Pure: no clock, no I/O, no state but the values it is given and gives back. Every request leads to
one :class:`Step`, and every step to one answer, at once or when its work is done.
"""

from __future__ import annotations

from dataclasses import replace

from agent.config.menus import END, Book, Do, Memo, Menu, Read
from agent.phone import prompts, speech, upload
from agent.phone.hearing import digits_in, understood
from agent.phone.model import (
    Act,
    Acted,
    AskingPin,
    Authorised,
    Call,
    Cancelled,
    CheckPin,
    Choosing,
    Commanded,
    Confirming,
    Entering,
    FreshRead,
    Leaving,
    Moment,
    Outcome,
    PinLocked,
    PinRight,
    PinWrong,
    ReadDone,
    Recording,
    Refused,
    Seen,
    Step,
    Visited,
    Working,
)
from agent.phone.saying import joined, sensors_in
from agent.phone.turn import Turn, parts
from agent.phone.words import WORDS
from agent.protocol.calls import CallRequest, Entered, Entry, Keys, Silence, Spoken
from agent.protocol.telephone import CallAction
from agent.values import shortest

YES = "1"
SHORTEST_PIN = 6


def asked(
    book: Book,
    call: Call | None,
    request: CallRequest,
    token: str,
    helper: str | None,
    seen: Seen,
    now: Moment,
) -> Step:
    """What to answer to ``request``, which belongs to ``call``.

    ``call`` None: a new call, or one that nobody remembers; it gets ``token`` (``nodes.fresh``).
    One that comes from a node of ours keeps its menu, and has to give the PIN again.
    ``helper``: a node of the uploaded menu that no other call waits at; None: there is none.
    """
    if call is None:
        turn = _Turn(book, Call(token, request.phone, now.mono), request.id, helper, seen, now)
        return turn.begin(None if request.node.upper() == "MAIN" else request.node)
    # It may wait at a helper no longer, so that it can be sent there again.
    call = replace(call, heard=now.mono, helper=None)
    turn = _Turn(book, call, request.id, helper, seen, now)
    return turn.hear(request.entry, by_key="/" not in (request.answer or ""))


def finished(
    book: Book, call: Call, id: str, outcome: Outcome, helper: str | None, seen: Seen, now: Moment
) -> Step:
    """What to answer to the request ``id``, now that its work is done."""
    call = replace(call, heard=now.mono)  # what follows has all its time, whatever the work took
    return _Turn(book, call, id, helper or call.helper, seen, now).go_on(outcome)


def apology(book: Book, id: str) -> CallAction:
    """The answer to the request ``id`` when everything else failed: the call ends. Raises
    ValueError for an id that cannot be answered."""
    return CallAction(
        id,
        node="sorry",
        text=WORDS[book.language].sorry,
        next_node="END",
        voice=book.voice,
    )


class _Turn(Turn):
    """What the caller did, by the place the call is at."""

    def begin(self, node: str | None) -> Step:
        """A call's first request: from ``MAIN``, or (``node``) of a call we have forgotten."""
        self._change(turns=1)
        if self._standing == "denied":
            return self._leave("denied", self._words.denied)
        menu = "main"
        if node is None:
            self._greeted = upload.greeting(self._book)
        else:
            self._lead.append(self._words.lost)
            menu = self._menu_of(node)
            way = self._book.ways.get(menu, ("main",))
            self._change(path=way[:-1] or ("main",))
        return self._go(f"menu.{menu}")

    def hear(self, entry: Entry, by_key: bool) -> Step:
        """What the caller did, where the call stands. ``by_key``: not heard with a confidence, as
        speech is."""
        self._change(turns=self._call.turns + 1)
        if self._call.turns >= self._book.max_turns:
            self._change(rest=())
            return self._leave("max turns", self._words.too_long)
        rest = self._call.rest
        self._change(rest=())
        place = self._call.place
        if rest and (isinstance(entry, Entered | Silence) or isinstance(place, Leaving)):
            return self._emit(rest)
        match place:
            case Choosing():
                return self._choose(place, entry)
            case AskingPin():
                return self._hear_pin(place, entry)
            case Entering():
                return self._hear_number(place, entry)
            case Confirming():
                return self._hear_yes(place, entry, by_key)
            case Recording(target):
                return self._recorded(target)
            case Working():
                return self._emit((self._words.busy,))
            case Leaving(reason):
                return self._leave(reason, self._words.goodbye)

    def go_on(self, outcome: Outcome) -> Step:
        """The work is done. What comes too late changes nothing, but is answered, too."""
        place = self._call.place
        if isinstance(place, Leaving):
            return self._leave(place.reason, self._words.goodbye)
        if not isinstance(place, Working):
            return self._emit(parts(self._call.said))
        if place.id != self._id:
            return self._emit((self._words.busy,))
        self._lead.extend(place.lead)
        self._passed = place.passed
        match place.at, outcome:
            case AskingPin() as at, PinRight() | PinWrong() | PinLocked():
                return self._pin_told(at, outcome)
            case Confirming() as at, Acted():
                return self._acted(at, outcome)
            case str() as target, ReadDone():
                return self._say_reading(target)
        raise ValueError(f"{type(outcome).__name__} does not answer {type(place.work).__name__}")

    # --- where to

    def _go(self, target: str, unsure: bool = False) -> Step:
        """To ``target``; ``unsure``: chosen by speech, which alone never moves anything."""
        self._change(misses=0)
        if target == END:
            return self._leave("goodbye", self._words.goodbye)
        page = self._page(target)
        kept_out = self._keep_out(target, unsure)
        if page is None or kept_out is not None:
            return kept_out or self._menu(again=True)
        match page:
            case Menu():
                name = target.removeprefix("menu.")
                path = self._call.path
                # The first menu is there before it was heard.
                known = name in path and self._call.said != ""
                self._change(path=path[: path.index(name) + 1] if name in path else (*path, name))
                self._effects.append(Visited(target))
                return self._menu(again=known)
            case Read():
                return self._read(target, page)
            case Do(number=None):
                return self._confirm(target, page, Act(page.actuator, page.cmd or ""), None, unsure)
            case Do():
                return self._ask_number(Entering(target, unsure, self._by_speech(page)))
            case Memo():
                self._effects.append(Visited(target))
                say = self._filled(page.say, page)
                if self._helper is None:  # there is no way back from a recording without one
                    say = joined((say, WORDS[self._language(page)].memo_last))
                return self._ask(Recording(target), say)

    def _keep_out(self, target: str, unsure: bool) -> Step | None:
        """The step that leads elsewhere when the caller may not reach ``target``."""
        needs_pin = target in self._book.guarded and not self._call.authorised
        if self._standing != "full" and (needs_pin or target.startswith("do.")):
            self._effects.append(Refused(target, "unlisted"))
            self._lead.append(self._words.refused)
            return self._menu(again=True)
        return self._ask_for_pin(target, unsure) if needs_pin else None

    def _after(self, page: Read | Do | Memo) -> Step:
        if page.then is None or page.then in self._passed:  # else a circle would never end
            return self._menu(again=True)
        # Nobody chose what merely follows, least of all by speech: an action is asked about.
        return self._go(page.then, unsure=True)

    def _back(self) -> Step:
        """To the menu before; from the first one out of the call."""
        if len(self._call.path) == 1:
            return self._leave("goodbye", self._words.goodbye)
        self._change(path=self._call.path[:-1], misses=0)
        return self._menu(again=True)

    # --- menus

    def _menu(self, again: bool = False) -> Step:
        """Ask at the menu the call is in. ``again``: the caller has heard it."""
        target = f"menu.{self._call.path[-1]}"
        if target in self._book.guarded and not self._call.authorised:
            # Only the first menu can be entered without having been asked for.
            if self._standing != "full":
                return self._leave("denied", self._words.denied)
            return self._ask_for_pin(target)
        menu = self._here
        by_speech = bool(menu.speech)
        return self._ask(Choosing(by_speech), self._prompt(menu, by_speech, again))

    def _prompt(self, menu: Menu, by_speech: bool, again: bool) -> str:
        language = self._language(menu)
        if by_speech:
            words = WORDS[language]
            choices = words.say_one_of.format(words=words.between.join(menu.speech))
            hello = "" if again else prompts.greeting(menu.say, language)
            return self._filled(joined((hello, menu.ask or choices)), menu)
        if again:
            return self._filled(menu.short or prompts.shortened(menu.say, language), menu)
        return self._filled(menu.say, menu)

    def _choose(self, place: Choosing, entry: Entry) -> Step:
        menu = self._here
        match entry:
            case Entered():
                return self._menu(again=True)
            case Keys(key) if key in menu.keys:
                return self._go(menu.keys[key], unsure=place.speech)
            case Keys(self._book.repeat_key):
                return self._again()
            case Keys(self._book.back_key):
                return self._back()
            case Spoken() if place.speech and (target := understood(menu, entry)):
                return self._go(target, unsure=True)
        words = self._words
        text = words.silent if isinstance(entry, Silence) else words.wrong
        if isinstance(entry, Spoken):
            text = words.misheard
        return self._miss(text) or self._ask(Choosing(), self._prompt(menu, False, True))

    # --- the PIN

    def _ask_for_pin(self, target: str, unsure: bool = False) -> Step:
        by_speech = self._book.pin is not None and self._book.pin.entry == "speech"
        return self._ask_pin(AskingPin(target, unsure, by_speech))

    def _ask_pin(self, place: AskingPin, again: bool = False) -> Step:
        words = self._words
        first = words.pin_spoken if place.speech else words.pin
        return self._ask(place, words.pin_again if again and not place.speech else first)

    def _hear_pin(self, place: AskingPin, entry: Entry) -> Step:
        digits = digits_in(entry)
        if digits == self._book.repeat_key:
            return self._again()
        if digits == self._book.back_key:
            here = f"menu.{self._call.path[-1]}"
            return self._back() if place.target == here else self._menu(again=True)
        if self._standing != "full":
            return self._go(place.target)  # which refuses: the menus were others a moment ago
        if len(digits) >= SHORTEST_PIN:
            return self._work(CheckPin(digits), place)
        words = self._words
        text = words.silent if isinstance(entry, Silence | Entered) else words.pin_wrong
        return self._miss(text) or self._ask_pin(replace(place, speech=False), again=True)

    def _pin_told(self, place: AskingPin, outcome: PinRight | PinWrong | PinLocked) -> Step:
        match outcome:
            case PinRight():
                self._effects.append(Authorised())
                self._change(authorised=True, pin_tries=0, said="")  # no menu was heard yet
                return self._go(place.target, place.unsure)
            case PinLocked():
                self._effects.append(Refused(place.target, "pin locked"))
                self._lead.append(self._words.pin_locked)
                if f"menu.{self._call.path[-1]}" in self._book.guarded:
                    return self._leave("pin", self._words.goodbye)
                return self._menu(again=True)
        self._effects.append(Refused(place.target, "wrong pin"))
        self._change(pin_tries=self._call.pin_tries + 1)
        if self._book.pin is None or self._call.pin_tries >= self._book.pin.tries_per_call:
            return self._leave("pin", self._words.pin_too_often)
        self._lead.append(self._words.pin_wrong)
        return self._ask_pin(place, again=True)

    # --- readings and memos

    def _read(self, target: str, page: Read) -> Step:
        sensors = sensors_in(page.say) if page.fresh else ()
        return self._work(FreshRead(sensors), target) if sensors else self._say_reading(target)

    def _say_reading(self, target: str) -> Step:
        page = self._page(target)
        if not isinstance(page, Read):
            return self._menu(again=True)
        self._effects.append(Visited(target))
        self._lead.append(self._filled(page.say, page))
        self._passed = (*self._passed, target)
        return self._after(page)

    def _recorded(self, target: str) -> Step:
        page = self._page(target)
        if not isinstance(page, Memo):
            return self._menu(again=True)
        words = WORDS[self._language(page)]
        self._lead.append(self._filled(page.done, page) if page.done else words.memo_done)
        return self._after(page)

    # --- actions

    def _by_speech(self, page: Do) -> bool:
        return page.number is not None and page.number.entry == "speech"

    def _ask_number(self, place: Entering) -> Step:
        page = self._page(place.target)
        if not isinstance(page, Do):
            return self._menu(again=True)
        words = WORDS[self._language(page)]
        own = words.number_spoken if place.speech else words.number
        return self._ask(place, self._filled(page.ask, page) if page.ask else own)

    def _hear_number(self, place: Entering, entry: Entry) -> Step:
        page = self._page(place.target)
        if not isinstance(page, Do) or page.number is None:
            return self._menu(again=True)
        digits = digits_in(entry)
        if 0 < len(digits) <= page.number.digits and (act := _meant(page, digits)) is not None:
            unsure = place.unsure or place.speech
            return self._confirm(place.target, page, act, str(int(digits)), unsure)
        words = self._words
        text = words.silent if isinstance(entry, Silence | Entered) else words.number_wrong
        return self._miss(text) or self._ask_number(replace(place, speech=False))

    def _confirm(self, target: str, page: Do, act: Act, number: str | None, unsure: bool) -> Step:
        """Ask first; at once only where the configuration says so, and keys said all."""
        self._change(misses=0)
        place = Confirming(target, act, number)
        if not page.confirm and not unsure:
            return self._act(place)
        return self._ask(place, self._question(place, page))

    def _question(self, place: Confirming, page: Do) -> str:
        language = self._language(page)
        return WORDS[language].confirm.format(
            what=self._what(place, page),
            yes=speech.digits(YES, language),
            no=speech.digits(self._book.back_key, language),
        )

    def _what(self, place: Confirming, page: Do) -> str:
        """Target and effect in words: the configured ones, else those of the menu."""
        language = self._language(page)
        words = WORDS[language]
        key = next((key for key, to in self._here.keys.items() if to == place.target), "")
        told = page.say or prompts.told_keys(self._here.say, self._language(self._here)).get(key)
        what = told or words.command.format(actuator=place.act.actuator, cmd=place.act.cmd)
        if place.number is not None:
            number = speech.number(place.number, language)
            if "{number}" not in what:
                what = words.with_number.format(what=what, number="{number}")
            what = what.replace("{number}", number)
        return self._filled(what, page)

    def _hear_yes(self, place: Confirming, entry: Entry, by_key: bool) -> Step:
        match entry:
            case Keys(key) if key == YES and by_key:
                return self._act(place)
            case Keys(self._book.back_key):
                self._effects.append(Cancelled(place.target))
                self._lead.append(self._words.cancelled)
                return self._menu(again=True)
            case Keys(self._book.repeat_key):
                return self._again()
        page = self._page(place.target)
        if not isinstance(page, Do):
            return self._menu(again=True)
        words = self._words
        text = words.silent if isinstance(entry, Silence | Entered) else words.wrong
        return self._miss(text) or self._ask(place, self._question(place, page))

    def _act(self, place: Confirming) -> Step:
        # Once more, at the last moment: the menus may be others than when it was chosen.
        kept_out = self._keep_out(place.target, unsure=False)
        page = self._page(place.target)
        if kept_out is not None or not isinstance(page, Do):
            return kept_out or self._menu(again=True)
        if _meant(page, place.number) != place.act:
            return self._go(place.target, unsure=True)  # which asks anew
        return self._work(place.act, place)

    def _acted(self, place: Confirming, outcome: Acted) -> Step:
        act = place.act
        self._effects.append(
            Commanded(place.target, act.actuator, act.cmd, outcome.ok, outcome.text)
        )
        page = self._page(place.target)
        if not isinstance(page, Do):
            return self._menu(again=True)
        language = self._language(page)
        words = WORDS[language]
        # The words of a page that was changed meanwhile are about something else.
        own = _meant(page, place.number) == act
        if outcome.ok:
            state = words.states.get(outcome.text) or speech.number(outcome.text, language)
            text = ((page.done if own else None) or words.done).replace("{state}", state)
            if place.number is not None:
                text = text.replace("{number}", speech.number(place.number, language))
        else:
            text = (page.failed if own else None) or words.failed
        self._lead.append(self._filled(text, page))
        return self._after(page)


def _meant(page: Do, number: str | None) -> Act | None:
    """What ``page`` does, with the ``number`` that was entered for it; None where the two do not
    go together, or the number lies beyond its limits."""
    limits = page.number
    if limits is None or number is None:
        fits = limits is None and number is None
        return Act(page.actuator, page.cmd or "") if fits else None
    value = round(int(number) * limits.scale, 9)
    if not limits.between[0] <= value <= limits.between[1]:
        return None
    return Act(page.actuator, shortest(value))
