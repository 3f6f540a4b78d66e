"""One agent at work: its process, its side of the platform, and hands on its simulated board."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.errors import AgentError
from agent.service import client
from hw_mocks.control import send
from tests.support.agent import AgentProcess
from tests.support.observer import Message, Observer
from tests.support.waiting import wait_until

KEY = "DKtestdevicekey"
LOAD = """
[[sensor]]
id = "load"
driver = "load_average"
every = "1s"
"""
TICK = """
[[sensor]]
id = "tick"
driver = "file"
path = "tick"
every = "250ms"
"""
"""Quick and always the same; :func:`prepared` makes the file."""
LAMP = """
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
"""


def platform_toml(port: int, device: str | None, *, key: str = KEY, pulse: str = "3s") -> str:
    """The sections every test has; the platform on loopback, pins simulated."""
    who = f'device_id = "{device}"\nkey = "{key}"' if device is not None else ""
    return f"""
[platform]
host = "127.0.0.1"
port = {port}
tls = false
{who}
[heartbeat]
pulse = "{pulse}"
[clock]
trust = "always"
[hardware]
backend = "simulated"
"""


def stamp(seconds: float = 0.0) -> str:
    """The platform's time of ``seconds`` from now, as it writes them."""
    now = datetime.now(UTC) + timedelta(seconds=seconds)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


def elements(messages: list[Message]) -> list[dict[str, Any]]:
    """The objects of all these arrays, in order."""
    return [element for message in messages for element in message.json()]


@dataclass
class Station:
    """``platform`` sees and says what the platform would; ``agent`` may be ended and restarted."""

    agent: AgentProcess
    device: str
    platform: Observer

    @property
    def socket(self) -> Path:
        return Path(self.agent.env["RUNTIME_DIRECTORY"]) / "agent.sock"

    def topic(self, rest: str) -> str:
        return f"/v1/device/{self.device}/{rest}"

    def ask(self) -> dict[str, Any] | None:
        """The status document, None while nobody answers."""
        try:
            return dict(client.request(self.socket, {"op": "status"}))
        except AgentError:
            return None

    def until(
        self, look: Callable[[dict[str, Any]], object], timeout: float = 10.0, what: str = ""
    ) -> dict[str, Any]:
        """The first status document that satisfies ``look``."""
        last: dict[str, Any] | None = None

        def found() -> dict[str, Any] | None:
            nonlocal last
            last = self.ask()
            assert self.agent.running, f"the agent ended:\n{self.agent.log}"
            return last if last is not None and look(last) else None

        try:
            return wait_until(found, timeout, what)
        except AssertionError:
            text = f"waited {timeout:g} s for {what or 'a status'}"
            raise AssertionError(f"{text}; the last: {last}\n{self.agent.log}") from None

    def until_up(self, connects: int = 1, timeout: float = 15.0) -> dict[str, Any]:
        def up(status: dict[str, Any]) -> bool:
            link = status["links"]["platform"]
            return bool(link["state"] == "up" and link["connects"] >= connects)

        return self.until(up, timeout, f"the platform link to be up (connect {connects})")

    def actuator(self, name: str = "lamp") -> dict[str, Any]:
        status = self.ask()
        assert status is not None, self.agent.log
        return next(dict(one) for one in status["actuators"] if one["id"] == name)

    def sensor(self, name: str) -> dict[str, Any]:
        status = self.ask()
        assert status is not None, self.agent.log
        return next(dict(one) for one in status["sensors"] if one["id"] == name)

    def readings(self, sensor: str | None = None) -> list[dict[str, Any]]:
        """What the platform got as rawdata, of one sensor or of all."""
        found = elements(self.platform.on(self.topic("rawdata")))
        return [one for one in found if sensor in (None, one["id"])]

    def wait_for_reading(
        self, look: Callable[[dict[str, Any]], object], timeout: float = 8.0, what: str = ""
    ) -> dict[str, Any]:
        return wait_until(
            lambda: next((one for one in self.readings() if look(one)), None), timeout,
            f"a reading {what}; the log:\n{self.agent.log}")

    def acks(self, sensor: str = "lamp") -> list[str]:
        return [one["ack"] for one in elements(self.platform.on(self.topic("ack")))
                if one["id"] == sensor]

    def give(self, cmd: str, *, sensor: str = "lamp", time: str | None = None) -> str:
        """Send a command as the platform does; the time it carries."""
        time = stamp() if time is None else time
        self.platform.publish(
            self.topic(f"sensor/{sensor}/command"),
            {"id": sensor, "deviceId": self.device, "time": time, "cmd": cmd})
        return time

    def told(self, cmd: str, *, sensor: str = "lamp", time: str | None = None) -> str:
        """Send a command and wait for its ack."""
        before = len(self.acks(sensor))
        self.give(cmd, sensor=sensor, time=time)
        self.wait_for_acks(before + 1, sensor)
        return self.acks(sensor)[before]

    def wait_for_acks(self, count: int, sensor: str = "lamp", timeout: float = 5.0) -> list[str]:
        wait_until(lambda: len(self.acks(sensor)) >= count, timeout,
                   f"{count} acks, got {self.acks(sensor)}; the log:\n{self.agent.log}")
        return self.acks(sensor)

    def hands(self, line: str) -> str:
        """One line to the simulated board (hw_mocks.control)."""
        reply = send(Path(self.agent.env["HW_MOCKS_CONTROL"]), line)
        assert not reply.startswith("error"), reply
        return reply

    def levels(self, pin: int = 17) -> str:
        """Every level the output has had since the start, oldest first."""
        return self.hands(f"history {pin}")


def prepared(
    folder: Path, text: str, *, arguments: tuple[str, ...] = (), env: dict[str, str] | None = None
) -> AgentProcess:
    """An agent with this configuration, not started yet."""
    folder.mkdir(exist_ok=True)
    config = folder / "agent.toml"
    config.write_text(text, encoding="utf-8")
    config.chmod(0o600)
    (folder / "tick").write_text("1")
    agent = AgentProcess(config, arguments=arguments, env=env)
    # Beside the status socket: pytest's own folders are too deep for a socket's path.
    agent.env["HW_MOCKS_CONTROL"] = f"{agent.env['RUNTIME_DIRECTORY']}/hands"
    return agent


@contextlib.contextmanager
def station(
    folder: Path, port: int, device: str, text: str, *, platform: Observer | None = None,
    user: str | None = None, up: bool = True, arguments: tuple[str, ...] = (),
) -> Iterator[Station]:
    """A started agent with these sensors and actuators, and an observer on the broker.

    ``text``: what follows the sections of :func:`platform_toml`, or the whole configuration.
    """
    whole = text if "[platform]" in text else platform_toml(port, device) + text
    with contextlib.ExitStack() as stack:
        seen = platform or stack.enter_context(Observer(port, user=user))
        agent = stack.enter_context(prepared(folder, whole, arguments=arguments))
        here = Station(agent, device, seen)
        if up:
            here.until_up()
        yield here


def wait_until_back(observer: Observer, timeout: float = 10.0) -> None:
    """Until an observer whose broker was restarted hears again what is published."""
    mark = f"mark/{uuid.uuid4().hex}"

    def heard() -> bool:
        with contextlib.suppress(RuntimeError):  # paho: not connected yet
            observer.publish(mark, b"")
        return bool(observer.on(mark))

    wait_until(heard, timeout, "the observer to be back")
