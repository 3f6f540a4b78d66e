"""A small platform behind a real HTTP server, whose faults the test orders."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.certs import Pair

PROJECT, DEVICE = "PKtestproject", "DKtestdevice"
Answer = tuple[int, bytes]


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Fault:
    """What happens instead of a good answer. ``done``: the request itself takes effect first."""

    answer: Answer | None = None
    """None: the connection is closed without a word."""
    done: bool = False
    delay: float = 0.0
    raw: bytes | None = None
    """Exactly these bytes, instead of HTTP."""


@dataclass
class RestPlatform:
    """``with RestPlatform() as platform``: devices and sensors under ``platform.url``.

    ``faults`` are met by the next requests, one each, None being none. ``script`` sees each
    request and may give the fault of this one.
    """

    tls: Pair | None = None
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    sensors: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    pushed: list[tuple[str, Any, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    script: Callable[[Request], Fault | None] = lambda _request: None

    def __enter__(self) -> Self:
        platform = self

        class Handler(_Handler):
            owner = platform

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.tls.cert, self.tls.key)
            # Not in accept(): one client that shakes no hand must not hold up the others.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/iot/v1"

    def add(self, name: str, sensors: tuple[str, ...] = (), **attributes: str) -> str:
        """A device that is there already; its id."""
        device = str(7432 + len(self.devices))
        listed = [{"key": key, "value": value} for key, value in attributes.items()]
        self.devices[device] = {"id": device, "name": name, "attributes": listed}
        self.sensors[device] = {one: {"id": one, "type": "gauge"} for one in sensors}
        return device

    def answer(self, request: Request) -> Answer:
        """The good answer, or the refusal the platform would give."""
        key = request.headers.get("CK")
        path = request.path.removeprefix("/iot/v1").strip("/").split("/")
        if key not in (PROJECT, DEVICE):
            return 200, b'{"status":"invalid key %s"}' % str(key).encode()
        match request.method, path:
            case "GET", ["device"]:
                return _json(list(self.devices.values()))
            case "POST", ["device"]:
                if key == DEVICE:
                    return 403, b'{"status":"permission denied"}'
                return _json({"id": self._create(request.body)})
            case "GET", ["device", device] if device in self.devices:
                return _json(self.devices[device])
            case "GET", ["device", device, "sensor"] if device in self.devices:
                return _json(list(self.sensors[device].values()))
            case "POST", ["device", device, "sensor"] if device in self.devices:
                if request.body["id"] in self.sensors[device]:
                    return 409, b'{"status":"exists"}'
                self.sensors[device][request.body["id"]] = request.body
                return 200, b""
            case "POST", ["registry", name]:
                self.pushed.append((name, request.body, key))
                return 200, b""
        return 404, b'{"status":"not found"}'

    def _create(self, body: dict[str, Any]) -> str:
        device = str(7432 + len(self.devices))
        self.devices[device] = {"id": device, **body}
        self.sensors[device] = {}
        return device


def _json(value: Any) -> Answer:
    return 200, json.dumps(value).encode()


class _Handler(BaseHTTPRequestHandler):
    owner: RestPlatform
    protocol_version = "HTTP/1.1"
    timeout = 20

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        request = Request(self.command, self.path, dict(self.headers),
                          json.loads(content) if content else None)
        owner = self.owner
        owner.requests.append(request)
        fault = owner.faults.pop(0) if owner.faults else owner.script(request)
        if fault is None:
            self._send(owner.answer(request))
            return
        if fault.done:
            owner.answer(request)
        if fault.delay:
            time.sleep(fault.delay)
        if fault.raw is not None:
            with contextlib.suppress(OSError):
                self.wfile.write(fault.raw)
            self.close_connection = True
        elif fault.answer is not None:
            self._send(fault.answer)
        else:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def _send(self, answer: Answer) -> None:
        status, content = answer
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
