"""The telephone put together: its connection, bridge, PIN, call log and recordings.

Everything of ``[phone]`` that runs in the daemon; an agent without that section has none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from agent import tls
from agent.clock import Clock
from agent.config.menus import Book, PhoneConfig
from agent.config.model import Config
from agent.config.secrets import resolve
from agent.control.control import Control
from agent.errors import ConfigError, StorageError
from agent.identity.naming import client_id
from agent.link.link import Link, Plan
from agent.link.model import Account
from agent.masking import masked
from agent.phone.bridge import Bridge
from agent.phone.calllog import CallLog, Entry
from agent.phone.callouts import Callouts
from agent.phone.model import Acted, Heard, PinLocked, PinRight, PinWrong, Seen
from agent.phone.pin import PinHash
from agent.phone.pinlock import PinLock
from agent.phone.recordings import Recordings
from agent.protocol import telephone as topics
from agent.protocol.calls import VoiceMemo
from agent.protocol.times import format_time
from agent.sensing.sensing import Sensing
from agent.service import logs
from agent.threads import Worker

log = logging.getLogger("cht_agent.phone")

RECORDINGS = "recordings"


class Telephone:
    """One rented number, answered. Raises ConfigError before anything runs."""

    def __init__(
        self,
        config: Config,
        phone: PhoneConfig,
        book: Book,
        environ: Mapping[str, str],
        serial: str,
        state: Path,
        clock: Clock,
        sensing: Sensing,
        control: Control,
        callouts: Callouts | None = None,
    ) -> None:
        self._environ = environ
        api_key = resolve(phone.api_key, environ)
        logs.redact([api_key])
        context = tls.context(phone.ca_file) if phone.tls else None
        self._worker = Worker("phone-files")
        self.log = CallLog(state, self._worker)
        self._notes = _Notes(clock, self.log, Recordings(state / RECORDINGS), self._worker)
        self._lock = PinLock(state, clock)
        self._hands = _Hands(sensing, control, self._lock, self.pin_of(book))
        self._limit_tries(book)
        self.bridge: Bridge | None = None
        self.link = Link("phone", clock, self._receive, on_down=self._down)
        self._plan: Plan | None = None
        if phone.sn_key is None:
            log.warning("[phone] has no sn_key: rent a number with cht-agent phone rent")
            return
        sn_key = resolve(phone.sn_key, environ)
        logs.redact([sn_key])
        account = Account(
            phone.host,
            phone.port,
            client_id("phone", serial),
            api_key,
            context,
            keepalive=config.platform.keepalive,
            mqtt_version=config.platform.mqtt_version,
        )
        sn = sn_key.reveal()
        wanted = (
            topics.call_event_topic(sn),
            topics.call_action_debug_topic(sn),
            topics.callout_result_topic(sn),
        )
        self._plan = Plan(account, wanted, must_subscribe=True)
        self.bridge = Bridge(
            sn,
            book,
            clock,
            self.link.publish,
            lambda: heard(sensing, clock.monotonic()),
            self._hands,
            self._notes,
            callouts,
        )

    async def run(self) -> None:
        """Answer calls until cancelled; who still waits then hears an apology."""
        if self._plan is None or self.bridge is None:
            self.link.rest("waiting")
            await asyncio.Event().wait()
            return
        tasks = [
            asyncio.create_task(self.bridge.run(), name="phone-bridge"),
            asyncio.create_task(self.link.run(self._plan), name="phone-link"),
        ]
        try:
            await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:  # the bridge first: it may have something to say
                task.cancel()
                await asyncio.wait((task,))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.log.close()

    def pin_of(self, book: Book) -> PinHash | None:
        """The hash that ``book`` names; None without a PIN. Raises ConfigError."""
        if book.pin is None:
            return None
        secret = resolve(book.pin.hash, self._environ)
        logs.redact([secret])
        try:
            return PinHash.parse(secret.reveal())
        except ValueError as exc:
            raise ConfigError(f"{book.path}: [pin] hash {exc}") from exc

    def renew(self, book: Book, pin: PinHash | None) -> None:
        """Other menus from now on, also in calls that are open."""
        if self.bridge is not None:
            self.bridge.renew(book, other_pin=pin != self._hands.pin)
        self._hands.pin = pin
        self._limit_tries(book)

    async def unlock(self) -> None:
        """Take PINs again. Raises StorageError."""
        await self._hands.pins.run(self._lock.unlock)
        log.info("the PIN was unlocked")

    def _limit_tries(self, book: Book) -> None:
        if book.pin is not None:
            self._lock.most = book.pin.lock_after
            self._lock.period = book.pin.lock_for

    def _down(self, by_broker: bool) -> None:
        if by_broker and self.bridge is not None:  # else we leave, and all was sent
            self.bridge.lost()

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        if self.bridge is not None:
            self.bridge.receive(topic, payload, retained)


class _Hands:
    """What callers may have done, by the rooms that do it."""

    def __init__(
        self, sensing: Sensing, control: Control, lock: PinLock, pin: PinHash | None
    ) -> None:
        self.pin = pin
        self.pins = Worker("phone-pin")  # one at a time: each takes 16 MB
        self._sensing = sensing
        self._control = control
        self._lock = lock

    async def check_pin(self, digits: str) -> PinRight | PinWrong | PinLocked:
        pin = self.pin
        if pin is None:
            return PinLocked()
        match await self.pins.run(partial(self._lock.check, pin, digits)):
            case "right" if pin == self.pin:  # else it was, when they were keyed in
                return PinRight()
            case "locked":
                return PinLocked()
        return PinWrong()

    def act(self, actuator: str, cmd: str) -> Acted:
        result = self._control.local(actuator, cmd, source="phone")
        return Acted(result.ok, result.text.removeprefix("error: "))

    async def read(self, sensors: tuple[str, ...]) -> None:
        await self._sensing.probe(sensors)


class _Notes:
    """Into the call log and the folder of recordings."""

    def __init__(
        self, clock: Clock, call_log: CallLog, recordings: Recordings, worker: Worker
    ) -> None:
        self._clock = clock
        self._log = call_log
        self._recordings = recordings
        self._worker = worker
        self._saving: set[asyncio.Task[None]] = set()

    def call(self, call: str, phone: str | None, what: str) -> None:
        self._log.note(Entry(self._time(), call, masked(phone), what))

    def memo(self, call: str, memo: VoiceMemo) -> None:
        task = asyncio.create_task(self._save(call, memo), name="phone-recording")
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, call: str, memo: VoiceMemo) -> None:
        time = self._time()
        stamp = "".join(sign for sign in time or "untimed" if sign.isalnum())
        try:
            name = await self._worker.run(partial(self._recordings.keep, memo, stamp))
            self.call(call, memo.phone, f"recording {name}")
        except StorageError as exc:
            log.warning("%s", exc)
            self.call(call, memo.phone, "recording lost")

    def _time(self) -> str | None:
        return format_time(self._clock.utc()) if self._clock.trusted() else None


def heard(sensing: Sensing, now: float) -> Seen:
    """The latest readings as a caller may hear them; ``now``: monotonic seconds."""
    return _Heard(sensing, now)


class _Heard(Mapping[str, Heard]):
    """Looks at a sensor when it is asked for: of all of them a turn seldom speaks of two."""

    def __init__(self, sensing: Sensing, now: float) -> None:
        self._sensing = sensing
        self._now = now

    def __getitem__(self, id: str) -> Heard:
        one = self._sensing.status(id)
        age = None if one.mono is None else self._now - one.mono
        return Heard(one.values, one.units, one.quantities, age, one.quality)

    def __iter__(self) -> Iterator[str]:
        return (one.id for one in self._sensing.snapshot())

    def __len__(self) -> int:
        return len(self._sensing.snapshot())
