"""What may be typed in the demo, and what it means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_EDGES = ("button", "digital_input", "motion")


@dataclass(frozen=True)
class Command:
    """Send ``cmd`` to the actuator, as an application of the platform does."""

    actuator: str
    cmd: str


@dataclass(frozen=True)
class Board:
    """Do something at the simulated board: one line of its control channel."""

    line: str


@dataclass(frozen=True)
class Show:
    """Nothing but a text to show."""

    text: str


@dataclass(frozen=True)
class Quit:
    """End the demo."""


@dataclass(frozen=True)
class Things:
    """What the configuration has: the words of each actuator, the pins of the buttons, the names
    the simulated board has for the sensors that can be unplugged, and the unit of each sensor
    where it is given; ``edges``: those that tell of changes."""

    actuators: Mapping[str, tuple[str, ...]]
    buttons: Mapping[str, int]
    pluggable: Mapping[str, str]
    units: Mapping[str, str | None] = field(default_factory=dict)
    edges: frozenset[str] = frozenset()


def things_of(config: Mapping[str, Any]) -> Things:
    """The things of an ``agent.toml``, read loosely: the agent itself is who checks it."""
    sensors = config.get("sensor", [])
    return Things(
        actuators={
            str(actuator["id"]): tuple(actuator.get("commands", ("on", "off", "toggle")))
            for actuator in config.get("actuator", [])
        },
        buttons={str(s["id"]): int(s["pin"]) for s in sensors if s.get("driver") == "button"},
        pluggable={
            str(s["id"]): f"{s['driver']}@{s['pin']}"
            for s in sensors if s.get("driver") in ("dht11", "dht22")
        },
        edges=frozenset(str(s["id"]) for s in sensors if s.get("driver") in _EDGES),
        units={str(s["id"]): _unit(s.get("unit")) for s in sensors},
    )


def _unit(given: object) -> str | None:
    """Several are divided by commas, as in the agent's status."""
    if isinstance(given, list):
        return ",".join(map(str, given))
    return None if given is None else str(given)


def understand(line: str, things: Things) -> Command | Board | Show | Quit:
    """What a typed line asks for."""
    match line.split():
        case []:
            return Show("")
        case ["quit" | "exit" | "q"]:
            return Quit()
        case ["help" | "?"]:
            return Show(help_text(things))
        case ["press", *which] if len(which) < 2:
            return _board("press {}", things.buttons, which, "button")
        case ["unplug", *which] if len(which) < 2:
            return _board("fault {} unplugged", things.pluggable, which, "sensor to unplug")
        case ["plug", *which] if len(which) < 2:
            return _board("clear {}", things.pluggable, which, "sensor to plug in")
        case [actuator, *words] if actuator in things.actuators and words:
            return Command(actuator, " ".join(words))
        case [actuator] if actuator in things.actuators:
            return Show(f"{actuator} what? {_choice(actuator, things)}")
        case [unknown, *_]:
            return Show(f"{unknown} is nothing here; help shows what is")
    raise AssertionError("a list is empty or has a first word")


def _board(
    order: str, named: Mapping[str, object], which: list[str], what: str
) -> Board | Show:
    """The order for the thing named, or for the first one there is."""
    name = which[0] if which else next(iter(named), "")
    if name not in named:
        return Show(f"no {what} {name or 'here'}; there is: {', '.join(named) or 'none'}")
    return Board(order.format(named[name]))


def help_text(things: Things) -> str:
    """Everything that may be typed."""
    rows = [(_choice(actuator, things), "a command, as an application sends it")
            for actuator in things.actuators]
    if things.buttons:
        rows.append((f"press {' | '.join(things.buttons)}", "somebody presses it"))
    if things.pluggable:
        ids = ", ".join(things.pluggable)
        rows.append(("unplug | plug SENSOR", f"it loses its wire, or gets it back ({ids})"))
    rows += [("help", "this"), ("quit", "the end; Ctrl-C does the same")]
    width = max(len(words) for words, _ in rows)
    return "\n".join(f"  {words:<{width}}  {meaning}" for words, meaning in rows)


def _choice(actuator: str, things: Things) -> str:
    return f"{actuator} {' | '.join(things.actuators[actuator])}"
