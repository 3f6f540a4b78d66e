"""A small greenhouse with a telephone, for tests of ``phone.toml``."""

from __future__ import annotations

from pathlib import Path

from agent.config.load import Report
from agent.config.menus import Book
from tests.config.catalog import HEAD, look

DEVICES = """
[[sensor]]
id = "temperature"
driver = "dht22"
pin = 4
quantity = "temperature"
every = "30s"
[[sensor]]
id = "load"
driver = "load_average"
every = "30s"
[[actuator]]
id = "lamp"
driver = "relay"
pin = 17
[[actuator]]
id = "dimmer"
driver = "pwm_led"
pin = 18
[phone]
api_key = "credential:tas-key"
sn_key = "credential:tas-sn"
"""
MAIN = """\
[menu.main]
say = "溫室您好。查詢溫度請按一。"
keys = { 1 = "read.temperature" }
[read.temperature]
say = "目前{temperature}，{temperature:age}測得。"
"""
"""The least that passes: five lines."""


def look_at_menus(folder: Path, menus: str | bytes, devices: str = DEVICES) -> Report:
    """Inspect ``menus`` as the phone.toml of an agent with these devices."""
    text = menus if isinstance(menus, bytes) else menus.encode()
    (folder / "phone.toml").write_bytes(text)
    (folder / "phone.toml").chmod(0o600)
    return look(folder, HEAD + devices)


def said_of_menus(report: Report) -> list[str]:
    """Each problem of phone.toml as ``line key: text``, a warning in brackets."""
    found = []
    for problem in report.problems:
        assert problem.file.name == "phone.toml", problem
        text = f"{problem.line} {problem.key}: {problem.text}"
        found.append(text if problem.severity == "error" else f"[{text}]")
    return found


def book_of(folder: Path, menus: str) -> Book:
    """The book, which has no error."""
    report = look_at_menus(folder, menus)
    assert report.config is not None, said_of_menus(report)
    assert report.config.book is not None
    return report.config.book
