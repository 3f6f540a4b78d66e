"""The directions between the rooms: who may know whom, and who may touch which foreign library.

Read from the source alone (imports inside functions too), so a wrong import fails here even where
no other test reaches it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("agent", "hw_mocks", "twin", "tests", "bench")

FOUNDATIONS = {
    "agent", "agent.clock", "agent.database", "agent.errors", "agent.files", "agent.finding",
    "agent.http", "agent.life", "agent.masking", "agent.noticing", "agent.retry", "agent.threads",
    "agent.tls", "agent.values", "agent.wake",
}
"""Single files everybody may stand on, and which stand on nothing but each other."""

TYPES = {"agent.config.alarms", "agent.config.menus", "agent.config.model"}

MAY_KNOW: dict[str, set[str]] = {
    "agent.protocol": set(),
    "agent.config": FOUNDATIONS | {
        "agent.hardware.catalog", "agent.hardware.ports",
        "agent.phone.callers", "agent.phone.pin", "agent.phone.prompts", "agent.phone.speech",
    },
    "agent.hardware": FOUNDATIONS | TYPES | {"hw_mocks"},
    "agent.sensing": FOUNDATIONS | TYPES | {"agent.hardware.ports"},
    "agent.control": FOUNDATIONS | TYPES | {"agent.hardware.ports", "agent.sensing.reading"},
    "agent.delivery": FOUNDATIONS | TYPES | {"agent.protocol", "agent.sensing.reading"},
    "agent.presence": FOUNDATIONS | TYPES | {"agent.protocol", "agent.link.model"},
    "agent.identity": FOUNDATIONS | TYPES | {"agent.protocol"},
    "agent.cards": FOUNDATIONS | TYPES | {"agent.config", "agent.service.screen"},
    "agent.link": FOUNDATIONS | TYPES,
    "agent.phone": FOUNDATIONS | TYPES | {"agent.protocol"},
    "agent.service": FOUNDATIONS | TYPES | {"agent.config.paths"},
    "hw_mocks": set(),
    "twin": set(),
}
"""Room → what it may import of ours beside itself. A package stands for all that is in it, but
``agent`` only for what it exports itself."""

COMPOSERS = {
    "agent.__main__", "agent.alarms", "agent.app", "agent.commands", "agent.desk", "agent.doctor",
    "agent.headline", "agent.inbox", "agent.links", "agent.reach", "agent.reload", "agent.report",
    "agent.telephone", "agent.whoami",
}
"""They put the rooms together and so know all; nobody knows them, but for the command line."""

FOREIGN: dict[str, set[str]] = {
    "paho": {"agent/link/connection.py", "twin/serving/mqtt.py"},
    "sqlite3": {"agent/database.py"},
    "gpiozero": {"agent/hardware/gpiozero_pins.py", "hw_mocks/board.py", "hw_mocks/pins.py"},
    "lgpio": {"agent/hardware/pulses.py"},
    "adafruit_dht": {"agent/hardware/adafruit.py"},
    "board": {"agent/hardware/adafruit.py"},
    "urllib3": {"agent/http.py"},
    "systemd": {"agent/service/systemd.py"},
    "fastapi": {"twin/rest/app.py", "twin/rest/operations.py", "twin/rest/phone.py",
                "twin/rest/platform.py"},
    "starlette": {"twin/page/app.py", "twin/rest/app.py", "twin/rest/operations.py",
                  "twin/rest/server.py"},
    "uvicorn": {"twin/rest/server.py"},
    "tenacity": {"agent/retry.py", "agent/hardware/drivers/dht.py"},
}
"""Library → the only files that import it. Any other foreign library is one too many."""


@cache
def modules() -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    found = {}
    for package in ("agent", "hw_mocks", "twin"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(source: str) -> Iterator[tuple[str, int]]:
    """Every module a source text imports, and the line; a module imported from a package counts
    as that module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"line {node.lineno}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield (inner if inner in modules() else node.module), node.lineno


@cache
def all_imports() -> tuple[tuple[str, str, str], ...]:
    """(importing module, imported module, where) of all our code."""
    return tuple(
        (name, imported, f"{path.relative_to(ROOT)}:{line} imports {imported}")
        for name, path in modules().items()
        for imported, line in imports(path.read_text(encoding="utf-8"))
    )


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def allowed(imported: str, room: str) -> bool:
    """Whether ``room`` may import that module of ours."""
    return within(imported, room) or any(
        imported == known if known == "agent" else within(imported, known)
        for known in MAY_KNOW[room])


def room_of(module: str) -> str | None:
    """The room a module is in; None for foundations and composers."""
    return next((room for room in MAY_KNOW if within(module, room)), None)


@pytest.mark.parametrize("room", MAY_KNOW)
def test_a_room_knows_only_what_it_may(room: str) -> None:
    assert any(within(module, room) for module in modules()), f"there is no room {room} any more"
    assert [where for module, imported, where in all_imports()
            if within(module, room) and imported.split(".")[0] in OURS
            and not allowed(imported, room)] == []


def test_foundations_stand_on_each_other_alone() -> None:
    assert [where for module, imported, where in all_imports()
            if module in FOUNDATIONS and imported.split(".")[0] in OURS
            and imported not in FOUNDATIONS] == []


def test_every_module_has_its_place() -> None:
    strays = [module for module in modules()
              if room_of(module) is None and module not in FOUNDATIONS
              and not any(within(module, composer) for composer in COMPOSERS)]
    assert strays == []


def test_the_agent_knows_neither_twin_nor_tests() -> None:
    assert [where for module, imported, where in all_imports()
            if within(module, "agent") and imported.split(".")[0] in ("twin", "tests", "bench")
            ] == []


def test_each_foreign_library_has_its_own_files() -> None:
    standard = sys.stdlib_module_names - FOREIGN.keys()
    wrong = []
    for module, imported, where in all_imports():
        library = imported.split(".")[0]
        if library in OURS or library in standard:
            continue
        file = modules()[module].relative_to(ROOT).as_posix()
        if file not in FOREIGN.get(library, set()):
            wrong.append(where)
    assert wrong == []


def test_the_table_of_libraries_tells_nothing_untrue() -> None:
    used = {(imported.split(".")[0], modules()[module].relative_to(ROOT).as_posix())
            for module, imported, _ in all_imports()}
    assert [(library, file) for library, files in FOREIGN.items() for file in files
            if (library, file) not in used] == []


@pytest.mark.parametrize(("source", "found"), [
    ("import agent.link.link as l", "agent.link.link"),
    ("from agent.config import model", "agent.config.model"),
    ("from agent.config.model import Config", "agent.config.model"),
    ("def f():\n    from agent import app", "agent.app"),
    ("if TYPE_CHECKING:\n    import paho.mqtt.client", "paho.mqtt.client"),
])
def test_imports_are_found_wherever_they_hide(source: str, found: str) -> None:
    assert [name for name, _ in imports(source)] == [found]


def test_the_check_itself_sees_a_wrong_direction() -> None:
    assert not allowed("agent.delivery.outbox", "agent.control")
    assert not allowed("agent.hardware.pi", "agent.sensing")
    assert not allowed("agent.app", "agent.link")
    assert not allowed("agent.errors", "agent.protocol")
    assert not allowed("agent.protocol", "twin")
    assert allowed("agent.sensing.reading", "agent.delivery")
