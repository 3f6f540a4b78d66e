"""The composition root: every room is made here, started in order, and stopped in reverse.

Outputs come first and are safe before anything can move them; the network comes last. "Ready"
means hardware open and tasks running, not that the platform is there (decision 10).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent import reach, reload, whoami
from agent.clock import Clock, SystemClock
from agent.config import load, paths
from agent.config.model import Config
from agent.control.control import Control
from agent.control.journal import Journal
from agent.delivery.delivery import Delivery
from agent.delivery.outbox import Outbox
from agent.desk import Desk
from agent.errors import AgentError
from agent.hardware import catalog
from agent.hardware.plan import SafePlan
from agent.identity import naming
from agent.identity.blueprint import blueprint
from agent.identity.founder import Founder
from agent.identity.keeper import Keeper
from agent.identity.registry import Identity
from agent.identity.store import IdentityStore
from agent.inbox import PlatformInbox, RegistryInbox
from agent.life import awaited, catch_signals, end, until_stop_or_failure
from agent.link.link import Link
from agent.links import Links, Plans
from agent.presence.heartbeat import Heart
from agent.presence.watch import Watch
from agent.presence.will import LastWill
from agent.report import Loaded
from agent.sensing.reading import Reading
from agent.sensing.sensing import Sensing
from agent.service import logs
from agent.service.peer import control_gid
from agent.service.socket import StatusServer, ensure_alone, for_controllers
from agent.service.systemd import Notifier
from agent.threads import Worker
from agent.wake import Wake

if TYPE_CHECKING:
    from agent.phone.alarms.office import Alarms
    from agent.telephone import Telephone

log = logging.getLogger("cht_agent.app")

_LAST_CHANCE = 1.5  # for what was read last to be confirmed
_PULSE = 5.0


class App:
    """One agent, from configuration to the last safe level. ``clock`` None: this machine's."""

    def __init__(
        self, config: Config, environ: Mapping[str, str], clock: Clock | None = None
    ) -> None:
        """Makes everything; opens nothing but the hardware's own library and the state folder."""
        self.config = config
        self.notifier = Notifier(environ)
        self.clock = clock or SystemClock(
            config.clock.trust, error=lambda: self.hardware.clock_error
        )
        self._identity: Identity | None = None  # the platform connection's
        self._news = Wake()
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._socket = paths.socket_path(config, environ, serving=True)
        self._plan = SafePlan(paths.plan_path(self._socket, environ))
        paths.usable(self._socket.parent)
        ensure_alone(self._socket)  # a second agent touches neither the state nor the outputs
        state = paths.usable(paths.state_dir(config, environ))
        self._journal_worker = Worker("journal")

        self.hardware = catalog.open_hardware(config.hardware, self.clock)
        self.journal = Journal(state)
        self.journal.on_dirty = self._journal_dirty
        self.control = Control(
            config.actuators,
            lambda spec: catalog.open_actuator(self.hardware, spec),
            self.clock,
            asyncio.get_running_loop(),
            self.journal,
            on_ack=lambda sensor, text: self.delivery.ack(sensor, text),
            on_state=lambda reading: self.delivery.reading(reading),
        )
        self.sensing = Sensing(
            config.sensors,
            catalog.SENSORS,
            lambda spec: catalog.open_sensor(self.hardware, spec, state),
            self.clock,
            on_reading=self._read,
        )

        configured = whoami.configured(config, environ)
        serial = whoami.serial_of(config, configured)
        product = config.registry.product_code if config.registry else None
        device = configured.device_id if configured else None
        will_name = naming.will_name(config.last_will.name, product, serial, device)
        self.watch = Watch()
        self.platform = Link(
            "platform",
            self.clock,
            lambda *message: self.inbox.receive(*message),
            confirm=config.delivery.confirm,
            on_subscribe=lambda: self.control.subscribed(self.clock.monotonic()),
            on_up=self._platform_up,
            on_down=self._platform_down,
            on_key_refused=self._key_refused,
        )
        self.will = LastWill(self.platform, config.last_will, will_name)
        self.inbox = PlatformInbox(self.clock, self.control.handle, self.watch, self.will.heard)
        self.delivery = Delivery(
            self.platform,
            Outbox(state / "outbox.db", config.delivery.disk_limit),
            self.clock,
            config.delivery,
            config.clock.untimed,
        )
        self.heart = Heart(
            self.platform, self.clock, config.heartbeat.pulse, lambda: not self.sensing.overdue()
        )
        self.registry_inbox = RegistryInbox(self.clock, lambda message: self.keeper.hear(message))
        self.registry = Link("registry", self.clock, self.registry_inbox.receive)
        self.keeper = Keeper(
            IdentityStore(state),
            configured,
            bool(config.registry and config.registry.relocatable),
            on_change=self._identity_changed,
        )
        self.founder = Founder(
            self.keeper,
            lambda key: reach.platform(self.config.platform, key, self.clock.trusted),
            lambda: blueprint(self.config, serial),
        )
        self._environ, self._state = environ, state
        self._alarmed = asyncio.Event()
        self.alarms: Alarms | None = None
        if config.alarms or config.phone is not None:
            self.alarms = self._alarms(config)
        self.telephone = self._telephone(config, environ, serial, state)
        plans = Plans.of(config, serial, self.will.will)
        self.links = Links(self.keeper, plans, self.platform, self.registry)
        self.desk = Desk(
            self.clock,
            self.clock.monotonic(),
            Loaded.of(config.path),
            self.keeper,
            self.platform,
            self.registry,
            self.sensing,
            self.control,
            self.delivery,
            self.watch,
            self.inbox,
            self.registry_inbox,
            self.founder,
            self.telephone,
            self.alarms,
        )
        self.server = StatusServer(
            self._socket,
            {
                "status": self.desk.status,
                "probe": self.desk.probe,
                "set": for_controllers(self.desk.set, os.getuid(), control_gid()),
                "phone_log": for_controllers(self.desk.phone_log, os.getuid(), control_gid()),
                "phone_unlock": for_controllers(self.desk.phone_unlock, os.getuid(), control_gid()),
                "alarm_ack": for_controllers(self.desk.alarm_ack, os.getuid(), control_gid()),
                "alarm_test": for_controllers(self.desk.alarm_test, os.getuid(), control_gid()),
            },
        )

    def _telephone(
        self, config: Config, environ: Mapping[str, str], serial: str, state: Path
    ) -> Telephone | None:
        if config.phone is None or config.book is None:
            return None
        from agent.telephone import Telephone  # brings what most agents never need

        return Telephone(
            config,
            config.phone,
            config.book,
            environ,
            serial,
            state,
            self.clock,
            self.sensing,
            self.control,
            self.alarms,
        )

    def _alarms(self, config: Config) -> Alarms:
        from agent import alarms, telephone  # bring what most agents never need

        return alarms.alarms(
            config,
            self._environ,
            self._state,
            self.clock,
            lambda: telephone.heard(self.sensing, self.clock.monotonic()),
            lambda: self.telephone is not None and self.telephone.link.status.state == "up",
            self._alarm_state,
        )

    # --- life -----------------------------------------------------------------------------------

    async def run(self) -> int:
        """Until SIGTERM or SIGINT: 0. Raises AgentError when it cannot start."""
        async with contextlib.AsyncExitStack() as running:
            catch_signals(self._stop, self._reload)
            running.callback(self.hardware.close)
            # Before the outputs: a second agent started by hand ends here and has moved nothing.
            await self.server.start()
            running.push_async_callback(self.server.stop)
            self.control.start()
            self._plan.keep(self.control.lines())
            tasks: dict[str, Callable[[], Awaitable[None]]] = {
                "delivery": self.delivery.run,
                "links": lambda: self.links.run(self._become),
                "founder": self.founder.run,
                "heart": self.heart.run,
                "sensing": self.sensing.run,
                "clock": self._watch_clock,
                "pulse": self._pulse,
                "reload": self._reload_when_asked,
                "alarms": self._watch_alarms,
            }
            if self.telephone is not None:
                tasks["telephone"] = self.telephone.run
            background = {name: asyncio.create_task(awaited(run), name=name)
                          for name, run in tasks.items()}  # fmt: skip
            running.push_async_callback(self._wind_down, background)
            self.notifier.ready()
            log.info(
                "ready: %d sensors, %d actuators, backend %s",
                len(self.config.sensors),
                len(self.config.actuators),
                self.config.hardware.backend,
            )
            await until_stop_or_failure(self._stop, background)
            self.notifier.stopping()
        return 0

    async def _wind_down(self, background: Mapping[str, asyncio.Task[None]]) -> None:
        """Outputs safe first; then nothing new; then what was read leaves or is saved."""
        self.control.stop()
        await end(*(background[name] for name in ("sensing", "pulse", "reload", "alarms")))
        # Devices closed have kept what they count.
        await asyncio.gather(self.sensing.close(), self.delivery.drain(_LAST_CHANCE))
        last = ("heart", "links", "founder", "clock", "telephone")
        await end(*(background[name] for name in last if name in background))
        await end(background["delivery"])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_CHANCE):
                if self.alarms is not None:
                    await self.alarms.close()
                await self.delivery.close()
                await self._journal_worker.run(self.journal.close)

    # --- what the rooms tell each other -----------------------------------------------------------

    def _read(self, reading: Reading) -> None:
        self.delivery.reading(reading)
        if self.alarms is not None:
            self.alarms.heard(reading.sensor, reading.values)

    def _alarm_state(self, alarm: str, word: str) -> None:
        self.delivery.reading(Reading(alarm, (word,), self.clock.monotonic(), urgent=True))

    def _become(self, identity: Identity | None) -> None:
        self._identity = identity
        device = identity.device_id if identity else None
        if identity is not None:
            logs.redact([identity.key])
        self.inbox.device = self.delivery.device = self.heart.device = device

    def _identity_changed(self) -> None:
        self.links.changed()
        self.founder.changed()
        self._news.call(0.1)

    def _platform_up(self) -> None:
        if self._identity is not None:
            self.keeper.proven(self._identity)
        self.will.clear()
        self.control.link_up()
        self.delivery.link_up()
        self.heart.beat_now()
        self._news.call(0.1)

    def _key_refused(self) -> None:
        if self._identity is not None:
            self.keeper.refused(self._identity)

    def _platform_down(self, by_broker: bool) -> None:
        self.control.link_lost()
        self.delivery.link_down(by_broker)
        self._news.call(0.1)

    def _journal_dirty(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, lambda: self._journal_worker.run(self.journal.sync))

    # --- background -------------------------------------------------------------------------------

    async def _watch_clock(self) -> None:
        """Until the wall clock can be trusted; then all that waited for it goes on at once."""
        waited = 0
        while not self.clock.trusted():
            if waited in (60, 3600):
                log.warning("this machine's clock is still not set: readings wait for their time")
            waited += 1
            await asyncio.sleep(1.0)
        self.delivery.clock_trusted()
        if waited:
            log.info("the clock is set now: %s", self.clock.utc().isoformat(timespec="seconds"))
            self.platform.hurry()
            self.registry.hurry()
            if self.telephone is not None:
                self.telephone.link.hurry()
            self.founder.hurry()
        await asyncio.Event().wait()

    async def _watch_alarms(self) -> None:
        """The first alarm may come with a reload."""
        while self.alarms is None:
            await self._alarmed.wait()
        await self.alarms.run()

    async def _pulse(self) -> None:
        """Prove to the watchdog that the loop turns, and keep ``systemctl status`` readable."""
        period = min(_PULSE, self.notifier.watchdog_interval or _PULSE)
        told = ""
        while True:
            self.notifier.watchdog()
            text = self.desk.headline()
            if text != told:
                self.notifier.status(logs.mask(text))
                told = text
            self._plan.keep(self.control.lines())
            self._news.call(period)
            await self._news.wait()

    async def _reload_when_asked(self) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            self.notifier.reloading()
            await self._reload_now()
            self.notifier.ready()

    async def _reload_now(self) -> None:
        found = load.inspect(self.config.path)
        if found.config is None:
            self._refuse_reload("; ".join(str(problem) for problem in found.errors))
            return
        for problem in found.warnings:
            log.warning("%s", problem)
        plan = reload.plan(self.config, found.config)
        new = replace(
            self.config,
            sensors=plan.sensors,
            book=plan.book,
            alarms=plan.alarms,
            contacts=found.config.contacts,
            calls=found.config.calls,
        )
        try:
            pin = self.telephone.pin_of(new.book) if self.telephone and new.book else None
            self._renew_alarms(new)
        except AgentError as exc:
            self._refuse_reload(str(exc))
            return
        if self.telephone is not None and new.book is not None:
            self.telephone.renew(new.book, pin)
        await self.sensing.apply(new.sensors)
        self.config = new
        self.desk.loaded = Loaded.of(self.config.path, plan.restart)
        self.desk.reload_error = None
        log.info("reloaded: %d sensors", len(plan.sensors))
        for what in plan.restart:
            log.warning("reload: %s changed, which needs a restart", what)

    def _renew_alarms(self, config: Config) -> None:
        """Raises AgentError before anything has changed."""
        if self.alarms is not None:
            from agent.alarms import rules_of

            self.alarms.apply(rules_of(config, self._environ))
        elif config.alarms:
            self.alarms = self.desk.alarms = self._alarms(config)
            self._alarmed.set()

    def _refuse_reload(self, why: str) -> None:
        self.desk.reload_error = why
        log.error("reload refused, nothing has changed: %s", why)
