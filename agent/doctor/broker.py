"""Whether the brokers take our keys: connections of the doctor's own, which disturb nobody's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from agent import tls, whoami
from agent.config.model import Secret
from agent.config.secrets import resolve
from agent.doctor.visit import Visit, there
from agent.errors import AgentError
from agent.finding import Finding
from agent.identity.naming import client_id
from agent.link.model import Account
from agent.links import REGISTRY_LOGIN
from agent.service import logs


def platform(visit: Visit) -> Iterable[Finding]:
    """As the agent connects, but with another client id (P-03)."""
    config, who = there(visit.config).platform, visit.identity
    if who is None and config.key is not None:
        yield Finding("skipped", "without the key")  # which the check of the identity misses
        return
    try:
        login = who.key if who else REGISTRY_LOGIN
        _connect(visit, config.host, config.port, config.tls, config.ca_file, login,
                 config.mqtt_version)  # fmt: skip
    except AgentError as exc:
        yield Finding("error", str(exc))
    else:
        whose = "our key" if who else "the registry's login"
        yield Finding("good", f"{config.host}:{config.port} takes {whose}")


def telephone(visit: Visit) -> Iterable[Finding]:
    """The telephone service's, with its own key (P-03)."""
    config = there(there(visit.config).phone)
    try:
        login = resolve(config.api_key, visit.machine.environ)
        _connect(visit, config.host, config.port, config.tls, config.ca_file, login)
    except AgentError as exc:
        yield Finding("error", str(exc))
    else:
        yield Finding("good", f"{config.host}:{config.port} takes our key")


def _connect(
    visit: Visit, host: str, port: int, secure: bool, ca_file: Path | None, login: Secret,
    mqtt_version: Literal["3.1.1", "3.1"] = "3.1.1",
) -> None:  # fmt: skip
    """Connect and leave. Raises AgentError."""
    logs.redact([login])
    serial = whoami.serial_of(there(visit.config), visit.identity)
    account = Account(
        host,
        port,
        client_id("doctor", serial),
        login,
        tls.context(ca_file) if secure else None,
        mqtt_version=mqtt_version,
    )
    asyncio.run(_come_and_go(account, visit.clock().trusted()))


async def _come_and_go(account: Account, clock_trusted: bool) -> None:
    from agent.link.connection import Connection  # brings paho

    connection = await Connection.open(account, lambda *message: None, clock_trusted)
    await connection.close()
