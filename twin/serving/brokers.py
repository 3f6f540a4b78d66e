"""The twin's two brokers, each with the twin's own connection to it, and who may use them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from twin.broker import Broker
from twin.messages import Message
from twin.mosquitto import ADMIN, HOST, BrokerError, BrokerOptions, Listener
from twin.serving.access import Users
from twin.serving.brokerlog import OWN, LogReader, Subscribed, Tail, Told
from twin.serving.gate import ANSWERS, Gate
from twin.serving.mqtt import Connection, NoBroker


class OwnBroker:
    """A mosquitto for this run, its users, its log, and a connection that may do everything."""

    def __init__(self, listeners: Sequence[Listener], ca: Path, *, public: bool) -> None:
        self._ca = ca if listeners[0].cert else None
        self._password = secrets.token_hex(16)
        self._broker = Broker(BrokerOptions(
            listeners=tuple(listeners), address="" if public else HOST, admin=self._password))
        self._reader = LogReader()
        self._tail: Tail | None = None
        self._connection: Connection | None = None
        self._connect: Callable[[], Awaitable[None]] | None = None
        self._killed = False
        self._gate = Gate(self.publish)

    @property
    def ports(self) -> tuple[int, ...]:
        return self._broker.ports

    async def open(
        self, stack: AsyncExitStack, topics: Sequence[str], arrived: Callable[[Message], None],
        users: Users,
    ) -> None:
        """Return when these users may connect; ends with ``stack``. Raises BrokerError,
        NoBroker."""
        def sort(message: Message) -> None:
            if message.topic == ANSWERS:
                self._gate.answered(message.payload)
            else:
                arrived(message)

        async def connect() -> None:
            self._connection = Connection(
                HOST, self.ports[0], [*topics, ANSWERS], sort, client_id=OWN, user=ADMIN,
                password=self._password, ca=self._ca)
            await self._connection.open()

        stack.enter_context(self._broker)
        self._tail = Tail(self._broker.log_file)
        self._connect = connect
        stack.callback(self._disconnect)
        await connect()
        await self.admit(users)

    async def admit(self, users: Users) -> None:
        """Return when these may connect, and nobody else. While it is dead nobody may."""
        if not self._killed:
            self._gate.admit(users)
            await self._gate.settled()

    def kill(self) -> None:
        """End it as a crash would; what it retained is gone with it. Nothing when it is dead."""
        if not self._killed:
            self._killed = True
            self._disconnect()
            self._broker.kill()

    async def revive(self, users: Users) -> None:
        """Start it again on its ports, for these users. Nothing when it lives. Raises
        BrokerError."""
        if not self._killed or self._connect is None:
            return
        await asyncio.to_thread(self._broker.start)
        self._gate = Gate(self.publish)  # it knows none of its users any more
        try:
            await self._connect()
        except NoBroker as exc:
            raise BrokerError(str(exc)) from exc
        self._killed = False
        await self.admit(users)

    def publish(self, message: Message) -> None:
        if self._connection is not None:
            self._connection.publish(message)

    def news(self) -> list[Subscribed | Told]:
        """What its log told since the last time. Raises BrokerError when it runs no more."""
        if not self._broker.running and not self._killed:
            raise BrokerError("mosquitto ended by itself, and so does the twin")
        lines = self._tail.lines() if self._tail else []
        return [each for line in lines for each in self._reader.read(line)]

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
