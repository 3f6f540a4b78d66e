"""The platform as one thing: every message and every REST call comes in here.

Documented: what each message does (P-06…P-19), and that notices are late and not promised
(P-05). The twin's own choice: the delay is the same for all, so they keep their order; over REST
one bad reading refuses the whole call, and readings of unknown sensors vanish as over MQTT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

from twin.messages import Message
from twin.platform import payloads, topics
from twin.platform.control import Spoken
from twin.platform.inventory import Inventory
from twin.platform.model import Due, Note, Refused, Settings
from twin.platform.payloads import Unfit
from twin.platform.registry import registry_message
from twin.platform.rules import Rules
from twin.platform.sensing import Record

LOOPBACK = "127.0.0.1"
_LONGEST_TOPIC = 200
T = TypeVar("T")


class Platform(Inventory):
    """Projects, devices, and the rules between them. For one thread at a time.

    ``notes``: what was dropped and why, the newest last, bounded; who logs them may clear it.
    Times are aware and never go back. Calls with a key are those of REST and raise Refused.
    """

    def __init__(self, settings: Settings | None = None, rand: Random | None = None) -> None:
        # The keys of a twin protect nothing, and the same start gives the same keys.
        self._rand = rand or Random(0)  # noqa: S311
        super().__init__(settings or Settings(), self._rand)
        self.notes: list[Note] = []
        self._rules = Rules(self.settings, self._directory)

    # ---- MQTT

    def receive(self, message: Message, now: datetime, sender: str = LOOPBACK) -> list[Due]:
        """A client published this; ``sender`` is its IP. Never raises."""
        drop = self._drop(now, message.topic)
        return self._due([*self._rules.tick(now),
                          *self._rules.receive(message, now, sender, drop)], now)

    def tick(self, now: datetime) -> list[Due]:
        """What became due by time alone: devices lost, periods of the watch over."""
        return self._due(self._rules.tick(now), now)

    def next_tick(self, now: datetime) -> datetime | None:
        """When ``tick`` will next have something to do, not before ``now``."""
        next_ = self._rules.next_tick()
        return None if next_ is None else max(next_, now)

    def subscribed(self, topic: str, now: datetime) -> list[Due]:
        """Somebody subscribed to this topic or filter; what the settings say it is told."""
        return self._due(self._rules.replayed(topic, now), now)

    # ---- REST: data

    def post_rawdata(self, key: str, dev: str, elements: Any, now: datetime) -> list[Due]:
        """The array of P-06, as decoded from JSON; its notices."""
        device, drop = self._own(key, dev), self._drop(now, topics.device(dev, "rawdata"))
        readings = _fit(partial(payloads.all_of, elements, payloads.reading))
        return self._due([*self._rules.tick(now),
                          *self._rules.readings(device, readings, now, drop)], now)

    def post_command(self, key: str, dev: str, elements: Any, now: datetime) -> list[Due]:
        """The array of P-10, as decoded from JSON: not known of the platform's REST, but a handy
        way to command a device."""
        device, drop = self._own(key, dev), self._drop(now, topics.device(dev, "command"))
        words = _fit(partial(payloads.all_of, elements, payloads.command))
        return self._due([*self._rules.tick(now), *self._rules.words(
            self._rules.commands, device, words, now, drop)], now)

    def rawdata(
        self, key: str, dev: str, sen: str, start: str | datetime | None = None,
        end: str | datetime | None = None, interval: str | int | None = None,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """The latest reading, ``{}`` before the first one; with any of the limits (UTC times,
        minutes) an array of those within."""
        self.sensor(key, dev, sen)
        return self._rules.sensing.query(dev, sen, start, end, interval)

    def post_heartbeat(
        self, key: str, dev: str, body: Any, now: datetime, sender: str = LOOPBACK
    ) -> list[Due]:
        """A beat as over MQTT (P-13)."""
        device, pulse = self._own(key, dev), _fit(partial(payloads.pulse_of, body))
        return self._due([*self._rules.tick(now),
                          *self._rules.heartbeats.take(device.id, pulse, sender, now)], now)

    def registry(self, key: str, name: str, body: Any, now: datetime) -> list[Due]:
        """The message to the device that waits under ``name`` (P-17, P-18)."""
        message = registry_message(self._opened(key), name, body, self._directory,
                                   self._keys.device_key, retain=self.settings.registry_retain)
        return self._due([message], now)

    def delete_device(self, key: str, dev: str) -> None:
        super().delete_device(key, dev)
        self._rules.forget_device(dev)

    def delete_sensor(self, key: str, dev: str, sen: str) -> None:
        super().delete_sensor(key, dev, sen)
        self._rules.forget_sensor(dev, sen)

    # ---- the twin's own side

    def start_active(self, dev: str, now: datetime) -> list[Due]:
        """Begin to watch how often a device sends (P-15). Raises Refused."""
        return self._due(self._rules.watch.start(self._device(dev).id, now), now)

    def stop_active(self, dev: str, now: datetime) -> list[Due]:
        """Raises Refused."""
        return self._due([*self._rules.tick(now),
                          *self._rules.watch.stop(self._device(dev).id, now)], now)

    def values(self, dev: str) -> dict[str, Record]:
        """Sensor → its latest reading, of those that have one."""
        return self._rules.sensing.current(dev)

    def counts(self) -> dict[str, int]:
        """Readings since the start: ``stored``, each once, and how many came ``twice``."""
        return {"stored": self._rules.sensing.stored, "twice": self._rules.sensing.twice}

    def history(self, dev: str, sen: str) -> list[Record]:
        """Every reading kept, in the order of time."""
        return self._rules.sensing.history(dev, sen)

    def commands(self, dev: str, sen: str) -> list[Spoken]:
        """The commands history keeps (P-25)."""
        return self._rules.commands.history(dev, sen)

    def acks(self, dev: str, sen: str) -> list[Spoken]:
        """The acks history keeps (P-25)."""
        return self._rules.acks.history(dev, sen)

    # ----

    def _due(self, messages: Iterable[Message], now: datetime) -> list[Due]:
        """P-05: late by the delay, and some of them never."""
        due = []
        for message in messages:
            if self.settings.loss and self._rand.random() < self.settings.loss:
                self._drop(now, message.topic)("lost on the way, as the settings want")
            else:
                due.append(Due(now + timedelta(seconds=self.settings.delay), message))
        return due

    def _drop(self, at: datetime, topic: str) -> Callable[[str], None]:
        """What notes, when told why, that something was dropped."""
        def note(why: str) -> None:
            self.notes.append(Note(at, why, topic[:_LONGEST_TOPIC]))
            del self.notes[:-self.settings.note_limit]
        return note


def _fit(read: Callable[[], T]) -> T:
    """A body as REST reads it. Raises Refused."""
    try:
        return read()
    except Unfit as unfit:
        raise Refused(400, str(unfit)) from None
