"""One MQTT connection, from CONNECT to its end. The only file that imports paho.

paho is driven by the running loop's own readers and writers (its documented hooks for an external
loop), so all MQTT work happens in one thread. What bites, and is handled here: ``connect()``
blocks, so it runs beside the loop and its callbacks hop over; a late success after cancellation
closes its socket; Nagle's delay is off; bytes that TLS has already decrypted are drained, since no
selector will ever report them; a callback never raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv31, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from agent import tls
from agent.errors import LinkError, LinkLost
from agent.link.farewell import farewell
from agent.link.last_error import LastError
from agent.link.model import Account, OnMessage
from agent.link.refusal import refusal
from agent.threads import in_daemon_thread

log = logging.getLogger("cht_agent.link")

_TOPICS_PER_SUBSCRIBE = 10  # some brokers take no more, and no packet nears P-04's 5 KB
_PACKETS_PER_TURN = 50
_FAREWELL = 1.0  # seconds for the broker to close, too


class Connection:
    """An open connection. ``closed`` is set once, with the reason, when it ends.

    Made by :meth:`open`; used on the loop only.
    """

    def __init__(self, account: Account, on_message: OnMessage) -> None:
        self.account = account
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[LinkError] = self._loop.create_future()
        self.abandoned = False  # ended by us
        self.closed_by_peer = False  # an orderly end of file: what a take-over looks like
        self._connack: asyncio.Future[None] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[list[int]]] = {}
        self._inbox: deque[MQTTMessage] = deque()
        self._drained: asyncio.Future[None] | None = None
        self._sock: socket.socket | None = None
        self._writing = False
        self._misc: asyncio.TimerHandle | None = None
        self._leaving = False
        self._farewell: asyncio.Task[None] | None = None
        self._last_error = LastError()
        self._client = self._make_client()

    @property
    def where(self) -> str:
        return f"{self.account.host}:{self.account.port}"

    @classmethod
    async def open(
        cls, account: Account, on_message: OnMessage, clock_trusted: bool, timeout: float = 15.0
    ) -> Connection:
        """Resolve, connect, shake hands and wait for CONNACK, in ``timeout`` seconds at most.

        Raises LinkLost (unreachable, no answer) or LinkRefused (password, certificate, version).
        """
        connection = cls(account, on_message)
        try:
            async with asyncio.timeout(timeout):
                await connection._connect(clock_trusted)
                await connection._connack
        except TimeoutError as exc:
            connection.abort()
            raise LinkLost(f"{connection.where}: no answer within {timeout:g} s") from exc
        except asyncio.CancelledError:
            connection.leave()
            raise
        except BaseException:
            connection.abort()
            raise
        return connection

    async def subscribe(self, topics: Sequence[str], timeout: float = 10.0) -> tuple[str, ...]:
        """Subscribe at QoS 0; the topics the broker refused. Raises LinkLost."""
        refused: list[str] = []
        for start in range(0, len(topics), _TOPICS_PER_SUBSCRIBE):
            part = topics[start : start + _TOPICS_PER_SUBSCRIBE]
            _, mid = self._client.subscribe([(topic, 0) for topic in part])
            codes = await self._answer(mid, timeout, "SUBSCRIBE")
            refused += [t for t, code in zip(part, codes, strict=False) if code >= 128]
        return tuple(refused)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Hand a message to the socket. Raises LinkLost; says nothing about its arrival (P-05)."""
        if self.closed.done():
            raise LinkLost(str(self.closed.result()))
        self._client.publish(topic, payload, 0, retain)

    async def drain(self) -> None:
        """Wait until the kernel has everything published so far. Raises LinkLost."""
        while self._client.want_write() and not self.closed.done():
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.wait((self._drained, self.closed), return_when="FIRST_COMPLETED")
        if self.closed.done():
            raise LinkLost(str(self.closed.result()))

    async def fence(self, topic: str, timeout: float) -> None:
        """Prove that the broker has read everything published before, on this connection.

        An UNSUBSCRIBE of ``topic``, which was never subscribed: brokers read a connection in
        order, so its answer comes after them (decision 4). Raises LinkLost without one.
        """
        _, mid = self._client.unsubscribe(topic)
        await self._answer(mid, timeout, "fence")

    async def close(self, timeout: float = 1.0) -> None:
        """Leave with a DISCONNECT, so that no will is sent (P-21)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                if not self.closed.done():
                    self._disconnect()
                    await asyncio.wait((self.closed,))
                if self._farewell is not None:
                    await self._farewell
        self.abort()

    def leave(self) -> None:
        """The same without waiting: what does not leave at once never leaves."""
        self._disconnect()
        self.abort()

    def _disconnect(self) -> None:
        self._leaving = True
        self._client.disconnect()

    def abort(self, why: str = "closed here") -> None:
        """Drop the connection at once, without DISCONNECT."""
        self.abandoned = not self.closed.done() or self.abandoned
        self._lose(LinkLost(f"{self.where}: {why}"))
        if (sock := self._sock) is not None:
            self._forget_socket()
            with contextlib.suppress(OSError):
                sock.close()

    def _make_client(self) -> Client:
        account = self.account
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=account.client_id,
            clean_session=True,
            protocol=MQTTv31 if account.mqtt_version == "3.1" else MQTTv311,
            reconnect_on_failure=False,
        )
        key = account.login.reveal()
        client.username_pw_set(key, key)
        if account.tls is not None:
            client.tls_set_context(account.tls)
        if account.will is not None:
            will = account.will
            client.will_set(will.topic, will.payload, 0, will.retain)
        errors = logging.Logger("paho", logging.ERROR)
        errors.addHandler(self._last_error)
        client.enable_logger(errors)
        client.on_socket_open = self._hop(self._opened)
        client.on_socket_close = self._socket_closed
        client.on_socket_register_write = self._hop(self._want_write)
        client.on_socket_unregister_write = self._no_more_write
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_subscribe = self._answered
        client.on_unsubscribe = self._answered
        return client

    def _hop(self, step: Callable[[Any], None]) -> Any:
        """A paho callback that runs ``step(sock)`` on the loop, from whichever thread it comes."""
        home = threading.get_ident()

        def callback(_client: Client, _userdata: Any, sock: Any) -> None:
            if threading.get_ident() == home:
                step(sock)
                return
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody needs the socket
                self._loop.call_soon_threadsafe(step, sock)

        return callback

    # --- connecting -------------------------------------------------------------------------

    async def _connect(self, clock_trusted: bool) -> None:
        try:
            await in_daemon_thread(f"connect-{self.account.host}", self._connect_blocking)
        except ssl.SSLError as exc:
            raise tls.failure(exc, self.where, clock_trusted) from exc
        except (socket.gaierror, UnicodeError) as exc:  # the latter: it cannot be a name at all
            reason = exc.strerror if isinstance(exc, OSError) else "not a host name"
            why = f"unknown host ({reason}); check host and DNS"
            raise LinkLost(f"{self.where}: {why}") from exc
        except OSError as exc:
            raise tls.unreachable(exc, self.where, self.account.tls is not None) from exc

    def _connect_blocking(self) -> None:
        account = self.account
        self._client.connect_timeout = 8.0
        self._client.connect(account.host, account.port, keepalive=max(1, round(account.keepalive)))
        if self.abandoned and (late := self._client.socket()) is not None:
            late.close()

    def _opened(self, sock: socket.socket) -> None:
        if self.abandoned:
            sock.close()
            return
        with contextlib.suppress(OSError):
            # Nagle and delayed ACK together cost 40 ms a message; paho leaves Nagle on.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._loop.add_reader(sock, self._readable)
        self._misc = self._loop.call_later(1.0, self._each_second)

    def _connected(self, _c: Any, _u: Any, _flags: Any, code: Any, _props: Any) -> None:
        if self._connack.done():
            return
        if code.is_failure:
            self._connack.set_exception(refusal(code.value, str(code), self.where))
        else:
            self._connack.set_result(None)

    # --- the socket -------------------------------------------------------------------------

    def _readable(self) -> None:
        for _ in range(_PACKETS_PER_TURN):
            self._client.loop_read()
            self._hand_over()
            sock = self._sock
            if sock is None or not isinstance(sock, ssl.SSLSocket) or not sock.pending():
                return
        self._loop.call_soon(self._readable)

    def _hand_over(self) -> None:
        """Give what was received to its reader, outside of paho: what that publishes in answer is
        on its way before this returns, and a write that fails finds no lock of paho's held."""
        while self._inbox:
            message = self._inbox.popleft()
            try:
                self._on_message(message.topic, bytes(message.payload), message.retain)
            except Exception:  # a task border: a bug of ours must not end the connection
                log.exception("message handler failed")

    def _want_write(self, _sock: Any) -> None:
        # At once, without asking the selector: it watches only a socket that did not take it all.
        self._flush()

    def _flush(self) -> None:
        if self._sock is None:
            return
        self._client.loop_write()
        if self._client.want_write():
            self._watch_for_room()
        elif self._drained is not None:
            self._drained.set_result(None)
            self._drained = None

    def _watch_for_room(self) -> None:
        if self._sock is not None and not self._writing:
            self._writing = True
            self._loop.add_writer(self._sock, self._flush)

    def _no_more_write(self, _c: Any, _u: Any, sock: Any) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(sock)

    def _each_second(self) -> None:
        if self._sock is not None:
            self._client.loop_misc()
            self._misc = self._loop.call_later(1.0, self._each_second)

    def _forget_socket(self) -> None:
        sock, self._sock = self._sock, None
        if self._misc is not None:
            self._misc.cancel()
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
        self._writing = False

    def _socket_closed(self, _c: Any, _u: Any, sock: Any) -> None:
        if self._sock is not None:
            self._forget_socket()
            if self._leaving:
                self._farewell = farewell(sock, _FAREWELL)

    # --- what paho reports --------------------------------------------------------------------

    def _received(self, _c: Any, _u: Any, message: MQTTMessage) -> None:
        self._inbox.append(message)

    def _answered(self, _c: Any, _u: Any, mid: int, codes: Any, _props: Any) -> None:
        waiting = self._answers.pop(mid, None)
        if waiting is not None and not waiting.done():
            waiting.set_result([code.value for code in codes or ()])

    async def _answer(self, mid: int | None, timeout: float, what: str) -> list[int]:
        if self.closed.done() or mid is None:
            raise LinkLost(f"{self.where}: closed")
        answer: asyncio.Future[list[int]] = self._loop.create_future()
        self._answers[mid] = answer
        await asyncio.wait((answer, self.closed), timeout=timeout, return_when="FIRST_COMPLETED")
        self._answers.pop(mid, None)
        if answer.done():
            return answer.result()
        if self.closed.done():
            raise LinkLost(str(self.closed.result()))
        raise LinkLost(f"{self.where}: no answer to {what} within {timeout:g} s")

    def _disconnected(self, _c: Any, _u: Any, _flags: Any, code: Any, _props: Any) -> None:
        if code == "Keep alive timeout":
            why = "the broker stopped answering (keep-alive)"
        elif self._last_error.text is not None:
            why = self._last_error.text
        else:
            why = "the broker closed the connection"
            self.closed_by_peer = True
        if not self._connack.done():
            why = f"{why} instead of answering CONNECT; check port and tls"
        self._lose(LinkLost(f"{self.where}: {why}"))

    def _lose(self, reason: LinkError) -> None:
        if self.closed.done():
            return
        self.closed.set_result(reason)
        if not self._connack.done():
            self._connack.set_exception(reason)
            self._connack.exception()  # it may have no reader any more
        self._answers.clear()
