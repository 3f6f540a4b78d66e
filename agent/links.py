"""Which connections run, as whom: the platform's with the identity in use, the registry's while
somebody may have to tell us who we are.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from agent import tls
from agent.config.model import Config, Secret
from agent.errors import ConfigError
from agent.identity.keeper import Keeper
from agent.identity.naming import client_id
from agent.identity.registry import Identity
from agent.link.link import Link, Plan
from agent.link.model import Account, Will
from agent.protocol import topics

REGISTRY_LOGIN = Secret("chtregistry")  # the same for every device of every vendor (P-03)


@dataclass(frozen=True)
class Plans:
    """How each connection is made."""

    config: Config
    serial: str
    will: Will
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, config: Config, serial: str, will: Will) -> Plans:
        """Raises ConfigError when the CA file cannot be used: before anything runs."""
        platform = config.platform
        return cls(config, serial, will, tls.context(platform.ca_file) if platform.tls else None)

    def platform(self, identity: Identity) -> Plan:
        """The platform as ``identity``: its commands, its own heartbeat and activity, its will."""
        device = identity.device_id
        wanted = [topics.sensor_command(device, one.id) for one in self.config.actuators]
        wanted += [topics.heartbeat(device), topics.active(device), self.will.topic]
        known = [one.id for one in self.config.actuators] + [one.id for one in self.config.sensors]
        some = known[0] if known else "fence"
        return Plan(
            self._account("agent", identity.key, self.will),
            tuple(wanted),
            fence_topic=topics.sensor_csv(device, some),
        )

    def registry(self) -> Plan:
        """The registry topic of this device (P-16). Raises ConfigError without ``[registry]``."""
        if self.config.registry is None:
            raise ConfigError("there is no [registry] section to take an identity from")
        name = topics.registry(self.config.registry.product_code, self.serial)
        return Plan(self._account("reg", REGISTRY_LOGIN, None), (name,), must_subscribe=True)

    def _account(self, role: str, login: Secret, will: Will | None) -> Account:
        platform = self.config.platform
        return Account(
            platform.host,
            platform.port,
            client_id(role, self.serial),
            login,
            self.tls,
            will,
            platform.keepalive,
            platform.mqtt_version,
        )


class Links:
    """Runs the two links as the :class:`Keeper` wants it, and follows its changes."""

    def __init__(self, keeper: Keeper, plans: Plans, platform: Link, registry: Link) -> None:
        self._keeper = keeper
        self._plans = plans
        self._platform = platform
        self._registry = registry
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """The keeper has changed its mind."""
        self._changed.set()

    async def run(self, on_identity: Callable[[Identity | None], None]) -> None:
        """Until cancelled; then both leave in good order. ``on_identity`` before each connect."""
        identity: Identity | None = None
        platform: asyncio.Task[None] | None = None
        registry: asyncio.Task[None] | None = None
        first = True
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                if first or self._keeper.wanted != identity:
                    first = False
                    await _end(platform)
                    platform, identity = None, self._keeper.wanted
                    on_identity(identity)
                    if identity is None:
                        self._platform.rest("waiting")
                    else:
                        plan = self._plans.platform(identity)
                        platform = tasks.create_task(self._platform.run(plan), name="platform")
                if self._keeper.listens and registry is None:
                    plan = self._plans.registry()
                    registry = tasks.create_task(self._registry.run(plan), name="registry")
                elif not self._keeper.listens and registry is not None:
                    await _end(registry)
                    registry = None
                    self._registry.rest("off")
                await self._changed.wait()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))
