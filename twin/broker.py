"""A real mosquitto of one's own: on loopback, in a temporary folder, gone when it is closed.

The demo and the tests speak to the genuine broker, never to an imitation of one.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.mosquitto import (
    HOST,
    BrokerError,
    BrokerOptions,
    Listener,
    PortTaken,
    configuration,
    program,
)

_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 5.0
_PORT_TRIES = 5


class Broker:
    """A mosquitto with these options, running from ``start`` (or ``with``) to ``close``.

    ``stop``, ``kill`` and ``start`` again keep the ports. Nothing is kept on disk: retained
    messages and sessions are gone after a restart. Raises BrokerError.
    """

    def __init__(self, options: BrokerOptions | None = None) -> None:
        self.options = options or BrokerOptions()
        self.ports: tuple[int, ...] = ()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The port of the first listener; 0 before the first start."""
        return self.ports[0] if self.ports else 0

    @property
    def log_file(self) -> Path:
        """Where mosquitto's words go, by appending. Raises BrokerError before the first start."""
        if self._folder is None:
            raise BrokerError("mosquitto was not started")
        return self._folder / "log"

    @property
    def log(self) -> str:
        """Everything mosquitto has said since the first start."""
        return "" if self._folder is None else self.log_file.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return when every listener accepts. Does nothing when it runs already."""
        if self.running:
            return
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        try:
            self._start_on_free_ports(self._folder)
        except BrokerError:
            if not self.ports:
                self.close()
            raise

    def _start_on_free_ports(self, folder: Path) -> None:
        chosen = any(not listener.port for listener in self.options.listeners) and not self.ports
        for left in reversed(range(_PORT_TRIES if chosen else 1)):
            ports = self.ports or _pick_ports(self.options.listeners)
            try:
                self._launch(folder, ports)
            except PortTaken:
                # Somebody was faster with a port that was free a moment ago.
                if not left:
                    raise
            else:
                self.ports = ports
                return

    def _launch(self, folder: Path, ports: tuple[int, ...]) -> None:
        config = folder / "mosquitto.conf"
        config.write_text(configuration(self.options, ports, folder), encoding="utf-8")
        said = len(self.log) if (folder / "log").exists() else 0
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own file, no shell)
                [program("mosquitto"), "-c", str(config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
                start_new_session=True,  # Ctrl-C in a terminal is for us to pass on
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while not (re.search(r" running$", self.log[said:], re.M) and all(map(_accepts, ports))):
            if self._process.poll() is not None:
                raise _why_it_ended(self.log[said:], ports)
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerError(f"mosquitto does not accept connections on {ports} "
                                  f"after {_START_TIMEOUT:.0f} s: is this machine overloaded?")
            time.sleep(0.005)

    def stop(self) -> None:
        """End it as an operator would (SIGTERM); clients see their connection closed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop, and start on the same ports."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop and remove the temporary folder."""
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _pick_ports(listeners: tuple[Listener, ...]) -> tuple[int, ...]:
    """The ports asked for, with a free one for each 0; all held at once, so none comes twice."""
    held: list[socket.socket] = []
    try:
        for listener in listeners:
            if not listener.port:
                held.append(socket.create_server((HOST, 0)))
        free = iter([sock.getsockname()[1] for sock in held])
        return tuple(listener.port or next(free) for listener in listeners)
    finally:
        for sock in held:
            sock.close()


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def _why_it_ended(log: str, ports: tuple[int, ...]) -> BrokerError:
    if "Address already in use" in log:
        numbers = ", ".join(map(str, ports))
        return PortTaken(f"another program listens on port {numbers} of {HOST}: "
                         "stop it, or choose another port")
    lines = [re.sub(r"^\d+: ", "", line) for line in log.splitlines()]
    reasons = [line for line in lines if line.startswith("Error")] or lines[-1:]
    return BrokerError(f"mosquitto did not start: {reasons[0] if reasons else 'it said nothing'}")
