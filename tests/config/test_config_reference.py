"""The files that show and explain the keys tell the truth about them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest

from agent.config import actuators, commands, sensors
from agent.config.alarm_reader import ALARM_KEYS
from agent.config.book_schema import COMMAND, NAMED, SINGLE, TOP
from agent.config.load import Report, inspect
from agent.config.menus import Book, Do, Memo, Menu, Number, Read
from agent.config.schema import SECTIONS, Key
from agent.config.units import show_duration, show_size
from agent.hardware.catalog import ACTUATORS, SENSORS
from agent.hardware.ports import Option
from hw_mocks.scenario import load as load_scenario

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "config" / "agent.toml"
MENUS = ROOT / "config" / "phone.toml"
DEMO = ROOT / "config" / "demo.toml"
MANUAL = ROOT / "docs" / "configuration.md"


def switched_on(reference: Path = REFERENCE) -> str:
    """The reference with every `#key` made a key."""
    return re.sub(r"(?m)^#(?=[a-z\[])", "", reference.read_text(encoding="utf-8"))


def all_switched_on(folder: Path, menus: str) -> Report:
    """The whole reference, with these menus."""
    (folder / "phone.toml").write_text(menus, encoding="utf-8")
    path = folder / "agent.toml"
    path.write_text(switched_on(), encoding="utf-8")
    path.chmod(0o600)
    return inspect(path)


def names(keys: tuple[Key, ...] | tuple[Option, ...]) -> set[str]:
    return {key.name for key in keys}


def test_the_packaged_default_drives_nothing_and_waits_for_the_registry() -> None:
    report = inspect(REFERENCE)
    assert not report.problems
    assert report.config is not None
    assert (report.config.sensors, report.config.actuators) == ((), ())
    assert report.config.registry is not None
    assert report.config.platform.device_id is None
    assert report.config.hardware.backend == "pi"
    assert (report.config.phone, report.config.book) == (None, None)


def test_the_packaged_default_says_the_defaults() -> None:
    config = inspect(REFERENCE).config
    assert config is not None
    for name, section in SECTIONS.items():
        if name == "phone":
            continue  # switched off: see below
        written = getattr(config, name)
        required = {key.name: getattr(written, key.name) for key in section.keys if key.required}
        assert written == section.builds(**required), name


def test_the_reference_with_everything_switched_on_is_good(tmp_path: Path) -> None:
    report = all_switched_on(tmp_path, switched_on(MENUS))
    assert [str(error) for error in report.errors] == []
    # no CA file there, for two; both kinds of identity; a scenario beside the real backend
    assert len(report.warnings) == 4


def test_the_telephone_switched_on_says_its_defaults(tmp_path: Path) -> None:
    config = all_switched_on(tmp_path, MENUS.read_text(encoding="utf-8")).config
    assert config is not None and config.phone is not None
    kept = {"ca_file": None, "sn_key": None, "service_number": None}
    expected = SECTIONS["phone"].builds(config.phone.api_key, menus=tmp_path / "phone.toml")
    assert replace(config.phone, **kept) == expected


def test_the_menus_as_they_stand_are_good_but_for_who_may_call(tmp_path: Path) -> None:
    report = all_switched_on(tmp_path, MENUS.read_text(encoding="utf-8"))
    menus = [problem for problem in report.problems if problem.file.name == "phone.toml"]
    assert [problem.key for problem in menus] == ["callers"]


def test_the_menus_as_they_stand_say_the_defaults(tmp_path: Path) -> None:
    config = all_switched_on(tmp_path, MENUS.read_text(encoding="utf-8")).config
    assert config is not None and config.book is not None and config.book.pin is not None
    book = config.book
    plain = Book(book.path, book.menus, book.reads, book.actions, book.memos)
    assert replace(book, guarded=frozenset(), ways={}, pin=None) == plain
    assert book.pin == type(book.pin)(book.pin.hash)


def test_the_menus_show_every_key() -> None:
    tables = tomllib.loads(switched_on(MENUS))
    assert tables.keys() == names(TOP) | SINGLE.keys() | NAMED.keys()
    for name, section in SINGLE.items():
        assert set(tables[name]) == names(section.keys)
    for kind, keys in NAMED.items():
        assert set().union(*tables[kind].values()) == names(keys), kind
    commands = [entry["command"] for entry in tables["do"].values()]
    assert set().union(*commands) == names(COMMAND)


def test_the_reference_shows_every_key_of_every_section() -> None:
    tables = tomllib.loads(switched_on())
    for name, section in SECTIONS.items():
        assert set(tables[name]) == names(section.keys)
    shown_sensor, shown_actuator = tables["sensor"][0], tables["actuator"][0]
    assert set(shown_sensor) >= names(sensors.KEYS) | names(sensors.QUANTITY_KEYS)
    assert set(shown_actuator) >= names(actuators.KEYS)
    conditions = {"below", "equals"}  # one of them excludes the others
    assert set(tables["alarm"][0]) == names(ALARM_KEYS) - conditions


def test_the_reference_shows_every_option_of_every_driver() -> None:
    tables = tomllib.loads(switched_on())
    shown: dict[str, set[str]] = {}
    for device in tables["sensor"] + tables["actuator"]:
        shown.setdefault(device["driver"], set()).update(device)
    alike = {"dht11": "dht22", **dict.fromkeys(("led", "buzzer", "digital_output"), "relay")}
    alike |= {name: "mcp3008" for name in SENSORS if name.startswith("mcp3")}
    everywhere = set().union(*shown.values())
    for name in (*SENSORS, *ACTUATORS):
        spec: Any = SENSORS.get(name) or ACTUATORS[name]
        keys = names(spec.options)
        assert keys <= everywhere, name
        example = shown[alike.get(name, name)]
        required = {option.name for option in spec.options if option.required}
        assert required <= example, name
        assert re.search(rf"\b{name}\b", REFERENCE.read_text(encoding="utf-8")), name


def test_the_demonstration_is_good_and_fits_its_greenhouse() -> None:
    report = inspect(DEMO)
    assert [str(problem) for problem in report.problems] == []
    config = report.config
    assert config is not None
    assert config.hardware.backend == "simulated"
    scenario = load_scenario(config.hardware.scenario or "")
    wired = {name: (load.pin, load.active_high) for name, load in scenario.loads.items()}
    ours = {
        actuator.id: (actuator.options["pin"], actuator.options["active_high"])
        for actuator in config.actuators
    }
    assert ours == wired
    pins = {sensor.id: sensor.options.get("pin") for sensor in config.sensors}
    assert f"dht22@{pins['temperature']}" in scenario.dhts
    assert pins["button"] in {event.pin for event in scenario.inputs}


# --- the manual

ROW = re.compile(r"\| (?P<keys>`[^|]*`) \| (?P<default>[^|]*) \|")


def manual_tables() -> dict[str, dict[str, str]]:
    """Heading → key → the default it is said to have."""
    found: dict[str, dict[str, str]] = {}
    heading = ""
    for line in MANUAL.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif (row := ROW.match(line)) and heading.startswith("["):
            for key in re.findall(r"`([a-z_0-9]+)`", row["keys"]):
                found.setdefault(heading, {})[key] = row["default"]
    return found


@pytest.mark.parametrize("name", SECTIONS)
def test_the_manual_tells_every_key_with_its_default(name: str) -> None:
    section = SECTIONS[name]
    defaults = {field.name: field.default for field in fields(section.builds)}
    expected = {key.name: _shown(key, defaults[key.name]) for key in section.keys}
    assert manual_tables()[f"[{name}]"] == expected


def test_the_manual_tells_every_key_and_driver_of_devices() -> None:
    tables = manual_tables()
    sensor_keys = names(sensors.KEYS) | names(sensors.QUANTITY_KEYS)
    assert set(tables["[[sensor]]"]) == sensor_keys | set(SENSORS)
    assert set(tables["[[actuator]]"]) == names(actuators.KEYS) | set(ACTUATORS)
    assert set(tables["[[alarm]]"]) == names(ALARM_KEYS)
    text = MANUAL.read_text(encoding="utf-8")
    for key in names(actuators.LINK_LOST_KEYS) | names(commands.ACTION_KEYS):
        assert re.search(rf"\b{key}\b", text)


def menu_tables() -> dict[str, dict[str, str]]:
    """As ``manual_tables``, of the part about phone.toml: by the headings below it."""
    text = MANUAL.read_text(encoding="utf-8").split("\n## phone.toml\n")[1]
    found: dict[str, dict[str, str]] = {"": {}}
    heading = ""
    for line in text.splitlines():
        if line.startswith("### "):
            heading = line[4:]
            found[heading] = {}
        elif row := ROW.match(line):
            found[heading] |= dict.fromkeys(re.findall(r"`([a-z_]+)`", row["keys"]), row["default"])
    return found


_UNSAID = (None, MISSING, False, True, frozenset())
"""Defaults that the manual tells in words of its own."""


def test_the_manual_tells_every_key_of_the_menus_with_its_default() -> None:
    told = menu_tables()
    built = {"": (Book, TOP)}
    built |= {f"[{name}]": (section.builds, section.keys) for name, section in SINGLE.items()}
    built |= {
        f"[{kind}.NAME]": (builds, NAMED[kind])
        for kind, builds in (("menu", Menu), ("read", Read), ("do", Do), ("memo", Memo))
    }
    for heading, (builds, keys) in built.items():
        assert told[heading].keys() == names(keys), heading
        defaults = {field.name: field.default for field in fields(builds)}
        for key in keys:
            if key.required or defaults.get(key.name) not in _UNSAID:
                shown = _shown(key, MISSING if key.required else defaults[key.name])
                shown = {'`"86400s"`': '`"24h"`', '`"600s"`': '`"10m"`'}.get(shown, shown)
                assert told[heading][key.name] == shown, (heading, key.name)
    text = MANUAL.read_text(encoding="utf-8").split("### [do.NAME]")[1]
    assert all(f"`{key.name}`" in text or f"{key.name} =" in text for key in COMMAND)
    assert f"`scale` (default `{Number.scale:g}`)" in text


@pytest.mark.parametrize("name", [*SENSORS, *ACTUATORS])
def test_the_manual_tells_every_option_of_a_driver(name: str) -> None:
    spec: Any = SENSORS.get(name) or ACTUATORS[name]
    (row,) = (
        line
        for line in MANUAL.read_text(encoding="utf-8").splitlines()
        if re.match(rf"\| [^|]*`{name}`[^|]* \|", line)
    )
    row += "`pin` (required) `active_high` = `true`" if "the same" in row else ""
    for option in spec.options:
        if option.required:
            assert re.search(
                rf"`{option.name}`[^;|]*\(required\)|`{option.name}` \(required\)", row
            )
        elif option.default is None:
            assert f"`{option.name}`" in row
        else:
            assert f"`{option.name}` = `{_option_default(option)}`" in row
    for quantity, unit in getattr(spec, "quantities", {}).items():
        assert f"`{quantity}`" in row
        assert unit is None or f"({unit})" in row
    if name in SENSORS:
        every = spec.default_every
        expected = (
            "changes" if every is None
            else f"{show_every(every)} ({show_duration(spec.min_every)})"
        )  # fmt: skip
        assert f"| {expected} |" in row


def show_every(seconds: float) -> str:
    """As in the manual, where a minute is 60s."""
    return f"{seconds:g}s"


def _shown(key: Key, default: object) -> str:
    if default is MISSING:
        return "required"
    if default is None:
        return "none"
    match key.kind:
        case "duration":
            assert isinstance(default, float)
            return f'`"{show_every(default)}"`'
        case "size":
            assert isinstance(default, int)
            return f'`"{show_size(default)}"`'
        case "bool":
            return f"`{str(default).lower()}`"
        case "int" | "number":
            return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
    return f'`"{default}"`'


def _option_default(option: Option) -> str:
    default = option.default
    if isinstance(default, bool):
        return str(default).lower()
    if option.kind == "duration":
        assert isinstance(default, float)
        return f'"{show_duration(default)}"'
    if isinstance(default, int | float):
        return f"{default:g}"
    return f'"{default}"'
