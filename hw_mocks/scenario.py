"""What a simulated board is wired to and what happens to it, read from a small TOML file.

Times are texts with a unit (``"500ms"``, ``"30s"``, ``"10m"``, ``"2h"``), counted in real time from
the moment the board starts. ``hw_mocks/README.md`` lists every key. A scenario is named (one of
``hw_mocks/scenarios/``) or given as a path; what is wrong with it is a :class:`ScenarioError`, one
line long.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hw_mocks.mcp3xxx import MODELS
from hw_mocks.tables import ScenarioError, Table

BUILT_IN = Path(__file__).parent / "scenarios"
FAULTS = ("checksum", "no_answer", "slow", "stuck", "unplugged", "hang", "power_on")
_OF_FILES = ("checksum", "no_answer", "stuck", "unplugged", "hang")
SIGHTS = ("temperature", "humidity", "light")
"""What of the world an IIO channel can show."""
DHT_MODELS = ("dht11", "dht22")

_PIN = "(?:[0-9]|1[0-9]|2[0-7])"
_FAULTS_OF = {
    rf"dht(?:11|22)@{_PIN}": ("checksum", "no_answer", "slow", "stuck", "unplugged", "hang"),
    rf"ldr@{_PIN}": ("stuck", "unplugged"),
    rf"ultrasonic@{_PIN}": ("no_answer", "stuck", "unplugged"),
    r"spi[0-6]\.[0-2]": ("stuck", "unplugged"),
}
"""What is always there, and what can happen to it."""


@dataclass(frozen=True)
class Load:
    """An output that changes the world: its BCM pin, and the level at which it is on."""

    pin: int
    active_high: bool = True


@dataclass(frozen=True)
class Dht:
    """Where a DHT hangs; a number pins its reading instead of showing the world."""

    place: str = "inside"
    temperature: float | None = None
    humidity: float | None = None


@dataclass(frozen=True)
class Iio:
    """A kernel IIO device. ``channels``: channel → a sight of the world or a fixed number.

    ``pin`` makes it the kernel's DHT driver on that pin. With ``scale`` the channels are given as
    raw counts with ``scale`` and ``offset`` beside them, else as finished values.
    """

    name: str
    channels: Mapping[str, str | float]
    pin: int | None = None
    scale: float | None = None
    offset: float = 0.0


@dataclass(frozen=True)
class Thermometer:
    """A DS18B20: its 1-Wire address, and a sight of the world or a fixed number of °C."""

    address: str
    shows: str | float = "temperature"


@dataclass(frozen=True)
class Monitor:
    """A hardware monitor. ``channels``: ``temp1``, ``fan1`` … in °C, V and so on, or whole names
    of files such as ``in0_lcrit_alarm``."""

    name: str
    channels: Mapping[str, str | float]


@dataclass(frozen=True)
class Adc:
    """An MCP3xxx at ``spiPORT.DEVICE``. ``chip`` None: whatever the driver takes it for.

    ``channels``: input → volts, or a sight of the world as :mod:`hw_mocks.board` wires it.
    """

    chip: str | None = None
    channels: Mapping[int, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A device misbehaves from ``at``; None: to the end.

    ``device``: ``dht22@4``, ``ldr@5``, ``ultrasonic@6``, ``spi0.0``, or a name or address.
    """

    device: str
    kind: str
    at: float = 0.0
    lasts: float | None = None

    def active(self, now: float) -> bool:
        return self.at <= now and (self.lasts is None or now < self.at + self.lasts)


@dataclass(frozen=True)
class Input:
    """At ``at``, then every ``every`` seconds: a press of ``press`` seconds, or a lasting level."""

    pin: int
    at: float
    every: float | None = None
    press: float = 0.2
    level: bool | None = None


DEFAULT_IIO = (
    Iio("bme280", {"temp": "temperature", "humidityrelative": "humidity", "pressure": 101.3}),
    Iio("bh1750", {"illuminance": "light"}, scale=0.833333),
)
DEFAULT_W1 = (Thermometer("28-0316a2795bff"),)
DEFAULT_HWMON = (
    Monitor("cpu_thermal", {"temp1": 48.3}),
    Monitor("rpi_volt", {"in0_lcrit_alarm": 0.0}),
    Monitor("pwmfan", {"fan1": 3120.0}),
)
DEFAULT_ADC = Adc(channels={0: "light", 1: "temperature", 2: "humidity"})
DEFAULT_METRES = 1.2


@dataclass(frozen=True)
class Scenario:
    """Everything at its default: plausible answers on every pin, no loads, no faults, no presses.

    ``speed``: world seconds per real second. ``start_hour``: the time of day it begins.
    ``metres``: echo pin → how far away the thing before that ultrasonic sensor is.
    """

    start_hour: float = 10.0
    speed: float = 1.0
    loads: Mapping[str, Load] = field(default_factory=dict)
    dhts: Mapping[str, Dht] = field(default_factory=dict)
    iio: tuple[Iio, ...] = DEFAULT_IIO
    w1: tuple[Thermometer, ...] = DEFAULT_W1
    hwmon: tuple[Monitor, ...] = DEFAULT_HWMON
    adcs: Mapping[str, Adc] = field(default_factory=dict)
    metres: Mapping[int, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    inputs: tuple[Input, ...] = ()


def load(scenario: str | Path) -> Scenario:
    """A built-in scenario by name, or one from a file. Raises ScenarioError."""
    path = BUILT_IN / f"{scenario}.toml"
    if "/" in str(scenario) or str(scenario).endswith(".toml"):
        path = Path(scenario)
    elif not path.is_file():
        names = ", ".join(sorted(p.stem for p in BUILT_IN.glob("*.toml")))
        raise ScenarioError(
            f"there is no scenario {str(scenario)!r}: use one of {names}, or the path of a file"
        )
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as exc:
        raise ScenarioError(f"cannot read the scenario {path}: {exc.strerror}") from exc
    except ValueError as exc:  # TOML, UTF-8, and ScenarioError itself
        raise ScenarioError(f"{path}: {exc}") from exc


def parse(document: Mapping[str, Any]) -> Scenario:
    """A scenario from parsed TOML. Raises ScenarioError."""
    top = Table("the scenario", document)
    world = top.table("world")
    scenario = Scenario(
        start_hour=world.number("start_hour", 10.0, 0, 24),
        speed=world.number("speed", 1.0, 0, 3600),
        loads={name: _load(world, name) for name in ("lamp", "heater", "fan") if name in world},
        dhts=dict(_dht(table) for table in top.tables("dht")),
        iio=tuple(_iio(table) for table in top.tables("iio")) if "iio" in top else DEFAULT_IIO,
        w1=tuple(_w1(table) for table in top.tables("w1")) if "w1" in top else DEFAULT_W1,
        hwmon=(
            tuple(_hwmon(table) for table in top.tables("hwmon"))
            if "hwmon" in top
            else DEFAULT_HWMON
        ),
        adcs=dict(_adc(table) for table in top.tables("spi")),
        metres=dict(_ultrasonic(table) for table in top.tables("ultrasonic")),
        faults=tuple(_fault(table) for table in top.tables("fault")),
        inputs=tuple(_input(table) for table in top.tables("input")),
    )
    top.text("description", "")
    top.done()
    world.done()
    for fault in scenario.faults:
        check_fault(scenario, fault.device, fault.kind)
    return scenario


def check_fault(scenario: Scenario, device: str, kind: str) -> None:
    """Raise ScenarioError unless ``device`` can have the fault ``kind``."""
    if kind not in FAULTS:
        raise ScenarioError(f"there is no fault {kind!r}: use one of {', '.join(FAULTS)}")
    named: dict[str, tuple[str, ...]] = {iio.name: _OF_FILES for iio in scenario.iio}
    named |= {monitor.name: _OF_FILES for monitor in scenario.hwmon}
    named |= {one.address: (*_OF_FILES, "power_on") for one in scenario.w1}
    kinds = named.get(device) or next(
        (kinds for pattern, kinds in _FAULTS_OF.items() if re.fullmatch(pattern, device)), ()
    )
    if not kinds:
        raise ScenarioError(
            f"there is no device {device!r}: use dht11@PIN, dht22@PIN, ldr@PIN, ultrasonic@PIN, "
            f"spiPORT.DEVICE, {', '.join(named)}"
        )
    if kind not in kinds:
        raise ScenarioError(f"{device} cannot be {kind}: use one of {', '.join(kinds)}")


def _load(world: Table, name: str) -> Load:
    table = world.table(name) if isinstance(world.peek(name), dict) else None
    if table is None:
        return Load(world.pin(name))
    load = Load(table.pin("pin"), table.flag("active_high", True))
    table.done()
    return load


def _dht(table: Table) -> tuple[str, Dht]:
    model = table.choice("model", DHT_MODELS)
    device = f"{model}@{table.pin('pin')}"
    dht = Dht(
        place=table.choice("place", ("inside", "outside"), "inside"),
        temperature=table.number("temperature", None),
        humidity=table.number("humidity", None),
    )
    table.done()
    return device, dht


def _iio(table: Table) -> Iio:
    iio = Iio(
        name=_name(table, "name"),
        channels=_channels(table),
        pin=table.pin("pin") if "pin" in table else None,
        scale=table.number("scale", None),
        offset=table.number("offset", 0.0),
    )
    table.done()
    return iio


def _w1(table: Table) -> Thermometer:
    shows = _shows(table, "shows") if "shows" in table else "temperature"
    one = Thermometer(_name(table, "address"), shows)
    table.done()
    return one


def _hwmon(table: Table) -> Monitor:
    monitor = Monitor(_name(table, "name"), _channels(table))
    table.done()
    return monitor


def _adc(table: Table) -> tuple[str, Adc]:
    port, device = table.number("port", 0, 0, 6), table.number("device", 0, 0, 2)
    chip = table.choice("chip", tuple(MODELS))
    channels = table.table("channels")
    inputs = [name for name in channels if name in "01234567" and len(name) == 1]
    adc = Adc(chip, {int(name): _shows(channels, name) for name in inputs})
    channels.done()
    table.done()
    return f"spi{port}.{device}", adc


def _ultrasonic(table: Table) -> tuple[int, float]:
    entry = table.pin("echo"), float(table.number("metres", DEFAULT_METRES, 0, 100))
    table.done()
    return entry


def _name(table: Table, key: str) -> str:
    name = table.text(key)
    if not re.fullmatch(r"[\w.@-]+", name) or not name.strip("."):
        raise ScenarioError(f"{table.where}: a name has letters, digits and . _ @ - only")
    return name


def _channels(table: Table) -> dict[str, str | float]:
    channels = table.table("channels")
    found = {name: _shows(channels, name) for name in channels}
    if not re.fullmatch(r"\w*", "".join(found)):
        raise ScenarioError(f"{table.where}: a channel has letters, digits and _ only")
    return found


def _shows(table: Table, key: str) -> str | float:
    """A sight of the world, or a number."""
    shown: str | float
    if isinstance(table.peek(key), int | float):
        shown = table.number(key)
    else:
        shown = table.choice(key, SIGHTS)
    return shown


def _fault(table: Table) -> Fault:
    fault = Fault(
        device=table.text("device"),
        kind=table.text("kind"),
        at=table.duration("at", 0.0),
        lasts=table.duration("for", None),
    )
    table.done()
    return fault


def _input(table: Table) -> Input:
    every = table.duration("every", None)
    if every is not None and every < 0.05:
        raise ScenarioError(f"{table.where}: every is at least 50ms")
    level = table.flag("level", None)
    entry = Input(
        pin=table.pin("pin"),
        at=table.duration("at", 0.0),
        every=every,
        press=table.duration("press", 0.2),
        level=level,
    )
    table.done()
    return entry
