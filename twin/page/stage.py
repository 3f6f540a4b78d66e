"""What the page is a window to: things that are there, and hands that can do something to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

NetworkState = Literal["ok", "cut", "blackhole"]
BrokerState = Literal["up", "killed"]
PowerState = Literal["up", "off"]


class Refused(Exception):
    """It cannot be done; one line that says why."""


@dataclass(frozen=True)
class Faults:
    """The faults in force. ``network``: between the agent and the platform; ``broker``: that of
    the platform; ``agent``: its power; ``clock``: seconds by which its clock is wrong;
    ``unplugged``: ids of sensors."""

    network: NetworkState = "ok"
    broker: BrokerState = "up"
    agent: PowerState = "up"
    clock: float = 0.0
    unplugged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sensor:
    """``unit`` None: not told by the configuration. ``edge``: it tells of changes, like a button
    does. ``pluggable``: its wire can be pulled out."""

    id: str
    unit: str | None = None
    pluggable: bool = False
    edge: bool = False


@dataclass(frozen=True)
class Things:
    """``actuators``: id → the words it understands. ``number``, ``pin``: of its telephone, None
    without one. ``own_number``: that of the phone on the page. ``secrets``: never to be shown."""

    sensors: tuple[Sensor, ...]
    actuators: Mapping[str, tuple[str, ...]]
    number: str | None
    pin: str | None
    own_number: str
    agent_socket: Path
    twin_socket: Path
    secrets: tuple[str, ...] = ()


class Hands(Protocol):
    """Each may block for seconds, may be called from any thread, and raises Refused."""

    @property
    def device(self) -> str | None:
        """The id of the agent's device, None while it has none."""

    @property
    def faults(self) -> Faults: ...

    def command(self, actuator: str, cmd: str) -> None: ...
    def press(self, button: str) -> None: ...
    def unplug(self, sensor: str) -> None: ...
    def plug(self, sensor: str) -> None: ...
    def network(self, state: NetworkState) -> None: ...
    def broker(self, state: BrokerState) -> None: ...
    def power(self, state: PowerState) -> None: ...
    def clock(self, seconds: float) -> None: ...
