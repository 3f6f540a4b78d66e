"""The way to the servers: name, port, certificate. Each step looks at what passed the last."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from agent import tls
from agent.clock import SystemClock
from agent.config.model import Config
from agent.doctor.machine import Machine
from agent.doctor.visit import Visit, there
from agent.errors import AgentError
from agent.finding import Finding
from agent.threads import in_daemon_thread

T = TypeVar("T")

_PATIENCE = 8.0
_SOON = 14
_CA_STORE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Endpoint:
    """A server that the configuration names. ``role`` is what it is to us; ``key``: where it is
    written in the configuration."""

    role: str
    host: str
    port: int
    secure: bool
    ca_file: Path | None
    key: str
    mends: tls.Mends

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


def endpoints(config: Config) -> list[Endpoint]:
    """All of them."""
    one, two = config.platform, config.phone
    found = [
        Endpoint("broker", one.host, one.port, one.tls, one.ca_file, "[platform] host", tls.BROKER),
        _of_url("rest", one.rest_url, one.ca_file, "[platform] rest_url"),
    ]
    if two is not None:
        key = "[phone] host"
        found += [
            Endpoint("phone", two.host, two.port, two.tls, two.ca_file, key, tls.BROKER),
            _of_url("phone-rest", two.rest_url, two.ca_file, "[phone] rest_url"),
        ]
    return found


def _of_url(role: str, url: str, ca_file: Path | None, key: str) -> Endpoint:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    return Endpoint(role, parts.hostname or "", port, secure, ca_file, key, tls.REST)


def names(visit: Visit) -> Iterable[Finding]:
    """Whether the names of the servers lead anywhere."""
    known: dict[str, bool] = {}
    for server in endpoints(there(visit.config)):
        if server.host not in known:
            known[server.host] = True
            if not _is_address(server.host):
                yield (finding := _resolve(visit.machine, server))
                known[server.host] = finding.severity == "good"
        if known[server.host]:
            visit.named.append(server)


def _resolve(machine: Machine, server: Endpoint) -> Finding:
    try:
        found = _within(lambda: socket.getaddrinfo(server.host, None, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not a host name"
        text = f"{server.host} ({server.key}): {reason or 'no answer'}"
        if "nameserver" not in (machine.text("/etc/resolv.conf") or ""):
            return Finding("error", text, "no name server is set: is the network up? ip address")
        mend = f"is the network up, and {server.key} right? resolvectl status tells of DNS"
        return Finding("error", text, mend)
    return Finding("good", f"{server.host} is {found[0][4][0]}")


def ports(visit: Visit, patience: float = _PATIENCE) -> Iterable[Finding]:
    """Whether the servers can be reached, or a firewall stands before them; ``patience`` in
    seconds."""
    known: dict[str, bool] = {}
    for server in visit.named:
        if server.where not in known:
            yield (finding := _connect(server, patience))
            known[server.where] = finding.severity == "good"
        if known[server.where]:
            visit.reached.append(server)


def _connect(server: Endpoint, patience: float) -> Finding:
    try:
        socket.create_connection((server.host, server.port), patience).close()
    except TimeoutError:
        return Finding(
            "error",
            f"{server.where}: no answer within {patience:g} s",
            f"a firewall probably drops what goes to port {server.port}: have it opened",
        )
    except ConnectionRefusedError:
        mend = f"check {server.key} and its port; is the server running?"
        return Finding("error", f"{server.where}: nothing listens there", mend)
    except OSError as exc:
        mend = "is the cable in, the Wi-Fi joined? ip route"
        return Finding("error", f"{server.where}: {exc.strerror or exc}", mend)
    return Finding("good", f"{server.where} answers")


def certificates(visit: Visit) -> Iterable[Finding]:
    """Whether they show a certificate that is valid, and for how long."""
    known: dict[tuple[str, Path | None], bool] = {}
    for server in visit.reached:
        place = (server.where, server.ca_file)
        if server.secure and place not in known:
            yield (finding := _shake_hands(visit.machine, server, visit.clock()))
            known[place] = finding.severity != "error"
        if not server.secure or known[place]:
            visit.open[server.role] = server


def _shake_hands(machine: Machine, server: Endpoint, clock: SystemClock) -> Finding:
    try:
        context = tls.context(server.ca_file)
        with (
            socket.create_connection((server.host, server.port), _PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=server.host) as secure,
        ):
            certificate = secure.getpeercert() or {}
    except ssl.SSLError as exc:
        error: AgentError = tls.failure(exc, server.where, clock.trusted(), server.mends)
        if server.ca_file is None and machine.text(_CA_STORE) is None:
            return Finding("error", str(error), "sudo apt install ca-certificates")
        return Finding("error", str(error))
    except OSError as exc:
        return Finding("error", str(tls.unreachable(exc, server.where, True, server.mends)))
    except AgentError as exc:
        return Finding("error", str(exc))
    end = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    left = (datetime.fromtimestamp(end, UTC) - clock.utc()).days
    text = f"{server.where}: its certificate is good for {left} days"
    if left < _SOON:
        return Finding("warning", text, "whoever runs the server must renew it")
    return Finding("good", text)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _within(work: Callable[[], T]) -> T:
    """What ``work`` returns; TimeoutError when it takes too long, as a resolver may."""

    async def limited() -> T:
        async with asyncio.timeout(_PATIENCE):
            return await in_daemon_thread("look-up", work)

    return asyncio.run(limited())
