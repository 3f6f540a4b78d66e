"""Carries everything between the rules and the world: the twin in one place.

Clients' messages, REST, phones and the time come in; what the rules make of it goes to the
brokers, to the phones and into the log. One thread, the loop's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, cast

from twin.messages import Message
from twin.phone.effects import Effect, Publish
from twin.phone.telephone import Telephone
from twin.platform import Due, Platform
from twin.serving.clock import Clock
from twin.serving.timetable import Timetable

ACTIONS = "phone-conn/callAction/"


class Note(Protocol):
    """What the rules tell of something dropped or put right."""

    @property
    def at(self) -> datetime: ...
    @property
    def what(self) -> str: ...
    @property
    def topic(self) -> str: ...


class Journal(Protocol):
    """Where everything that passes is told."""

    def came(self, message: Message, when: datetime) -> None: ...
    def went(self, message: Message, when: datetime) -> None: ...
    def noted(self, note: Note) -> None: ...


class Journals:
    """Several of them as one."""

    def __init__(self, *journals: Journal) -> None:
        self._journals = journals

    def came(self, message: Message, when: datetime) -> None:
        for each in self._journals:
            each.came(message, when)

    def went(self, message: Message, when: datetime) -> None:
        for each in self._journals:
            each.went(message, when)

    def noted(self, note: Note) -> None:
        for each in self._journals:
            each.noted(note)


class Exchange:
    """``to_devices`` and ``to_applications`` publish on the two brokers; ``to_phones`` gets what
    a phone hears."""

    def __init__(
        self, platform: Platform, telephone: Telephone, clock: Clock, journal: Journal,
    ) -> None:
        self.platform = platform
        self.telephone = telephone
        self.clock = clock
        self.to_devices: Callable[[Message], None] = _nowhere
        self.to_applications: Callable[[Message], None] = _nowhere
        self.to_phones: Callable[[Effect], None] = _nowhere
        self._journal = journal
        self._timetable = Timetable(clock, self._next_tick, self._tick, self._send)

    def from_device(self, message: Message) -> None:
        """Somebody published this on the platform's broker."""
        now = self.clock.now()
        self._journal.came(message, now)
        self.emit(self.platform.receive(message, now))

    def from_application(self, message: Message) -> None:
        """Somebody published this on the telephone service's broker."""
        now = self.clock.now()
        self._journal.came(message, now)
        if message.topic.startswith(ACTIONS):
            sn_key = message.topic.removeprefix(ACTIONS)
            self.emit(self.telephone.action(sn_key, message.payload, now))

    def subscribed(self, topic: str) -> None:
        """Somebody subscribed to this on the platform's broker."""
        self.emit(self.platform.subscribed(topic, self.clock.now()))

    def emit(self, caused: list[Due] | list[Effect]) -> None:
        """Do what the rules gave back; everything that asks them ends here."""
        self._timetable.take(each for each in caused if isinstance(each, Due))
        for effect in caused:
            if isinstance(effect, Publish):
                self._journal.went(effect.message, self.clock.now())
                self.to_applications(effect.message)
            elif not isinstance(effect, Due):
                self.to_phones(effect)
        self._tell_notes()
        self._timetable.arrange()

    def advance(self, seconds: float) -> None:
        """Let time pass at once. What clients would do meanwhile comes after it."""
        self._timetable.advance(seconds)

    def stop(self) -> None:
        self._timetable.stop()

    def _next_tick(self, now: datetime) -> datetime | None:
        times = self.platform.next_tick(now), self.telephone.next_tick(now)
        return min((time for time in times if time is not None), default=None)

    def _tick(self, now: datetime) -> None:
        self.emit(self.platform.tick(now))
        self.emit(self.telephone.tick(now))

    def _send(self, message: Message) -> None:
        self._journal.went(message, self.clock.now())
        self.to_devices(message)

    def _tell_notes(self) -> None:
        for notes in (self.platform.notes, self.telephone.notes):
            for note in cast(Iterable[Note], notes):
                self._journal.noted(note)
            notes.clear()


def _nowhere(_what: Any) -> None:
    """Nobody is there yet."""
