"""From what is to be said to the answer: parts of at most 200 characters, and what follows them."""

from __future__ import annotations

from dataclasses import replace

from agent.config.menus import Book, Do, Language, Memo, Menu, Page
from agent.phone import nodes, speech
from agent.phone.callers import Standing, standing
from agent.phone.model import (
    AskingPin,
    Call,
    Choosing,
    Confirming,
    Effect,
    Ended,
    Entering,
    Leaving,
    Moment,
    Place,
    Reason,
    Recording,
    Seen,
    Step,
    Work,
    Working,
)
from agent.phone.saying import joined
from agent.phone.words import WORDS, Words
from agent.protocol import telephone
from agent.protocol.telephone import CallAction, Keypad

LONGEST_PIN = 20  # T-09: no more digits can be entered at once
KEY_SECONDS = 10
PIN_SECONDS = 20


class Turn:
    """One request on its way to its answer: what is to be said, and what has happened.

    It lives for one request and ends in one Step. ``_lead`` is said before what is asked;
    ``_passed`` are the readings in it. ``_greeted`` is what the service itself has just said.
    """

    def __init__(
        self, book: Book, call: Call, id: str, helper: str | None, seen: Seen, now: Moment
    ) -> None:
        self._book = book
        self._call = call
        self._id = id
        self._helper = helper
        self._seen = seen
        self._now = now
        self._lead: list[str] = []
        self._passed: tuple[str, ...] = ()
        self._greeted = ""
        self._effects: list[Effect] = []

    # --- the ways a turn ends

    def _work(self, work: Work, at: AskingPin | Confirming | str) -> Step:
        self._change(place=Working(self._id, work, at, tuple(self._lead), self._passed))
        return Step(self._call, None, work, self._words.wait, tuple(self._effects))

    def _ask(self, place: Place, prompt: str) -> Step:
        text = joined((*self._lead, prompt))
        self._change(place=place, said=text)
        return self._emit(parts(text.removeprefix(self._greeted)))

    def _leave(self, reason: Reason, text: str) -> Step:
        self._change(place=Leaving(reason))
        return self._emit(parts(joined((*self._lead, text))))

    def _again(self) -> Step:
        return self._emit(parts(self._call.said))

    def _emit(self, parts: tuple[str, ...]) -> Step:
        """Say the first of the parts; the last one listens, or ends the call."""
        text, *rest = parts
        self._change(rest=tuple(rest))
        next_node, collect = self._listen() if not rest else self._go_through()
        answer = CallAction(
            self._id,
            node=self._node,
            text=text or None,
            next_node=next_node,
            collect=collect,
            voice=self._book.voice,
        )
        place = self._call.place
        if isinstance(place, Leaving) and not rest:
            return Step(None, answer, effects=(*self._effects, Ended(place.reason)))
        helper = self._helper if next_node is not None and next_node == self._helper else None
        self._change(helper=helper)
        return Step(self._call, answer, effects=tuple(self._effects))

    def _go_through(self) -> tuple[str | None, telephone.Collect | None]:
        """To be asked again after a text (T-06); without a helper, by waiting for a key in vain."""
        return (self._helper, None) if self._helper else (None, Keypad(1, KEY_SECONDS))

    def _listen(self) -> tuple[str | None, telephone.Collect | None]:
        """What follows the text, by the place the call is at."""
        match self._call.place:
            case Leaving():
                return "END", None
            case Choosing(speech=True):
                return None, telephone.Speech()
            case AskingPin(speech=True) | Entering(speech=True):
                return None, telephone.SpokenDigits()
            case AskingPin():
                return None, Keypad(LONGEST_PIN, PIN_SECONDS)
            case Entering(target):
                page = self._page(target)
                most = page.number.digits if isinstance(page, Do) and page.number else 1
                return None, Keypad(most, max(KEY_SECONDS, 2 * most))
            case Recording(target):
                page = self._page(target)
                if isinstance(page, Memo):
                    length = int(page.record)
                    return self._helper or "END", telephone.Recording(length, page.transcript)
        return None, Keypad(1, KEY_SECONDS)

    def _miss(self, text: str) -> Step | None:
        """Count a wrong key or a silence: both alike, or two counters could alternate for ever.

        None, with ``text`` to be said first, while there is another try; else the end.
        """
        misses, all_misses = self._call.misses + 1, self._call.all_misses + 1
        self._change(misses=misses, all_misses=all_misses)
        if misses >= self._book.attempts or all_misses >= 2 * self._book.attempts:
            return self._leave("attempts", self._words.attempts)
        self._lead.append(text)
        return None

    # --- what every turn needs

    def _change(self, **fields: object) -> None:
        self._call = replace(self._call, **fields)  # type: ignore[arg-type]

    @property
    def _standing(self) -> Standing:
        return standing(self._book.callers, self._call.phone)

    @property
    def _here(self) -> Menu:
        """The menu the call is in; the first one when it is gone from the book."""
        path = self._call.path
        if path[-1] not in self._book.menus:
            self._change(path=("main",))
        return self._book.menus[self._call.path[-1]]

    @property
    def _words(self) -> Words:
        return WORDS[self._language(self._here)]

    @property
    def _node(self) -> str:
        place = self._call.place
        menu = self._call.path[-1]
        if isinstance(place, AskingPin) and place.target.startswith("menu."):
            menu = place.target.removeprefix("menu.")
        code = nodes.codes(self._book.menus).get(menu, "00")
        return str(nodes.Token("c", code, self._call.secret))

    def _menu_of(self, node: str) -> str:
        """The menu a node of ours stands for; the first one for any other node."""
        token = nodes.parse(node)
        codes = nodes.codes(self._book.menus)
        found = (name for name, code in codes.items() if token and code == token.code)
        return next(found, "main")

    def _page(self, target: str) -> Page | None:
        """None for a page that the book had when the caller chose it, and has no longer."""
        try:
            return self._book.page(target)
        except KeyError:
            return None

    def _language(self, page: Page) -> Language:
        here = self._book.menus.get(self._call.path[-1])
        return page.language or (here.language if here else None) or self._book.language

    def _filled(self, text: str, page: Page) -> str:
        return speech.render(
            text, self._seen, self._now, self._book.stale_after, self._language(page)
        )


def parts(text: str) -> tuple[str, ...]:
    return speech.split(text) or ("",)
