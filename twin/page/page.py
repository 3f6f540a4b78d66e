"""The page at work: a server and who looks out for it, on a thread of their own."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from twin.page import asks, tell
from twin.page.app import make_app
from twin.page.asks import Ask
from twin.page.feed import Feed
from twin.page.guard import USER, is_loopback
from twin.page.lookout import Lookout
from twin.page.picture import Picture
from twin.page.stage import Hands, Things
from twin.page.telephone import Telephone
from twin.rest.server import RestServer, ServerError

PORT = 8088
_STOP_TIMEOUT = 10.0
_MOST_LINES = 500
"""Lines of the log that wait to be told."""
_HAND_OVER = 0.1
"""Seconds between two looks at them."""


@dataclass(frozen=True)
class Options:
    """``port`` None: 8088, or any other when that is taken."""

    host: str = "127.0.0.1"
    port: int | None = None


class Page:
    """Serves from ``with`` on. ``password``: what others than this machine have to know; None on
    loopback. Raises ServerError when it cannot listen."""

    def __init__(self, options: Options, things: Things, hands: Hands) -> None:
        self._options = options
        self._things = things
        self._hands = hands
        self.url = ""
        self.password = None if is_loopback(options.host) else secrets.token_urlsafe(15)
        self._lines: deque[tuple[str, str]] = deque(maxlen=_MOST_LINES)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @property
    def user(self) -> str:
        """Who the password is for."""
        return USER

    def log(self, who: str, text: str) -> None:
        """A line for the page, by any thread; the oldest are lost when there are too many."""
        self._lines.append((who, text))

    def stop(self) -> None:
        """Close everything; harmless when it does not run."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(_STOP_TIMEOUT)

    def __enter__(self) -> Self:
        ready: Future[str] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(ready)), name="page", daemon=True)
        self._thread.start()
        self.url = ready.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # On the page's own thread from here on.

    async def _run(self, ready: Future[str]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        things, picture = self._things, Picture(self._things)

        def hello() -> dict[str, Any]:
            picture.call = phone.call
            return picture.hello(self._hands.device, self._hands.faults, datetime.now(UTC))

        feed = Feed(hello)
        phone = Telephone(things.twin_socket, things.number, things.own_number,
                          lambda data: feed.tell("phone", data))
        lookout = Lookout(picture, feed, self._hands)
        doing = Doing(self._hands, phone, lookout)
        app = make_app(feed.stream, doing.do, self.password)
        try:
            server = await self._listen(app)
        except ServerError as exc:
            ready.set_exception(exc)
            return
        work = [asyncio.create_task(each, name="page") for each in (
            lookout.watch(), lookout.look(), phone.run(), self._hand_over(feed))]
        ready.set_result(server.url)
        await self._stop.wait()
        feed.close()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await server.stop()

    async def _listen(self, app: Any) -> RestServer:
        host, port = self._options.host, self._options.port
        server = RestServer(app, host, PORT if port is None else port)
        try:
            await server.start()
        except ServerError:
            if port is not None:
                raise
            server = RestServer(app, host, 0)
            await server.start()
        return server

    async def _hand_over(self, feed: Feed) -> None:
        while True:
            while self._lines:
                who, text = self._lines.popleft()
                feed.tell("log", tell.log(who, text, self._things.secrets))
            await asyncio.sleep(_HAND_OVER)


class Doing:
    """Does what a browser asks. Raises Refused."""

    def __init__(self, hands: Hands, phone: Telephone, lookout: Lookout) -> None:
        self._hands = hands
        self._phone = phone
        self._lookout = lookout

    async def do(self, ask: Ask) -> None:
        match ask:
            case asks.Dial(caller, to):
                self._phone.dial(caller, to)
            case asks.Talk(words):
                self._phone.talk(words)
            case asks.Take(answer):
                self._phone.take(answer=answer)
            case asks.Power("off"):
                async with self._lookout.power_cut():
                    await asyncio.to_thread(self._hands.power, "off")
            case _:
                await asyncio.to_thread(self._by_hand, ask)
                self._lookout.tell_faults()

    def _by_hand(self, ask: Ask) -> None:
        match ask:
            case asks.Command(actuator, cmd):
                self._hands.command(actuator, cmd)
            case asks.Press(button):
                self._hands.press(button)
            case asks.Plug(sensor, True):
                self._hands.plug(sensor)
            case asks.Plug(sensor, False):
                self._hands.unplug(sensor)
            case asks.Network(state):
                self._hands.network(state)
            case asks.Broker(broker):
                self._hands.broker(broker)
            case asks.Power(power):
                self._hands.power(power)
            case asks.Clock(seconds):
                self._hands.clock(seconds)
