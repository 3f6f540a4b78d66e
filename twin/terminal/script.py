"""A scripted phone: steps and what is heard in, what to do out. Pure; the clock is given.

Keys and words wait until the service listens, as a person does. What was heard before an act is
forgotten by it: an expectation behind an act is about the answer to it. Expectations one after
the other are heard in this order, several of them perhaps in one text.
"""

from __future__ import annotations

from collections.abc import Sequence

from twin.terminal.events import Ended, Event, Listening, Spoken, Trouble
from twin.terminal.steps import Act, Expect, ExpectEnd, HangUp, Silence, Step

LISTENS_WITHIN = 300.0
"""Seconds until the service must have listened: beyond the 4 minutes of music (T-11)."""


class Failed(Exception):
    """Something expected was not heard; the text says what was heard instead."""


class Script:
    """Where a script is. ``timeout``: seconds for each expectation, without the time in which
    the service speaks, or after a Silence waits in vain.

    ``hear`` and ``wait`` raise Failed. The script is ``done`` when all was heard; one that ends
    with an act, when the service listened again or hung up after it, or ``timeout`` has passed.
    """

    def __init__(self, steps: Sequence[Step], timeout: float, now: float) -> None:
        self._steps = list(steps)
        self._timeout = timeout
        self._heard: list[str] = []
        self._missed = 0  # where in the first text heard the next expectation may be
        self._listening = False
        self._asked = ""
        self._ended: Ended | None = None
        self._quiet_until = now  # nothing new can be heard before: the service speaks, or waits
        self._gives_up = now
        self._acted_last = False
        self._turn(now)

    @property
    def done(self) -> bool:
        """Whether nothing is left to wait for."""
        if self._steps:
            return False
        return not self._acted_last or self._listening or self._ended is not None

    @property
    def deadline(self) -> float:
        """When ``wait`` is to be called, on the clock of ``now``."""
        return self._deadline

    def hear(self, event: Event, now: float) -> list[Act]:
        """Take in an event; what to do now."""
        match event:
            case Spoken(text, _, seconds):
                # The service moved on, unless it only says the same again.
                self._listening = self._listening and text == self._asked
                self._asked = text
                self._heard.append(text)
                self._quiet_until = max(now, self._quiet_until) + seconds
                self._deadline += seconds
            case Listening(_, seconds):
                self._listening, self._gives_up = True, now + (seconds or 0.0)
            case Ended():
                self._ended, self._listening = event, False
            case Trouble(text):
                raise Failed(f"the twin refuses: {text}")
        return self._go_on(now)

    def wait(self) -> None:
        """``deadline`` has passed."""
        if not self._steps:
            self._acted_last = False  # nobody answers the last act: that is all there is
            return
        raise Failed(f"{self._wanted()} within {self._patience:g} s; {self._instead()}")

    def _go_on(self, now: float) -> list[Act]:
        acts: list[Act] = []
        while self._steps:
            step = self._steps[0]
            if isinstance(step, Expect | ExpectEnd):
                if not (self._found(step.text) if isinstance(step, Expect) else self._ended):
                    self._check_not_over()
                    return acts
            else:
                if not (self._listening or isinstance(step, HangUp)):
                    self._check_not_over()
                    return acts
                acts.append(step)
                self._listening, self._missed = False, 0
                self._heard.clear()
                if isinstance(step, Silence):
                    self._quiet_until = max(self._quiet_until, self._gives_up)
            self._acted_last = not isinstance(step, Expect | ExpectEnd)
            del self._steps[0]
            self._turn(now)
        return acts

    def _found(self, text: str) -> bool:
        for number, heard in enumerate(self._heard):
            start = self._missed if number == 0 else 0
            if (at := heard.find(text, start)) >= 0:
                del self._heard[:number]
                self._missed = at + len(text)
                return True
        return False

    def _check_not_over(self) -> None:
        if self._ended:
            raise Failed(f"{self._wanted()} before the call ended ({self._ended.why}); "
                         f"{self._instead()}")

    def _turn(self, now: float) -> None:
        self._deadline = max(now, self._quiet_until) + self._patience

    @property
    def _patience(self) -> float:
        waits_to_be_asked = self._steps and not isinstance(self._steps[0], Expect | ExpectEnd)
        return LISTENS_WITHIN if waits_to_be_asked else self._timeout

    def _wanted(self) -> str:
        match self._steps[0]:
            case Expect(text):
                return f"not heard: 「{text}」"
            case ExpectEnd():
                return "the service did not hang up"
            case step:
                return f"the service did not listen for {type(step).__name__.lower()}"

    def _instead(self) -> str:
        rest = [self._heard[0][self._missed:], *self._heard[1:]] if self._heard else []
        texts = "".join(f"「{text}」" for text in rest if text)
        return f"heard instead: {texts}" if texts else "nothing was heard"
