"""A conversation on an open line: the twin's events out, acts of a script or a keyboard in."""

from __future__ import annotations

import codecs
import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from twin.terminal import show
from twin.terminal.events import Ended, Event, Listening, Spoken, Trouble, event_of
from twin.terminal.line import Line, LineError
from twin.terminal.script import Script
from twin.terminal.steps import Act, HangUp, Step, message_of, understand

HELP = """\
1, 12#        keys: any line of digits, * and #
台北          any other line is said; 台北/0.6 is understood with confidence 0.6
say 12        says what would be keys
record 留言   is spoken into a recording; while the service records, any line is
silence       shows that you wait: saying nothing is enough
hangup        ends the call, and so does Ctrl-C"""

_OVER_THE_LAST_LINE = "\x1b[A\x1b[2K"
_GLANCE = 0.5
"""Seconds a wait lasts at most before the next. A Ctrl-C between Python's last look for signals and
the wait itself does not end that wait: it is seen when the wait is over."""
_GOODBYE = 2.0
"""Seconds in which the twin may tell how a call ended that was hung up."""


class Refused(Exception):
    """The twin did not put the call through; one line that says why."""


class Screen:
    """Prints what is heard and done, with the time since the first of it."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._began: float | None = None
        self._colour = (out.isatty() and not os.environ.get("NO_COLOR")
                        and os.environ.get("TERM") != "dumb")

    def heard(self, event: Event) -> None:
        self._print(show.heard(event, self._at(), self._columns(), colour=self._colour))

    def done(self, act: Act, *, typed: bool = False) -> None:
        """``typed``: the terminal shows the line already; this stands in its place."""
        if typed and self._colour:
            self._out.write(_OVER_THE_LAST_LINE)
        self._print(show.done(act, self._at(), self._columns(), colour=self._colour))

    def note(self, text: str) -> None:
        self._print(text.splitlines())

    def _at(self) -> float:
        if self._began is None:
            self._began = self._clock()
        return self._clock() - self._began

    def _columns(self) -> int:
        # A file or a pipe is read by programs: there nothing is broken into lines.
        return shutil.get_terminal_size().columns if self._out.isatty() else sys.maxsize

    def _print(self, lines: Sequence[str]) -> None:
        for text in lines:
            print(text, file=self._out, flush=True)


class Talk:
    """One call on an open line. Every method may raise LineError."""

    def __init__(self, line: Line, screen: Screen) -> None:
        self._line = line
        self._screen = screen
        self._up = False
        self._ended = False
        self._listening = ""

    def await_call(self, within: float | None) -> list[Event]:
        """What the twin says first; nothing if it says nothing ``within`` seconds. Raises
        Refused."""
        until = None if within is None else time.monotonic() + within
        while True:
            left = _GLANCE if until is None else max(until - time.monotonic(), 0)
            if select.select([self._line], [], [], min(left, _GLANCE))[0]:
                if events := self._read():
                    return events
            elif until is not None and left <= _GLANCE:
                return []

    def play(self, steps: Sequence[Step], timeout: float, events: Sequence[Event] = ()) -> None:
        """Do what a script says, then hang up. ``events``: what came already. Raises Failed,
        Refused."""
        script = Script(steps, timeout, time.monotonic())
        for event in events:
            self._act(script.hear(event, time.monotonic()))
        while not script.done:
            left = script.deadline - time.monotonic()
            if left <= 0:
                script.wait()
            elif select.select([self._line], [], [], min(left, _GLANCE))[0]:
                for event in self._read():
                    self._act(script.hear(event, time.monotonic()))
        self.hang_up()

    def converse(self, keyboard: TextIO | None) -> None:
        """Let a person talk until the call ends. Raises Refused.

        The end of a terminal's input hangs up; that of a pipe only ends the typing.
        """
        typed = _Typed(keyboard) if keyboard else None
        while not self._ended:
            watched = [self._line.fileno(), *([typed.fileno()] if typed else [])]
            ready, _, _ = select.select(watched, [], [], _GLANCE)
            if watched[0] in ready:
                self._read()
            elif ready and typed and keyboard:
                for text in typed.lines():
                    self._type(text, keyboard.isatty())
                if typed.ended:
                    typed = None
                    if keyboard.isatty():
                        self._act([HangUp()])

    def hang_up(self) -> None:
        """Put the phone down, if it is not; show what the twin says to it within 2 s."""
        if not self._up or self._ended:
            return
        try:
            self._act([HangUp()])
            until = time.monotonic() + _GOODBYE
            while not self._ended and (left := until - time.monotonic()) > 0:
                if select.select([self._line], [], [], left)[0]:
                    self._read()
        except LineError:
            return  # a twin that is gone has hung up as well

    def _read(self) -> list[Event]:
        events = [event_of(message) for message in self._line.read()]
        for event in events:
            if isinstance(event, Trouble) and not self._up:
                raise Refused(event.text)
            self._up = True
            self._ended = self._ended or isinstance(event, Ended)
            if isinstance(event, Listening | Spoken):
                self._listening = event.kind if isinstance(event, Listening) else ""
            self._screen.heard(event)
        return events

    def _type(self, text: str, terminal: bool) -> None:
        if text.strip().lower() in ("help", "?"):
            self._screen.note(HELP)
        elif act := understand(text, self._listening):
            self._act([act], typed=terminal)

    def _act(self, acts: Sequence[Act], *, typed: bool = False) -> None:
        for act in acts:
            self._line.send(message_of(act))
            self._screen.done(act, typed=typed)


class _Typed:
    """The lines of a keyboard, for select: read without a buffer of Python's that it cannot see."""

    def __init__(self, source: TextIO) -> None:
        self._fd = source.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self.ended = False

    def fileno(self) -> int:
        return self._fd

    def lines(self) -> list[str]:
        """Whole lines, and the last one at the end of the input; blocks if nothing is there."""
        part = os.read(self._fd, 65536)
        self.ended = not part
        *whole, self._rest = (self._rest + self._decoder.decode(part, self.ended)).split("\n")
        return [*whole, self._rest] if self.ended else whole

