"""One light device: connects, subscribes, beats and sends a reading now and then, for ever."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from twin.fleet import packets
from twin.fleet.backoff import delay

_PATIENCE = 15.0


@dataclass(frozen=True)
class Target:
    """Where the devices go. ``key``: user name and password; ``tls`` None: plain."""

    host: str
    port: int
    key: str = ""
    tls: ssl.SSLContext | None = None


class Device:
    """``changed(up)`` hears of each connection that is made and subscribed, and of each lost."""

    def __init__(
        self, number: int, target: Target, every: float, rand: random.Random,
        changed: Callable[[bool], None],
    ) -> None:
        self.name = f"fleet{number:06d}"
        self._target = target
        self._every = every
        self._rand = rand
        self._changed = changed
        self.tries = 0

    async def run(self) -> None:
        """Until cancelled; then it says goodbye."""
        # A fleet is not switched on in one instant.
        await asyncio.sleep(self._rand.uniform(0.0, self._every))
        loop = asyncio.get_running_loop()
        failing: float | None = None
        while True:
            self.tries += 1
            try:
                async with asyncio.timeout(_PATIENCE):
                    reader, writer = await self._connect()
            except (OSError, ValueError, asyncio.IncompleteReadError):
                failing = loop.time() if failing is None else failing
                await asyncio.sleep(delay(loop.time() - failing, self._rand))
                continue
            failing = None
            self._changed(True)
            try:
                await self._stay(reader, writer)
            finally:
                self._changed(False)
                writer.close()
            await asyncio.sleep(delay(0.0, self._rand))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._target
        reader, writer = await asyncio.open_connection(target.host, target.port, ssl=target.tls)
        try:
            writer.write(packets.connect(self.name, target.key, int(self._every * 3) + 10))
            kind, body = await _read(reader)
            if kind != packets.CONNACK or body[1:] != b"\x00":
                raise ValueError("the broker refuses")
            writer.write(packets.subscribe((f"/v1/device/{self.name}/sensor/lamp/command",)))
            if (await _read(reader))[0] != packets.SUBACK:
                raise ValueError("no SUBACK")
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking = asyncio.create_task(self._talk(writer))
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
                while True:
                    await _read(reader)
        finally:
            talking.cancel()
            with contextlib.suppress(OSError):
                writer.write(packets.DISCONNECT)

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        count = 0
        while not writer.is_closing():
            count += 1
            base = f"/v1/device/{self.name}"
            reading = json.dumps([{"id": "count", "value": [str(count)]}]).encode()
            writer.write(packets.publish(f"{base}/rawdata", reading))
            writer.write(packets.publish(f"{base}/heartbeat", b'{"pulse":"60000"}'))
            writer.write(packets.PING)
            await asyncio.sleep(self._every * self._rand.uniform(0.9, 1.1))


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One packet: its type and what it holds."""
    head = await reader.readexactly(2)
    while (found := packets.length(head, 1)) is None:
        head += await reader.readexactly(1)
    return head[0] >> 4, await reader.readexactly(found[0])
