"""``file``: the value is a file's whole content, such as a 1-wire sensor's or a script's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.hardware.drivers.small_files import read_number, read_text
from agent.hardware.ports import Hardware, Option, Sample, SensorSpec


class FileSensor:
    """Reads the file anew each time."""

    def __init__(self, path: Path, *, number: bool) -> None:
        self._path = path
        self._number = number

    def read(self) -> Sample:
        return {"value": read_number(self._path) if self._number else read_text(self._path)}

    def close(self) -> None:
        """Nothing is held open between reads."""


def open_file(hardware: Hardware, options: Mapping[str, Any]) -> FileSensor:
    return FileSensor(Path(options["path"]), number=options["parse"] == "number")


SPEC = SensorSpec(
    name="file",
    quantities={"value": None},
    options=(
        Option("path", "path", "the file; at most 4096 bytes of UTF-8", required=True),
        Option(
            "parse",
            "text",
            "number: the file is one number; text: its text is the value",
            default="number",
            choices=("number", "text"),
        ),
    ),
    open=open_file,
    blocking=True,
    min_every=0.1,
)
