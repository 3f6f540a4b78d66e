"""One call as a state machine: the table RULES says what can happen in which phase."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from twin.phone.digits import spoken_digits
from twin.phone.effects import Effect, Ended, Listening, Music, Publish, Recorded, Spoken, Why
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
from twin.phone.menu import Menu
from twin.phone.recording import wav
from twin.phone.settings import Settings
from twin.phone.turn import ANY_KEY, CUSTOM, END, Keys, Line, Recording, Speech, Turn
from twin.phone.wire import Leg

_MOST_JUMPS = 50
"""Turns in a row that take no time; a menu that makes more of them goes in circles."""


class Call:
    """A call between CallEstablished and CallHangUp.

    ``due``: when it wants TimeUp; it may never get it early. ``request``: the id the application
    has to answer to, while it has to. ``reports``: whether the application hears of its begin and
    end (not of a simple call-out, T-38). ``new_id`` makes the ids of messages.
    """

    def __init__(self, id: str, leg: Leg, menu: Menu, settings: Settings,
                 new_id: Callable[[], str], *, reports: bool = True) -> None:
        self.id = id
        self.leg = leg
        self.menu = menu
        self.phase = Phase.SPEAKING
        self.request: str | None = None
        self._settings = settings
        self._new_id = new_id
        self._reports = reports
        self._shared_id: str | None = None
        self._due: datetime | None = None
        self._ends_by: datetime | None = None
        self._turn = Turn("")
        self._lines: deque[Line] = deque()
        self._keys = ""
        self._next: Turn | None = None
        self._memo: Memo | None = None
        self._recording_since = self._memo_since = datetime.min
        self._jumps = 0

    @property
    def due(self) -> datetime | None:
        if self._due is None or self._ends_by is None:
            return None
        return min(self._due, self._ends_by)

    def start(self, turn: Turn, at: datetime) -> list[Effect]:
        """The connection stands; the first turn begins."""
        return list(self._start(turn, at))

    def receive(self, what: Input, at: datetime) -> list[Effect]:
        """What follows from it. What has no rule in this phase changes nothing."""
        rule = RULES.get((self.phase, type(what)))
        if rule is None:
            return []
        if isinstance(what, TimeUp):
            if self._ends_by is not None and at >= self._ends_by:
                return list(self._end(Why.TOO_LONG, at))
        else:
            self._jumps = 0
        return list(rule(self, what, at))

    def _start(self, turn: Turn, at: datetime) -> Iterator[Effect]:
        self._ends_by = at + timedelta(seconds=self._settings.call_seconds)
        if self._reports:
            id = self._new_id()
            if self._settings.share_first_id:
                self._shared_id = id
            yield Publish(self.leg.event(id, "CallEstablished", at))
        yield from self._begin(turn, at)

    def _begin(self, turn: Turn, at: datetime) -> Iterator[Effect]:
        self._jumps += 1
        if self._jumps > _MOST_JUMPS:
            yield from self._end(Why.LOOP, at)
            return
        self.phase = Phase.SPEAKING
        self._turn, self._keys, self._lines = turn, "", deque(turn.lines)
        yield from self._say(at)
        if isinstance(turn.listen, Keys):
            yield Listening(self.id, "keys", self._length(turn.lines) + turn.listen.timeout)

    def _say(self, at: datetime) -> Iterator[Effect]:
        """The next line, if any; then, or at once, it is time for what follows."""
        self._due = at
        if self._lines:
            line = self._lines.popleft()
            self._wait(self._length((line,)), at)
            yield Spoken(self.id, line.text, line.voice, self._seconds(line.text))

    def _spoken(self, _: TimeUp, at: datetime) -> Iterator[Effect]:
        if self._lines:
            yield from self._say(at)
            return
        match self._turn.listen:
            case Keys(timeout=timeout):
                self.phase = Phase.KEYS
                self._wait(timeout, at)
            case Speech():
                self.phase = Phase.SPEECH
                self._wait(self._settings.speech_seconds, at)
                yield Listening(self.id, "speech", self._settings.speech_seconds)
            case Recording(most=most):
                self.phase = Phase.RECORDING
                self._recording_since, self._memo = at, None
                self._wait(most, at)
                yield Listening(self.id, "recording", most)
            case None:
                yield from self._go(self._turn.next_node or END, at)

    def _go(self, target: str, at: datetime) -> Iterator[Effect]:
        if target == END:
            yield from self._end(Why.END, at)
        elif target == CUSTOM:
            yield from self._ask(None, at)
        else:
            yield from self._begin(self.menu[target], at)

    def _ask(self, entered: str | None, at: datetime) -> Iterator[Effect]:
        """Ask the application, telling what was entered at this node, if it was a question."""
        self.phase = Phase.ASKING
        self.request, self._shared_id = self._shared_id or self._new_id(), None
        self._wait(self._settings.answer_seconds, at)
        node = self._turn.node if entered is None else f"{self._turn.node},{entered}"
        yield Publish(self.leg.request(self.request, node, at))

    def _key(self, pressed: Key, at: datetime) -> Iterator[Effect]:
        """T-37: the same while the text plays and after it."""
        listen, key = self._turn.listen, pressed.key
        if not isinstance(listen, Keys):
            return
        if listen.targets is not None:
            target = listen.targets.get(key)
            if target is None:
                yield from self._begin(self._turn, at)  # T-29: again, and nobody is asked
            elif target == CUSTOM:
                yield from self._ask(key, at)
            else:
                yield from self._go(target, at)
        elif key == "#" and listen.hash_ends:
            yield from self._ask(self._keys or self._settings.lone_hash, at)
        elif key in ANY_KEY:
            self._keys += key
            if len(self._keys) == listen.most:
                yield from self._ask(self._keys, at)

    def _no_key(self, _: TimeUp, at: datetime) -> Iterator[Effect]:
        listen = self._turn.listen
        mapped = isinstance(listen, Keys) and listen.targets is not None
        if mapped and not self._settings.map_silence_asks:
            yield from self._begin(self._turn, at)
        else:
            partial = self._keys if self._settings.partial_keys else ""
            yield from self._ask(partial or "timeout", at)

    def _heard(self, words: Words, at: datetime) -> Iterator[Effect]:
        digits = isinstance(self._turn.listen, Speech) and self._turn.listen.digits
        text = spoken_digits(words.text) if digits else words.text.strip()
        if not text:
            yield from self._ask(self._settings.silence, at)
            return
        sure = self._settings.confidence if words.confidence is None else words.confidence
        plain = digits and not self._settings.digits_confidence
        yield from self._ask(text if plain else f"{text}/{sure:g}", at)

    def _no_words(self, _: TimeUp, at: datetime) -> Iterator[Effect]:
        yield from self._ask(self._settings.silence, at)

    def _memo_begins(self, memo: Memo, at: datetime) -> Iterator[Effect]:
        if self._memo is None and self._due is not None:
            self._memo, self._memo_since = memo, at
            self._due = min(self._due, at + timedelta(seconds=memo.seconds))
        yield from ()

    def _recording_key(self, pressed: Key, at: datetime) -> Iterator[Effect]:
        if pressed.key == "#":
            yield from self._recorded(pressed, at)

    def _recorded(self, _: TimeUp | Key, at: datetime) -> Iterator[Effect]:
        yield from self._tape(at)
        if self._turn.next_node is None and self._settings.asks_after_recording:
            yield from self._ask(None, at)
        else:
            yield from self._go(self._turn.next_node or END, at)

    def _tape(self, at: datetime) -> Iterator[Effect]:
        spoken_since = self._memo_since if self._memo else at
        silence = (spoken_since - self._recording_since).total_seconds()
        voice = (at - spoken_since).total_seconds()
        transcript = None
        if isinstance(self._turn.listen, Recording) and self._turn.listen.transcript:
            transcript = self._part_said(self._memo.text, voice) if self._memo else ""
        yield Recorded(self.id, silence + voice)
        yield Publish(self.leg.recording(self._new_id(), wav(silence, voice), transcript, at))

    def _unanswered(self, _: TimeUp, at: datetime) -> Iterator[Effect]:
        yield from self._end(Why.UNANSWERED, at)

    def _answered(self, answer: Final, at: datetime) -> Iterator[Effect]:
        self.request = None
        yield from self._begin(answer.turn, at)

    def _hold(self, wait: Wait, at: datetime) -> Iterator[Effect]:
        self.phase = Phase.HOLDING
        self._lines = deque(wait.lines)
        yield from self._say(at)

    def _hold_longer(self, wait: Wait, _: datetime) -> Iterator[Effect]:
        if self._next is None:
            self._lines.extend(wait.lines)
        yield from ()

    def _answered_early(self, answer: Final, _: datetime) -> Iterator[Effect]:
        """A wait text is said to its end; music follows only if the answer is not there then."""
        if self._next is None:
            self.request, self._next = None, answer.turn
        yield from ()

    def _held(self, _: TimeUp, at: datetime) -> Iterator[Effect]:
        if self._lines:
            yield from self._say(at)
        elif self._next is not None:
            turn, self._next = self._next, None
            yield from self._begin(turn, at)
        else:
            self.phase = Phase.MUSIC
            self._wait(self._settings.music_seconds, at)
            yield Music(self.id)

    def _gone(self, _: HangUp, at: datetime) -> Iterator[Effect]:
        yield from self._end(Why.CALLER, at)

    def _gone_from_tape(self, gone: HangUp, at: datetime) -> Iterator[Effect]:
        """What was said so far is not lost, though no document says so."""
        if at > self._recording_since:
            yield from self._tape(at)
        yield from self._gone(gone, at)

    def _end(self, why: Why, at: datetime) -> Iterator[Effect]:
        self.phase, self.request, self._due = Phase.OVER, None, None
        if self._reports:
            yield Publish(self.leg.event(self._new_id(), "CallHangUp", at))
        yield Ended(self.id, why)

    def _wait(self, seconds: float, at: datetime) -> None:
        self._due = at + timedelta(seconds=seconds)
        if seconds > 0:
            self._jumps = 0

    def _seconds(self, text: str) -> float:
        return len(text) * self._settings.char_seconds

    def _length(self, lines: tuple[Line, ...]) -> float:
        return sum(self._seconds(line.text) + line.pause for line in lines)

    def _part_said(self, text: str, seconds: float) -> str:
        pace = self._settings.char_seconds
        return text[:round(seconds / pace)] if pace > 0 else text


RULES: Mapping[tuple[Phase, type[Input]], Callable[[Call, Any, datetime], Iterator[Effect]]] = {
    (Phase.SPEAKING, TimeUp): Call._spoken,
    (Phase.SPEAKING, Key): Call._key,
    (Phase.SPEAKING, HangUp): Call._gone,
    (Phase.KEYS, TimeUp): Call._no_key,
    (Phase.KEYS, Key): Call._key,
    (Phase.KEYS, HangUp): Call._gone,
    (Phase.SPEECH, TimeUp): Call._no_words,
    (Phase.SPEECH, Words): Call._heard,
    (Phase.SPEECH, HangUp): Call._gone,
    (Phase.RECORDING, TimeUp): Call._recorded,
    (Phase.RECORDING, Key): Call._recording_key,
    (Phase.RECORDING, Memo): Call._memo_begins,
    (Phase.RECORDING, HangUp): Call._gone_from_tape,
    (Phase.ASKING, TimeUp): Call._unanswered,
    (Phase.ASKING, Final): Call._answered,
    (Phase.ASKING, Wait): Call._hold,
    (Phase.ASKING, HangUp): Call._gone,
    (Phase.HOLDING, TimeUp): Call._held,
    (Phase.HOLDING, Final): Call._answered_early,
    (Phase.HOLDING, Wait): Call._hold_longer,
    (Phase.HOLDING, HangUp): Call._gone,
    (Phase.MUSIC, TimeUp): Call._unanswered,
    (Phase.MUSIC, Final): Call._answered,
    (Phase.MUSIC, Wait): Call._hold,
    (Phase.MUSIC, HangUp): Call._gone,
}
"""What a caller and an application can do in each phase. The rest is not heard: keys while the
service talks to the application, words while it speaks, anything at all after the end."""
