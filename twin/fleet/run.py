"""``cht-twin fleet``: a fleet against a broker of its own, which is killed, or any by address."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import resource
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from twin.broker import Broker
from twin.fleet.curve import Recovery, Sample, drawn, recovery
from twin.fleet.device import Device, Target
from twin.mosquitto import BrokerError
from twin.terminal.steps import duration

DESCRIPTION = """Let many light devices connect, beat and send readings; with no --host against a
mosquitto of its own, which is killed and started again, to see how the fleet comes back."""
EPILOG = """\
exit status: 0 all came up (and back, and stayed), 1 they did not, 2 wrong usage.

examples:
  cht-twin fleet --agents 2000
  cht-twin fleet --agents 500 --host broker.example --port 8883 --ca ca.pem --seconds 10m
"""
_SAMPLE = 0.5
_SETTLE = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--agents", type=int, default=200, metavar="N", help="how many (200)")
    parser.add_argument("--every", type=duration, default=10.0, metavar="TIME",
                        help="between two readings of a device (10s)")
    parser.add_argument("--outage", type=duration, default=3.0, metavar="TIME",
                        help="how long its own broker is away (3s)")
    parser.add_argument("--host", help="a broker that is there already: nothing is killed")
    parser.add_argument("--port", type=int, help="its port (1883; 8883 with --ca)")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="TLS, verified by this CA")
    parser.add_argument("--key-file", type=Path, metavar="FILE",
                        help="user name and password of every device")
    parser.add_argument("--seconds", type=duration, default=60.0, metavar="TIME",
                        help="with --host: how long (60s); else how long to wait for all (60s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (1)")


def run(args: argparse.Namespace) -> int:
    if args.agents < 1:
        print("cht-twin fleet: --agents must be 1 or more", file=sys.stderr)
        return 2
    try:
        _room_for(args.agents)
        if args.host is not None:
            target = Target(args.host, args.port or (8883 if args.ca else 1883), _key(args),
                            _tls(args))
            return asyncio.run(Fleet(args, target).watch())
        with Broker() as broker:
            return asyncio.run(Fleet(args, Target("127.0.0.1", broker.port)).outage(broker))
    except (BrokerError, OSError) as exc:
        print(f"cht-twin fleet: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


class Fleet:
    """The devices, and the count of them."""

    def __init__(self, args: argparse.Namespace, target: Target) -> None:
        self._args = args
        rand = random.Random(args.seed)  # noqa: S311 - jitter, not a secret
        self.devices = [Device(number, target, args.every, random.Random(rand.random()),  # noqa: S311
                               self._changed) for number in range(args.agents)]
        self.samples: list[Sample] = []
        self._up = self._made = 0
        self._began = time.monotonic()

    def _changed(self, up: bool) -> None:
        self._up += 1 if up else -1
        self._made += up

    async def watch(self) -> int:
        """For the time that was asked, against somebody else's broker."""
        async with self._running():
            await self._until(lambda: False, self._args.seconds)
        whole = max(sample.up for sample in self.samples) == self._args.agents
        print(f"{self._args.agents} devices: {'all' if whole else 'not all'} were up at once")
        return 0 if whole else 1

    async def outage(self, broker: Broker) -> int:
        """All up, the broker killed and started again, all up again, and still so a while later."""
        agents = self._args.agents
        async with self._running():
            if not await self._until(lambda: self._up == agents, self._args.seconds):
                print(f"only {self._up} of {agents} came up within {self._args.seconds:g} s")
                return 1
            print(f"all up after {self._now():.1f} s")
            await self._until(lambda: False, 2.0)
            broker.kill()
            print(f"the broker is killed, for {self._args.outage:g} s")
            await self._until(lambda: False, self._args.outage)
            await asyncio.to_thread(broker.start)
            there = self._now()
            await self._until(lambda: self._up == agents, self._args.seconds)
            await self._until(lambda: False, _SETTLE)
        found = recovery(self.samples, there, agents)
        print("\n".join(drawn(self.samples, agents)))
        print(_told(found, agents))
        return 0 if found.back is not None and not found.collapses else 1

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(device.run(), name=device.name) for device in self.devices]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            await asyncio.sleep(min(_SAMPLE, max(0.0, end - time.monotonic())))
            self.samples.append(Sample(self._now(), self._up, self._made))
            self._made = 0
            if sys.stderr.isatty():
                print(f"\r{self.samples[-1].up} up ", end="", file=sys.stderr, flush=True)
        return done()

    def _now(self) -> float:
        return time.monotonic() - self._began


def _told(found: Recovery, agents: int) -> str:
    if found.back is None:
        return f"{agents} devices: not all came back"
    again = "none was lost again" if not found.collapses else f"{found.collapses} times some fell"
    return (f"{agents} devices: all back {found.back:.1f} s after the broker, "
            f"{found.busiest:.0f} connections a second at the most, {again}")


def _key(args: argparse.Namespace) -> str:
    return args.key_file.read_text(encoding="utf-8").strip() if args.key_file else ""


def _tls(args: argparse.Namespace) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=str(args.ca)) if args.ca else None


def _room_for(agents: int) -> None:
    """As many open files as the fleet and its broker need; the broker inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = agents + 200
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise OSError(f"this machine lets a program have {hard} connections: fewer --agents")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
