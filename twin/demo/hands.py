"""Everything that can be done to the demo, by what is typed and by what is clicked."""

from __future__ import annotations

import threading
from dataclasses import replace

from twin.demo.agent import Agent
from twin.demo.network import Network
from twin.demo.operator import Operator, OperatorError
from twin.demo.prompt import Things
from twin.page.stage import BrokerState, Faults, NetworkState, PowerState, Refused
from twin.serving.process import Twin, TwinError
from twin.terminal.line import LineError

_DONE = "ok"
_START_TIMEOUT = 20.0


class Hands:
    """One fault at a time, whoever asks. ``device``: of the agent, once it has one."""

    def __init__(self, things: Things, agent: Agent, network: Network, twin: Twin,
                 operator: Operator) -> None:
        self.device: str | None = None
        self.faults = Faults()
        self._things = things
        self._agent = agent
        self._network = network
        self._twin = twin
        self._operator = operator
        self._one = threading.Lock()
        self._closed = False

    def command(self, actuator: str, cmd: str) -> None:
        """Send it, as an application of the platform does."""
        if self.device is None:
            raise Refused("the agent has no device yet: a moment, please")
        try:
            self._operator.command(self.device, actuator, cmd)
        except OperatorError as exc:
            raise Refused(str(exc)) from exc

    def press(self, button: str) -> None:
        if button not in self._things.buttons:
            raise Refused(f"there is no button {button}")
        self._board(f"press {self._things.buttons[button]}")

    def unplug(self, sensor: str) -> None:
        self._wire(sensor, "fault {} unplugged")

    def plug(self, sensor: str) -> None:
        self._wire(sensor, "clear {}")

    def board(self, order: str) -> str:
        """What the board says to one line of its control channel."""
        with self._one:
            if self.faults.agent == "off":
                return "the agent is off, and with it its board"
            answer = self._agent.board(order)
            if answer == _DONE:
                self._remember(order)
            return answer

    def network(self, state: NetworkState) -> None:
        with self._one:
            self._network.become(state)
            self.faults = replace(self.faults, network=state)

    def broker(self, state: BrokerState) -> None:
        with self._one:
            try:
                self._twin.ask({"op": "broker", "state": state})
            except (TwinError, LineError) as exc:
                raise Refused(str(exc)) from exc
            self.faults = replace(self.faults, broker=state)

    def power(self, state: PowerState) -> None:
        """Cut the power of the agent's machine, or give it back; what else is wrong stays so."""
        with self._one:
            if self._closed or state == self.faults.agent:
                raise Refused(f"the agent is {'ending' if self._closed else state} already")
            self.faults = replace(self.faults, agent=state)
            if state == "off":
                self._agent.kill()
            else:
                self._agent.start(self._begin())
                self._agent.await_board(_START_TIMEOUT)

    def clock(self, seconds: float) -> None:
        """Whether the power is on or not: a Pi keeps no clock, and asks nobody."""
        if self.faults.agent == "up":
            self._board(f"clock {seconds:g}")
        else:
            self.faults = replace(self.faults, clock=seconds)

    @property
    def agent_died(self) -> bool:
        """Whether the agent does not run though its power is on."""
        return self.faults.agent == "up" and not self._agent.running

    def close(self) -> None:
        """Start nothing any more."""
        with self._one:
            self._closed = True

    def _wire(self, sensor: str, order: str) -> None:
        if sensor not in self._things.pluggable:
            raise Refused(f"{sensor} has no wire that could be pulled out")
        self._board(order.format(self._things.pluggable[sensor]))

    def _board(self, order: str) -> None:
        if (answer := self.board(order)) != _DONE:
            raise Refused(answer)

    def _remember(self, order: str) -> None:
        """What the board was told that is a fault; the sensors of one device share its wire."""
        words, faults = order.split(), self.faults
        match words:
            case ["clock", seconds]:
                self.faults = replace(faults, clock=float(seconds))
            case ["fault", device, "unplugged"]:
                self.faults = replace(faults, unplugged=tuple(
                    id for id, its in self._things.pluggable.items()
                    if its == device or id in faults.unplugged))
            case ["clear", device]:
                self.faults = replace(faults, unplugged=tuple(
                    id for id in faults.unplugged if self._things.pluggable[id] != device))

    def _begin(self) -> list[str]:
        """What is so when the power comes back."""
        devices = dict.fromkeys(self._things.pluggable[id] for id in self.faults.unplugged)
        return [f"clock {self.faults.clock:g}", *(f"fault {each} unplugged" for each in devices)]
