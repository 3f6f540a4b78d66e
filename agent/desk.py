"""Who answers for the agent: on the status socket, and in one sentence for systemd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent import report
from agent.clock import Clock
from agent.control.control import Control
from agent.delivery.delivery import Delivery
from agent.errors import AgentError
from agent.headline import headline
from agent.identity.founder import Founder
from agent.identity.keeper import Keeper
from agent.inbox import PlatformInbox, RegistryInbox
from agent.link.link import Link
from agent.link.model import LinkStatus
from agent.presence.watch import Watch
from agent.report import Loaded
from agent.sensing.sensing import Sensing
from agent.service.peer import Peer

if TYPE_CHECKING:  # bring the whole telephone, which most agents never need
    from agent.phone.alarms.office import Alarms
    from agent.telephone import Telephone

MOST_LINES = 200
"""Of the call log in one answer."""


@dataclass
class Desk:
    """Asks the rooms and answers; ``loaded``: the configuration in use; ``reload_error``: what the
    last reload was refused for."""

    clock: Clock
    started: float
    loaded: Loaded
    keeper: Keeper
    platform: Link
    registry: Link
    sensing: Sensing
    control: Control
    delivery: Delivery
    watch: Watch
    inbox: PlatformInbox
    registry_inbox: RegistryInbox
    founder: Founder
    telephone: Telephone | None = None
    alarms: Alarms | None = None
    reload_error: str | None = None

    def headline(self) -> str:
        """For ``systemctl status``."""
        phone = self.telephone
        return headline(
            self.keeper.wanted,
            self.platform.status,
            self.sensing.snapshot(),
            self.delivery.status(),
            self.founder.status,
            self.alarms.status() if self.alarms else (),
            clock_trusted=self.clock.trusted(),
            reload_error=self.reload_error,
            phone=phone.link.status if phone else None,
            calls=phone.bridge.status.open if phone and phone.bridge else 0,
        )

    async def status(self, _peer: Peer, _request: Mapping[str, Any]) -> Any:
        """The status document (design, section 3)."""
        clock = self.clock
        now = report.Now(clock.monotonic(), clock.utc(), clock.trusted(), self.started)
        ignored = dict(self.inbox.noticing.counts)
        ignored["registry"] = sum(self.registry_inbox.noticing.counts.values())
        ignored["unknown_actuator"] = self.control.unknown
        phone = self.telephone
        return report.document(
            now,
            self.keeper.wanted,
            {
                "platform": self.platform.status,
                "registry": self.registry.status,
                "phone": phone.link.status if phone else LinkStatus("off", self.started),
            },
            self.sensing.snapshot(),
            self.control.snapshot(),
            self.delivery.status(),
            self.watch,
            ignored,
            self.loaded,
            self.reload_error,
            self.founder.status,
            phone.bridge.status if phone and phone.bridge else None,
            self.alarms.status() if self.alarms else (),
            self.alarms.calls() if self.alarms else None,
        )

    async def phone_log(self, _peer: Peer, request: Mapping[str, Any]) -> Any:
        """The last lines of the call log, oldest first."""
        most = request.get("most", 100)
        if not isinstance(most, int) or not 1 <= most <= MOST_LINES:
            raise AgentError(f"most must be a number from 1 to {MOST_LINES}")
        entries = await self._phone().log.latest(most)
        return [entry.as_dict() for entry in entries]

    async def phone_unlock(self, _peer: Peer, _request: Mapping[str, Any]) -> Any:
        """Take PINs again."""
        await self._phone().unlock()

    async def alarm_ack(self, _peer: Peer, request: Mapping[str, Any]) -> Any:
        """Somebody at this machine knows of an alarm."""
        id = request.get("id")
        if not isinstance(id, str):
            raise AgentError("id must be a text")
        self._watching().acknowledge(id, "the command line")

    async def alarm_test(self, _peer: Peer, request: Mapping[str, Any]) -> Any:
        """A test call, or only what it would be."""
        name, dry_run = request.get("name"), request.get("dry_run", False)
        if not isinstance(name, str) or not isinstance(dry_run, bool):
            raise AgentError("name must be a text, and dry_run true or false")
        return self._watching().test(name, dry_run=dry_run)

    def _watching(self) -> Alarms:
        if self.alarms is None:
            raise AgentError("this agent has no alarms: its configuration has no [[alarm]]")
        return self.alarms

    def _phone(self) -> Telephone:
        if self.telephone is None:
            raise AgentError("no telephone here: the configuration has no [phone], or no menus")
        return self.telephone

    async def probe(self, _peer: Peer, request: Mapping[str, Any]) -> Any:
        """A fresh reading of each sensor asked for; of all of them when none is named."""
        ids = request.get("ids") or [sensor.id for sensor in self.sensing.snapshot()]
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise AgentError("ids must be a list of sensor ids")
        return [
            {
                "id": one.id,
                "values": list(one.values),
                "unit": one.unit,
                "took_s": round(one.took_s, 3),
                "error": one.error,
            }
            for one in await self.sensing.probe(ids)
        ]

    async def set(self, _peer: Peer, request: Mapping[str, Any]) -> Any:
        """A local command; the state it led to, or the reason why not as an error."""
        actuator, cmd = request.get("id"), request.get("cmd")
        if not isinstance(actuator, str) or not isinstance(cmd, str):
            raise AgentError("id and cmd must be texts")
        result = self.control.local(actuator, cmd)
        if not result.ok:
            raise AgentError(result.text.removeprefix("error: "))
        return result.text
