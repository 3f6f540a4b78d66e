"""One run of the demo: the agent, the twin, the operator, and what happens between them."""

from __future__ import annotations

import os
import time
import tomllib
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from twin.demo.agent import Agent
from twin.demo.hands import Hands
from twin.demo.network import Network
from twin.demo.operator import PHONE, PLATFORM, Operator, OperatorError
from twin.demo.pointing import NotPointed, Value, changed
from twin.demo.prompt import Board, Command, Quit, Show, Things, help_text, things_of, understand
from twin.demo.screen import Screen
from twin.mosquitto import HOST
from twin.page import stage
from twin.page.page import Options, Page
from twin.rest.server import ServerError
from twin.serving.process import Twin
from twin.terminal.line import default_socket

PRODUCT, SERIAL = "demo", "00001"
NAME = PRODUCT + SERIAL
PIN = "246813"
"""It guards a lamp that nobody has, so everybody may know it."""
PIN_HASH = (
    "scrypt$14$8$1$Lpk4Gtm34SXk99HmjaLDlw$OMlALG3haf0Rgc/80hIjacTKWi8mgc/kQJYZ3IGyU14"
)
"""What ``cht-agent phone pin`` makes of it."""
CALLER = "0912345678"
"""The number of the phone on the page, and of whoever the demo's alarms call; nobody has it."""
_LOOK = 0.05
"""Seconds between two looks at what has happened."""
_START, _PATIENCE = 1.0, 3.0
"""Seconds until the operator calls, and calls again: nothing keeps a registry message for a device
that is not there yet."""


class DemoError(Exception):
    """The demo cannot go on; one line that says why."""


class End:
    """Somebody wants to stop: Ctrl-C, a signal, the end of the terminal's input."""


Event = str | End
"""What can happen: a typed line, the wish to stop.

It comes through a SimpleQueue, as a signal handler puts into it too: Queue does not survive that.
"""


class Session:
    """The agent with a copy of ``config`` in ``folder``, which begins as nobody, on ``twin``, to
    which ``network`` leads. ``page`` None: without one."""

    def __init__(
        self, config: Path, folder: Path, twin: Twin, network: Network,
        events: SimpleQueue[Event], page: Options | None, *, colour: bool,
    ) -> None:
        text, self._things, self._menus = _read(config)
        self._twin = twin
        self._network = network
        self._events = events
        self._screen = Screen(twin.log_file, colour=colour)
        # Paths in it are relative to it, also to the folder above: both are ours.
        self._config = folder / "config" / "agent.toml"
        self._config.parent.mkdir()
        self._config.touch(mode=0o600)
        self._operator = Operator(twin.rest_url, twin.project_key, twin.api_key)
        self._number: str | None = None
        self._secrets = [twin.project_key, twin.api_key]
        self._agent = Agent(self._config, folder, partial(self._say, "agent"))
        try:
            text = pointed(text, network.ports, self._agent.socket)
            if self._menus is not None:
                text = self._with_telephone(text, config.parent / self._menus)
            self._config.write_text(text, encoding="utf-8")
        except NotPointed as exc:
            raise DemoError(f"{config}: {exc}") from exc
        self._hands = Hands(self._things, self._agent, network, twin, self._operator)
        self._page = None if page is None else Page(page, self._staged(), self._hands)
        self._called = False
        self._next_call = 0.0

    def _with_telephone(self, text: str, menus: Path) -> str:
        """``text`` with a number of the twin's, beside a copy of its menus. Raises NotPointed,
        DemoError, OperatorError."""
        self._number, sn_key = self._operator.rent_number()
        self._secrets.append(sn_key)
        here = self._config.parent
        try:
            said = menus.read_text(encoding="utf-8")
        except OSError as exc:
            raise DemoError(f"{menus}: {exc.strerror}") from exc
        files = {"tas.key": self._twin.api_key, "tas-sn.key": sn_key, "phone-pin": PIN_HASH,
                 "phone.toml": said, "visitor.phone": CALLER}  # fmt: skip
        for name, content in files.items():
            (here / name).touch(mode=0o600)
            (here / name).write_text(content, encoding="utf-8")
        return changed(text, {"phone": {
            "host": HOST, "port": self._network.ports["phone"], "tls": True,
            "ca_file": str(self._twin.ca_file),
            "rest_url": f"http://{HOST}:{self._network.ports['rest']}{PHONE}",
            "api_key": "file:tas.key", "sn_key": "file:tas-sn.key",
            "service_number": self._number, "menus": "phone.toml"},
            **({"calls": {"enabled": True}} if "calls" in tomllib.loads(text) else {})})

    def _staged(self) -> stage.Things:
        """The same things, for the page."""
        things, phone = self._things, self._number is not None
        sensors = tuple(
            stage.Sensor(id, unit, id in things.pluggable, id in things.edges)
            for id, unit in things.units.items())
        return stage.Things(
            sensors, things.actuators, self._number, PIN if phone else None, CALLER,
            self._agent.socket, self._twin.socket, tuple(self._secrets))

    def _say(self, kind: str, text: str) -> None:
        """Show it, here and on the page; by any thread."""
        self._screen.say(kind, text)
        if self._page is not None:
            self._page.log(kind, text)

    def run(self, seconds: float | None) -> None:
        """Until somebody wants to stop, or for so long. Raises DemoError when agent or twin die,
        or the twin does not do as it should."""
        try:
            self._run(seconds)
        except (OperatorError, ServerError) as exc:
            raise DemoError(str(exc)) from exc
        finally:
            time.sleep(_LOOK)  # their last words may still be on their way
            self._screen.show()

    def _run(self, seconds: float | None) -> None:
        with self._page or nullcontext():
            self._introduce()
            self._act(seconds)

    def _act(self, seconds: float | None) -> None:
        with self._agent:
            if self._number is not None and (
                    wrong := self._agent.command("phone", "menu", "push", "--yes")):
                raise DemoError(f"the menu cannot be put on the telephone service: {wrong}")
            begun = time.monotonic()
            self._next_call = begun + _START
            while seconds is None or time.monotonic() < begun + seconds:
                self._watch()
                try:
                    event = self._events.get(timeout=_LOOK)
                except Empty:
                    continue
                if isinstance(event, End) or self._handle(event):
                    break
            self._say("demo", "stopping the agent")
            self._hands.close()
            self._agent.stop()
        self._say("demo", "all ended")

    def _watch(self) -> None:
        self._screen.show()
        if self._hands.agent_died:
            raise DemoError("the agent ended by itself: its last words are above")
        if not self._twin.running:
            raise DemoError("the twin ended by itself: its last words are above")
        hands = self._hands
        if hands.device is None and self._called:
            hands.device = self._operator.device(NAME)
            if hands.device is not None:
                self._welcome(hands.device)
        if hands.device is None and time.monotonic() >= self._next_call:
            self._call()

    def _call(self) -> None:
        """From nothing to a device: the operator asks for it, and the agent does it."""
        self._say("demo", f"the operator calls POST {PLATFORM}/registry/{NAME}: Reconfigure")
        self._operator.reconfigure(NAME)
        self._called = True
        self._next_call = time.monotonic() + _PATIENCE

    def _welcome(self, device: str) -> None:
        some = next((f"/{each}/rawdata" for each in self._things.pluggable), "")
        url = f"{self._twin.rest_url}{PLATFORM}/device/{device}/sensor{some}"
        self._say("demo", f"{NAME} is device {device} now; what the platform has of it:")
        self._screen.say("demo", f"curl -H 'CK: {self._twin.project_key}' {url}")

    def _handle(self, typed: str) -> bool:
        """Do it; true when that ends the demo."""
        match understand(typed, self._things):
            case Quit():
                return True
            case Show(text):
                print(text, flush=True)
            case Command(actuator, cmd):
                try:
                    self._hands.command(actuator, cmd)
                except stage.Refused as exc:
                    print(exc, flush=True)
            case Board(order):
                self._say("board", f"{order}: {self._hands.board(order)}")
        return False

    def _introduce(self) -> None:
        twin = self._twin
        ours = "" if twin.socket == default_socket(os.environ) else f" --socket {twin.socket}"
        print(f"""\
The agent and the platform's twin, all on this machine; nothing leaves it.
{self._told_of_the_page()}\
  platform  MQTT {HOST}:{twin.ports['mqtt']}; REST {twin.rest_url}/docs, to read and to try
  key       {twin.project_key}: user name and password of MQTT, header CK of REST
  agent     it begins with nothing, and asks in the registry as {NAME} who it is;
            then: real readings of this machine beside a simulated board
  also      in another terminal:
            .venv/bin/cht-agent status --config {self._config}
{self._told_of_the_number(ours)}\
Below is what passes at the platform (dim: the agent's own log). You may type:
{help_text(self._things)}
""", flush=True)

    def _told_of_the_page(self) -> str:
        if self._page is None:
            return ""
        secret = "" if self._page.password is None else (
            f"            user name {self._page.user}, password {self._page.password}\n")
        return f"""
    OPEN    {self._page.url}/
            in a browser: charts, switches, a telephone, faults to inject
{secret}
"""

    def _told_of_the_number(self, socket: str) -> str:
        if self._number is None:
            return ""
        return f"""\
            .venv/bin/cht-twin call {self._number} --from {CALLER}{socket}
            to phone the greenhouse; its lamp wants the PIN {PIN}
"""


def pointed(text: str, ports: Mapping[str, int], socket: Path) -> str:
    """The configuration for a twin at these ports, as nobody yet; the agent's status is to be had
    at ``socket``. Raises NotPointed."""
    changes: dict[str, dict[str, Value]] = {
        "platform": {"host": HOST, "port": ports["mqtt"], "tls": False,
                     "rest_url": f"http://{HOST}:{ports['rest']}{PLATFORM}", "device_id": None,
                     "key": None, "ca_file": None},
        "service": {"socket": str(socket)},
        "registry": {"product_code": PRODUCT, "serial": SERIAL},
    }
    return changed(text, changes)


def _read(config: Path) -> tuple[str, Things, str | None]:
    """Its text, what can be moved, and the file of menus where there is a telephone."""
    try:
        text = config.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
        phone = tables.get("phone")
        menus = None if phone is None else str(phone.get("menus", "phone.toml"))
        return text, things_of(tables), menus
    except OSError as exc:
        raise DemoError(f"{config}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as exc:
        raise DemoError(f"{config}: not a configuration: {exc}") from exc
