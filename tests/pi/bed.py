"""The bed: a User-Mode Linux with simulated GPIO lines, a broker outside, a cable between.

``tests/pi/run`` puts pytest into a network namespace of its own; everything here relies on it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from signal import SIGTERM
from typing import Any, Literal

import paho.mqtt.client as mqtt

from tests.pi.recording import Recording, parse

OUTSIDE, INSIDE, BITS = "10.99.0.1", "10.99.0.2", 24
PORT = 7000
READY = "the bed is ready"
SCRIPT = Path(__file__).with_name("guest.py")
PROJECT = Path(__file__).resolve().parents[2]
MODULES = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))

Kernel = Literal["keep", "drop"]
"""What becomes of an output whose program is gone: it stays (as on a Pi), or falls to its pull."""


class BedError(Exception):
    """The bed itself does not work; says nothing about the agent."""


def until(what: str, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
    """The first true value of ``condition``; AssertionError after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain: {what}")
        time.sleep(0.02)
    return value


class Guest:
    """The machine inside. Each verb of ``guest.py`` is a call here."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def do(self, verb: str, **arguments: Any) -> Any:
        self._stream.write(json.dumps({"do": verb, **arguments}) + "\n")
        self._stream.flush()
        answer = self._stream.readline()
        if not answer:
            raise BedError(f"the guest died during {verb}")
        answer = json.loads(answer)
        if "error" in answer:
            raise BedError(f"{verb} {arguments}: {answer['error']}")
        return answer["result"]

    def start(self, name: str, *argv: str, **env: str) -> Program:
        """Run a program inside; its output is ``Program.log``."""
        self.do("start", name=name, argv=list(argv), env=env)
        return Program(self, name)

    def python(self, name: str, code: str) -> Program:
        """Run Python code inside, with this project and the interpreter of these tests."""
        return self.start(name, sys.executable, "-u", "-c", code, PYTHONPATH=MODULES)

    def module(self, name: str, module: str, *arguments: str) -> Program:
        """Run ``python -m module`` inside."""
        return self.start(name, sys.executable, "-u", "-m", module, *arguments, PYTHONPATH=MODULES)

    def pull(self, line: int, up: bool) -> None:
        """Wire a resistor (or a pressed button) to a line."""
        self.do("pull", number=line, up=up)

    def level(self, line: int) -> int:
        return int(self.do("level", number=line))

    def mark(self, text: str) -> None:
        self.do("mark", text=text)

    def recording(self) -> Recording:
        return parse(self.do("recording"))


@dataclass(frozen=True)
class Program:
    """A program started inside the guest."""

    guest: Guest
    name: str

    @property
    def log(self) -> str:
        return str(self.guest.do("log", name=self.name))

    def says(self, text: str, timeout: float = 15.0) -> None:
        """Wait until ``text`` stands in its output."""
        try:
            until(f"{self.name} says {text!r}", lambda: text in self.log, timeout)
        except AssertionError as exc:
            raise AssertionError(f"{exc}; it said:\n{self.log}") from None

    def signal(self, number: int) -> None:
        self.guest.do("signal", name=self.name, number=int(number))

    def wait(self, timeout: float = 15.0) -> int:
        code = self.guest.do("wait", name=self.name, timeout=timeout)
        assert code is not None, f"{self.name} still runs; it said:\n{self.log}"
        return int(code)

    def end(self, number: int = SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.signal(number)
        return self.wait()


def kernel_file() -> Path:
    folder = os.environ.get("CHT_UML_DIR")
    if folder is None:
        raise BedError("CHT_UML_DIR is not set: start these tests with tests/pi/run")
    return Path(folder) / "linux-gpio"


@contextlib.contextmanager
def boot(
    kernel: Kernel,
    root: Path = Path("/"),
    python: str = sys.executable,
    script: Path = SCRIPT,
    init: str = "",
) -> Iterator[Guest]:
    """A machine, from power on to power off; half a second.

    ``root``: its files, which it only reads; ``python`` and ``script`` (guest.py) lie in there.
    ``init``: what its process 1 is, instead of the script.
    """
    with tempfile.TemporaryDirectory(prefix="bed-") as home:
        console = Path(home) / "console"
        with console.open("wb") as output:
            machine = subprocess.Popen(
                [
                    kernel_file(),
                    *("root=/dev/root", "rootfstype=hostfs", f"rootflags={root}", "ro"),
                    *("mem=512M", "quiet"),
                    *("console=tty0", "con=null", "con0=null,fd:1", "eth0=tuntap,tap0"),
                    f"gpio_sim.keep={int(kernel == 'keep')}",
                    *(f"init={python}", "--", str(script)),
                    *(f"{INSIDE}/{BITS}", str(PORT), init),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | {"HOME": home, "TMPDIR": home},
            )
        try:
            with (
                _connect(machine, console) as connection,
                connection.makefile("rw", encoding="utf-8") as stream,
            ):
                yield Guest(stream)
            machine.wait(10)
        finally:
            machine.kill()
            machine.wait()


def _connect(machine: subprocess.Popen[bytes], console: Path) -> socket.socket:
    # Knocking before the guest's network is up would wait a second for an ARP answer.
    deadline = time.monotonic() + 60
    while READY not in console.read_text(errors="replace"):
        if machine.poll() is not None or time.monotonic() > deadline:
            told = console.read_text(errors="replace")[-3000:]
            raise BedError(f"the guest did not come up:\n{told}")
        time.sleep(0.02)
    return socket.create_connection((INSIDE, PORT), timeout=60)


@contextlib.contextmanager
def network() -> Iterator[None]:
    """The tap the guest's Ethernet is plugged into; stays for the namespace's life."""
    for command in (
        "link set lo up",
        "tuntap add tap0 mode tap",
        f"addr add {OUTSIDE}/{BITS} dev tap0",
        "link set tap0 up",
    ):
        done = subprocess.run(["ip", *command.split()], capture_output=True, text=True)
        if done.returncode != 0:
            raise BedError(f"ip {command}: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "delete", "tap0"], check=False)


class Platform:
    """A broker outside the guest and a client that hears everything."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._heard: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._waiting: list[tuple[str, str]] = []
        self._all: list[tuple[str, str]] = []
        subscribed = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="outside")
        self._client.on_message = lambda _c, _u, m: self._heard.put((m.topic, m.payload.decode()))
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect(OUTSIDE, port)
        self._client.loop_start()
        self._client.subscribe("#")
        if not subscribed.wait(10):
            raise BedError("the broker does not answer")

    def publish(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload).wait_for_publish(10)

    def expect(
        self, topic: str, matches: Callable[[str], bool] = bool, timeout: float = 15.0
    ) -> str:
        """The next message on ``topic`` that ``matches``; those before it on ``topic`` are passed
        over, and what came on other topics waits to be expected itself."""
        deadline = time.monotonic() + timeout
        while True:
            for message in [message for message in self._waiting if message[0] == topic]:
                self._waiting.remove(message)
                if matches(message[1]):
                    return message[1]
            try:
                message = self._heard.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                heard = "\n".join(map(str, self._all[-20:]))
                raise AssertionError(f"nothing fitting on {topic}; heard:\n{heard}") from None
            self._waiting.append(message)
            self._all.append(message)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def platform() -> Iterator[Platform]:
    """A mosquitto that the guest can reach, with its listener."""
    with socket.socket() as probe:
        probe.bind((OUTSIDE, 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bed-broker-") as folder:
        configuration = Path(folder) / "mosquitto.conf"
        configuration.write_text(f"listener {port} {OUTSIDE}\nallow_anonymous true\n")
        broker = subprocess.Popen(
            ["mosquitto", "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until("mosquitto listens", lambda: _reachable(port))
            outside = Platform(port)
            try:
                yield outside
            finally:
                outside.close()
        finally:
            broker.terminate()
            broker.wait(10)


def _reachable(port: int) -> bool:
    try:
        socket.create_connection((OUTSIDE, port), timeout=1).close()
    except OSError:
        return False
    return True
