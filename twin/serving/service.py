"""The whole twin at work: starts everything in order, and stops it in reverse."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import socket
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

from twin.mosquitto import HOST, BrokerError, Listener, PortTaken
from twin.phone.settings import Settings as PhoneSettings
from twin.phone.telephone import Telephone
from twin.platform import Platform, Settings
from twin.rest.app import make_app
from twin.rest.server import RestServer
from twin.serving.access import Users, phone_users, platform_users
from twin.serving.authority import Certificates, certificates
from twin.serving.brokerlog import OWN, Subscribed
from twin.serving.brokers import OwnBroker
from twin.serving.clock import Clock
from twin.serving.desk import Desk
from twin.serving.exchange import ACTIONS, Exchange, Journals
from twin.serving.journal import Journal
from twin.serving.mqtt import Connection
from twin.serving.onlookers import Onlookers
from twin.serving.options import Options
from twin.serving.phones import Phones
from twin.serving.state import Store, put_into, taken_from

DEVICES = ("/v1/device/#", "/v1/lwt/+")
APPLICATIONS = (f"{ACTIONS}+",)
_LOOK = 0.05
"""Seconds between two looks into the brokers' logs."""
_KEEP = 20
"""Looks from one time the state is kept to the next: what REST changes is safe a second later."""


class Service:
    """One twin. ``open`` it, then ``watch`` it until it is to end."""

    def __init__(self, options: Options, journal: Journal) -> None:
        self._options = options
        self._journal = journal
        self._platform = Platform(
            Settings(delay=options.delay, loss=options.loss, replay_on_subscribe=options.replay,
                     registry_retain=options.registry_retain),
            Random(secrets.randbits(64)))  # noqa: S311 (keys that protect nothing)
        self._telephone = Telephone(PhoneSettings(
            share_first_id=options.share_first_id, char_seconds=options.char_seconds))
        self._onlookers = Onlookers()
        self._exchange = Exchange(self._platform, self._telephone, Clock(),
                                  Journals(journal, self._onlookers))
        self._own: tuple[OwnBroker, ...] = ()
        self._where: dict[str, Any] = {}

    async def open(self, stack: AsyncExitStack) -> dict[str, Any]:
        """Where everything is, once it is there; it ends with ``stack``.

        Raises BrokerError, NoBroker, AuthorityError, ServerError, DeskError, StateError.
        """
        options = self._options
        _check_ports(options)
        folder = options.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="cht-twin-")))
        self._store = Store(folder)
        first = self._store.load(options.project_key, options.api_key)
        put_into(self._platform, self._telephone, first)
        self._keys = first.project_key, first.api_key
        stack.callback(self._keep)
        own = certificates(folder, _names() if options.public else ())
        stack.callback(self._exchange.stop)
        if options.broker is None:
            ports = await self._start_brokers(stack, own)
        else:
            ports = await self._use_broker(stack, *options.broker)
        ports |= await self._start_rest(stack, own)
        phones = Phones(self._exchange)
        self._exchange.to_phones = phones.hear
        desk = Desk(options.socket_path(), self._exchange, phones, self._status,
                    self._onlookers, self._switch_broker)
        stack.push_async_callback(desk.close)
        await desk.open()
        host = socket.gethostname() if options.public else HOST
        self._where = {
            "host": host, "ports": ports, "ca_file": str(own.ca),
            "rest_url": f"http://{host}:{ports['rest']}",
            "rest_tls_url": f"https://{host}:{ports['rest_tls']}",
            "socket": str(desk.path), "project_key": first.project_key, "api_key": first.api_key,
        }
        return self._where

    async def watch(self) -> None:
        """For ever: tell what the brokers do on their own, and keep what REST changes.

        Raises BrokerError when one of them ends, StateError.
        """
        for looks in itertools.count():
            await asyncio.sleep(_LOOK)
            if looks % _KEEP == 0:
                self._keep()
            for broker in self._own:
                for news in broker.news():
                    if isinstance(news, Subscribed):
                        self._exchange.subscribed(news.topic)
                    else:
                        self._journal.told("broker", news.text, self._exchange.clock.now())

    async def _start_brokers(self, stack: AsyncExitStack, own: Certificates) -> dict[str, int]:
        options, tls = self._options, {"cert": own.cert, "key": own.key}
        # Without the broker's own limit: P-04 knows one for three kinds of messages from devices,
        # which the rules keep, and the platform's own notices may be longer than those.
        devices = OwnBroker([Listener(options.port), Listener(options.tls_port, **tls)],
                            own.ca, public=options.public)
        applications = OwnBroker([Listener(options.phone_port, **tls)], own.ca,
                                 public=options.public)
        await devices.open(stack, DEVICES, self._exchange.from_device, self._platform_users())
        await applications.open(stack, APPLICATIONS, self._exchange.from_application,
                                self._phone_users())
        self._exchange.to_devices = devices.publish
        self._exchange.to_applications = applications.publish
        self._own = devices, applications
        return {"mqtt": devices.ports[0], "mqtt_tls": devices.ports[1],
                "phone": applications.ports[0]}

    async def _use_broker(self, stack: AsyncExitStack, host: str, port: int) -> dict[str, int]:
        devices = Connection(host, port, DEVICES, self._exchange.from_device,
                             client_id=f"{OWN}-devices")
        applications = Connection(host, port, APPLICATIONS, self._exchange.from_application,
                                  client_id=f"{OWN}-applications")
        for connection in (devices, applications):
            stack.callback(connection.close)
            await connection.open()
        self._exchange.to_devices = devices.publish
        self._exchange.to_applications = applications.publish
        return {"mqtt": port, "phone": port}

    async def _start_rest(self, stack: AsyncExitStack, own: Certificates) -> dict[str, int]:
        options = self._options
        app = make_app(self._platform, self._telephone, self._exchange.clock.now,
                       self._exchange.emit, self._admit)
        host = "0.0.0.0" if options.public else HOST  # noqa: S104 (asked for)
        plain = RestServer(app, host, options.rest_port)
        secure = RestServer(app, host, options.rest_tls_port, (own.cert, own.key))

        async def stop() -> None:
            await asyncio.gather(plain.stop(), secure.stop())

        stack.push_async_callback(stop)
        await plain.start()
        await secure.start()
        return {"rest": plain.port, "rest_tls": secure.port}

    async def _admit(self) -> None:
        """Let in who has a key now, and nobody else, before anybody is told of it."""
        for broker, users in zip(self._own, (self._platform_users(), self._phone_users()),
                                 strict=False):
            await broker.admit(users)

    async def _switch_broker(self, up: bool) -> None:
        """Kill the broker of the platform as a crash would, or start it again. Raises
        BrokerError."""
        if not self._own:
            raise BrokerError("the broker is not this twin's own, and is left alone")
        devices = self._own[0]
        if up:
            await devices.revive(self._platform_users())
        else:
            devices.kill()
        self._journal.told("broker", "runs again" if up else "killed, as was asked",
                           self._exchange.clock.now())

    def _keep(self) -> None:
        self._store.save(taken_from(self._platform, self._telephone, *self._keys))

    def _platform_users(self) -> Users:
        projects: dict[str, dict[str, str]] = defaultdict(dict)
        for key, access in self._platform.keys().items():
            devices = projects[access.project_key]
            if access.device_id is not None:
                devices[access.device_id] = key
        return platform_users(projects)

    def _phone_users(self) -> Users:
        telephone = self._telephone
        return phone_users({key: telephone.sn_keys(key) for key in telephone.api_keys})

    def _status(self) -> dict[str, Any]:
        return {**self._where, "now": self._exchange.clock.now().isoformat(),
                "readings": self._platform.counts(),
                "calls": len(self._telephone.calls()), "ringing": self._telephone.ringing(),
                **{name: self._journal.counts[name] for name in ("received", "sent", "dropped")}}


def _check_ports(options: Options) -> None:
    """Say which port is taken, and by whom perhaps; mosquitto would only tell that one is.
    Raises PortTaken."""
    wanted = {"--rest-port": options.rest_port, "--rest-tls-port": options.rest_tls_port}
    if options.broker is None:
        wanted |= {"--port": options.port, "--tls-port": options.tls_port,
                   "--phone-port": options.phone_port}
    for flag, port in wanted.items():
        try:
            socket.create_server(("" if options.public else HOST, port)).close()
        except PermissionError as exc:
            raise PortTaken(f"port {port} is not for every user: {flag} chooses another") from exc
        except OSError as exc:
            perhaps = " (the system's own mosquitto: sudo systemctl stop mosquitto)"
            raise PortTaken(
                f"port {port} is taken: stop what listens there{perhaps if port == 1883 else ''}, "
                f"or choose another with {flag} (0: any)") from exc


def _names() -> list[str]:
    """What others may call this machine."""
    name = socket.gethostname()
    try:
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
    except OSError:
        addresses = set()
    return [name, *sorted(address for address in addresses if "%" not in address)]
