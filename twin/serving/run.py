"""``cht-twin run``: the platform and its telephone service on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from typing import Any

from twin.mosquitto import BrokerError
from twin.rest.server import ServerError
from twin.serving.authority import AuthorityError
from twin.serving.desk import DeskError
from twin.serving.journal import Journal
from twin.serving.mqtt import NoBroker
from twin.serving.options import Options, add_arguments, options_of
from twin.serving.service import Service
from twin.serving.state import StateError

__all__ = ["add_arguments", "run"]

_FAILURES = (BrokerError, NoBroker, AuthorityError, ServerError, DeskError, StateError)


def run(args: argparse.Namespace) -> int:
    """0 when it was ended, 1 when it could not go on."""
    try:
        asyncio.run(_run(options_of(args)))
    except _FAILURES as exc:
        print(f"cht-twin run: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    journal = Journal(sys.stdout, quiet=options.quiet)
    log = logging.getLogger("cht_twin")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(journal)
    if options.attached:
        _end_with_stdin(stop)
    serving = asyncio.create_task(_serve(options, journal), name="twin")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _serve(options: Options, journal: Journal) -> None:
    """Until it is cancelled, or its time is over."""
    async with AsyncExitStack() as stack:
        service = Service(options, journal)
        where = await service.open(stack)
        print(json.dumps({"event": "ready", **where}) if options.json else _table(where, options),
              flush=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(options.seconds):
                await service.watch()


def _end_with_stdin(stop: asyncio.Event) -> None:
    """Who started us has gone when our input ends, however it went."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        # In a thread, as a selector takes pipes and terminals, but neither files nor /dev/null.
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # it has ended before its input
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="stdin", daemon=True).start()


def _table(where: dict[str, Any], options: Options) -> str:
    host, ports = where["host"], where["ports"]
    rows = [
        ("platform", f"mqtt://{host}:{ports['mqtt']}"
         + (f"  mqtts://{host}:{ports['mqtt_tls']}" if "mqtt_tls" in ports else "")),
        ("telephone", f"{'mqtt' if options.broker else 'mqtts'}://{host}:{ports['phone']}"),
        ("REST", f"{where['rest_url']}/iot/v1  {where['rest_url']}/apis/CHTIoT/phone-conn/v1"),
        ("", f"the same at {where['rest_tls_url']}; described at {where['rest_url']}/docs"),
        ("CA file", where["ca_file"]),
        ("project key", where["project_key"]),
        ("API key", where["api_key"]),
        ("socket", where["socket"]),
    ]
    if options.broker:
        rows[0] = ("broker", "mqtt://{}:{}, for the platform and the telephone".format(
            *options.broker))
        del rows[1]
    lines = [f"  {name:<12} {value}" for name, value in rows]
    return "\n".join(["The platform and its telephone service, on this machine. Ctrl-C ends it.",
                      *lines, ""])
