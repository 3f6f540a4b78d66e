"""The demo as a program, with its page at some free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Playing:
    """``key`` is that of the platform's project, ``mqtt`` the port of its broker."""

    url: str
    key: str
    mqtt: int


@contextmanager
def playing(*options: str) -> Iterator[Playing]:
    """From where its agent has a device."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "twin.demo", "--page-port", "0", *options], cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, "TMPDIR": folder, "XDG_RUNTIME_DIR": ""})

        def find(pattern: str) -> str:
            def look() -> str | None:
                found = re.search(pattern, said.read_text(encoding="utf-8"), re.M)
                assert found or process.poll() is None, said.read_text(encoding="utf-8")
                return found[1] if found else None
            return wait_until(look, 30, pattern)
        try:
            find(r"is (device \d+) now")
            yield Playing(find(r"OPEN +(http://\S+)"), find(r"^ +key +(\S+):"),
                          int(find(r"platform +MQTT \S+:(\d+);")))
        finally:
            process.terminate()
            process.wait(20)
