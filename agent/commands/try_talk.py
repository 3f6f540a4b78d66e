"""A call in the terminal: the service's side and the caller's, around the real menu engine."""

from __future__ import annotations

import getpass
import os
import sys
import threading

from agent.clock import Clock
from agent.commands.try_sources import Source
from agent.config.menus import Book
from agent.config.secrets import resolve
from agent.errors import ConfigError
from agent.phone import engine, nodes, upload
from agent.phone.bridge import TAIPEI
from agent.phone.model import (
    Act,
    Acted,
    Call,
    CheckPin,
    FreshRead,
    Moment,
    Outcome,
    PinRight,
    PinWrong,
    ReadDone,
    Step,
    Work,
)
from agent.phone.pin import PinHash
from agent.protocol.calls import CallRequest
from agent.protocol.telephone import CallAction, Keypad, Recording
from agent.service.screen import printable

_HELPER = nodes.HELPERS[0]
_PATIENCE = 1.0
"""Seconds until the wait text is said, as in a real call."""
_HANG_UP = ("hangup", "exit", "quit")


class Terminal:
    """What is heard and typed, a line each."""

    def __init__(self) -> None:
        self._typing = sys.stdin.isatty()

    def note(self, text: str) -> None:
        """Something beside the call."""
        print(f"   ({printable(text)})", flush=True)

    def heard(self, voice: str, text: str) -> None:
        """The service speaks."""
        print(f"{voice}  {printable(text)}", flush=True)

    def typed(self, secret: bool) -> str | None:
        """One line of the caller's; None at the end. ``secret``: not shown."""
        try:
            if self._typing:
                line = getpass.getpass(">  ") if secret else input(">  ")
            else:
                line = input()
                print(f">  {'******' if secret and line else printable(line)}", flush=True)
        except EOFError:
            return None
        return line.strip()


class Rehearsal:
    """One call, from ``MAIN`` to its end. ``phone`` None: the number is withheld."""

    def __init__(
        self, book: Book, source: Source, clock: Clock, terminal: Terminal, phone: str | None
    ) -> None:
        self._book = book
        self._source = source
        self._clock = clock
        self._terminal = terminal
        self._phone = phone
        self._call: Call | None = None
        self._requests = 0

    def run(self) -> None:
        """Until the menus end the call, or the caller does."""
        if greeting := upload.greeting(self._book):
            self._terminal.heard(self._book.voice, greeting)
        action = self._ask("MAIN", None)
        while True:
            if action.text:
                self._terminal.heard(action.voice, action.text)
            if action.next_node == "END":
                self._terminal.note("the call ended")
                return
            if action.collect is None:
                action = self._ask(_HELPER, None)
                continue
            entered = self._terminal.typed(secret=_asks_pin(action))
            if entered is None or entered.lower() in _HANG_UP:
                self._terminal.note("you hung up")
                return
            node, answer = _as_service(action, entered)
            if isinstance(action.collect, Recording):
                self._terminal.note("the service records what you say; here nothing is kept")
            elif entered and not _fits(action, entered):
                self._terminal.note("only keys are listened for here, as on a telephone")
                answer = "timeout"
            action = self._ask(node, answer)

    def _ask(self, node: str, answer: str | None) -> CallAction:
        self._requests += 1
        request = CallRequest(str(self._requests), False, self._phone, node, answer)
        step = engine.asked(
            self._book,
            self._call,
            request,
            nodes.fresh(),
            _HELPER,
            self._source.seen(),
            self._now(),
        )
        while step.work is not None and step.call is not None:
            outcome = self._patiently(step, step.work)
            step = engine.finished(
                self._book,
                step.call,
                request.id,
                outcome,
                _HELPER,
                self._source.seen(),
                self._now(),
            )
        self._call = step.call
        if step.answer is None:
            raise AssertionError("a step without work answers")
        return step.answer

    def _patiently(self, step: Step, work: Work) -> Outcome:
        """Do the work; the wait text is said if it takes long."""
        said = (self._book.voice, step.wait_text or "")
        waiting = threading.Timer(_PATIENCE, self._terminal.heard, said)
        waiting.daemon = True
        waiting.start()
        try:
            return self._do(work)
        finally:
            waiting.cancel()

    def _do(self, work: Work) -> Outcome:
        match work:
            case CheckPin(digits):
                return PinRight() if self._is_pin(digits) else PinWrong()
            case FreshRead(sensors):
                self._source.measure(sensors)
                return ReadDone()
            case Act():
                return self._act(work)

    def _act(self, act: Act) -> Acted:
        done = self._source.act(act)
        told = f"now it is {done.text}" if done.ok else done.text
        self._terminal.note(f"{act.actuator} {act.cmd}: {told}")
        return done

    def _is_pin(self, digits: str) -> bool:
        """Wrong ones are not counted here: who can read the hash needs no guessing."""
        try:
            if self._book.pin is not None:
                return PinHash.parse(resolve(self._book.pin.hash, os.environ).reveal()).matches(
                    digits
                )
        except ConfigError as exc:
            self._terminal.note(f"the PIN cannot be checked: {exc}")
        except ValueError as exc:
            self._terminal.note(f"the PIN cannot be checked: [pin] hash {exc}")
        return False

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.utc(), self._clock.trusted(), TAIPEI)


def _asks_pin(action: CallAction) -> bool:
    return isinstance(action.collect, Keypad) and action.collect.most == 20


def _as_service(action: CallAction, entered: str) -> tuple[str, str | None]:
    """The node and the answer that the service would report."""
    if isinstance(action.collect, Recording):
        return action.next_node or action.node, None
    return action.node, entered.rstrip("#") or "timeout"


def _fits(action: CallAction, entered: str) -> bool:
    """Whether the service would hear that: on a keypad digits alone, no more than are asked for."""
    if not isinstance(action.collect, Keypad):
        return True
    digits = entered.rstrip("#")
    return digits.isascii() and digits.isdecimal() and len(digits) <= action.collect.most
