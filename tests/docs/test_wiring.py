"""The pictures of docs/wiring.md: each there, true to the header, and one for each driver."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from agent.hardware.catalog import ACTUATORS, SENSORS

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = sorted((DOCS / "wiring").iterdir())
TEXT = (DOCS / "wiring.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
WITHOUT_WIRES = {"cpu_temperature", "disk_usage", "file", "hwmon", "load_average", "ping"}
HEADER = {
    2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21,
    25: 22, 11: 23, 8: 24, 7: 26, 0: 27, 1: 28, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36,
    26: 37, 20: 38, 21: 40,
}  # fmt: skip
"""BCM number → its pin on the 40-pin header."""


def test_every_driver_with_wires_stands_beside_a_picture() -> None:
    named = set(re.findall(r'driver = "([a-z0-9_]+)"|`([a-z_]+)`', TEXT))
    drawn = {name for names in named for name in names}
    # The others of the family differ in channels and bits alone.
    drawn |= {name for name in SENSORS if name.startswith("mcp3") and "mcp3008" in drawn}
    assert (set(SENSORS) | set(ACTUATORS)) - drawn == WITHOUT_WIRES


def test_pictures_are_there_used_and_told_to_those_who_cannot_see_them() -> None:
    shown = dict(re.findall(r"!\[([^\]]+)\]\(wiring/([a-z0-9-]+\.svg)\)", TEXT))
    files = [path.name for path in PICTURES]
    assert sorted(shown.values()) == files and all(len(told) > 15 for told in shown)
    for path in PICTURES:
        picture = ElementTree.parse(path).getroot()
        assert picture.tag == f"{SVG}svg"
        width, height = picture.get("width"), picture.get("height")
        assert picture.get("viewBox") == f"0 0 {width} {height}"
        assert all((picture.findtext(f"{SVG}{part}") or "").strip() for part in ("title", "desc"))


def test_pins_in_pictures_stand_at_their_place_on_the_header() -> None:
    told = set()
    for path in PICTURES:
        told |= {(int(pin), int(place)) for pin, place in re.findall(
            r"GPIO(\d+)(?: S[DC][AL])? · (\d+)", path.read_text(encoding="utf-8"))}
    assert told and told <= set(HEADER.items())
